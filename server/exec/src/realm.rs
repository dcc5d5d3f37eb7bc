//! Realms: the user and network namespaces that tasks share, kept open by the spawner because making
//! one for each task would double its cost.
//!
//! - As root each tenant has a user namespace over its own range of 65,536 host ids.
//! - As another user there is one, in which that user is root.
//! - Each group of tasks (a run) has a network namespace with nothing but a loopback interface.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::Path;

use rustix::net::{AddressFamily, SocketFlags, SocketType, socketpair};
use rustix::process::{DumpableBehavior, set_dumpable_behavior};

use crate::network;
use crate::sys::{self, Fork};
use crate::wire::{Packet, receive};

/// Network namespaces kept at once.
const NETWORKS: usize = 64;
/// User namespaces kept at once.
const USERS: usize = 256;
/// Ids of a tenant.
pub(crate) const RANGE: u32 = 65_536;

/// What the spawner keeps open.
pub(crate) struct Realms {
    /// The spawner is root.
    pub(crate) privileged: bool,
    users: Vec<(u32, OwnedFd)>,
    networks: Vec<((u32, String), Place)>,
}

/// The namespaces of a group of tasks.
pub(crate) struct Place {
    /// Of an earlier spawner's making: the one that the network belongs to.
    pub(crate) users: Option<OwnedFd>,
    pub(crate) network: OwnedFd,
}

/// The namespaces of one task.
pub(crate) struct Realm<'a> {
    pub(crate) privileged: bool,
    /// First host id of the tenant.
    pub(crate) base: u32,
    pub(crate) users: &'a OwnedFd,
    pub(crate) network: &'a OwnedFd,
    /// A network namespace of the task's own, where it has one on the run's network.
    pub(crate) own: Option<OwnedFd>,
}

impl Realm<'_> {
    /// Gives a file to the tenant's root user, and to `group` of its ids.
    pub(crate) fn own(&self, file: BorrowedFd<'_>, group: Option<u32>) -> io::Result<()> {
        if self.privileged {
            let group = group.unwrap_or(0).min(RANGE - 1);
            let uid = rustix::fs::Uid::from_raw(self.base);
            let gid = rustix::fs::Gid::from_raw(self.base.saturating_add(group));
            rustix::fs::fchown(file, Some(uid), Some(gid))?;
        }
        Ok(())
    }

    /// Makes a directory, and those above it, for the tenant's root user.
    pub(crate) fn make_dir(&self, path: &Path, mode: u32) -> io::Result<()> {
        if path.is_dir() {
            return Ok(());
        }
        if let Some(above) = path.parent() {
            self.make_dir(above, 0o755)?;
        }
        std::fs::DirBuilder::new().mode(mode).create(path)?;
        std::fs::set_permissions(path, PermissionsExt::from_mode(mode))?;
        self.own(std::fs::File::open(path)?.as_fd(), None)
    }
}

impl Realms {
    pub(crate) fn new() -> Self {
        let privileged = rustix::process::geteuid().is_root();
        if !privileged {
            // A program that has dropped privileges does not own its own /proc entries, and so could
            // not map its users; this process holds nothing that its user may not read.
            let _ = set_dumpable_behavior(DumpableBehavior::Dumpable);
        }
        Self {
            privileged,
            users: Vec::new(),
            networks: Vec::new(),
        }
    }

    /// The namespaces for a tenant's group of tasks.
    /// `alive` finds those of a group that an earlier spawner made.
    pub(crate) fn get(
        &mut self,
        base: u32,
        group: &str,
        alive: impl FnOnce() -> Option<Place>,
    ) -> io::Result<Realm<'_>> {
        let base = if self.privileged { base } else { 0 };
        if self.privileged && base < RANGE {
            let what = "the tenant has no range of host user ids of its own";
            return Err(io::Error::new(io::ErrorKind::InvalidInput, what));
        }
        let privileged = self.privileged;
        recent(&mut self.users, base, USERS, || new_users(privileged, base))?;
        let users = &self.users.last().ok_or(io::ErrorKind::NotFound)?.1;
        let key = (base, group.to_owned());
        recent(&mut self.networks, key, NETWORKS, || match alive() {
            Some(place) => Ok(place),
            None => Ok(Place {
                users: None,
                network: new_network((!privileged).then_some(users))?,
            }),
        })?;
        let place = &self.networks.last().ok_or(io::ErrorKind::NotFound)?.1;
        let earlier = place.users.as_ref().filter(|_| !privileged);
        Ok(Realm {
            privileged,
            base,
            users: earlier.unwrap_or(users),
            network: &place.network,
            own: None,
        })
    }
}

