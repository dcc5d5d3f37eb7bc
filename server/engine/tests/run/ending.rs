//! Exit handlers, hooks, time limits, stopping.

use steading_engine::command::{Command, Timer};
use steading_types::WorkflowPhase::{Error, Failed, Succeeded};
use steading_types::{Millis, NodeIx};

use crate::backend::{Backend, ended, exit, writes};

const LEAVES: &str = "
  - name: work
    outputs: {parameters: [{name: file, valueFrom: {path: /x, default: none}}]}
    container: {image: busybox, command: [work]}
  - name: note
    inputs: {parameters: [{name: msg, value: '{{workflow.status}}'}]}
    container: {image: busybox, command: [echo], args: ['{{inputs.parameters.msg}}']}
";

fn spec(rest: &str) -> String {
    format!("entrypoint: main\ntemplates:{LEAVES}{rest}")
}

const PLAIN: &str = "
  - name: main
    steps: [[{name: a, template: work}]]
onExit: note
";

#[test]
fn the_exit_handler_runs_once_whatever_the_result() {
    for (code, phase) in [(0, Succeeded), (1, Failed)] {
        let run = Backend::new(&spec(PLAIN))
            .start()
            .finish(|name, _| exit(if name.ends_with(".a") { code } else { 0 }));
        assert_eq!(run.run.head().phase, phase);
        assert_eq!(run.phase("wf.onExit").as_str(), "Succeeded");
        assert_eq!(run.tasks[1].task.main.args, [phase.as_str()]);
        assert_eq!(run.completed, 1);
    }
}

#[test]
fn a_failed_exit_handler_fails_a_successful_run() {
    let run = Backend::new(&spec(PLAIN))
        .start()
        .finish(|name, _| exit(i32::from(name.ends_with("onExit"))));
    assert_eq!(run.run.head().phase, Failed);
    let run = Backend::new(&spec(PLAIN)).start().finish(|name, _| {
        if name.ends_with("onExit") {
            ended(steading_types::task::End::Lost)
        } else {
            exit(0)
        }
    });
    assert_eq!(run.run.head().phase, Error);
}

#[test]
fn a_steps_exit_handler_sees_its_outputs_and_is_awaited() {
    let run = Backend::new(&spec(
        "
  - name: main
    steps:
      - - name: a
          template: work
          hooks:
            exit:
              template: note
              arguments: {parameters: [{name: msg, value: '{{steps.a.outputs.parameters.file}}'}]}
      - - {name: b, template: note}
",
    ))
    .start()
    .finish(|_, _| writes("file", "made"));
    run.expect(
        Succeeded,
        &[
            ("wf", "Steps Succeeded"),
            ("wf[0]", "StepGroup Succeeded"),
            ("wf[0].a", "Pod Succeeded"),
            ("wf[0].a.onExit", "Pod Succeeded"),
            ("wf[1]", "StepGroup Succeeded"),
            ("wf[1].b", "Pod Succeeded"),
        ],
    );
    assert_eq!(run.tasks[1].task.main.args, ["made"]);
}

#[test]
fn each_child_of_a_loop_has_its_own_exit_handler() {
    let run = Backend::new(&spec(
        "
  - name: main
    dag:
      tasks:
        - name: a
          template: work
          withItems: [x, z]
          hooks:
            exit:
              template: note
              arguments: {parameters: [{name: msg, value: '{{item}} {{tasks.a.outputs.parameters.file}}'}]}
",
    ))
    .start()
    .finish(|name, _| writes("file", if name.contains("0:") { "first" } else { "second" }));
    assert_eq!(run.run.head().phase, Succeeded, "{:#?}", run.tree());
    let mut notes: Vec<&str> = run
        .tasks
        .iter()
        .filter(|task| task.task.main.command == ["echo"])
        .map(|task| task.task.main.args[0].as_str())
        .collect();
    notes.sort_unstable();
    assert_eq!(notes, ["x first", "z second"]);
}

#[test]
fn hooks_fire_once_when_their_expression_becomes_true() {
    let run = Backend::new(&spec(
        "
  - name: main
    steps:
      - - name: a
          template: work
          hooks:
            running: {expression: 'steps.a.status == \"Running\"', template: note}
            failed: {expression: 'steps.a.status == \"Failed\"', template: note}
hooks:
  running: {expression: 'workflow.status == \"Running\"', template: note}
  failed: {expression: 'workflow.status == \"Failed\"', template: note}
",
    ))
    .start()
    .finish(|name, _| exit(i32::from(name.ends_with(".a"))));
    assert_eq!(run.run.head().phase, Failed);
    for hook in [
        "wf[0].a.hooks.running",
        "wf[0].a.hooks.failed",
        "wf.hooks.running",
        "wf.hooks.failed",
    ] {
        assert_eq!(run.phase(hook).as_str(), "Succeeded", "{:#?}", run.tree());
    }
    let progress = run.run.head().progress;
    assert_eq!((progress.done, progress.total), (4, 5));
}

#[test]
fn the_runs_deadline_ends_its_nodes_but_not_its_exit_handler() {
    let mut run = Backend::new(&spec(&format!("{PLAIN}activeDeadlineSeconds: 5"))).start();
    let work = run.pending[0];
    run.began(work);
    assert_eq!(run.next_timer(), Some(Timer::Deadline));
    assert_eq!(run.cancelled, [work]);
    assert_eq!(run.message("wf[0].a"), "Step exceeded its deadline");
    run.end(work, exit(143));
    let run = run.finish(|_, _| exit(0));
    assert_eq!(run.run.head().phase, Failed);
    assert_eq!(run.phase("wf.onExit").as_str(), "Succeeded");
}

