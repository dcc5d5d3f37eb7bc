//! The level `process`: containers are plain children of the supervisor, one after another, as the
//! server's own user. Each has a session of its own, and whatever it leaves behind is killed when it
//! ends: the supervisor adopts orphans and ends only when it has none.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::rc::Rc;

use rustix::io::Errno;
use rustix::process::{Pid, Signal, WaitOptions, WaitStatus, getpid, wait};
use steading_types::task::{Container, End, Security, Task};

use crate::artifacts;
use crate::body::{Body, Finished, unprepared};
use crate::cgroup::{Group, Limits};
use crate::images::ImageConfig;
use crate::output::Output;
use crate::outputs;
use crate::program::{Defaults, LaunchError, Program};
use crate::spawner::Site;
use crate::staging::Staged;
use crate::sys;
use crate::taskdir::TaskDir;
use crate::wire::Start;

/// The containers of a task at level `process`.
pub(crate) struct Plain<'a> {
    site: &'a Site,
    dir: &'a TaskDir,
    start: &'a Start,
    /// Our copies of the programs' ends of the output pipes.
    ends: Vec<[OwnedFd; 2]>,
    groups: Rc<[Option<Group>]>,
    staged: Staged,
    current: usize,
    pid: Pid,
}

impl<'a> Plain<'a> {
    /// Starts the first container.
    pub(crate) fn start(
        site: &'a Site,
        dir: &'a TaskDir,
        start: &'a Start,
        ends: Vec<[OwnedFd; 2]>,
        groups: Rc<[Option<Group>]>,
    ) -> Result<Self, End> {
        let task = &start.task;
        refuse(task)?;
        let prepare = || -> io::Result<()> {
            rustix::process::set_child_subreaper(Some(getpid()))?;
            let work = dir.work()?;
            if let Some(script) = &task.script {
                std::fs::write(work.join("script"), script)?;
            }
            Ok(())
        };
        prepare().map_err(|error| unprepared("exec.io", error))?;
        let staged = Staged::open(dir, task).map_err(|error| unprepared("exec.io", error))?;
        let limit = site.setup.policy.artifact_bytes;
        artifacts::place(task, &staged, None, limit)?;
        let mut plain = Self {
            site,
            dir,
            start,
            ends,
            groups,
            staged,
            current: 0,
            pid: getpid(),
        };
        plain.pid = plain.launch()?;
        Ok(plain)
    }

    fn container(&self) -> &'a Container {
        let task = &self.start.task;
        task.init.get(self.current).unwrap_or(&task.main)
    }

    fn launch(&self) -> Result<Pid, LaunchError> {
        let work = self.dir.path.join(crate::taskdir::WORK);
        let work = work.to_string_lossy();
        let is_main = self.current == self.start.task.init.len();
        let script = self.start.task.script.as_ref().filter(|_| is_main);
        let script = script.map(|_| format!("{work}/script"));
        let host = rustix::system::uname();
        let defaults = Defaults {
            home: &work,
            hostname: &host.nodename().to_string_lossy(),
            workdir: &work,
        };
        let program = Program::new(
            self.dir.key,
            self.container(),
            &ImageConfig::default(),
            &defaults,
            script.as_deref(),
        )?;
        let [out, err] = self.ends.first().ok_or(Errno::NOENT)?;
        let stdio = [self.site.null.as_fd(), out.as_fd(), err.as_fd()];
        let limit = || match (
            self.groups.first().and_then(Option::as_ref),
            Limits::of(&self.start.task).memory,
        ) {
            (Some(group), _) => group.enter(),
            (None, Some(bytes)) => {
                sys::limit(libc::RLIMIT_DATA, bytes);
                Ok(())
            }
            (None, None) => Ok(()),
        };
        program.launch(stdio, Some(getpid()), limit, || Ok(()))
    }

    /// Reaps what has ended; answers the current container's status when it is among that.
    fn reap(&self) -> Option<WaitStatus> {
        let mut own = None;
        while let Ok(Some((pid, status))) = wait(WaitOptions::NOHANG) {
            if pid == self.pid {
                own = Some(status);
            }
        }
        own
    }

    fn ended(&mut self, status: WaitStatus, output: &mut Output) -> Option<Finished> {
        end_all_children(self.pid);
        let end = end_of(self.container(), status);
        let well = matches!(end, End::Exited { code: 0, .. });
        if well && self.current < self.start.task.init.len() {
            let _ = output.drain();
            self.current += 1;
            output.advance();
            return match self.launch() {
                Ok(pid) => {
                    self.pid = pid;
                    None
                }
                Err(error) => Some(Finished::new(error.into())),
            };
        }
        let mut finished = Finished::new(end);
        finished.isolation = "level=process".into();
        if well {
            outputs::collect(&self.start.task.outputs, &mut finished);
        }
        let limit = self.site.setup.policy.artifact_bytes;
        artifacts::gather(&self.start.task, &self.staged, limit, &mut finished);
        Some(finished)
    }
}

