//! The server's side of local execution: starts tasks, knows which run, learns of each end.

use std::collections::HashMap;
use std::io::ErrorKind;
use std::os::fd::OwnedFd;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use steading_types::task::{Container, End, Level, Task, TaskReport};
use steading_types::{AttemptId, Millis};
use tokio::io::Interest;
use tokio::sync::{mpsc, watch};

use crate::doctor::Finding;
use crate::error::{Doing, ExecError};
use crate::images::Images;
use crate::keeper::SpawnerSeed;
use crate::link::Link;
use crate::logs::Watcher;
use crate::sys;
use crate::taskdir::TaskDirs;
use crate::wire::{Done, Request, Root, Setup, Start};

/// The image's name that means the host's programs.
const HOST: &str = "host";

/// Before a task's end that could not be read is asked for again.
const AGAIN: Duration = Duration::from_secs(1);

/// How local execution is set up.
#[derive(Debug, Clone)]
pub struct Options {
    /// The data directory: tasks, logs and images lie below it.
    pub data_dir: PathBuf,
    /// What holds for all tasks.
    pub policy: Policy,
}

/// The site's rules for tasks on this host.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Policy {
    /// Tasks below this level are refused.
    pub minimum: Level,
    /// Bytes kept of one task's log.
    pub log_bytes: u64,
    /// Bytes of a task's `/tmp`, in memory.
    pub tmp_bytes: u64,
    /// Processes and threads of one task.
    pub pids: u32,
    /// Bytes of one artifact, unpacked.
    pub artifact_bytes: u64,
    /// How a task gets its own root from an image.
    pub image_roots: ImageRoots,
    /// Where the networks of confined tasks lead.
    pub egress: Egress,
}

/// Where the networks of confined tasks lead.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Egress {
    /// Nowhere out of their run.
    Closed,
    /// Tasks use the host's network as it is, its loopback included. What talks to daemons of its run does
    /// not: the run's own network stays closed.
    Host,
}

/// How a task gets its own root from an image.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum ImageRoots {
    /// Its changes lie over the shared image; a copy where the host can not do that.
    Overlay,
    /// Always a copy: slow, and works on every file system.
    Copy,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            minimum: Level::Process,
            log_bytes: 64 * 1024 * 1024,
            tmp_bytes: 512 * 1024 * 1024,
            pids: 4096,
            artifact_bytes: 256 << 30,
            image_roots: ImageRoots::Overlay,
            egress: Egress::Closed,
        }
    }
}

/// How a task is stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Stop {
    /// SIGTERM to the running container; after the task's grace as [`Stop::Forced`].
    Polite,
    /// Every process is killed at once.
    Forced,
}

/// Where a task stands.
#[derive(Debug, Clone, PartialEq)]
pub enum State {
    /// The key was never started here, or its task was removed.
    Unknown,
    /// A supervisor has it.
    Running {
        /// When its key was taken.
        started: Option<Millis>,
        /// It is a service, and can be used.
        ready: bool,
    },
    /// It ended, and how.
    Ended(Arc<TaskReport>),
}

/// The keys of tasks as they end, and of services as they become ready, once each. What happened while no
/// server ran comes first.
#[derive(Debug)]
pub struct Ended(mpsc::UnboundedReceiver<AttemptId>);

impl Ended {
    /// The next task that has ended or is ready; nothing when [`Exec`] is gone.
    pub async fn next(&mut self) -> Option<AttemptId> {
        self.0.recv().await
    }
}

/// Local execution. Cheap to clone.
#[derive(Clone)]
pub struct Exec(Arc<Inner>);

struct Inner {
    link: Arc<Link>,
    dirs: TaskDirs,
    policy: Policy,
    images: Images,
    data_dir: PathBuf,
    tasks: Mutex<HashMap<AttemptId, Entry>>,
    ended: mpsc::UnboundedSender<AttemptId>,
    /// Watches the directories of services.
    services: Watcher,
    /// Changes with every end.
    ends: watch::Sender<()>,
}

#[derive(Clone)]
enum Entry {
    Running {
        started: Option<Millis>,
        ready: bool,
    },
    Ended(Arc<TaskReport>),
}

impl Exec {
    /// Opens local execution and adopts every task below the data directory: those that run are
    /// watched again, those that ended are in [`Ended`], those that vanished are lost.
    ///
    /// # Errors
    /// When the data directory can not be used, or the spawner does not answer.
    pub async fn open(seed: SpawnerSeed, options: Options) -> Result<(Self, Ended), ExecError> {
        let dirs = TaskDirs::open(&options.data_dir).doing("opening the tasks' directory")?;
        let setup = Setup {
            data_dir: options.data_dir.clone(),
            policy: options.policy.clone(),
        };
        let link = Link::open(seed, setup).await?;
        let (sender, receiver) = mpsc::unbounded_channel();
        let exec = Self(Arc::new(Inner {
            link,
            dirs,
            policy: options.policy,
            images: Images::at(&options.data_dir),
            data_dir: options.data_dir,
            tasks: Mutex::default(),
            ended: sender,
            services: Watcher::open().doing("watching services")?,
            ends: watch::Sender::new(()),
        }));
        for key in exec.0.dirs.keys().doing("reading the tasks' directory")? {
            exec.settle(key).await?;
        }
        Ok((exec, Ended(receiver)))
    }

