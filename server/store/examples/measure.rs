//! Measures the store against its budget: `cargo run --release -p steading-store --example measure`.
//! Prints bytes written to disk for a fan, processor time for a stream of short runs, and the time
//! to open and to list 100,000 finished runs.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a measuring program, not part of the product"
)]

#[path = "../tests/it/fixtures.rs"]
#[allow(dead_code, reason = "shared with the tests")]
mod fixtures;

use std::time::{Duration, Instant};

use fixtures::*;
use steading_store::*;
use steading_types::{NodePhase, WorkflowPhase};

fn main() {
    let dir = std::env::args().nth(1).unwrap_or_else(|| "/var/tmp".into());
    if std::env::args().nth(2).is_some() {
        return lists(dir.as_ref());
    }
    fan(&dir);
    stream(&dir);
    archive(&dir);
}

fn open(dir: &std::path::Path) -> Store {
    let store = Store::open(dir, Options::default()).unwrap();
    commit(&store, [put_tenant("default")]).unwrap();
    store
}

/// 1,000 nodes made with their outbox rows in chunks of 100, then ended 8 at a time.
fn fan(dir: &str) {
    let dir = tempfile::tempdir_in(dir).unwrap();
    let store = open(dir.path());
    let run = run("default", 1);
    let before = written();
    let start = Instant::now();
    let first = [
        put_run(&run, "fan", WorkflowPhase::Running),
        put_document(&run, "fan"),
    ];
    commit(&store, first).unwrap();
    let mut last = None;
    for chunk in 0..10u32 {
        let range = chunk * 100..chunk * 100 + 100;
        let mut changes = vec![
            put_run(&run, "fan", WorkflowPhase::Running),
            Change::PutNodes(
                run.clone(),
                range.clone().map(|n| node(n, NodePhase::Pending)).collect(),
            ),
        ];
        changes.extend(range.map(|n| put_outbox(&run, n)));
        let batch = Batch {
            changes,
            ..Batch::default()
        };
        last = Some(store.commit(batch, Pace::Lazy));
    }
    block_on(last.take().unwrap()).unwrap();
    let mut commits = 0;
    for n in (0..1_000u32).step_by(8) {
        let mut changes = vec![
            put_run(&run, "fan", WorkflowPhase::Running),
            Change::PutNodes(
                run.clone(),
                (n..n + 8).map(|n| node(n, NodePhase::Succeeded)).collect(),
            ),
        ];
        changes
            .extend((n..n + 8).map(|n| Change::RemoveOutbox(run.tenant.clone(), attempt(&run, n))));
        let batch = Batch {
            changes,
            ..Batch::default()
        };
        block_on(store.commit(batch, Pace::Lazy)).unwrap();
        commits += 1;
    }
    let ended = written() - before;
    commit(&store, [Change::Archive(run)]).unwrap();
    drop(store);
    println!(
        "fan of 1,000: {} KB until the last end, {} KB with archive and checkpoint; {commits} commits of ends; {:?}",
        ended / 1024,
        (written() - before) / 1024,
        start.elapsed()
    );
}

/// 200 runs a second for ten seconds, each in three commits.
fn stream(dir: &str) {
    let dir = tempfile::tempdir_in(dir).unwrap();
    let store = open(dir.path());
    let (cpu, disk, start) = (processor(), written(), Instant::now());
    let mut slowest = Duration::ZERO;
    let mut waits = Vec::new();
    for n in 0..2_000u64 {
        let run = run("default", n);
        let name = format!("run-{n}");
        let asked = Instant::now();
        commit(
            &store,
            [
                put_run(&run, &name, WorkflowPhase::Running),
                put_document(&run, &name),
                Change::PutNodes(run.clone(), nodes(1, NodePhase::Pending)),
                put_outbox(&run, 0),
            ],
        )
        .unwrap();
        waits.push(asked.elapsed());
        slowest = slowest.max(asked.elapsed());
        let started = Batch::new()
            .change(put_run(&run, &name, WorkflowPhase::Running))
            .change(Change::PutNodes(run.clone(), nodes(1, NodePhase::Running)))
            .change(put_outbox(&run, 0));
        drop(store.commit(started, Pace::Lazy));
        let ended = Batch::new()
            .change(put_run(&run, &name, WorkflowPhase::Succeeded))
            .change(Change::PutNodes(
                run.clone(),
                nodes(1, NodePhase::Succeeded),
            ))
            .change(Change::RemoveOutbox(run.tenant.clone(), attempt(&run, 0)))
            .change(Change::Archive(run));
        drop(store.commit(ended, Pace::Lazy));
        let due = Duration::from_millis(5) * (n as u32 + 1);
        std::thread::sleep(due.saturating_sub(start.elapsed()));
    }
    waits.sort();
    let seconds = start.elapsed().as_secs_f64();
    println!(
        "stream: {:.0} runs/s; processor {:.1} % of a core; {:.1} KB written a run; submit p50 {:?} p99 {:?} max {slowest:?}",
        2_000.0 / seconds,
        (processor() - cpu) / seconds / 10.0,
        (written() - disk) as f64 / 1024.0 / 2_000.0,
        waits[waits.len() / 2],
        waits[waits.len() * 99 / 100],
    );
}

