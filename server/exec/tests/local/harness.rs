//! A small test runner: one process a test, each with a keeper of its own.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use steading_exec::{Ended, Exec, Options, Policy, SpawnerSeed, State};
use steading_types::task::{Container, Level, Task, TaskReport};
use steading_types::{AttemptId, Millis, NodeIx, RunId};

/// A named test.
pub(crate) type Test = (&'static str, fn(Site));

/// Runs what the arguments select, as the standard test runner would; each test in a process of its
/// own: `<name> --exact --child`.
pub(crate) fn main(groups: &[(&str, &[Test])]) {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let tests: Vec<(String, fn(Site))> = groups
        .iter()
        .flat_map(|(group, tests)| {
            tests
                .iter()
                .map(move |(n, t)| (format!("{group}::{n}"), *t))
        })
        .collect();
    if words.iter().any(|w| w == "--list") {
        tests.iter().for_each(|(name, _)| println!("{name}: test"));
        return;
    }
    let wanted = words.iter().find(|w| !w.starts_with('-'));
    if words.iter().any(|w| w == "--child") {
        let (_, test) = tests.iter().find(|(n, _)| Some(n) == wanted).unwrap();
        if wanted.is_some_and(|name| name.starts_with("nobody::")) {
            become_nobody();
        }
        if wanted.is_some_and(|name| name.ends_with("doctor")) {
            let dir = tempfile::tempdir().unwrap();
            return crate::process::doctor(dir.path());
        }
        return test(Site::new());
    }
    let chosen: Vec<&String> = tests
        .iter()
        .map(|(name, _)| name)
        .filter(|name| wanted.is_none_or(|w| name.contains(w.as_str())))
        .collect();
    let next = AtomicUsize::new(0);
    let failed = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                while let Some(name) = chosen.get(next.fetch_add(1, Ordering::Relaxed)) {
                    if !passes(name) {
                        failed.lock().unwrap().push(name.to_string());
                    }
                }
            });
        }
    });
    let failed = failed.into_inner().unwrap();
    println!("test result: {} failed", failed.len());
    assert!(failed.is_empty(), "failed: {failed:?}");
}

/// Runs one test in a process of its own.
fn passes(name: &str) -> bool {
    let program = std::env::current_exe().unwrap();
    let outcome = std::process::Command::new(program)
        .args([name, "--child"])
        .output()
        .unwrap();
    if outcome.status.success() {
        println!("test {name} ... ok");
        return true;
    }
    let said = String::from_utf8_lossy(&outcome.stdout);
    let complained = String::from_utf8_lossy(&outcome.stderr);
    println!("test {name} ... FAILED\n{said}{complained}");
    false
}

/// As an unprivileged user; a developer's own account is one already.
fn become_nobody() {
    if rustix::process::geteuid().is_root() {
        let id = 65_534;
        let (uid, gid) = (
            rustix::process::Uid::from_raw(id),
            rustix::process::Gid::from_raw(id),
        );
        rustix::thread::set_thread_groups(&[]).unwrap();
        rustix::thread::set_thread_res_gid(gid, gid, gid).unwrap();
        rustix::thread::set_thread_res_uid(uid, uid, uid).unwrap();
    }
}

/// First host id of the tests' tenant.
pub(crate) const BASE: u32 = 1_000_000;

/// Whether a process with this command line runs anywhere on the host.
pub(crate) fn running(command: &str) -> bool {
    std::fs::read_dir("/proc").unwrap().flatten().any(|entry| {
        std::fs::read_to_string(entry.path().join("cmdline"))
            .is_ok_and(|line| line.contains(command))
    })
}

/// A data directory and a spawner.
pub(crate) struct Site {
    seeds: Vec<SpawnerSeed>,
    pub(crate) data: PathBuf,
    _dir: tempfile::TempDir,
}

