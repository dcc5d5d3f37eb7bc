//! What people decide: approvals, values, skipped nodes, and new runs that take over an earlier one.

use steading_engine::command::{Actor, Command, Comparison, NodeSelector, SelectorTerm};
use steading_engine::error::Refusal;
use steading_types::WorkflowPhase::{Failed, Running, Succeeded};
use steading_types::{Millis, NodePhase};

use crate::backend::{Backend, exit, writes};

fn by(name: &str) -> Actor {
    Actor(name.into())
}

fn named(display_name: &str) -> NodeSelector {
    NodeSelector(vec![SelectorTerm {
        field: "displayName".into(),
        comparison: Comparison::Equal,
        value: display_name.into(),
    }])
}

fn resume(name: &str) -> Command {
    Command::Resume {
        selector: None,
        by: by(name),
    }
}

fn skip(node: &str, outputs: &[(&str, &str)]) -> Command {
    let outputs = outputs.iter();
    Command::Skip {
        selector: named(node),
        outputs: outputs.map(|(k, v)| ((*k).into(), (*v).into())).collect(),
        by: by("ben"),
        why: Some("no time".into()),
    }
}

fn approved(count: u8, duration: &str) -> String {
    format!(
        "
entrypoint: main
templates:
  - name: main
    steps: [[{{name: gate, template: gate}}], [{{name: work, template: work, arguments: {{parameters: [{{name: size, value: '{{{{steps.gate.outputs.parameters.size}}}}'}}]}}}}]]
  - name: gate
    metadata: {{annotations: {{steading.io/approvals: '{count}'}}}}
    inputs: {{parameters: [{{name: size, default: small, enum: [small, large]}}]}}
    outputs: {{parameters: [{{name: size, valueFrom: {{supplied: {{}}, default: small}}}}]}}
    suspend: {{{duration}}}
  - name: work
    inputs: {{parameters: [{{name: size}}]}}
    container: {{image: busybox, args: ['{{{{inputs.parameters.size}}}}']}}
"
    )
}

#[test]
fn the_submitter_can_not_approve_and_nobody_counts_twice() {
    let mut run = Backend::new(&approved(2, "")).start();
    // The scripted runs are anna's.
    let own = run.apply(resume("anna")).unwrap_err();
    assert_eq!(own, Refusal::OwnApproval("anna".into()));
    run.apply(resume("ben")).unwrap();
    assert_eq!(run.phase("wf[0].gate"), NodePhase::Running);
    assert_eq!(
        run.find("wf[0].gate").message.as_deref(),
        Some("approved by ben (1 of 2)")
    );
    let twice = run.apply(resume("ben")).unwrap_err();
    assert_eq!(twice, Refusal::ApprovedAlready("ben".into()));
    let set = Command::SetNode {
        selector: named("gate"),
        phase: Some(NodePhase::Succeeded),
        message: None,
        outputs: Vec::new(),
        by: by("anna"),
    };
    assert_eq!(run.apply(set).unwrap_err().code(), "run.approval-own");
    assert_eq!(
        run.apply(skip("gate", &[])).unwrap_err(),
        Refusal::SkipApproval
    );
    run.apply(resume("cleo")).unwrap();
    assert_eq!(run.phase("wf[0].gate"), NodePhase::Succeeded);
    let run = run.finish(|_, _| exit(0));
    assert_eq!(run.run.head().phase, Succeeded);
}

#[test]
fn values_are_those_that_are_offered_and_who_approved_before_approves_again() {
    let mut run = Backend::new(&approved(2, "")).start();
    let set = |value: &str| Command::SetNode {
        selector: named("gate"),
        phase: None,
        message: None,
        outputs: vec![("size".into(), value.into())],
        by: by("anna"),
    };
    assert_eq!(
        run.apply(set("huge")).unwrap_err().code(),
        "run.output-not-offered"
    );
    run.apply(resume("ben")).unwrap();
    run.apply(set("large")).unwrap();
    run.apply(resume("cleo")).unwrap();
    assert_eq!(run.phase("wf[0].gate"), NodePhase::Running);
    run.apply(resume("ben")).unwrap();
    let run = run.finish(|_, _| exit(0));
    assert_eq!(run.tasks[0].task.main.args, ["large"]);
}

#[test]
fn what_nobody_approves_in_time_fails() {
    let run = Backend::new(&approved(1, "duration: '60'")).start();
    let run = run.finish(|_, _| exit(0));
    assert_eq!(run.run.head().phase, Failed);
    assert_eq!(
        run.find("wf[0].gate").message.as_deref(),
        Some("it was not approved in time")
    );
}

const CHAIN: &str = "
entrypoint: main
templates:
  - name: main
    dag:
      tasks:
        - {name: make, template: make}
        - {name: side, template: make}
        - name: use
          template: use
          depends: make
          arguments: {parameters: [{name: p, value: '{{tasks.make.outputs.parameters.file}}'}]}
  - name: make
    retryStrategy: {limit: 1}
    outputs: {parameters: [{name: file, valueFrom: {path: /f}}]}
    container: {image: busybox, args: [make]}
  - name: use
    inputs: {parameters: [{name: p}]}
    container: {image: busybox, args: ['{{inputs.parameters.p}}']}
";