#[test]
fn stop_ends_the_work_and_runs_exit_handlers() {
    let mut run = Backend::new(&spec(
        "
  - name: main
    steps:
      - - {name: a, template: work, hooks: {exit: {template: note}}}
        - {name: b, template: work}
      - - {name: c, template: work}
onExit: note
",
    ))
    .start();
    let (a, b) = (run.pending[0], run.pending[1]);
    run.began(a);
    run.apply(Command::Stop {
        selector: None,
        message: None,
    })
    .unwrap();
    assert_eq!(run.cancelled.len(), 2);
    run.end(a, exit(143));
    run.end(b, ended(steading_types::task::End::Lost));
    let run = run.finish(|_, _| exit(0));
    run.expect(
        Failed,
        &[
            ("wf", "Steps Failed"),
            ("wf[0]", "StepGroup Failed"),
            ("wf[0].a", "Pod Failed"),
            ("wf[0].b", "Pod Failed"),
            ("wf[0].a.onExit", "Pod Succeeded"),
            ("wf.onExit", "Pod Succeeded"),
        ],
    );
    assert_eq!(
        run.message("wf[0].a"),
        "workflow shutdown with strategy:  Stop"
    );
    assert_eq!(
        run.run.head().message.as_deref(),
        Some("Stopped with strategy 'Stop'")
    );
}

#[test]
fn terminate_ends_everything_exit_handlers_included() {
    let mut run = Backend::new(&spec(PLAIN)).start();
    let a = run.pending[0];
    run.began(a);
    run.apply(Command::Terminate).unwrap();
    run.end(a, exit(137));
    assert_eq!(run.run.head().phase, Failed);
    assert_eq!(run.run.nodes().count(), 3);
    assert_eq!(
        run.run.head().message.as_deref(),
        Some("Stopped with strategy 'Terminate'")
    );

    // Also while the handler runs.
    let mut run = Backend::new(&spec(PLAIN)).start();
    run.answer(&mut |_, _| exit(0));
    let handler = run.pending[0];
    run.apply(Command::Terminate).unwrap();
    assert_eq!(run.cancelled, [handler]);
    run.end(handler, exit(137));
    assert_eq!(run.phase("wf.onExit").as_str(), "Failed");
    assert_eq!(run.run.head().phase, Failed);
}

#[test]
fn a_stopped_suspended_run_ends() {
    let mut run = Backend::new(&spec(PLAIN)).start();
    run.apply(Command::Suspend).unwrap();
    run.apply(Command::Terminate).unwrap();
    let a = run.pending[0];
    run.end(a, exit(143));
    assert_eq!(run.run.head().phase, Failed);
    let refused = run.apply(Command::Terminate).unwrap_err();
    assert_eq!(
        refused.to_string(),
        "cannot shutdown a completed workflow: workflow: \"wf\", namespace: \"default\""
    );
    assert_eq!(
        run.apply(Command::Suspend).unwrap_err().to_string(),
        "cannot suspend completed workflows"
    );
}

#[test]
fn a_nodes_time_limit_counts_from_its_making_and_ends_it() {
    let mut run = Backend::new(
        "
entrypoint: main
templates:
  - name: main
    timeout: 10s
    activeDeadlineSeconds: 7
    container: {image: busybox, command: [work]}
",
    )
    .start();
    let a = run.pending[0];
    assert_eq!(
        run.run
            .task(a, run.now)
            .unwrap()
            .task
            .deadline
            .unwrap()
            .get(),
        7_000
    );
    assert_eq!(run.next_timer(), Some(Timer::NodeDeadline(NodeIx(0))));
    run.end(a, exit(0));
    assert_eq!(run.message("wf"), "Template exceeded its deadline");
    assert_eq!(run.run.head().phase, Failed);
}

#[test]
fn an_attempt_that_is_over_changes_nothing_more() {
    let mut run = Backend::new(&spec(PLAIN)).start();
    let a = run.pending[0];
    run.end(a, exit(0));
    let before = run.tree();
    run.end(a, exit(1));
    run.began(a);
    assert_eq!(run.tree(), before);
}

#[test]
fn a_finished_run_is_kept_as_long_as_its_end_says_and_for_ever_when_it_goes_on() {
    let keeps = "{secondsAfterCompletion: 60, secondsAfterFailure: 10}";
    let spec = format!(
        "ttlStrategy: {keeps}
entrypoint: main
templates:
  - name: main
    container: {{image: busybox, command: [x]}}
"
    );
    let well = Backend::new(&spec).start().finish(|_, _| exit(0));
    let over = well.run.head().finished.unwrap();
    assert_eq!(well.timers[&Timer::Expiry], over.plus(Millis(60_000)));

    let mut badly = Backend::new(&spec).start().finish(|_, _| exit(1));
    let over = badly.run.head().finished.unwrap();
    assert_eq!(badly.timers[&Timer::Expiry], over.plus(Millis(10_000)));
    let retry = Command::Retry {
        restart_successful: false,
        selector: None,
        parameters: Vec::new(),
    };
    badly.apply(retry).unwrap();
    assert!(badly.timers.is_empty());
}
