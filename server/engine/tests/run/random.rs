//! Random workflows, random orders: every run ends, and after each command it is what its rows say.

use std::fmt::Write;

use proptest::prelude::*;
use steading_engine::command::{Actor, Command, Comparison, NodeSelector, SelectorTerm};
use steading_engine::lock::{LockKind, LockName};
use steading_types::WorkflowPhase;
use steading_types::task::End;

use crate::backend::{Backend, ended, exit};

/// A template of a random workflow; it calls templates with larger numbers only.
#[derive(Debug, Clone)]
enum Kind {
    Pod,
    Suspend,
    Steps(Vec<Vec<Step>>),
    Dag(Vec<Step>),
}

#[derive(Debug, Clone)]
struct Step {
    callee: u8,
    repeat: u8,
    when: u8,
    hook: u8,
    tolerant: bool,
    depends: u8,
}

#[derive(Debug, Clone)]
struct Spec {
    templates: Vec<(Kind, u8, u8)>,
    exit: bool,
    deadline: bool,
    parallelism: u8,
    /// The templates that take a lock, by bits; the last bit: the run itself.
    locks: u8,
}

fn step() -> impl Strategy<Value = Step> {
    (
        any::<u8>(),
        0u8..8,
        0u8..8,
        0u8..8,
        any::<bool>(),
        any::<u8>(),
    )
        .prop_map(|(callee, repeat, when, hook, tolerant, depends)| Step {
            callee,
            repeat,
            when,
            hook,
            tolerant,
            depends,
        })
}

fn kind() -> impl Strategy<Value = Kind> {
    let group = prop::collection::vec(step(), 1..3);
    prop_oneof![
        2 => Just(Kind::Pod),
        1 => Just(Kind::Suspend),
        3 => prop::collection::vec(group, 1..3).prop_map(Kind::Steps),
        3 => prop::collection::vec(step(), 1..4).prop_map(Kind::Dag),
    ]
}

fn spec() -> impl Strategy<Value = Spec> {
    (
        prop::collection::vec((kind(), 0u8..6, 0u8..6), 1..5),
        any::<bool>(),
        any::<bool>(),
        0u8..4,
        prop_oneof![Just(0), any::<u8>()],
    )
        .prop_map(|(templates, exit, deadline, parallelism, locks)| Spec {
            templates,
            exit,
            deadline,
            parallelism,
            locks,
        })
}

/// What happens next: which waiting thing, and how it goes.
type Event = (u8, u8);

fn caller(step: &Step, prefix: &str, name: usize, at: usize, count: usize) -> String {
    let callee = at + 1 + usize::from(step.callee) % (count - at);
    let mut out = format!("{{name: n{name}, template: t{callee}");
    match step.repeat {
        0 => out.push_str(", withItems: []"),
        1 => out.push_str(", withItems: [a, b, {k: v}]"),
        2 => out.push_str(", withSequence: {count: 2}"),
        3 => out.push_str(", withParam: '[1, 2]'"),
        _ => {}
    }
    match step.when {
        0 => out.push_str(", when: 'false'"),
        1 if step.repeat == 3 => out.push_str(", when: '{{item}} == 1'"),
        _ => {}
    }
    match step.hook {
        0 => out.push_str(", hooks: {exit: {template: leaf}}"),
        1 => {
            let _ = write!(
                out,
                ", hooks: {{run: {{template: leaf, expression: '{prefix}.n{name}.status == \"Running\"'}}}}"
            );
        }
        2 => {
            let _ = write!(
                out,
                ", hooks: {{exit: {{template: two, expression: '{prefix}.n{name}.status == \"Failed\"'}}}}"
            );
        }
        _ => {}
    }
    out
}

