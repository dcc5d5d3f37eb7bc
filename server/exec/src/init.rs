//! Process 1 of a confined task: builds each container's root, starts the containers one after
//! another, reaps what they leave, and reads the output files when every other process is dead.
//! It speaks with its supervisor only, and dies with it.

use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::path::{Path, PathBuf};
use std::rc::Rc;

use rustix::event::{PollFd, PollFlags, poll};
use rustix::io::Errno;
use rustix::mount::{MountPropagationFlags, mount_change};
use rustix::process::{DumpableBehavior, Pid, Signal, WaitOptions, WaitStatus, getpid, wait};
use serde::{Deserialize, Serialize};
use steading_types::task::{Container, End, Level};

use crate::body::{Finished, unprepared};
use crate::cgroup::{Group, Limits};
use crate::confine;
use crate::images::ImageConfig;
use crate::outputs;
use crate::plain::end_of;
use crate::program::{Defaults, LaunchError, Program};
use crate::realm::Realm;
use crate::rootfs::{self, Plan};
use crate::spawner::Site;
use crate::sys;
use crate::volumes::Volumes;
use crate::wire::{Packet, Root, Start, receive};

/// From the init to its supervisor.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum Event {
    /// An init container ended well; the next one waits for [`Order::GoOn`].
    Next,
    /// The task has ended and no other process is left.
    Done(Box<Finished>),
}

/// From the supervisor to its init.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum Order {
    /// What the last container wrote is in the log.
    GoOn,
    /// Ask the running container to end.
    Terminate,
}

/// Everything that process 1 works with.
pub(crate) struct Init<'a> {
    pub(crate) site: &'a Site,
    pub(crate) realm: Realm<'a>,
    pub(crate) start: &'a Start,
    /// The task's directory for what its containers write.
    pub(crate) work: PathBuf,
    pub(crate) control: OwnedFd,
    pub(crate) ends: [OwnedFd; 2],
    pub(crate) group: Option<Rc<Group>>,
}