    /// Starts a task, unless its key was started before: then it is adopted. When this comes back
    /// the task is running or has ended; what prevents it from running is its end, not an error.
    ///
    /// `uid_base` is the first host user id of the tenant's range; it counts where the server runs
    /// as root.
    ///
    /// # Errors
    /// When the spawner can not be asked. Asking again with the same key is safe.
    pub async fn start(
        &self,
        key: AttemptId,
        level: Level,
        uid_base: u32,
        task: &Task,
    ) -> Result<(), ExecError> {
        if !matches!(self.state(key), State::Unknown) {
            return Ok(());
        }
        if level < self.0.policy.minimum {
            let message = format!(
                "this site runs tasks at level {:?} or stricter",
                self.0.policy.minimum
            );
            return self.refuse(key, "isolation.minimum", message);
        }
        let roots = match self.roots(level, task) {
            Ok(roots) => roots,
            Err(error) => return self.refuse(key, error.code(), said(&error)),
        };
        let request = Request::Start(Box::new(Start {
            key,
            level,
            uid_base,
            task: task.clone(),
            roots,
        }));
        match self.0.link.call(request).await? {
            (Done::Started, Some(pidfd)) => {
                let service = task.service.is_some();
                self.watch(key, pidfd, Some(sys::now()), service)
            }
            _ => self.settle(key).await,
        }
    }

    /// Judges a task that was handed over before this host was booted: nothing of it can run any more.
    /// Without a report of its end it is lost, whether it had begun or not. Never starts anything.
    ///
    /// # Errors
    /// When its directory can not be written.
    pub fn lose(&self, key: AttemptId) -> Result<(), ExecError> {
        match self.state(key) {
            State::Unknown => self.record(key, End::Lost),
            State::Running { .. } | State::Ended(_) => Ok(()),
        }
    }

    /// Where a task stands.
    pub fn state(&self, key: AttemptId) -> State {
        match self.tasks().get(&key) {
            None => State::Unknown,
            Some(Entry::Running { started, ready }) => State::Running {
                started: *started,
                ready: *ready,
            },
            Some(Entry::Ended(report)) => State::Ended(Arc::clone(report)),
        }
    }

    /// Completes when a task has ended; at once for one that does not run.
    pub async fn wait(&self, key: AttemptId) {
        let mut ends = self.0.ends.subscribe();
        while matches!(self.state(key), State::Running { .. }) {
            if ends.changed().await.is_err() {
                return;
            }
        }
    }

    /// Every key that has a directory here, whether anything was run for it or not: a crash may leave
    /// one that nobody took, or that was being removed. The owner of the attempts removes those that it
    /// does not know.
    ///
    /// # Errors
    /// When the tasks' directory can not be read.
    pub fn keys(&self) -> Result<Vec<AttemptId>, ExecError> {
        self.0.dirs.keys().doing("reading the tasks' directory")
    }

    /// Stops a task; its end comes as every end does. A task that has ended is left alone.
    ///
    /// # Errors
    /// When the spawner can not be asked.
    pub async fn stop(&self, key: AttemptId, how: Stop) -> Result<(), ExecError> {
        if matches!(self.state(key), State::Running { .. }) {
            self.0.link.call(Request::Stop { key, how }).await?;
        }
        Ok(())
    }

    /// Forgets a task whose end is safe elsewhere and removes its directory. Its log stays: see
    /// [`crate::logs`].
    ///
    /// # Errors
    /// `exec.running` while it runs; otherwise when files can not be removed.
    pub async fn remove(&self, key: AttemptId) -> Result<(), ExecError> {
        if matches!(self.state(key), State::Running { .. }) {
            return Err(ExecError::Refused {
                code: "exec.running".into(),
                message: format!("the task {key} is still running"),
            });
        }
        self.tasks().remove(&key);
        let doing = "removing a task's directory";
        if self.0.dirs.remove_records(key).doing(doing)? {
            return Ok(());
        }
        let exec = self.clone();
        let removed = tokio::task::spawn_blocking(move || exec.0.dirs.remove(key));
        match removed.await.unwrap_or_else(|lost| Err(lost.into())) {
            // Containers had users of their own: the spawner may do what this process may not.
            Err(error) if error.kind() == ErrorKind::PermissionDenied => {
                self.0.link.call(Request::Remove { key }).await.map(drop)
            }
            removed => removed.doing(doing),
        }
    }

    /// Examines what this host provides for isolating tasks.
    ///
    /// # Errors
    /// When the spawner can not be asked, or nothing can be tried.
    pub async fn examine(&self) -> Result<Vec<Finding>, ExecError> {
        match self.0.link.call(Request::Examine).await? {
            (Done::Examined(findings), _) => Ok(findings),
            _ => Ok(Vec::new()),
        }
    }