/// Opening and listing 100,000 finished runs.
fn archive(dir: &str) {
    let dir = tempfile::tempdir_in(dir).unwrap();
    let store = open(dir.path());
    let start = Instant::now();
    let mut last = None;
    for n in 0..100_000u64 {
        let phase = match n % 1_000 {
            0 => WorkflowPhase::Failed,
            _ => WorkflowPhase::Succeeded,
        };
        let run = run("default", n);
        let name = format!("run-{n}");
        let mut changes = archived(&run, &name, phase);
        changes.insert(1, put_document(&run, &name));
        let batch = Batch {
            changes,
            ..Batch::default()
        };
        let pending = store.commit(batch, Pace::Lazy);
        if n % 2_000 == 1_999 {
            block_on(pending).unwrap();
        } else {
            last = Some(pending);
        }
    }
    block_on(last.unwrap()).unwrap();
    let filled = start.elapsed();
    drop(store);
    let size = std::fs::metadata(dir.path().join("store.redb"))
        .unwrap()
        .len();
    println!(
        "100,000 finished runs: filled in {filled:?}, {} MB",
        size >> 20
    );
    // A process of its own, so that its memory is what a server would have.
    std::process::Command::new(std::env::current_exe().unwrap())
        .arg(dir.path())
        .arg("lists")
        .status()
        .unwrap();
}

/// Opens a filled store and lists its runs.
fn lists(dir: &std::path::Path) {
    let before = resident();
    let start = Instant::now();
    let store = Store::open(dir, Options::default()).unwrap();
    let opened = start.elapsed();
    println!(
        "opened in {opened:?}, resident {before} KB before, {} KB after",
        resident()
    );
    for (what, filter) in [
        ("all", RunFilter::default()),
        (
            "failed (1 in 1,000)",
            RunFilter {
                phases: vec![WorkflowPhase::Failed],
                ..RunFilter::default()
            },
        ),
    ] {
        let mut times = Vec::new();
        let mut after = None;
        for _ in 0..200 {
            let start = Instant::now();
            let page = store
                .read(|s| s.list_runs(&Tenants::All, &filter, after, 50))
                .unwrap();
            times.push(start.elapsed());
            after = page.next;
        }
        times.sort();
        println!(
            "list of 50, {what}: p50 {:?}, p99 {:?}",
            times[100], times[197]
        );
    }
    println!("resident after the lists {} KB", resident());
}

fn proc(file: &str, field: &str) -> u64 {
    let text = std::fs::read_to_string(file).unwrap();
    let line = text.lines().find(|line| line.starts_with(field)).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

/// Bytes that this process caused to be written to disk.
fn written() -> u64 {
    proc("/proc/self/io", "write_bytes")
}

/// Resident memory in KB.
fn resident() -> u64 {
    proc("/proc/self/status", "VmRSS")
}

/// Processor time in milliseconds.
fn processor() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap();
    let fields: Vec<&str> = stat.rsplit(')').next().unwrap().split(' ').collect();
    let ticks = |n: usize| fields[n].parse::<f64>().unwrap();
    (ticks(12) + ticks(13)) * 10.0
}