impl Site {
    fn new() -> Self {
        // Two: some tests start the server twice.
        let seeds = (0..2)
            .map(|_| steading_exec::early_fork().unwrap())
            .collect();
        let dir = tempfile::tempdir().unwrap();
        Self {
            seeds,
            data: dir.path().to_owned(),
            _dir: dir,
        }
    }

    pub(crate) async fn open(&mut self) -> (Exec, Ended) {
        self.open_with(Policy::default()).await
    }

    pub(crate) async fn open_with(&mut self, policy: Policy) -> (Exec, Ended) {
        let data_dir = self.data.clone();
        let options = Options { data_dir, policy };
        Exec::open(self.seeds.pop().unwrap(), options)
            .await
            .unwrap()
    }
}

/// Runs a test's future to its end.
pub(crate) fn wait<F: Future>(future: F) -> F::Output {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        // Only against a hanging test: nothing is measured by it.
        tokio::time::timeout(Duration::from_secs(60), future)
            .await
            .expect("the test hangs")
    })
}

pub(crate) fn key(node: u32) -> AttemptId {
    AttemptId {
        // Of this test alone: what a lost task left is found by its key.
        run: RunId::new(Millis(u64::from(std::process::id())), 1),
        node: NodeIx(node),
        generation: 0,
    }
}

/// A shell task.
pub(crate) fn sh(script: &str) -> Task {
    Task {
        group: "test".into(),
        main: container("main", script),
        capture_result: true,
        grace: Millis(500),
        ..Task::default()
    }
}

pub(crate) fn container(name: &str, script: &str) -> Container {
    Container {
        name: name.into(),
        image: "host".into(),
        command: ["/bin/sh", "-c", script].map(Into::into).into(),
        ..Container::default()
    }
}

/// Starts a task and waits for its end.
pub(crate) async fn run(
    exec: &Exec,
    ended: &mut Ended,
    level: Level,
    node: u32,
    task: &Task,
) -> Arc<TaskReport> {
    exec.start(key(node), level, BASE, task).await.unwrap();
    end(exec, ended, node).await
}

/// Waits for a task's end.
pub(crate) async fn end(exec: &Exec, ended: &mut Ended, node: u32) -> Arc<TaskReport> {
    loop {
        if let State::Ended(report) = exec.state(key(node)) {
            return report;
        }
        ended.next().await.unwrap();
    }
}

/// Waits for a state of the file system or of processes; the pause only saves CPU.
pub(crate) async fn until(what: &str, mut holds: impl FnMut() -> bool) {
    for _ in 0..3000 {
        if holds() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("never happened: {what}");
}

pub(crate) fn exists(path: &Path) -> bool {
    path.exists()
}

pub(crate) fn alive(pid: i32) -> bool {
    std::fs::read_to_string(format!("/proc/{pid}/stat"))
        .is_ok_and(|stat| !stat.rsplit_once(')').unwrap().1.starts_with(" Z"))
}

pub(crate) fn kill(pid: i32, signal: i32) {
    let signal = rustix::process::Signal::from_named_raw(signal).unwrap();
    let pid = rustix::process::Pid::from_raw(pid).unwrap();
    rustix::process::kill_process(pid, signal).unwrap();
}

/// The supervisor of a task.
pub(crate) fn supervisor(data: &Path, node: u32) -> i32 {
    let path = data.join(format!("tasks/{}/started", key(node)));
    let text = std::fs::read_to_string(path).unwrap();
    let record: serde_json::Value = serde_json::from_str(&text).unwrap();
    record["pid"].as_i64().unwrap() as i32
}

/// Parent of a process.
pub(crate) fn parent(pid: i32) -> i32 {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
    let fields = stat.rsplit_once(')').unwrap().1.to_owned();
    fields
        .split_ascii_whitespace()
        .nth(1)
        .unwrap()
        .parse()
        .unwrap()
}

/// Reads a number that a task wrote.
pub(crate) fn number(path: &Path) -> Option<i32> {
    std::fs::read_to_string(path).ok()?.trim().parse().ok()
}