impl Init<'_> {
    /// Runs the task and says how it ended.
    pub(crate) fn run(&self) -> io::Result<()> {
        let finished = match self.containers() {
            Ok(finished) => finished,
            Err(end) => Finished::new(end),
        };
        Packet::new(&Event::Done(Box::new(finished)))?.send(self.control.as_fd(), None)
    }

    fn containers(&self) -> Result<Finished, End> {
        let unprepared_io = |error| unprepared("isolation.unavailable", error);
        self.prepare().map_err(unprepared_io)?;
        let task = &self.start.task;
        for (number, container) in task.init.iter().enumerate() {
            let plan = self.plan(container, number);
            let pid = self.launch(container, number, Some(&plan))?;
            let end = end_of(container, self.wait(pid).map_err(unprepared_io)?);
            if !matches!(end, End::Exited { code: 0, .. }) {
                return Ok(self.finished(end));
            }
            self.next().map_err(unprepared_io)?;
        }
        let number = task.init.len();
        let plan = self.plan(&task.main, number);
        plan.enter().map_err(unprepared_io)?;
        self.workdir(&plan, &task.main, number);
        self.become_nobody().map_err(unprepared_io)?;
        let pid = self.launch(&task.main, number, None)?;
        let end = end_of(&task.main, self.wait(pid).map_err(unprepared_io)?);
        let well = matches!(end, End::Exited { code: 0, .. });
        let mut finished = self.finished(end);
        if well {
            outputs::collect(&task.outputs, &mut finished);
        }
        Ok(finished)
    }

    fn finished(&self, end: End) -> Finished {
        let mut finished = Finished::new(end);
        let level = match self.start.level {
            Level::Process => "process",
            Level::Sandbox => "sandbox",
            Level::Image => "image",
        };
        let users = if self.realm.privileged {
            "range"
        } else {
            "one"
        };
        let landlock = sys::landlock_abi();
        finished.isolation =
            format!("level={level} userns=1 uids={users} landlock={landlock} seccomp=1 net=none");
        finished
    }

    /// The namespaces that the clone could not give, and the volumes.
    fn prepare(&self) -> io::Result<()> {
        rustix::process::set_parent_process_death_signal(Some(Signal::KILL))?;
        if let Some(group) = &self.group {
            group.enter()?;
        }
        if self.realm.privileged {
            sys::join(self.realm.network.as_fd(), libc::CLONE_NEWNET)?;
        } else {
            std::fs::write("/proc/self/uid_map", "0 0 1")?;
            std::fs::write("/proc/self/gid_map", "0 0 1")?;
        }
        rustix::system::sethostname(self.hostname().as_bytes())?;
        mount_change(
            "/",
            MountPropagationFlags::PRIVATE | MountPropagationFlags::REC,
        )?;
        self.volumes()
            .make(&self.realm, self.site.setup.policy.tmp_bytes)
    }

    fn volumes(&self) -> Volumes<'_> {
        Volumes {
            task: &self.start.task,
            work: &self.work,
        }
    }

    fn hostname(&self) -> String {
        format!("{}-{}", self.start.key.run, self.start.key.node.0)
    }

    fn root(&self, number: usize) -> &Root {
        self.start.roots.get(number).unwrap_or(&Root::Host)
    }

    fn plan<'p>(&'p self, container: &'p Container, number: usize) -> Plan<'p> {
        let is_main = number == self.start.task.init.len();
        Plan {
            site: self.site,
            realm: &self.realm,
            root: self.root(number),
            scratch: self.work.join(format!("container{number}")),
            volumes: self.volumes().places(container),
            script: self.start.task.script.as_deref().filter(|_| is_main),
        }
    }

    /// Container runtimes make a missing working directory; a read-only root can not have one.
    fn workdir(&self, plan: &Plan<'_>, container: &Container, number: usize) {
        let image = self.config(number);
        if let Some(dir) = container.workdir.as_deref().or(image.workdir.as_deref()) {
            let _ = plan.realm.make_dir(Path::new(dir), 0o755);
        }
    }

    fn config(&self, number: usize) -> ImageConfig {
        match self.root(number) {
            Root::Host => ImageConfig::default(),
            Root::Image(image) => image.config.clone(),
        }
    }

    /// Takes on the tenant's identity, in which nothing of the host belongs to this process.
    fn become_nobody(&self) -> io::Result<()> {
        if self.realm.privileged {
            sys::join(self.realm.users.as_fd(), libc::CLONE_NEWUSER)?;
            rustix::thread::set_thread_groups(&[])?;
            let (uid, gid) = (rustix::process::Uid::ROOT, rustix::process::Gid::ROOT);
            rustix::thread::set_thread_res_gid(gid, gid, gid)?;
            rustix::thread::set_thread_res_uid(uid, uid, uid)?;
        }
        // Changes of identity clear the death signal.
        rustix::process::set_parent_process_death_signal(Some(Signal::KILL))?;
        rustix::process::set_dumpable_behavior(DumpableBehavior::NotDumpable)?;
        let mut peer = [PollFd::new(&self.control, PollFlags::empty())];
        poll(&mut peer, Some(&rustix::event::Timespec::default()))?;
        let gone = peer.iter().any(|fd| fd.revents().contains(PollFlags::HUP));
        if gone {
            Err(Errno::PIPE.into())
        } else {
            Ok(())
        }
    }

    /// Starts a container: main in this process's root, an init container in one that it enters
    /// by itself.
    fn launch(
        &self,
        container: &Container,
        number: usize,
        own_root: Option<&Plan<'_>>,
    ) -> Result<Pid, LaunchError> {
        let image = self.config(number);
        let hostname = self.hostname();
        let (home, workdir) = match self.root(number) {
            Root::Host => (rootfs::HOME, rootfs::HOME),
            Root::Image(_) => ("/root", "/"),
        };
        let defaults = Defaults {
            home,
            hostname: &hostname,
            workdir,
        };
        let is_main = number == self.start.task.init.len();
        let script = self.start.task.script.as_ref().filter(|_| is_main);
        let script = script.map(|_| steading_types::task::SCRIPT_PATH);
        let program = Program::new(self.start.key, container, &image, &defaults, script)?;
        let [out, err] = &self.ends;
        let stdio = [self.site.null.as_fd(), out.as_fd(), err.as_fd()];
        let prepare = || {
            let Some(plan) = own_root else { return Ok(()) };
            sys::unshare(libc::CLONE_NEWNS)?;
            plan.enter()?;
            self.workdir(plan, container, number);
            self.become_nobody()
        };
        let memory = match self.group {
            Some(_) => None,
            None => Limits::of(&self.start.task).memory,
        };
        let confine = || {
            if let Some(bytes) = memory {
                sys::limit(libc::RLIMIT_DATA, bytes);
            }
            confine::give_up(
                image.user.as_deref(),
                !self.realm.privileged,
                self.site.setup.policy.pids,
                &self.site.filter,
            )
        };
        program.launch(stdio, Some(getpid()), prepare, confine)
    }

    /// Waits for a container, passing orders on, then ends every other process.
    fn wait(&self, pid: Pid) -> io::Result<WaitStatus> {
        let mut buffer = Vec::new();
        let status = loop {
            if let Some(status) = reap(pid) {
                break status;
            }
            let mut fds = [
                PollFd::new(&self.site.signals, PollFlags::IN),
                PollFd::new(&self.control, PollFlags::IN),
            ];
            rustix::io::retry_on_intr(|| poll(&mut fds, None))?;
            let [_, control] = &fds;
            let ordered = !control.revents().is_empty();
            while sys::next_signal(self.site.signals.as_fd()).is_some() {}
            if ordered {
                match receive::<Order>(self.control.as_fd(), &mut buffer)? {
                    Some((Order::Terminate, _)) => {
                        let _ = rustix::process::kill_process_group(pid, Signal::TERM);
                    }
                    Some((Order::GoOn, _)) => {}
                    None => return Err(Errno::PIPE.into()),
                }
            }
        };
        // Everything but process 1 itself.
        while !matches!(wait(WaitOptions::NOHANG), Err(Errno::CHILD)) {
            sys::kill_all_others();
            let _ = wait(WaitOptions::empty());
        }
        Ok(status)
    }

    fn next(&self) -> io::Result<()> {
        Packet::new(&Event::Next)?.send(self.control.as_fd(), None)?;
        loop {
            match receive::<Order>(self.control.as_fd(), &mut Vec::new())? {
                Some((Order::GoOn, _)) => return Ok(()),
                Some((Order::Terminate, _)) => {}
                None => return Err(Errno::PIPE.into()),
            }
        }
    }
}

fn reap(wanted: Pid) -> Option<WaitStatus> {
    let mut found = None;
    while let Ok(Some((pid, status))) = wait(WaitOptions::NOHANG) {
        if pid == wanted {
            found = Some(status);
        }
    }
    found
}