#[test]
fn a_failed_node_is_skipped_with_the_output_that_is_given_for_it() {
    let mut run = Backend::new(CHAIN).start().finish(|name, _| {
        if name.contains(".make") {
            exit(1)
        } else {
            writes("file", "side")
        }
    });
    assert_eq!(run.run.head().phase, Failed);
    assert_eq!(
        run.apply(skip("make", &[])).unwrap_err().code(),
        "run.output-not-set"
    );
    let unknown = skip("make", &[("file", "x"), ("other", "x")]);
    assert_eq!(run.apply(unknown).unwrap_err().code(), "run.output-unknown");
    assert_eq!(run.apply(skip("side", &[])).unwrap_err(), Refusal::NoSkip);
    run.tasks.clear();
    run.apply(skip("make", &[("file", "given")])).unwrap();
    let make = run.find("wf.make");
    assert_eq!(make.phase, NodePhase::Skipped);
    assert_eq!(make.message.as_deref(), Some("skipped by ben: no time"));
    let run = run.finish(|_, _| exit(0));
    assert_eq!(run.run.head().phase, Succeeded, "{:#?}", run.tree());
    let args: Vec<_> = run
        .tasks
        .iter()
        .map(|task| task.task.main.args.clone())
        .collect();
    assert_eq!(args, [["given"]]);
}

#[test]
fn a_node_that_has_not_begun_is_skipped_when_its_backend_lets_go_of_it() {
    let mut run = Backend::new(CHAIN).start();
    let first = run.pending[0];
    run.apply(skip("make(0)", &[("file", "given")])).unwrap();
    assert_eq!(run.cancelled, [first]);
    assert_eq!(run.run.head().phase, Running);
    run.end(first, exit(1));
    assert_eq!(run.phase("wf.make"), NodePhase::Skipped);
    let second = run.pending[0];
    run.began(second);
    assert_eq!(
        run.apply(skip("side(0)", &[("file", "x")])).unwrap_err(),
        Refusal::NoSkip
    );
    let run = run.finish(|_, _| writes("file", "x"));
    assert_eq!(run.run.head().phase, Succeeded, "{:#?}", run.tree());
    let args: Vec<_> = run
        .tasks
        .iter()
        .map(|task| task.task.main.args.clone())
        .collect();
    assert!(args.contains(&vec!["given".to_owned()]), "{args:?}");
}

#[test]
fn a_new_run_takes_over_what_went_well() {
    let failed = Backend::new(CHAIN).start().finish(|name, _| match name {
        name if name.contains(".use") => exit(1),
        _ => writes("file", "made"),
    });
    assert_eq!(failed.run.head().phase, Failed);
    let run = failed.taken_over("again").start();
    let make = run.find("again.make(0)");
    assert_eq!(
        (make.kind.as_str(), make.phase),
        ("Skipped", NodePhase::Succeeded)
    );
    let message = make.message.clone().unwrap_or_default();
    assert!(message.starts_with("original pod: wf-"), "{message}");
    let mut ran = Vec::new();
    let run = run.finish(|name, task| {
        ran.push((name.to_owned(), task.task.main.args.clone()));
        exit(0)
    });
    assert_eq!(ran, [("again.use".to_owned(), vec!["made".to_owned()])]);
    assert_eq!(run.run.head().phase, Succeeded);
    // It is over, and did not fail.
    let refused = run.run.taken_over(run.run.head().clone(), Vec::new());
    assert_eq!(refused.unwrap_err(), Refusal::Memoized(Succeeded));
}

#[test]
fn a_metric_is_measured_once_for_a_call_and_once_for_the_run() {
    let run = Backend::new(
        "
entrypoint: main
metrics:
  prometheus:
    - {name: runs, help: Runs, counter: {value: '1'}, labels: [{key: phase, value: '{{workflow.status}}'}]}
    - {name: length, help: Length, gauge: {realtime: true, value: '{{workflow.duration}}'}}
templates:
  - name: main
    retryStrategy: {limit: 1}
    metrics:
      prometheus:
        - {name: bad, help: Bad, when: '{{status}} == Failed', counter: {value: '1'}}
        - {name: tries, help: Tries, histogram: {value: '{{retries}}', buckets: [5, 0.5]}}
        - {name: file, help: File, gauge: {value: '{{outputs.parameters.file}}', operation: Add}}
        - {name: wrong, help: Wrong, counter: {value: '{{status}}'}}
    outputs: {parameters: [{name: file, valueFrom: {path: /f}}]}
    container: {image: busybox, args: ['{{retries}}']}
",
    );
    let begun = run.now;
    let run = run.start().finish(|name, _| {
        if name.ends_with("(0)") {
            exit(1)
        } else {
            writes("file", "2.5")
        }
    });
    use steading_engine::metrics::{Operation, Reading};
    let shown = run
        .measured
        .iter()
        .map(|m| (m.name.as_str(), m.reading.clone()));
    let expected = [
        ("length", Ok(Reading::Since(begun))),
        ("tries", Ok(Reading::Histogram(1.0, vec![0.5, 5.0]))),
        ("file", Ok(Reading::Gauge(Operation::Add, 2.5))),
        ("wrong", Err("'Succeeded' is no number".to_owned())),
        ("runs", Ok(Reading::Counter(1.0))),
        ("length", Ok(Reading::Gauge(Operation::Set, 2.0))),
    ];
    assert_eq!(shown.collect::<Vec<_>>(), expected);
    let runs = run.measured.iter().find(|m| m.name == "runs").unwrap();
    assert_eq!(runs.labels, [("phase".to_owned(), "Succeeded".to_owned())]);
    assert_eq!(run.now, begun.plus(Millis(2_000)));
}
