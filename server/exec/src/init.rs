//! Process 1 of a confined task: builds each container's root, has the containers run (see
//! [`crate::crew`]), and reads the output files when every other process is dead. It speaks with its
//! supervisor only, and dies with it.

use std::io;
use std::net::Ipv4Addr;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::{Path, PathBuf};
use std::rc::Rc;

use rustix::event::{PollFd, PollFlags, poll};
use rustix::io::Errno;
use rustix::mount::{MountPropagationFlags, mount_change};
use rustix::process::{DumpableBehavior, Pid, Signal, WaitOptions, getpid, wait};
use serde::{Deserialize, Serialize};
use steading_types::task::{Container, End, Level, Network, Security};

use crate::artifacts;
use crate::body::{Finished, unprepared};
use crate::cgroup::Group;
use crate::confine::{self, Identity};
use crate::crew::{Crew, Duty, Hand, Place};
use crate::images::ImageConfig;
use crate::network;
use crate::outputs;
use crate::program::{Defaults, LaunchError, Program};
use crate::realm::{Realm, made_by_child};
use crate::rootfs::{self, Plan};
use crate::spawner::Site;
use crate::staging::Staged;
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
    /// A service can be used.
    Ready,
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
    /// The programs' ends of the output pipes: of what runs before main and main, then of the others.
    pub(crate) ends: Vec<[OwnedFd; 2]>,
    /// Input and output artifacts.
    pub(crate) staged: Staged,
    /// In the same order as the pipes.
    pub(crate) groups: Rc<[Option<Group>]>,
}

