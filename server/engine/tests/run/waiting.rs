//! Suspend nodes, parallelism, large loops.

use steading_engine::command::{Actor, Command, Comparison, NodeSelector, SelectorTerm, Timer};
use steading_types::NodeIx;
use steading_types::NodePhase;
use steading_types::WorkflowPhase::{Error, Failed, Succeeded};

use crate::backend::{Backend, exit};

fn by() -> Actor {
    Actor("anna".into())
}

fn named(name: &str) -> NodeSelector {
    NodeSelector(vec![SelectorTerm {
        field: "displayName".into(),
        comparison: Comparison::Equal,
        value: name.into(),
    }])
}

const APPROVE: &str = "
entrypoint: main
templates:
  - name: leaf
    inputs: {parameters: [{name: msg, value: ''}]}
    container: {image: busybox, command: [echo], args: ['{{inputs.parameters.msg}}']}
  - name: wait
    suspend: {}
  - name: ask
    suspend: {}
    outputs: {parameters: [{name: answer, valueFrom: {supplied: {}}}, {name: size, valueFrom: {supplied: {}, default: small}}]}
  - name: main
    steps:
      - - {name: one, template: wait}
        - {name: two, template: ask}
      - - {name: go, template: leaf, arguments: {parameters: [{name: msg, value: '{{steps.two.outputs.parameters.answer}} {{steps.two.outputs.parameters.size}}'}]}}
";

#[test]
fn a_person_resumes_sets_or_fails_suspend_nodes() {
    let mut run = Backend::new(APPROVE).start();
    let refused = run
        .apply(Command::Resume {
            selector: None,
            by: by(),
        })
        .unwrap_err();
    assert_eq!(
        refused.to_string(),
        "raw output parameter 'answer' has not been set and does not have a default value"
    );
    let set = |outputs: &[(&str, &str)], phase| Command::SetNode {
        selector: named("two"),
        phase,
        message: Some("Test message".into()),
        outputs: outputs
            .iter()
            .map(|(n, v)| ((*n).into(), (*v).into()))
            .collect(),
        by: by(),
    };
    assert!(run.apply(set(&[("other", "x")], None)).is_err());
    assert!(run.apply(set(&[], Some(NodePhase::Skipped))).is_err());
    run.apply(set(&[("answer", "yes")], None)).unwrap();
    assert!(run.apply(set(&[("answer", "no")], None)).is_err());
    run.apply(Command::Resume {
        selector: Some(named("two")),
        by: by(),
    })
    .unwrap();
    assert_eq!(
        run.message("wf[0].two"),
        "Test message; Resumed by: map[User:anna]"
    );
    assert_eq!(run.phase("wf[0].one"), NodePhase::Running);
    run.apply(Command::Resume {
        selector: None,
        by: by(),
    })
    .unwrap();
    let run = run.finish(|_, _| exit(0));
    assert_eq!(run.run.head().phase, Succeeded);
    assert_eq!(run.tasks[0].task.main.args, ["yes small"]);
    assert_eq!(run.run.head().progress.done, 3);
}

#[test]
fn stop_with_a_selector_fails_that_suspend_node_only() {
    let mut run = Backend::new(APPROVE).start();
    let stop = |name| Command::Stop {
        selector: Some(named(name)),
        message: Some("no".into()),
    };
    assert!(run.apply(stop("none")).is_err());
    run.apply(stop("two")).unwrap();
    assert_eq!(
        (run.phase("wf[0].two"), run.message("wf[0].two")),
        (NodePhase::Failed, "no")
    );
    run.apply(Command::Resume {
        selector: None,
        by: by(),
    })
    .unwrap();
    assert_eq!(run.run.head().phase, Failed);
    let id = run.run.node_id(run.find("wf[0].two").ix).unwrap();
    assert_eq!(
        run.run.head().message.as_deref(),
        Some(format!("child '{id}' failed").as_str())
    );
}