    /// Names the host's boot. Of what was started in it every trace is there, until it is removed here.
    pub fn boot(&self) -> &str {
        &self.0.dirs.boot
    }

    /// The data directory, for [`crate::logs`].
    pub fn data_dir(&self) -> &std::path::Path {
        &self.0.data_dir
    }

    fn tasks(&self) -> MutexGuard<'_, HashMap<AttemptId, Entry>> {
        self.0.tasks.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What each container's root is made of. Below the level image the host's programs run, and
    /// the image's name is only recorded; the name `host` means them at every level.
    fn roots(&self, level: Level, task: &Task) -> Result<Vec<Root>, ExecError> {
        let root = |container: &Container| {
            if level < Level::Image || container.image == HOST {
                return Ok(Root::Host);
            }
            Ok(Root::Image(self.0.images.resolve(&container.image)?))
        };
        task.containers().map(root).collect()
    }

    /// Records that a task can not run here.
    fn refuse(&self, key: AttemptId, code: &str, message: String) -> Result<(), ExecError> {
        let end = End::Unprepared {
            code: code.to_owned(),
            message,
        };
        self.record(key, end)
    }

    /// Records an end that no supervisor wrote.
    fn record(&self, key: AttemptId, end: End) -> Result<(), ExecError> {
        let report = TaskReport::of(end, sys::now());
        let dir = self.0.dirs.make(key).doing("making a task's directory")?;
        dir.finish(&report, || false)
            .doing("writing a task's report")?;
        self.end(key, report);
        Ok(())
    }

    fn end(&self, key: AttemptId, report: TaskReport) {
        let entry = Entry::Ended(Arc::new(report));
        let before = self.tasks().insert(key, entry);
        if !matches!(before, Some(Entry::Ended(_))) {
            let _ = self.0.ended.send(key);
            self.0.ends.send_replace(());
        }
    }

    /// Waits, apart from everything else, for a supervisor's end.
    fn watch(
        &self,
        key: AttemptId,
        pidfd: OwnedFd,
        started: Option<Millis>,
        service: bool,
    ) -> Result<(), ExecError> {
        let pidfd = sys::async_fd(pidfd, Interest::READABLE).doing("watching a supervisor")?;
        let ready = false;
        let running = Entry::Running { started, ready };
        self.tasks().entry(key).or_insert(running);
        if service {
            self.watch_service(key)?;
        }
        let exec = self.clone();
        tokio::spawn(async move {
            // The descriptor is readable once, when its process is gone.
            drop(pidfd.readable().await);
            drop(pidfd);
            // A full disk must not leave the attempt without an end: ask until there is one.
            while let Err(error) = Box::pin(exec.settle(key)).await {
                tracing::error!(%key, %error, "the end of a task can not be read; trying again");
                tokio::time::sleep(AGAIN).await;
            }
        });
        Ok(())
    }

    /// Waits, apart from everything else, until a service can be used.
    fn watch_service(&self, key: AttemptId) -> Result<(), ExecError> {
        let directory = self.0.dirs.path(key);
        let listening = self.0.services.listen(&directory);
        let mut growth = listening.doing("watching a service")?;
        let exec = self.clone();
        tokio::spawn(async move {
            while !exec.0.dirs.ready(key) {
                tokio::select! {
                    () = growth.grown() => {}
                    () = exec.wait(key) => return,
                }
            }
            if let Some(Entry::Running { ready, .. }) = exec.tasks().get_mut(&key) {
                *ready = true;
                let _ = exec.0.ended.send(key);
            }
        });
        Ok(())
    }

    /// Learns from the disk where a task stands: ended, running under some supervisor, lost, or
    /// never begun.
    async fn settle(&self, key: AttemptId) -> Result<(), ExecError> {
        let dirs = &self.0.dirs;
        let reading = "reading a task's records";
        if let Some(report) = dirs.report(key).doing(reading)? {
            self.end(key, report);
            return Ok(());
        }
        let Some(started) = dirs.started(key).doing(reading)? else {
            // Its supervisor died before it took the key: nothing ran. One that nobody waits for may start.
            return match self.state(key) {
                State::Running { .. } => self.record(key, End::Lost),
                State::Unknown | State::Ended(_) => Ok(()),
            };
        };
        if let Some(pidfd) = started.supervisor() {
            return self.watch(key, pidfd, Some(started.at), started.service);
        }
        // It may have written its report between the two looks.
        if let Some(report) = dirs.report(key).doing(reading)? {
            self.end(key, report);
            return Ok(());
        }
        self.0.link.call(Request::Sweep { key }).await?;
        self.record(key, End::Lost)
    }
}

/// An error and what to do about it, as one text.
fn said(error: &ExecError) -> String {
    match error.fix() {
        Some(fix) => format!("{error}: {fix}"),
        None => error.to_string(),
    }
}