impl Init<'_> {
    /// Runs the task and says how it ended.
    pub(crate) fn run(&self) -> io::Result<()> {
        let finished = match self.containers() {
            Ok(finished) => finished,
            Err(end) => Finished::new(end),
        };
        self.say(&Event::Done(Box::new(finished)))
    }

    fn containers(&self) -> Result<Finished, End> {
        self.prepare().map_err(unavailable)?;
        let task = &self.start.task;
        for (number, container) in task.init.iter().enumerate() {
            let plan = self.plan(container, number);
            let place = Place::Own(&plan);
            let crew = Crew::new(self, vec![Hand::new(container, number, place, Duty::Work)]);
            let hands = crew.run()?;
            end_all_others();
            let end = verdict(&hands);
            if !succeeded(&end) {
                return Ok(self.finished(end));
            }
            self.next().map_err(unavailable)?;
        }
        let hands = self.late().map_err(unavailable)?;
        let plan = self.plan(&task.main, task.init.len());
        plan.enter().map_err(unavailable)?;
        self.workdir(&plan, &task.main, task.init.len());
        self.become_nobody().map_err(unavailable)?;
        self.take()?;
        let hands = Crew::new(self, hands).run()?;
        end_all_others();
        let end = verdict(&hands);
        let well = succeeded(&end);
        let mut finished = self.finished(end);
        if !task.members.is_empty() {
            finished.members = hands.iter().filter_map(Hand::report).collect();
        }
        if well {
            outputs::collect(&task.outputs, &mut finished);
        }
        let limit = self.site.setup.policy.artifact_bytes;
        artifacts::gather(task, &self.staged, limit, &mut finished);
        Ok(finished)
    }

    /// Main and those beside it: sidecars first, because main may need them at once.
    fn late(&self) -> io::Result<Vec<Hand<'_>>> {
        let task = &self.start.task;
        let main = task.init.len();
        let mut hands = Vec::new();
        let first = main.saturating_add(task.members.len()).saturating_add(1);
        for (number, sidecar) in (first..).zip(&task.sidecars) {
            let place = Place::Chamber(self.chamber(sidecar, number)?);
            hands.push(Hand::new(sidecar, number, place, Duty::Sidecar));
        }
        hands.push(Hand::new(&task.main, main, Place::Here, Duty::Work));
        for (number, member) in (main.saturating_add(1)..).zip(&task.members) {
            let place = Place::Chamber(self.chamber(member, number)?);
            hands.push(Hand::new(member, number, place, Duty::Work));
        }
        Ok(hands)
    }

    /// A mount namespace with a container's root, made before this process lets go of the host. It
    /// belongs to the tenant's user namespace, which this process will have joined when it enters it.
    fn chamber(&self, container: &Container, number: usize) -> io::Result<OwnedFd> {
        made_by_child(
            0,
            |_| Ok(()),
            || {
                sys::unshare(libc::CLONE_NEWNS)?;
                let plan = self.plan(container, number);
                plan.enter()?;
                self.workdir(&plan, container, number);
                self.become_nobody()?;
                sys::unshare(libc::CLONE_NEWNS)?;
                Ok(std::fs::File::open("/proc/self/ns/mnt")?.into())
            },
        )
    }

    /// Puts the input artifacts in their places.
    fn take(&self) -> Result<(), End> {
        let task = &self.start.task;
        if task.takes.is_empty() {
            return Ok(());
        }
        let image = self.config(task.init.len());
        let identity = self.identity(image.user.as_deref(), &task.main.security);
        let owner = identity.resolve().map_err(unavailable)?;
        let owner = owner.filter(|_| self.realm.privileged);
        let limit = self.site.setup.policy.artifact_bytes;
        artifacts::place(task, &self.staged, owner, limit)
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
        let egress = self.site.setup.policy.egress;
        let network = network::shown(self.start.task.network, egress);
        finished.isolation = format!(
            "level={level} userns=1 uids={users} landlock={landlock} seccomp=1 net={network}"
        );
        finished
    }

    /// The namespaces that the clone could not give, and the volumes.
    fn prepare(&self) -> io::Result<()> {
        rustix::process::set_parent_process_death_signal(Some(Signal::KILL))?;
        if !self.crowded()
            && let Some(Some(group)) = self.groups.first()
        {
            group.enter()?;
        }
        if !self.realm.privileged {
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

    /// `/etc/hosts`.
    fn hosts(&self) -> String {
        let task = &self.start.task;
        let mut text = "127.0.0.1 localhost\n::1 localhost\n".to_owned();
        let own = match task.network {
            Network::Serving(address) => address,
            _ => Ipv4Addr::LOCALHOST,
        };
        text.push_str(&format!("{own} {}\n", self.hostname()));
        for alias in &task.host_aliases {
            text.push_str(&format!("{} {}\n", alias.ip, alias.names.join(" ")));
        }
        text
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
            hosts: self.hosts(),
            resolver: self.resolver(),
            writable: !container.security.read_only_root,
            rooms: self.rooms(is_main),
        }
    }

    /// `/etc/resolv.conf`: as the task wants it, or the host's where the host's network is used.
    fn resolver(&self) -> Option<&str> {
        let task = &self.start.task;
        let own = matches!(task.network, Network::Reaching | Network::Serving(_));
        let host = self.site.resolver.as_deref().filter(|_| !own);
        task.resolver.as_deref().or(host)
    }

    /// For the artifacts of main, in a sandbox: volumes have places of their own.
    fn rooms(&self, is_main: bool) -> Vec<&str> {
        let task = &self.start.task;
        let takes = task.takes.iter().map(|taken| taken.path.as_str());
        let paths = takes.chain(task.gives.iter().map(|given| given.path.as_str()));
        let mounts = &task.main.mounts;
        let free = |path: &&str| !mounts.iter().any(|mount| path.starts_with(&mount.path));
        rootfs::rooms(paths.filter(free).filter(|_| is_main))
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

    /// Starts a container.
    pub(crate) fn launch(
        &self,
        container: &Container,
        number: usize,
        place: &Place<'_>,
    ) -> Result<Pid, LaunchError> {
        let is_main = number == self.start.task.init.len();
        let script = self.start.task.script.as_ref().filter(|_| is_main);
        let script = script.map(|_| steading_types::task::SCRIPT_PATH);
        let late = number.saturating_sub(self.start.task.init.len());
        let ends = self.ends.get(late).or(self.ends.first());
        let [out, err] = ends
            .ok_or(io::ErrorKind::NotFound)
            .map_err(io::Error::from)?;
        let stdio = [self.site.null.as_fd(), out.as_fd(), err.as_fd()];
        self.start_program(container, number, place, script, stdio)
    }

    /// Starts a program of a container, with the container's environment and limits.
    pub(crate) fn start_program(
        &self,
        container: &Container,
        number: usize,
        place: &Place<'_>,
        script: Option<&str>,
        stdio: [BorrowedFd<'_>; 3],
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
        let program = Program::new(self.start.key, container, &image, &defaults, script)?;
        let late = number.saturating_sub(self.start.task.init.len());
        let group = self.groups.get(late).and_then(Option::as_ref);
        let prepare = || {
            // A task of one container is in its group from the beginning.
            if self.crowded()
                && let Some(group) = group
            {
                group.enter()?;
            }
            match place {
                Place::Here => Ok(()),
                Place::Chamber(mounts) => sys::join(mounts.as_fd(), libc::CLONE_NEWNS),
                Place::Own(plan) => {
                    sys::unshare(libc::CLONE_NEWNS)?;
                    plan.enter()?;
                    self.workdir(plan, container, number);
                    self.become_nobody()
                }
            }
        };
        let memory = container.memory.or(self.start.task.memory);
        let memory = memory.filter(|_| group.is_none());
        let confine = || {
            if let Some(bytes) = memory {
                sys::limit(libc::RLIMIT_DATA, bytes.0);
            }
            self.confine(image.user.as_deref(), &container.security)
        };
        program.launch(stdio, Some(getpid()), prepare, confine)
    }

    /// The last step of a process on its way to a container's program.
    pub(crate) fn confine(&self, user: Option<&str>, security: &Security) -> io::Result<()> {
        let identity = self.identity(user, security);
        let pids = self.site.setup.policy.pids;
        confine::give_up(&identity, pids, &self.site.filter)
    }

    fn identity<'i>(&self, user: Option<&'i str>, security: &'i Security) -> Identity<'i> {
        Identity {
            user,
            security,
            one_user: !self.realm.privileged,
        }
    }

    /// Whether containers run side by side, each within its own limits.
    fn crowded(&self) -> bool {
        let task = &self.start.task;
        let together = task.cpu.is_some() || task.memory.is_some();
        let alone = task.members.is_empty() && task.sidecars.is_empty();
        !together && !alone
    }

    pub(crate) fn say(&self, event: &Event) -> io::Result<()> {
        Packet::new(event)?.send(self.control.as_fd(), None)
    }

    fn next(&self) -> io::Result<()> {
        self.say(&Event::Next)?;
        loop {
            match receive::<Order>(self.control.as_fd(), &mut Vec::new())? {
                Some((Order::GoOn, _)) => return Ok(()),
                Some((Order::Terminate, _)) => {}
                None => return Err(Errno::PIPE.into()),
            }
        }
    }
}

/// Ends every process of the task but process 1 itself.
fn end_all_others() {
    while !matches!(wait(WaitOptions::NOHANG), Err(Errno::CHILD)) {
        sys::kill_all_others();
        let _ = wait(WaitOptions::empty());
    }
}

fn succeeded(end: &End) -> bool {
    matches!(end, End::Exited { code: 0, .. })
}

/// How a task ended whose containers have: as the first of them that failed by itself.
fn verdict(hands: &[Hand<'_>]) -> End {
    let ends = || hands.iter().filter_map(Hand::end);
    let failed = |end: &&End| !succeeded(end);
    let by_itself = ends()
        .filter(failed)
        .find(|end| !matches!(end, End::NotStarted { .. }));
    let end = by_itself
        .or_else(|| ends().find(failed))
        .or_else(|| ends().next());
    end.cloned().unwrap_or(End::Lost)
}

fn unavailable(error: io::Error) -> End {
    unprepared("isolation.unavailable", error)
}
