//! Locks: a run or a node goes on when it has all that it asks for, and gives them back however it ends.

use steading_engine::command::{Actor, Command, Comparison, NodeSelector, SelectorTerm};
use steading_engine::lock::{LockKind, LockName};
use steading_types::{NodePhase, WorkflowPhase};

use crate::backend::{Backend, exit};

fn mutex(name: &str) -> LockName {
    LockName {
        namespace: "default".into(),
        kind: LockKind::Mutex(name.into()),
    }
}

fn skip(field: &str, value: &str) -> Command {
    Command::Skip {
        selector: NodeSelector(vec![SelectorTerm {
            field: field.into(),
            comparison: Comparison::Equal,
            value: value.into(),
        }]),
        outputs: Vec::new(),
        by: Actor("anna".into()),
        why: None,
    }
}

fn taken(spec: &str, locks: &[LockName]) -> Backend {
    let mut run = Backend::new(spec);
    run.elsewhere(locks);
    run.start()
}

const RUN: &str = "entrypoint: a\nsynchronization: {mutexes: [{name: test}]}\ntemplates: [{name: a, container: {image: busybox, command: [x]}}]";

#[test]
fn a_run_waits_for_its_lock_and_makes_nothing_before() {
    let mut run = taken(RUN, &[mutex("test")]);
    assert_eq!(run.run.head().phase, WorkflowPhase::Pending);
    assert_eq!(
        run.run.head().message.as_deref(),
        Some("Waiting for default/Mutex/test lock")
    );
    assert_eq!(run.run.nodes().count(), 0);
    assert!(run.apply(Command::Start).is_err());
    run.elsewhere(&[]);
    assert_eq!(run.run.head().message, None);
    let run = run.finish(|_, _| exit(0));
    assert_eq!(run.run.head().phase, WorkflowPhase::Succeeded);
    assert!(run.held.is_empty());
}

#[test]
fn a_run_that_waits_can_be_stopped_and_a_failed_one_waits_again_when_retried() {
    let mut run = taken(RUN, &[mutex("test")]);
    run.apply(Command::Terminate).unwrap();
    assert_eq!(run.run.head().phase, WorkflowPhase::Failed);
    assert!(run.asking.is_empty());

    let mut run = taken(RUN, &[]).finish(|_, _| exit(1));
    run.elsewhere(&[mutex("test")]);
    run.apply(Command::Retry {
        restart_successful: false,
        selector: None,
        parameters: Vec::new(),
    })
    .unwrap();
    assert_eq!(run.run.head().phase, WorkflowPhase::Pending);
    assert_eq!(run.pending.len(), 0);
    run.elsewhere(&[]);
    let run = run.finish(|_, _| exit(0));
    assert_eq!(run.run.head().phase, WorkflowPhase::Succeeded);
}

const STEPS: &str = "entrypoint: main
templates:
- name: main
  steps: [[{name: s, template: t, arguments: {parameters: [{name: p, value: x}]}}, {name: free, template: f}]]
- name: t
  inputs: {parameters: [{name: p}]}
  synchronization: {mutexes: [{name: 'm-{{inputs.parameters.p}}'}], semaphores: [{database: {key: k}, namespace: shared}]}
  retryStrategy: {limit: 1}
  container: {image: busybox, command: [x]}
- {name: f, container: {image: busybox, command: [x]}}";

#[test]
fn a_node_waits_for_all_of_its_locks_and_keeps_them_through_its_tries() {
    let mut run = taken(STEPS, &[mutex("m-x")]);
    assert_eq!(run.phase("wf[0].s"), NodePhase::Pending);
    assert_eq!(
        run.message("wf[0].s"),
        "Waiting for default/Mutex/m-x, shared/Database/k lock"
    );
    assert_eq!(run.pending.len(), 1, "the other step runs");
    assert!(run.held.is_empty(), "all or none");
    run.elsewhere(&[]);
    assert_eq!(run.held.len(), 2);
    let first = run.pending[1];
    run.end(first, exit(1));
    assert_eq!(run.held.len(), 2, "kept between tries");
    let run = run.finish(|_, _| exit(0));
    assert_eq!(run.run.head().phase, WorkflowPhase::Succeeded);
    assert!(run.held.is_empty());
}

#[test]
fn a_node_that_waits_can_be_skipped() {
    let mut run = taken(STEPS, &[mutex("m-x")]);
    run.apply(skip("displayName", "s")).unwrap();
    assert_eq!(run.phase("wf[0].s"), NodePhase::Skipped);
    assert!(run.asking.is_empty() && run.held.is_empty());

    let flow = STEPS.replace(
        "retryStrategy: {limit: 1}\n  container: {image: busybox, command: [x]}",
        "steps: [[{name: inner, template: f}]]",
    );
    let mut run = taken(&flow, &[mutex("m-x")]);
    run.apply(skip("displayName", "s")).unwrap();
    assert_eq!(run.phase("wf[0].s"), NodePhase::Skipped);
    let run = run.finish(|_, _| exit(0));
    assert_eq!(run.run.head().phase, WorkflowPhase::Succeeded);
}

#[test]
fn who_waited_for_the_one_that_works_it_out_takes_its_answer() {
    let spec = "entrypoint: main\ntemplates:\n- name: main\n  steps: [[{name: s, template: t, withItems: [1, 2, 3]}]]\n- {name: t, synchronization: {mutexes: [{name: m}]}, memoize: {key: k, cache: {configMap: {name: c}}}, container: {image: busybox, command: [x]}}";
    let run = taken(spec, &[]).finish(|_, _| exit(0));
    assert_eq!(run.run.head().phase, WorkflowPhase::Succeeded);
    assert_eq!(run.tasks.len(), 1);
    assert!(run.held.is_empty() && run.asking.is_empty());
}

#[test]
fn locks_that_can_not_be_had_are_an_error_of_the_node() {
    let mut run = taken(STEPS, &[mutex("m-x")]);
    let hold = run.asking[0];
    run.apply(Command::LocksRefused {
        hold,
        reason: "no limit".into(),
    })
    .unwrap();
    assert_eq!(run.phase("wf[0].s"), NodePhase::Error);
    assert_eq!(run.message("wf[0].s"), "no limit");
    assert!(run.asking.is_empty());
}

#[test]
fn a_node_that_waits_ends_when_its_time_is_over_or_a_sibling_fails_for_all() {
    let spec = "entrypoint: main\ntemplates:\n- name: main\n  failFast: true\n  steps: [[{name: s, template: t}, {name: free, template: f}]]\n- {name: t, synchronization: {mutexes: [{name: m}]}, container: {image: busybox, command: [x]}}\n- {name: f, container: {image: busybox, command: [x]}}";
    let mut run = taken(spec, &[mutex("m")]);
    let free = run.pending[0];
    run.end(free, exit(1));
    assert_eq!(run.phase("wf[0].s"), NodePhase::Failed);
    assert_eq!(run.run.head().phase, WorkflowPhase::Failed);

    let late = spec.replace(
        "mutexes: [{name: m}]}",
        "mutexes: [{name: m}]}, timeout: 10s",
    );
    let mut run = taken(&late, &[mutex("m")]);
    run.next_timer();
    assert_eq!(run.message("wf[0].s"), "Template exceeded its deadline");
}
