//! Pods that are more than one container's run: daemons and container sets.

use std::collections::BTreeMap;

use steading_engine::command::Command;
use steading_types::WorkflowPhase::{Failed, Running, Succeeded};
use steading_types::task::{End, MemberReport, Network, TaskReport};
use steading_types::{Millis, NodePhase};

use crate::backend::{Backend, ended, exit};

const SERVED: &str = "
entrypoint: main
templates:
  - name: serve
    daemon: true
    container: {image: nginx, readinessProbe: {httpGet: {port: 80}}}
  - name: ask
    inputs: {parameters: [{name: ip}]}
    container: {image: busybox, command: [wget], args: ['{{inputs.parameters.ip}}']}
  - name: main
    steps:
      - - {name: serve, template: serve}
      - - {name: ask, template: ask, arguments: {parameters: [{name: ip, value: '{{steps.serve.ip}}'}]}}
";

#[test]
fn a_daemon_serves_those_after_it_and_is_ended_with_its_template() {
    let mut run = Backend::new(SERVED).start();
    let serve = run.pending[0];
    let task = run.run.task(serve, run.now).unwrap().task;
    let Network::Serving(address) = task.network else {
        panic!("{:?}", task.network);
    };
    run.began(serve);
    assert_eq!(run.pending.len(), 1, "nobody asks before it can answer");

    let ready = Command::AttemptReady {
        attempt: serve,
        host: None,
    };
    run.apply(ready.clone()).unwrap();
    run.apply(ready).unwrap();
    let ask = run.pending[1];
    let task = run.run.task(ask, run.now).unwrap().task;
    assert_eq!(task.main.args, [address.to_string()]);
    assert_eq!(task.network, Network::Reaching);
    assert_eq!(run.phase("wf[0].serve"), NodePhase::Running);
    assert!(run.cancelled.is_empty());

    run.end(ask, exit(0));
    assert_eq!(run.cancelled, [serve]);
    let terminated = ended(End::Signaled {
        container: "main".into(),
        signal: 15,
    });
    run.end(serve, terminated);
    run.expect(
        Succeeded,
        &[
            ("wf", "Steps Succeeded"),
            ("wf[0]", "StepGroup Succeeded"),
            ("wf[0].serve", "Pod Succeeded"),
            ("wf[1]", "StepGroup Succeeded"),
            ("wf[1].ask", "Pod Succeeded"),
        ],
    );
}

#[test]
fn a_daemon_that_ends_before_it_can_be_used_fails_its_run() {
    let mut run = Backend::new(SERVED).start();
    let serve = run.pending[0];
    run.began(serve);
    assert_eq!(run.run.head().phase, Running);
    run.end(serve, exit(1));
    run.expect(
        Failed,
        &[
            ("wf", "Steps Failed"),
            ("wf[0]", "StepGroup Failed"),
            ("wf[0].serve", "Pod Failed"),
        ],
    );
}

const SET: &str = "
entrypoint: main
templates:
  - name: main
    containerSet:
      containers:
        - {name: main, image: busybox, command: [echo], dependencies: [b]}
        - {name: b, image: busybox, command: [echo], dependencies: [a]}
        - {name: a, image: busybox, command: [echo]}
";

/// How a set's container ended.
fn member(name: &str, code: i32) -> (String, MemberReport) {
    let end = End::Exited {
        container: name.into(),
        code,
    };
    let report = MemberReport {
        end,
        started: Some(Millis(1)),
        finished: Millis(2),
    };
    (name.into(), report)
}

#[test]
fn the_containers_of_a_set_are_one_task_and_a_node_each() {
    let report = TaskReport {
        members: BTreeMap::from([member("a", 0), member("b", 0), member("main", 0)]),
        result: Some("done".into()),
        ..exit(0)
    };
    let run = Backend::new(SET).start().finish(|_, _| report.clone());
    run.expect(
        Succeeded,
        &[
            ("wf", "Pod Succeeded"),
            ("wf.a", "Container Succeeded"),
            ("wf.b", "Container Succeeded"),
            ("wf.main", "Container Succeeded"),
        ],
    );
    assert_eq!(run.tasks.len(), 1);
    let task = &run.tasks[0].task;
    assert_eq!(task.main.after, ["b"]);
    let after = |name| &task.members.iter().find(|m| m.name == name).unwrap().after;
    assert_eq!(after("b"), &["a"]);
    assert!(after("a").is_empty());
}

#[test]
fn each_container_of_a_set_ends_as_it_did() {
    let report = TaskReport {
        members: BTreeMap::from([member("a", 0), member("b", 3)]),
        ..ended(End::Exited {
            container: "b".into(),
            code: 3,
        })
    };
    let run = Backend::new(SET).start().finish(|_, _| report.clone());
    assert_eq!(run.phase("wf"), NodePhase::Failed);
    assert_eq!(run.phase("wf.a"), NodePhase::Succeeded);
    assert_eq!(run.phase("wf.b"), NodePhase::Failed);
    assert_eq!(run.find("wf.b").outputs.exit_code, Some(3));
}