impl Body for Plain<'_> {
    fn control(&self) -> Option<BorrowedFd<'_>> {
        None
    }

    fn step(&mut self, child_ended: bool, output: &mut Output) -> Option<Finished> {
        let status = if child_ended { self.reap() } else { None };
        self.ended(status?, output)
    }

    fn terminate(&mut self) {
        let _ = rustix::process::kill_process_group(self.pid, Signal::TERM);
    }

    fn kill(&mut self) {
        let _ = rustix::process::kill_process_group(self.pid, Signal::KILL);
        let _ = rustix::process::kill_process(self.pid, Signal::KILL);
    }
}

/// What needs namespaces is refused.
fn refuse(task: &Task) -> Result<(), End> {
    let more = [
        (!task.sidecars.is_empty(), "sidecars"),
        (!task.members.is_empty(), "a container set"),
        (task.service.is_some(), "a daemon"),
        (!task.volumes.is_empty(), "volumes"),
        (!task.host_aliases.is_empty(), "hostAliases"),
        (task.resolver.is_some(), "dnsConfig"),
    ];
    let secured = |c: &Container| c.security != Security::default();
    let secured = task
        .containers()
        .any(secured)
        .then_some("a securityContext");
    let probed = |c: &Container| c.startup.is_some() || c.liveness.is_some();
    let probed = task.containers().any(probed).then_some("probes");
    let found = more.iter().find(|(there, _)| *there).map(|(_, what)| *what);
    match found.or(secured).or(probed) {
        None => Ok(()),
        Some(what) => {
            let text = format!("the task has {what}, which needs the level sandbox or image");
            Err(unprepared("isolation.level", text))
        }
    }
}

/// What a wait status means for a task.
pub(crate) fn end_of(container: &Container, status: WaitStatus) -> End {
    let container = container.name.clone();
    match status.terminating_signal() {
        Some(signal) => End::Signaled { container, signal },
        None => End::Exited {
            container,
            code: status.exit_status().unwrap_or(-1),
        },
    }
}

/// Kills and reaps all children of this process, and the orphans that it adopts meanwhile. `group`
/// is the container's process group: its members go in one call, before they can fork again.
fn end_all_children(group: Pid) {
    loop {
        match wait(WaitOptions::NOHANG) {
            Ok(Some(_)) | Err(Errno::INTR) => {}
            Ok(None) => {
                let _ = rustix::process::kill_process_group(group, Signal::KILL);
                for child in children() {
                    let _ = rustix::process::kill_process(child, Signal::KILL);
                }
                let _ = wait(WaitOptions::empty());
            }
            Err(_) => return,
        }
    }
}

/// The direct children of this single-threaded process (proc(5), `children`).
fn children() -> Vec<Pid> {
    let own = getpid().as_raw_pid();
    std::fs::read_to_string(format!("/proc/self/task/{own}/children"))
        .unwrap_or_default()
        .split_ascii_whitespace()
        .filter_map(|pid| pid.parse().ok().and_then(Pid::from_raw))
        .collect()
}
