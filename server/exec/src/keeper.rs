//! The keeper: a single-threaded process that forks spawners, nothing else.
//!
//! A program with threads can not fork safely, so the ability to fork is set aside at the first line
//! of `main`. The keeper holds the spawners' end of the socket: when a spawner dies (a crash, a
//! kill), the keeper forks the next one on the same socket and says so, and the server repeats what
//! was not answered; a task's key makes the repetition harmless. Re-executing the program instead
//! would lose the privileges that the server may have dropped since. When the keeper itself is killed
//! its spawner ends with it, the server sees the socket close and refuses further starts by name;
//! supervisors, and so all running tasks, go on.

use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::time::Duration;

use rustix::net::{AddressFamily, SocketFlags, SocketType, socketpair};
use rustix::process::{Signal, WaitOptions, setsid, waitpid};

use crate::spawner;
use crate::sys::{self, Fork};
use crate::wire::{Done, Packet, Reply};

/// The server's end of the socket to its spawner.
#[derive(Debug)]
pub struct SpawnerSeed(pub(crate) OwnedFd);

/// Forks the keeper and its first spawner. Must be called before the program has a second thread,
/// and before it drops privileges.
///
/// # Errors
/// When the program has threads already, or the system refuses a process or a socket.
pub fn early_fork() -> io::Result<SpawnerSeed> {
    if std::fs::read_dir("/proc/self/task").is_ok_and(|threads| threads.count() > 1) {
        return Err(io::Error::other(
            "the spawner must be forked before the first thread is started",
        ));
    }
    let flags = SocketFlags::CLOEXEC;
    let (ours, theirs) = socketpair(AddressFamily::UNIX, SocketType::SEQPACKET, flags, None)?;
    match sys::fork(0)? {
        Fork::Parent(..) => {
            rustix::io::ioctl_fionbio(&ours, true)?;
            Ok(SpawnerSeed(ours))
        }
        Fork::Child => {
            drop(ours);
            sys::exit(i32::from(keep(&theirs).is_err()))
        }
    }
}

/// Has one spawner alive until a spawner says that the server is gone.
fn keep(socket: &OwnedFd) -> io::Result<()> {
    let _ = setsid();
    rustix::process::chdir("/")?;
    let null = std::fs::File::open("/dev/null")?;
    sys::become_standard(null.as_fd(), 0)?;
    sys::become_standard(null.as_fd(), 1)?;
    loop {
        match sys::fork(0)? {
            Fork::Child => {
                rustix::process::set_parent_process_death_signal(Some(Signal::KILL))?;
                let ended = spawner::serve(socket);
                sys::exit(i32::from(ended.is_err()))
            }
            Fork::Parent(pid, _pidfd) => {
                let ended = rustix::io::retry_on_intr(|| waitpid(Some(pid), WaitOptions::empty()))?;
                if ended.is_some_and(|(_, status)| status.exit_status() == Some(0)) {
                    return Ok(());
                }
            }
        }
        // A spawner that dies at once must not become a busy loop.
        std::thread::sleep(Duration::from_millis(20));
        let outcome = Ok(Done::NewSpawner);
        Packet::new(&Reply { id: 0, outcome })?.send(socket.as_fd(), None)?;
    }
}
