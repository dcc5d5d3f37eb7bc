//! `retryStrategy`: how often, when, and with what message it ends.

use steading_engine::command::Timer;
use steading_types::NodeIx;
use steading_types::NodePhase;
use steading_types::WorkflowPhase::{Error, Failed, Succeeded};
use steading_types::task::End;

use crate::backend::{Backend, ended, exit};

fn spec(strategy: &str) -> String {
    format!(
        "
entrypoint: main
templates:
  - name: main
    retryStrategy: {strategy}
    container: {{image: busybox, command: [flaky], args: ['{{{{retries}}}}', '{{{{lastRetry.exitCode}}}}']}}
"
    )
}

#[test]
fn a_limit_of_n_allows_n_more_tries() {
    let run = Backend::new(&spec("{limit: '2'}"))
        .start()
        .finish(|_, _| exit(1));
    run.expect(
        Failed,
        &[
            ("wf", "Retry Failed"),
            ("wf(0)", "Pod Failed"),
            ("wf(1)", "Pod Failed"),
            ("wf(2)", "Pod Failed"),
        ],
    );
    assert_eq!(run.message("wf"), "No more retries left");
    assert_eq!(run.tasks[0].task.main.args, ["0", "-1"]);
    assert_eq!(run.tasks[2].task.main.args, ["2", "1"]);
}

#[test]
fn the_first_success_ends_the_tries_and_gives_its_outputs() {
    let run = Backend::new(&spec("{limit: 5}"))
        .start()
        .finish(|name, _| exit(i32::from(name != "wf(1)")));
    run.expect(
        Succeeded,
        &[
            ("wf", "Retry Succeeded"),
            ("wf(0)", "Pod Failed"),
            ("wf(1)", "Pod Succeeded"),
        ],
    );
    assert_eq!(run.find("wf").outputs.exit_code, Some(0));
}

#[test]
fn the_policy_says_which_ends_are_tried_again() {
    for (policy, lost, tries) in [
        ("OnFailure", false, 2),
        ("OnFailure", true, 1),
        ("OnError", false, 1),
        ("OnError", true, 2),
        ("Always", false, 2),
        ("Always", true, 2),
        ("OnTransientError", false, 1),
        ("OnTransientError", true, 2),
    ] {
        let run = Backend::new(&spec(&format!("{{limit: 1, retryPolicy: {policy}}}")))
            .start()
            .finish(|_, _| if lost { ended(End::Lost) } else { exit(1) });
        assert_eq!(run.run.nodes().count(), tries + 1, "{policy} {lost}");
        let phase = if lost { Error } else { Failed };
        assert_eq!(run.run.head().phase, phase, "{policy} {lost}");
    }
}

#[test]
fn an_expression_decides_on_the_last_try() {
    let run = Backend::new(&spec(
        "{limit: 9, expression: 'asInt(lastRetry.exitCode) > 1'}",
    ))
    .start()
    .finish(|name, _| exit(if name == "wf(2)" { 1 } else { 2 }));
    assert_eq!(run.run.nodes().count(), 4);
    assert_eq!(
        run.message("wf"),
        "retryStrategy.expression evaluated to false"
    );
}

#[test]
fn backoff_waits_longer_each_time_and_says_so() {
    let mut run = Backend::new(&spec(
        "{limit: 3, backoff: {duration: 10s, factor: 3, cap: 60s}}",
    ))
    .start();
    for wait in [10_000, 30_000, 60_000] {
        run.answer(&mut |_, _| exit(1));
        let at = run.timers[&Timer::Backoff(NodeIx(0))];
        assert_eq!(at.since(run.now).get(), wait);
        assert!(run.message("wf").starts_with("Backoff for "));
        run.next_timer().unwrap();
        assert_eq!(run.message("wf"), "");
    }
    run.answer(&mut |_, _| exit(1));
    assert_eq!(run.message("wf"), "No more retries left");
    assert!(run.timers.is_empty());
}

#[test]
fn no_try_starts_beyond_the_longest_duration() {
    let run = Backend::new(&spec(
        "{limit: 9, backoff: {duration: 10s, factor: 2, maxDuration: 25s}}",
    ))
    .start()
    .finish(|_, _| exit(1));
    assert_eq!(run.message("wf"), "Backoff would exceed max duration limit");
    assert_eq!(run.phase("wf(1)"), NodePhase::Failed);
    // The limit also ends a try that is under way.
    assert!(run.tasks.iter().all(|task| task.task.deadline.is_some()));
}

#[test]
fn a_failure_that_is_not_tried_again_does_not_wait_first() {
    let run = Backend::new(&spec(
        "{limit: 9, retryPolicy: OnError, backoff: {duration: 1h}}",
    ))
    .start()
    .finish(|_, _| exit(1));
    assert_eq!(run.run.nodes().count(), 2);
    assert_eq!(run.message("wf"), "main: Error (exit code 1)");
}

#[test]
fn flows_can_be_tried_again_as_a_whole() {
    let mut fails = 1;
    let run = Backend::new(
        "
entrypoint: main
templates:
  - name: main
    retryStrategy: {limit: 1}
    steps:
      - - {name: a, template: leaf}
  - name: leaf
    container: {image: busybox, command: ['true']}
",
    )
    .start()
    .finish(|_, _| {
        fails -= 1;
        exit(i32::from(fails == 0))
    });
    run.expect(
        Succeeded,
        &[
            ("wf", "Retry Succeeded"),
            ("wf(0)", "Steps Failed"),
            ("wf(0)[0]", "StepGroup Failed"),
            ("wf(0)[0].a", "Pod Failed"),
            ("wf(1)", "Steps Succeeded"),
            ("wf(1)[0]", "StepGroup Succeeded"),
            ("wf(1)[0].a", "Pod Succeeded"),
        ],
    );
}

#[test]
fn a_limit_may_be_a_parameter() {
    let run = Backend::new(&format!(
        "{}\narguments: {{parameters: [{{name: limit, value: 0}}]}}",
        spec("{limit: '{{workflow.parameters.limit}}'}")
    ))
    .start()
    .finish(|_, _| exit(1));
    assert_eq!(run.run.nodes().count(), 2);
    assert_eq!(run.run.head().progress.done, 0);
    assert_eq!(run.run.head().progress.total, 1);
}

#[test]
fn what_fails_in_the_moment_it_is_made_is_not_tried_for_ever() {
    let run = Backend::new(
        "
entrypoint: main
templates:
  - name: main
    retryStrategy: {retryPolicy: Always}
    suspend: {duration: '{{workflow.name}}'}
",
    )
    .start();
    assert_eq!(run.run.head().phase, Error);
    assert_eq!(run.run.nodes().count(), 2);
}

#[test]
fn an_expression_knows_how_often_it_was_tried() {
    let run = Backend::new(
        "
entrypoint: main
templates:
  - name: main
    retryStrategy: {limit: 9, expression: 'asInt(retries) < 2'}
    container: {image: busybox, command: [x]}
",
    );
    let run = run.start().finish(|_, _| exit(1));
    assert_eq!(run.tasks.len(), 3, "{:#?}", run.tree());
}
