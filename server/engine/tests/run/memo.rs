//! Memoized templates: what a cache has is not run again.

use std::sync::Arc;

use steading_engine::memo::{Found, Remembered};
use steading_engine::node::Outputs;
use steading_engine::values::{NoValue, Values};
use steading_types::{Millis, NodePhase};

use crate::backend::{Backend, exit, writes};

/// A cache `words` that knows the key `k-a`, since a minute before the tests' clock begins.
#[derive(Debug)]
struct Known;

const MADE: Millis = Millis(1_700_000_000_000 - 60_000);

impl Values for Known {
    fn config_map(&self, _: &str, _: &str) -> Result<String, NoValue> {
        Err(NoValue::Missing("none".to_owned()))
    }

    fn remembered(&self, cache: &str, key: &str) -> Result<Option<Remembered>, NoValue> {
        let outputs = Outputs {
            parameters: vec![("file".to_owned(), "old".to_owned())],
            result: Some("said".to_owned()),
            ..Outputs::default()
        };
        let known = Remembered {
            outputs,
            made: MADE,
        };
        Ok(((cache, key) == ("words", "k-a")).then_some(known))
    }
}

fn spec(age: &str, inner: &str) -> String {
    format!(
        "
entrypoint: main
templates:
  - name: main
    steps:
      - - {{name: one, template: {inner}, arguments: {{parameters: [{{name: p, value: a}}]}}}}
        - {{name: two, template: {inner}, arguments: {{parameters: [{{name: p, value: b}}]}}}}
      - - {{name: three, template: {inner}, arguments: {{parameters: [{{name: p, value: b}}]}}}}
    outputs: {{parameters: [{{name: all, value: '{{{{steps.one.outputs.parameters.file}}}} {{{{steps.three.outputs.parameters.file}}}}'}}]}}
  - name: leaf
    inputs: {{parameters: [{{name: p}}]}}
    outputs: {{parameters: [{{name: file, valueFrom: {{path: /f}}}}]}}
    memoize: {{key: 'k-{{{{inputs.parameters.p}}}}', maxAge: '{age}', cache: {{configMap: {{name: words}}}}}}
    container: {{image: busybox}}
  - name: tried
    inputs: {{parameters: [{{name: p}}]}}
    outputs: {{parameters: [{{name: file, valueFrom: {{path: /f}}}}]}}
    memoize: {{key: 'k-{{{{inputs.parameters.p}}}}', maxAge: '{age}', cache: {{configMap: {{name: words}}}}}}
    retryStrategy: {{limit: 2}}
    container: {{image: busybox}}
"
    )
}

#[test]
fn a_known_key_runs_nothing_and_what_a_run_did_itself_is_known_at_once() {
    for inner in ["leaf", "tried"] {
        let run = Backend::new(&spec("1h", inner))
            .reading(Arc::new(Known))
            .start();
        let run = run.finish(|_, _| writes("file", "new"));
        assert_eq!(run.tasks.len(), 1, "{:#?}", run.tree());
        let found = |name: &str| {
            let node = run.find(name);
            let memo = node.memo.as_ref().unwrap();
            assert_eq!(memo.cache, "words");
            (memo.key.as_str(), memo.found, node.phase)
        };
        assert_eq!(
            found("wf[0].one"),
            ("k-a", Found::Hit, NodePhase::Succeeded)
        );
        assert_eq!(
            found("wf[0].two"),
            ("k-b", Found::Miss, NodePhase::Succeeded)
        );
        assert_eq!(
            found("wf[1].three"),
            ("k-b", Found::Hit, NodePhase::Succeeded)
        );
        assert_eq!(
            run.find("wf").outputs.parameters,
            [("all".to_owned(), "old new".to_owned())]
        );
        assert_eq!(run.remembered, [run.find("wf[0].two").ix]);
    }
}

#[test]
fn what_is_too_old_or_failed_is_not_used() {
    let run = Backend::new(&spec("30s", "leaf"))
        .reading(Arc::new(Known))
        .start();
    let run = run.finish(|_, _| writes("file", "new"));
    assert_eq!(
        run.find("wf[0].one").memo.as_ref().unwrap().found,
        Found::Miss
    );
    assert_eq!(run.tasks.len(), 2);

    let run = Backend::new(&spec("1h", "leaf")).start();
    let run = run.finish(|_, _| exit(1));
    assert_eq!(run.remembered, []);
}

#[test]
fn whole_flows_are_remembered_too() {
    let run = Backend::new(
        "
entrypoint: main
templates:
  - name: main
    steps: [[{name: one, template: flow}], [{name: two, template: flow}]]
  - name: flow
    memoize: {key: k, maxAge: 1h, cache: {configMap: {name: words}}}
    steps: [[{name: leaf, template: leaf}]]
    outputs: {parameters: [{name: file, value: '{{steps.leaf.outputs.parameters.file}}'}]}
  - name: leaf
    outputs: {parameters: [{name: file, valueFrom: {path: /f}}]}
    container: {image: busybox}
",
    );
    let run = run.start().finish(|_, _| writes("file", "new"));
    assert_eq!(run.tasks.len(), 1, "{:#?}", run.tree());
    let two = run.find("wf[1].two");
    assert_eq!(two.memo.as_ref().unwrap().found, Found::Hit);
    assert_eq!(
        two.outputs.parameters,
        [("file".to_owned(), "new".to_owned())]
    );
}