fn yaml(spec: &Spec) -> String {
    let count = spec.templates.len();
    let mut out = String::from("entrypoint: t0\n");
    if spec.exit {
        out.push_str("onExit: two\n");
    }
    if spec.deadline {
        out.push_str("activeDeadlineSeconds: 1000\n");
    }
    if spec.parallelism == 1 {
        out.push_str(
            "hooks: {early: {template: leaf, expression: 'workflow.status == \"Running\"'}}\n",
        );
    }
    if spec.parallelism > 1 {
        let _ = writeln!(out, "parallelism: {}", spec.parallelism);
    }
    if spec.locks & 128 != 0 {
        out.push_str("synchronization: {mutexes: [{name: run}]}\n");
    }
    out.push_str("templates:\n");
    for (at, (kind, retry, limits)) in spec.templates.iter().enumerate() {
        let _ = writeln!(out, "  - name: t{at}");
        // A lock of its own for each template: nobody waits for what is held above it.
        if spec.locks & (1 << at) != 0 {
            let _ = writeln!(out, "    synchronization: {{mutexes: [{{name: l{at}}}]}}");
        }
        match retry {
            0 => out.push_str("    retryStrategy: {limit: 1, retryPolicy: Always}\n"),
            1 => {
                out.push_str("    retryStrategy: {limit: 2, backoff: {duration: 5s, factor: 2}}\n")
            }
            _ => {}
        }
        let flow = matches!(kind, Kind::Steps(_) | Kind::Dag(_));
        match limits {
            0 if flow => out.push_str("    parallelism: 1\n"),
            1 if flow => out.push_str("    parallelism: 2\n    failFast: true\n"),
            2 if !flow => out.push_str("    timeout: 300s\n"),
            4 | 5 if !matches!(kind, Kind::Suspend) => {
                let key = at % 2;
                let _ = writeln!(
                    out,
                    "    memoize: {{key: k{key}, maxAge: 100s, cache: {{configMap: {{name: c}}}}}}"
                );
            }
            _ => {}
        }
        match kind {
            Kind::Pod => out.push_str("    container: {image: busybox, command: [x]}\n"),
            Kind::Suspend => out.push_str("    suspend: {duration: 60s}\n"),
            Kind::Steps(groups) => {
                out.push_str("    steps:\n");
                let mut name = 0;
                for group in groups {
                    let mut lead = "      - - ";
                    for step in group {
                        out.push_str(lead);
                        out.push_str(&caller(step, "steps", name, at, count));
                        if step.tolerant {
                            out.push_str(", continueOn: {failed: true, error: true}");
                        }
                        out.push_str("}\n");
                        lead = "        - ";
                        name += 1;
                    }
                }
            }
            Kind::Dag(tasks) => {
                out.push_str("    dag:\n");
                if *limits == 3 {
                    out.push_str("      failFast: false\n");
                }
                out.push_str("      tasks:\n");
                for (name, step) in tasks.iter().enumerate() {
                    out.push_str("        - ");
                    out.push_str(&caller(step, "tasks", name, at, count));
                    if name > 0 && step.depends % 3 > 0 {
                        let on = usize::from(step.depends) % name;
                        let result = ["", ".Failed", " || n0.Succeeded", ".Omitted"]
                            [usize::from(step.depends / 3) % 4];
                        let _ = write!(out, ", depends: 'n{on}{result}'");
                    }
                    out.push_str("}\n");
                }
            }
        }
    }
    let _ = writeln!(
        out,
        "  - name: t{count}\n    container: {{image: busybox, command: [x]}}"
    );
    out.push_str("  - name: leaf\n    container: {image: busybox, command: [x]}\n");
    out.push_str(
        "  - name: two\n    steps: [[{name: p, template: leaf}, {name: q, template: leaf}]]\n",
    );
    out
}