/// Makes `key` the last entry: moved there, or made, at the price of the least recent one.
fn recent<K: PartialEq, V>(
    entries: &mut Vec<(K, V)>,
    key: K,
    limit: usize,
    make: impl FnOnce() -> io::Result<V>,
) -> io::Result<()> {
    let entry = match entries.iter().position(|(known, _)| *known == key) {
        Some(at) => entries.remove(at),
        None => (key, make()?),
    };
    if entries.len() >= limit {
        entries.remove(0);
    }
    entries.push(entry);
    Ok(())
}

fn new_users(privileged: bool, base: u32) -> io::Result<OwnedFd> {
    let map = |pid| -> io::Result<()> {
        let write = |name: &str, text: &str| std::fs::write(format!("/proc/{pid}/{name}"), text);
        if privileged {
            write("uid_map", &format!("0 {base} {RANGE}"))?;
            return write("gid_map", &format!("0 {base} {RANGE}"));
        }
        let uid = rustix::process::geteuid().as_raw();
        let gid = rustix::process::getegid().as_raw();
        // Without this an unprivileged user could leave groups that deny access.
        write("setgroups", "deny")?;
        write("uid_map", &format!("0 {uid} 1"))?;
        write("gid_map", &format!("0 {gid} 1"))
    };
    made_by_child(libc::CLONE_NEWUSER, map, || {
        Ok(std::fs::File::open("/proc/self/ns/user")?.into())
    })
}

fn new_network(users: Option<&OwnedFd>) -> io::Result<OwnedFd> {
    made_by_child(
        0,
        |_| Ok(()),
        || {
            if let Some(users) = users {
                sys::join(users.as_fd(), libc::CLONE_NEWUSER)?;
            }
            network::made()
        },
    )
}

/// Gets a descriptor that only a process elsewhere can open: a child makes it and hands it over.
pub(crate) fn made_by_child(
    namespaces: i32,
    prepare: impl FnOnce(i32) -> io::Result<()>,
    make: impl FnOnce() -> io::Result<OwnedFd>,
) -> io::Result<OwnedFd> {
    let flags = SocketFlags::CLOEXEC;
    let (ours, theirs) = socketpair(AddressFamily::UNIX, SocketType::SEQPACKET, flags, None)?;
    match sys::fork(namespaces)? {
        Fork::Child => {
            drop(ours);
            let hand_over = || -> io::Result<()> {
                let mut buffer = Vec::new();
                receive::<bool>(theirs.as_fd(), &mut buffer)?.ok_or(io::ErrorKind::BrokenPipe)?;
                match make() {
                    Ok(fd) => Packet::new(&0)?.send(theirs.as_fd(), Some(fd.as_fd())),
                    Err(error) => {
                        let errno = error.raw_os_error().unwrap_or(libc::EINVAL);
                        Packet::new(&errno)?.send(theirs.as_fd(), None)
                    }
                }
            };
            sys::exit(i32::from(hand_over().is_err()))
        }
        Fork::Parent(pid, _pidfd) => {
            drop(theirs);
            prepare(pid.as_raw_pid())?;
            Packet::new(&true)?.send(ours.as_fd(), None)?;
            let answer = receive::<i32>(ours.as_fd(), &mut Vec::new())?;
            match answer {
                Some((_, Some(fd))) => Ok(fd),
                Some((errno, None)) => Err(io::Error::from_raw_os_error(errno)),
                None => Err(io::ErrorKind::BrokenPipe.into()),
            }
        }
    }
}