#[test]
fn a_suspension_that_is_over_takes_defaults_or_fails() {
    for (default, phase) in [("", Failed), (", default: small", Succeeded)] {
        let mut run = Backend::new(&format!(
            "
entrypoint: main
templates:
  - name: main
    suspend: {{duration: '20'}}
    outputs: {{parameters: [{{name: size, valueFrom: {{supplied: {{}}{default}}}}}]}}
"
        ))
        .start();
        assert_eq!(run.next_timer(), Some(Timer::Resume(NodeIx(0))));
        assert_eq!(run.run.head().phase, phase);
    }
}

#[test]
fn a_suspended_run_starts_nothing_new() {
    let mut run = Backend::new(
        "
entrypoint: main
templates:
  - name: leaf
    container: {image: busybox, command: ['true']}
  - name: main
    steps: [[{name: a, template: leaf}], [{name: b, template: leaf}]]
",
    )
    .start();
    run.apply(Command::Suspend).unwrap();
    run.answer(&mut |_, _| exit(0));
    assert!(run.pending.is_empty());
    assert!(!run.run.wants_more());
    run.apply(Command::Resume {
        selector: None,
        by: by(),
    })
    .unwrap();
    assert_eq!(run.pending.len(), 1);
    assert_eq!(run.finish(|_, _| exit(0)).run.head().phase, Succeeded);
}

fn fan(items: usize, limits: &str, spec: &str) -> String {
    format!(
        "
entrypoint: main
templates:
  - name: leaf
    container: {{image: busybox, command: ['true']}}
  - name: main
    {limits}
    steps:
      - - {{name: each, template: leaf, withSequence: {{count: {items}}}}}
        - {{name: other, template: leaf}}
{spec}
"
    )
}

#[test]
fn parallelism_limits_what_is_active_at_a_time() {
    for (template, spec) in [("parallelism: 3", ""), ("", "parallelism: 3")] {
        let mut run = Backend::new(&fan(10, template, spec)).start();
        let mut ended = 0;
        while !run.pending.is_empty() {
            assert_eq!(run.pending.len(), 3.min(11 - ended));
            run.answer(&mut |_, _| exit(0));
            ended += 1;
        }
        assert_eq!((ended, run.run.head().phase), (11, Succeeded));
    }
}

#[test]
fn fail_fast_gives_up_what_waits() {
    let run = Backend::new(&fan(10, "{parallelism: 2, failFast: true}", "").replace(
        "    {parallelism: 2, failFast: true}\n",
        "    parallelism: 2\n    failFast: true\n",
    ))
    .start()
    .finish(|name, _| exit(i32::from(name.contains("(1:"))));
    assert_eq!(run.run.head().phase, Failed);
    assert_eq!(
        run.run
            .nodes()
            .filter(|n| n.display_name.contains("each"))
            .count(),
        3
    );
    assert!(run.run.nodes().all(|node| node.phase.completed()));
}

#[test]
fn a_large_loop_is_made_in_chunks_and_all_of_it_ends() {
    let run = Backend::new(&fan(3_500, "", "")).unchecked().start();
    assert_eq!(run.pending.len(), 3_501);
    let run = run.finish(|_, _| exit(0));
    assert_eq!(run.run.head().phase, Succeeded);
    assert_eq!(run.run.head().progress.done, 3_501);
}

#[test]
fn a_loop_that_is_too_long_is_one_error() {
    let run = Backend::new(&fan(1_000_000, "", "")).start();
    assert_eq!(run.run.head().phase, Failed);
    assert_eq!(run.run.nodes().count(), 2);
}

#[test]
fn a_run_that_grows_without_end_is_given_up() {
    let run = Backend::new(
        "
entrypoint: main
templates:
  - name: main
    steps: [[{name: a, template: main}, {name: b, template: main}, {name: c, template: main}]]
",
    )
    .unchecked()
    .start();
    assert_eq!(run.run.head().phase, Error);
    assert!(run.run.nodes().all(|node| node.phase.completed()));
    assert!(run.run.nodes().count() < 160_000);
}