/// Lets one thing happen.
fn happen(run: &mut Backend, (which, how): Event) {
    let by = || Actor("anna".into());
    let none = || (None, None);
    match which {
        0 if how < 40 => drop(run.apply(Command::Suspend)),
        0 if how < 60 => {
            let (selector, message) = none();
            drop(run.apply(Command::Stop { selector, message }));
        }
        0 if how < 70 => drop(run.apply(Command::Terminate)),
        0 if how < 90 => drop(run.apply(Command::Continue)),
        0 if how < 120 => run.elsewhere(&[lock("run"), lock("l0"), lock("l1")]),
        0 if how < 150 => run.elsewhere(&[]),
        0 if how < 200 => {
            let phase = ["Pending", "Running"][usize::from(how % 2)];
            drop(run.apply(skip(phase)));
        }
        0..=2 => drop(run.apply(Command::Resume {
            selector: None,
            by: by(),
        })),
        3..=20 => drop(run.next_timer()),
        _ if run.pending.is_empty() => drop(run.next_timer()),
        _ => {
            let attempt = run.pending[usize::from(which) % run.pending.len()];
            match how % 8 {
                0 => run.began(attempt),
                1 => run.end(attempt, exit(1)),
                2 => run.end(attempt, ended(End::Lost)),
                3 => {
                    run.end(attempt, exit(0));
                    run.end(attempt, exit(1));
                }
                _ => run.end(attempt, exit(0)),
            }
        }
    }
}

/// Skips what can be skipped of the nodes in a phase.
fn skip(phase: &str) -> Command {
    Command::Skip {
        selector: NodeSelector(vec![SelectorTerm {
            field: "phase".into(),
            comparison: Comparison::Equal,
            value: phase.into(),
        }]),
        outputs: Vec::new(),
        by: Actor("anna".into()),
        why: None,
    }
}

fn lock(name: &str) -> LockName {
    LockName {
        namespace: "default".into(),
        kind: LockKind::Mutex(name.into()),
    }
}

/// Goes on without surprises until the run is over.
fn to_the_end(run: &mut Backend) {
    run.elsewhere(&[]);
    for _ in 0..20_000 {
        if run.run.head().phase.completed() {
            return;
        }
        if let Some(attempt) = run.pending.front().copied() {
            run.end(attempt, exit(0));
        } else if run.next_timer().is_none() {
            let resume = Command::Resume {
                selector: None,
                by: Actor("anna".into()),
            };
            run.apply(resume).unwrap();
        }
    }
    panic!("does not end: {:#?}", run.tree());
}

fn settled(run: &Backend) {
    assert!(run.pending.is_empty(), "{:#?}", run.tree());
    assert!(
        run.run.nodes().all(|node| node.phase.completed()),
        "{:#?}",
        run.tree()
    );
    assert_eq!(run.run.timers().count(), 0);
    assert!(!run.run.wants_more());
    assert!(run.asking.is_empty() && run.held.is_empty());
}

/// 400 cases, or as many as `PROPTEST_CASES` says.
fn cases() -> u32 {
    let said = std::env::var("PROPTEST_CASES").ok();
    said.and_then(|said| said.parse().ok()).unwrap_or(400)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: cases(), failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_run_ends_and_is_what_its_rows_say(
        spec in spec(),
        events in prop::collection::vec(any::<Event>(), 0..60),
        again in prop::collection::vec(any::<Event>(), 0..30),
        skips in any::<bool>(),
    ) {
        let mut run = Backend::new(&yaml(&spec)).start();
        for event in events {
            happen(&mut run, event);
        }
        to_the_end(&mut run);
        settled(&run);
        prop_assert_eq!(run.completed, 1);

        // A new run may take over what went well.
        if run.run.head().phase != WorkflowPhase::Succeeded {
            let mut taken = run.taken_over("again").start();
            to_the_end(&mut taken);
            settled(&taken);
        }

        // Whatever failed may run again.
        let retry = Command::Retry { restart_successful: false, selector: None, parameters: Vec::new() };
        let goes_on = match skips {
            true => run.apply(skip("Failed")).or_else(|_| run.apply(retry)),
            false => run.apply(retry),
        };
        if goes_on.is_ok() {
            for event in again {
                happen(&mut run, event);
            }
            to_the_end(&mut run);
            settled(&run);
        }
    }
}
