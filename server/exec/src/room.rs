//! The levels `sandbox` and `image`, seen from the supervisor: one child, process 1 of namespaces of
//! its own, which does everything else.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::rc::Rc;

use rustix::net::{AddressFamily, SocketFlags, SocketType, socketpair};
use rustix::process::{Pid, Signal, WaitOptions, wait};
use steading_types::task::End;

use crate::body::{Body, Finished, unprepared};
use crate::cgroup::Group;
use crate::init::{Event, Init, Order};
use crate::network;
use crate::output::Output;
use crate::realm::Realm;
use crate::spawner::Site;
use crate::staging::Staged;
use crate::sys::{self, Fork};
use crate::taskdir::TaskDir;
use crate::volumes;
use crate::wire::{Packet, Start, receive};

/// A task in namespaces of its own.
pub(crate) struct Room<'a> {
    start: &'a Start,
    dir: &'a TaskDir,
    init: Pid,
    control: OwnedFd,
    done: Option<Finished>,
    buffer: Vec<u8>,
}

impl<'a> Room<'a> {
    /// Clones process 1.
    pub(crate) fn start(
        site: &'a Site,
        realm: Realm<'a>,
        dir: &'a TaskDir,
        start: &'a Start,
        ends: Vec<[OwnedFd; 2]>,
        groups: Rc<[Option<Group>]>,
    ) -> Result<Self, End> {
        volumes::check(&start.task)?;
        let unavailable = |error: std::io::Error| {
            unprepared(
                "isolation.unavailable",
                format!(
                    "this host does not give the level {:?}: {error}; see steading doctor",
                    start.level
                ),
            )
        };
        Self::clone(site, realm, dir, start, ends, groups).map_err(unavailable)
    }

    fn clone(
        site: &'a Site,
        realm: Realm<'a>,
        dir: &'a TaskDir,
        start: &'a Start,
        ends: Vec<[OwnedFd; 2]>,
        groups: Rc<[Option<Group>]>,
    ) -> std::io::Result<Self> {
        let work = dir.work()?;
        let staged = Staged::open(dir, &start.task)?;
        let flags = SocketFlags::CLOEXEC;
        let (ours, theirs) = socketpair(AddressFamily::UNIX, SocketType::SEQPACKET, flags, None)?;
        let mut namespaces =
            libc::CLONE_NEWNS | libc::CLONE_NEWPID | libc::CLONE_NEWIPC | libc::CLONE_NEWUTS;
        if !realm.privileged {
            // One more, of the task's own: limits on processes are counted in it.
            namespaces |= libc::CLONE_NEWUSER;
        }
        if let Some(own) = &realm.own {
            network::join(own)?;
        }
        let run = realm.network;
        let apart = realm.own.is_some();
        match sys::fork(namespaces)? {
            Fork::Child => {
                drop(ours);
                let init = Init {
                    site,
                    realm,
                    start,
                    work,
                    control: theirs,
                    ends,
                    staged,
                    groups,
                };
                sys::exit(i32::from(init.run().is_err()))
            }
            Fork::Parent(init, _pidfd) => {
                if apart {
                    network::join(run)?;
                }
                rustix::io::ioctl_fionbio(&ours, true)?;
                Ok(Self {
                    start,
                    dir,
                    init,
                    control: ours,
                    done: None,
                    buffer: Vec::new(),
                })
            }
        }
    }

    fn order(&self, order: &Order) {
        // A process 1 that is gone needs no orders.
        if let Ok(packet) = Packet::new(order) {
            let _ = packet.send(self.control.as_fd(), None);
        }
    }

    fn hear(&mut self, output: &mut Output) {
        while let Ok(Some((event, _))) = receive(self.control.as_fd(), &mut self.buffer) {
            match event {
                Event::Next => {
                    let _ = output.drain();
                    output.advance();
                    self.order(&Order::GoOn);
                }
                Event::Ready => {
                    let _ = self.dir.serve();
                }
                Event::Done(finished) => self.done = Some(*finished),
            }
        }
    }

    /// Process 1 was killed: so were all others.
    fn killed(&self, output: &Output) -> Finished {
        let task = &self.start.task;
        let container = task.init.get(output.container());
        Finished::new(End::Signaled {
            container: container.unwrap_or(&task.main).name.clone(),
            signal: Signal::KILL.as_raw(),
        })
    }
}

impl Body for Room<'_> {
    fn control(&self) -> Option<BorrowedFd<'_>> {
        self.done.is_none().then(|| self.control.as_fd())
    }

    fn step(&mut self, child_ended: bool, output: &mut Output) -> Option<Finished> {
        self.hear(output);
        let mut gone = false;
        while child_ended && let Ok(Some((pid, _))) = wait(WaitOptions::NOHANG) {
            gone |= pid == self.init;
        }
        if !gone {
            return None;
        }
        self.hear(output);
        Some(self.done.take().unwrap_or_else(|| self.killed(output)))
    }

    fn terminate(&mut self) {
        self.order(&Order::Terminate);
    }

    fn kill(&mut self) {
        let _ = rustix::process::kill_process(self.init, Signal::KILL);
    }
}
