//! How long an event takes: microseconds per event for fans and chains, which must not grow with the size
//! of the run. `cargo run --release -p steading-engine --example pace`

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a measurement stops at the first surprise"
)]

use std::collections::VecDeque;
use std::fmt::Write;
use std::sync::Arc;
use std::time::Instant;

use steading_engine::Run;
use steading_engine::action::Action;
use steading_engine::command::Command;
use steading_engine::document::Document;
use steading_engine::head::{Head, Progress, Suspended};
use steading_engine::plan::Plan;
use steading_engine::tree::Tree;
use steading_spec::resolve::{NoLibrary, resolve};
use steading_spec::{Limits, Mode, Object};
use steading_types::task::{End, TaskReport};
use steading_types::{Millis, RunId, WorkflowPhase};

fn main() {
    println!("run                events   µs/event   µs/task()   load ms   view ms");
    for size in [1_000, 3_000, 10_000, 30_000] {
        measure(&format!("fan {size}"), &fan(size));
    }
    for size in [100, 1_000, 10_000] {
        measure(&format!("dag chain {size}"), &chain(size));
    }
    for size in [100, 1_000, 10_000] {
        measure(&format!("steps chain {size}"), &groups(size));
    }
}

const LEAF: &str = "  - name: leaf
    inputs: {parameters: [{name: msg, value: hi}]}
    container: {image: busybox, command: [echo], args: ['{{inputs.parameters.msg}}']}
";

fn fan(size: usize) -> String {
    format!(
        "{LEAF}  - name: main\n    steps:\n      - - {{name: each, template: leaf, withSequence: {{count: {size}}}, arguments: {{parameters: [{{name: msg, value: '{{{{item}}}}'}}]}}}}\n      - - {{name: all, template: leaf, arguments: {{parameters: [{{name: msg, value: '{{{{steps.each.outputs.result}}}}'}}]}}}}\n"
    )
}

fn chain(size: usize) -> String {
    let mut out = format!("{LEAF}  - name: main\n    dag:\n      tasks:\n");
    for task in 0..size {
        let depends = match task {
            0 => String::new(),
            _ => format!(", depends: t{}", task - 1),
        };
        let _ = writeln!(out, "        - {{name: t{task}, template: leaf{depends}}}");
    }
    out
}

fn groups(size: usize) -> String {
    let mut out = format!("{LEAF}  - name: main\n    steps:\n");
    for step in 0..size {
        let _ = writeln!(out, "      - - {{name: s{step}, template: leaf}}");
    }
    out
}

fn measure(name: &str, templates: &str) {
    let plan = plan(templates);
    let mut run = Run::new(head(), Arc::clone(&plan));
    let mut waiting = VecDeque::new();
    let (mut events, mut filling, mut filled) = (0u32, 0.0, 0u32);
    let begin = Instant::now();
    let mut next = Some(Command::Start);
    while let Some(command) = next.take() {
        let outcome = run.apply(command, Millis(2_000)).unwrap();
        events += 1;
        for action in outcome.actions {
            match action {
                Action::Start(attempt) => waiting.push_back(attempt),
                Action::Continue => next = Some(Command::Continue),
                _ => {}
            }
        }
        if next.is_some() {
            continue;
        }
        if let Some(attempt) = waiting.pop_front() {
            let at = Instant::now();
            run.task(attempt, Millis(2_000)).unwrap();
            filling += at.elapsed().as_secs_f64();
            filled += 1;
            next = Some(Command::AttemptEnded {
                attempt,
                report: Box::new(report()),
            });
        }
    }
    let applying = begin.elapsed().as_secs_f64() - filling;
    assert_eq!(run.head().phase, WorkflowPhase::Succeeded);
    let rows: Vec<_> = run.nodes().cloned().collect();
    let at = Instant::now();
    let loaded = Run::load(run.head().clone(), plan, rows.clone(), Vec::new()).unwrap();
    let load = at.elapsed().as_secs_f64() * 1e3;
    assert!(loaded == run);
    let at = Instant::now();
    let bytes: usize = Tree::new(run.head(), &rows)
        .nodes()
        .map(|(_, node)| node.to_string().len())
        .sum();
    let view = at.elapsed().as_secs_f64() * 1e3;
    assert!(bytes > 0);
    println!(
        "{name:<18} {events:>6} {:>10.2} {:>11.2} {load:>9.1} {view:>9.1}",
        applying * 1e6 / f64::from(events),
        filling * 1e6 / f64::from(filled),
    );
}

fn report() -> TaskReport {
    serde_json::from_value(serde_json::json!({
        "end": {"how": "exited", "container": "main", "code": 0},
        "finished": 2_000,
        "result": "1",
    }))
    .unwrap_or(TaskReport {
        end: End::Lost,
        started: None,
        finished: Millis(0),
        cpu_ms: 0,
        max_rss: 0,
        outputs: std::collections::BTreeMap::new(),
        result: None,
        refused: std::collections::BTreeMap::new(),
        artifacts: std::collections::BTreeMap::new(),
        members: Default::default(),
        isolation: String::new(),
    })
}

fn plan(templates: &str) -> Arc<Plan> {
    let yaml = format!(
        "apiVersion: argoproj.io/v1alpha1\nkind: Workflow\nmetadata: {{name: wf}}\nspec:\n  entrypoint: main\n  templates:\n{}",
        templates.lines().fold(String::new(), |mut out, line| {
            let _ = writeln!(out, "  {line}");
            out
        })
    );
    let documents = steading_spec::parse(yaml.as_bytes(), Mode::Strict, &Limits::default());
    let document = documents.unwrap().remove(0);
    let Object::Workflow(workflow) = document.object else {
        panic!("not a workflow");
    };
    let resolved = resolve(&workflow, &NoLibrary).unwrap();
    Plan::new(&Document {
        workflow: document.raw,
        resolved: serde_json::to_value(&resolved).unwrap(),
    })
    .unwrap()
}

fn head() -> Head {
    Head {
        id: RunId::new(Millis(1_000), 7),
        tenant: "default".parse().unwrap(),
        name: "wf".parse().unwrap(),
        labels: std::collections::BTreeMap::new(),
        annotations: std::collections::BTreeMap::new(),
        creator: "anna".into(),
        phase: WorkflowPhase::Pending,
        message: None,
        created: Millis(1_000),
        started: None,
        finished: None,
        priority: 0,
        shutdown: None,
        suspended: Suspended::No,
        parameters: std::collections::BTreeMap::new(),
        outputs: std::collections::BTreeMap::new(),
        artifacts: Default::default(),
        progress: Progress::default(),
        generation: 0,
    }
}
