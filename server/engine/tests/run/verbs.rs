//! Retry and resubmit.

use steading_engine::command::{Command, Comparison, NodeSelector, SelectorTerm};
use steading_engine::document::Document;
use steading_engine::resubmit::resubmit;
use steading_types::WorkflowPhase::{Failed, Succeeded};

use crate::backend::{Backend, exit, parse, workflow};

fn retry() -> Command {
    Command::Retry {
        restart_successful: false,
        selector: None,
        parameters: Vec::new(),
    }
}

const LEAF: &str = "
  - name: leaf
    container: {image: busybox, command: [leaf], args: ['{{workflow.parameters.p}}']}
";

fn spec(rest: &str) -> String {
    format!(
        "entrypoint: main\narguments: {{parameters: [{{name: p, value: old}}]}}\ntemplates:{LEAF}{rest}"
    )
}

#[test]
fn a_failed_pod_runs_again_as_another_attempt() {
    let mut run = Backend::new(
        "entrypoint: main\ntemplates: [{name: main, container: {image: busybox, command: [x]}}]",
    )
    .start();
    let first = run.pending[0];
    run.end(first, exit(1));
    run.apply(retry()).unwrap();
    let second = run.pending[0];
    assert_ne!(first, second);
    // The late answer of the first one is not meant for the second.
    run.end(first, exit(1));
    run.end(second, exit(0));
    run.expect(Succeeded, &[("wf", "Pod Succeeded")]);
    assert_eq!(run.run.head().progress.total, 1);
}

#[test]
fn only_what_failed_and_what_comes_after_it_runs_again() {
    let mut run = Backend::new(&spec(
        "
  - name: main
    dag:
      failFast: false
      tasks:
        - {name: good, template: leaf}
        - {name: bad, template: inner}
        - {name: after, template: leaf, depends: bad && good}
        - {name: each, template: leaf, withItems: [1, 2, 3], depends: good}
  - name: inner
    steps: [[{name: x, template: leaf}], [{name: z, template: leaf}], [{name: w, template: leaf}]]
onExit: leaf
",
    ))
    .start()
    .finish(|name, _| exit(i32::from(name.ends_with(".z") || name.ends_with("(1:2)"))));
    assert_eq!(run.run.head().phase, Failed);
    assert_eq!(run.phase("wf.after").as_str(), "Omitted");
    let kept = run.find("wf.good").clone();
    run.tasks.clear();
    run.apply(Command::Retry {
        restart_successful: false,
        selector: None,
        parameters: vec![("p".into(), "new".into())],
    })
    .unwrap();
    let mut again = Vec::new();
    let run = run.finish(|name, task| {
        assert_eq!(task.task.main.args, ["new"]);
        again.push(name.to_owned());
        exit(0)
    });
    assert_eq!(run.run.head().phase, Succeeded, "{:#?}", run.tree());
    again.sort_unstable();
    assert_eq!(
        again,
        [
            "wf.after",
            "wf.bad[1].z",
            "wf.bad[2].w",
            "wf.each(1:2)",
            "wf.onExit"
        ]
    );
    assert_eq!(run.find("wf.good"), &kept);
    assert_eq!(run.run.head().generation, 1);
}

#[test]
fn a_retry_node_starts_its_tries_anew() {
    let mut run = Backend::new(
        "
entrypoint: main
templates:
  - name: main
    retryStrategy: {limit: 1}
    container: {image: busybox, command: [x]}
",
    )
    .start()
    .finish(|_, _| exit(1));
    run.apply(retry()).unwrap();
    let run = run.finish(|_, _| exit(1));
    run.expect(
        Failed,
        &[
            ("wf", "Retry Failed"),
            ("wf(0)", "Pod Failed"),
            ("wf(1)", "Pod Failed"),
        ],
    );
}

#[test]
fn a_stopped_run_can_be_retried_and_a_successful_one_in_part() {
    let mut run = Backend::new(&spec(
        "
  - name: main
    steps: [[{name: a, template: leaf}], [{name: b, template: leaf}]]
",
    ))
    .start();
    assert_eq!(
        run.apply(retry()).unwrap_err().to_string(),
        "Cannot retry a workflow in phase Running"
    );
    run.apply(Command::Stop {
        selector: None,
        message: None,
    })
    .unwrap();
    let a = run.pending[0];
    run.end(a, exit(143));
    assert_eq!(run.run.head().phase, Failed);
    run.apply(retry()).unwrap();
    let mut run = run.finish(|_, _| exit(0));
    assert_eq!(run.run.head().phase, Succeeded);
    assert!(run.apply(retry()).is_err());
    run.apply(Command::Retry {
        restart_successful: true,
        selector: Some(NodeSelector(vec![SelectorTerm {
            field: "displayName".into(),
            comparison: Comparison::Equal,
            value: "b".into(),
        }])),
        parameters: Vec::new(),
    })
    .unwrap();
    assert_eq!(run.name(run.pending[0]), "wf[1].b");
    assert_eq!(run.finish(|_, _| exit(0)).run.head().phase, Succeeded);
}

#[test]
fn resubmit_makes_a_new_object_without_the_traces_of_the_old_run() {
    let yaml = workflow(&spec(
        "\n  - name: main\n    steps: [[{name: a, template: leaf}]]",
    ));
    let run = Backend::of(&parse(&yaml)).start().finish(|_, _| exit(0));
    let document = Document {
        workflow: serde_json::to_value(parse(&yaml)).unwrap(),
        resolved: serde_json::Value::Null,
    };
    let new = resubmit(run.run.head(), &document, &[("p".into(), "new".into())]);
    assert_eq!(new["metadata"]["generateName"], "wf-");
    assert_eq!(
        new["metadata"]["labels"],
        serde_json::json!({"workflows.argoproj.io/resubmitted-from-workflow": "wf"})
    );
    assert_eq!(new["spec"]["arguments"]["parameters"][0]["value"], "new");
    assert_eq!(
        new["spec"]["templates"],
        document.workflow["spec"]["templates"]
    );
}
