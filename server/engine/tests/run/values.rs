//! Parameters whose values stand in ConfigMaps.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use steading_engine::memo::Remembered;
use steading_engine::values::{NoValue, Values};
use steading_types::WorkflowPhase::{Error, Succeeded};

use crate::backend::{Backend, exit};

/// ConfigMaps in which every key's value says how often anything was read; `none` is missing.
#[derive(Debug, Default)]
pub(crate) struct Counting(AtomicU32);

impl Values for Counting {
    fn config_map(&self, name: &str, key: &str) -> Result<String, NoValue> {
        if name == "none" {
            return Err(NoValue::Missing("there is no ConfigMap 'none'".to_owned()));
        }
        let reads = self.0.fetch_add(1, Ordering::Relaxed);
        Ok(format!("{name}.{key} #{reads}"))
    }

    fn remembered(&self, _: &str, _: &str) -> Result<Option<Remembered>, NoValue> {
        Ok(None)
    }
}

const TWO: &str = "
entrypoint: main
arguments: {parameters: [{name: own, valueFrom: {configMapKeyRef: {name: words, key: own}}}]}
templates:
  - name: main
    steps:
      - - {name: one, template: leaf}
        - {name: two, template: leaf, arguments: {parameters: [{name: p, value: given}]}}
      - - {name: three, template: leaf, arguments: {parameters: [{name: p, valueFrom: {configMapKeyRef: {name: words, key: '{{workflow.name}}'}}}]}}
  - name: leaf
    inputs: {parameters: [{name: p, valueFrom: {configMapKeyRef: {name: words, key: p}}}]}
    container: {image: busybox, args: ['{{inputs.parameters.p}}', '{{workflow.parameters.own}}']}
";

#[test]
fn a_value_is_read_once_and_the_callers_argument_wins() {
    let mut seen = Vec::new();
    let run = Backend::new(TWO)
        .reading(Arc::new(Counting::default()))
        .start()
        .finish(|name, task| {
            seen.push(format!("{name}: {}", task.task.main.args.join(", ")));
            exit(0)
        });
    assert_eq!(run.run.head().phase, Succeeded);
    seen.sort();
    assert_eq!(
        seen,
        [
            "wf[0].one: words.p #1, words.own #0",
            "wf[0].two: given, words.own #0",
            "wf[1].three: words.wf #2, words.own #0",
        ]
    );
}

#[test]
fn a_default_takes_the_place_of_a_missing_value_and_nothing_else_does() {
    let spec = |rest: &str| {
        format!(
            "entrypoint: main\ntemplates: [{{name: main, inputs: {{parameters: [{{name: p, valueFrom: {{configMapKeyRef: {{name: none, key: k}}{rest}}}}}]}}, container: {{image: x, args: ['{{{{inputs.parameters.p}}}}']}}}}]"
        )
    };
    let ended = |rest: &str| {
        let run = Backend::new(&spec(rest)).reading(Arc::new(Counting::default()));
        run.start().finish(|_, task| {
            assert_eq!(task.task.main.args, ["other"]);
            exit(0)
        })
    };
    assert_eq!(ended(", default: other").run.head().phase, Succeeded);
    let failed = ended("");
    assert_eq!(failed.run.head().phase, Error);
    let message = failed.run.head().message.clone().unwrap_or_default();
    assert!(
        message.contains("there is no ConfigMap 'none'"),
        "{message}"
    );
}
