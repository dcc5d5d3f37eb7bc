//! Kills: a child commits in a loop and says what was acknowledged; it is killed with SIGKILL at
//! random moments, the first milliseconds of a new store included. Whatever was acknowledged must be
//! there, in order, and of the rest each batch whole or not at all.

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use steading_store::*;
use steading_types::{NodePhase, WorkflowPhase};

use crate::fixtures::*;

const CHILD: &str = "STEADING_STORE_CRASH_CHILD";
const ROUNDS: u64 = 30;

/// Small enough that checkpoints happen all the time.
fn crash_options() -> Options {
    Options {
        journal_bytes: 16 * 1024,
        ..options()
    }
}

/// The body of the child; as a test of its own it does nothing.
#[test]
fn child_that_commits_until_it_is_killed() {
    let Some(dir) = std::env::var_os(CHILD) else {
        return;
    };
    let store = Store::open(Path::new(&dir), crash_options()).unwrap();
    commit(&store, [put_tenant("default")]).unwrap();
    let mut said = std::io::stdout();
    let mut next = next_run(&store);
    loop {
        let pending: Vec<_> = (next..next + 3)
            .map(|n| (n, store.commit(three(n), Pace::Lazy)))
            .collect();
        next += 3;
        for (n, commit) in pending {
            let seq = block_on(commit).unwrap().seq;
            writeln!(said, "kept {n} {seq}").unwrap();
            said.flush().unwrap();
        }
    }
}

/// A run, its document and two nodes; every third one goes on to the archive.
fn three(n: u64) -> Batch {
    let run = run("default", n);
    let mut changes = vec![
        put_run(&run, &format!("r{n}"), WorkflowPhase::Succeeded),
        put_document(&run, &format!("r{n}")),
        Change::PutNodes(run.clone(), nodes(2, NodePhase::Succeeded)),
        put_outbox(&run, 1),
    ];
    if n.is_multiple_of(3) {
        changes.push(Change::Archive(run));
    }
    Batch {
        requires: Vec::new(),
        changes,
        ..Batch::default()
    }
}

fn next_run(store: &Store) -> u64 {
    store
        .read(|s| {
            let mut next = 0;
            while s.run(&run("default", next))?.is_some() {
                next += 1;
            }
            Ok(next)
        })
        .unwrap()
}

fn start(dir: &Path) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args([
            "--exact",
            "crash::child_that_commits_until_it_is_killed",
            "--nocapture",
        ])
        .env(CHILD, dir)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

/// Kills the child after a time, or when it has acknowledged so much; answers what it acknowledged.
fn kill(mut child: Child, after: Duration, enough: usize) -> Vec<(u64, u64)> {
    let output = BufReader::new(child.stdout.take().unwrap());
    let reader = std::thread::spawn(move || {
        let mut kept = Vec::new();
        for line in output.lines().map_while(Result::ok) {
            let words: Vec<&str> = line.split(' ').collect();
            if let ["kept", n, seq] = words[..] {
                kept.push((n.parse().unwrap(), seq.parse().unwrap()));
            }
            if kept.len() == enough {
                break;
            }
        }
        kept
    });
    let begun = Instant::now();
    while !reader.is_finished() && begun.elapsed() < after {
        std::thread::yield_now();
    }
    child.kill().unwrap();
    child.wait().unwrap();
    reader.join().unwrap()
}

fn check(dir: &Path, kept: &[(u64, u64)], floor: u64) -> u64 {
    let store = open_again(dir, crash_options()).unwrap();
    let latest = store.latest();
    let total = next_run(&store);
    for pair in kept.windows(2) {
        assert!(pair[0].1 < pair[1].1, "acknowledged out of order");
    }
    if let Some((n, seq)) = kept.last() {
        assert!(
            total > *n && latest.0 >= *seq,
            "lost: {n} of {total}, {seq} of {latest}"
        );
    }
    assert!(total >= floor, "runs of an earlier round are lost");
    store
        .read(|s| {
            for n in 0..total {
                let run = run("default", n);
                assert_eq!(s.document(&run)?, Some(document(&format!("r{n}"))));
                assert_eq!(s.nodes(&run)?, nodes(2, NodePhase::Succeeded));
            }
            // Nothing of a batch that was not kept.
            let beyond = run("default", total);
            assert!(s.nodes(&beyond)?.is_empty() && s.document(&beyond)?.is_none());
            assert_eq!(s.outbox()?.count() as u64, total - total.div_ceil(3));
            Ok(())
        })
        .unwrap();
    total
}

#[test]
fn nothing_acknowledged_is_lost_by_kill_9_at_any_moment() {
    let mut state = 0x9e37_79b9_7f4a_7c15u64 ^ u64::from(std::process::id());
    let seed = state;
    let mut random = |below: u64| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state % below
    };
    let mut acknowledged = 0;
    let mut dir = tempfile::tempdir().unwrap();
    let mut floor = 0;
    for round in 0..ROUNDS {
        if round % 5 == 0 {
            dir = tempfile::tempdir().unwrap();
            floor = 0;
        }
        let child = start(dir.path());
        // Every second new store is killed while it is being made.
        let kept = if round % 10 == 0 {
            kill(
                child,
                Duration::from_micros(1_000 + random(40_000)),
                usize::MAX,
            )
        } else {
            kill(child, Duration::from_secs(20), 1 + random(60) as usize)
        };
        acknowledged += kept.len();
        eprintln!("seed {seed:x} round {round}: {} acknowledged", kept.len());
        floor = check(dir.path(), &kept, floor);
    }
    assert!(acknowledged > 100, "the child hardly ever got to work");
}
