//! The spawner: takes one typed request after another and forks a supervisor for each new task.
//! It waits for nothing but its socket, and holds what all supervisors share, so that starting one
//! costs a fork and no preparation.

use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::path::PathBuf;

use rustix::fs::{FlockOperation, fcntl_lock};
use rustix::process::{Pid, Signal};
use steading_types::AttemptId;
use steading_types::task::{Level, Network};

use crate::cgroup::Cgroups;
use crate::exec::{Egress, Stop};
use crate::realm::Realms;
use crate::supervisor;
use crate::sys::{self, Disposition, Fork};
use crate::taskdir::TaskDirs;
use crate::wire::{Done, Envelope, Packet, Refusal, Reply, Request, Setup, Start, receive};
use crate::{confine, doctor, hostetc};

/// What a supervisor finds ready.
pub(crate) struct Site {
    pub(crate) setup: Setup,
    pub(crate) dirs: TaskDirs,
    /// Reads SIGCHLD, SIGTERM and SIGUSR1 of whichever process reads it.
    pub(crate) signals: OwnedFd,
    pub(crate) null: OwnedFd,
    /// The system call filter of confined tasks.
    pub(crate) filter: seccompiler::BpfProgram,
    pub(crate) cgroups: Cgroups,
    /// The `/etc` of sandboxes, made for the first one.
    pub(crate) etc: Option<PathBuf>,
    /// The host's `/etc/resolv.conf`, where tasks use the host's network.
    pub(crate) resolver: Option<String>,
    /// Locked by this process alone, as long as it lives.
    _turn: std::fs::File,
}

/// Serves until the server closes its end (`Ok`).
pub(crate) fn serve(socket: &OwnedFd) -> io::Result<()> {
    // The kernel reaps supervisors; their end is seen through their descriptors.
    sys::on_signal(libc::SIGCHLD, Disposition::Ignore);
    sys::block_only(&[libc::SIGCHLD, libc::SIGTERM, libc::SIGUSR1]);
    let mut site: Option<(Site, Realms)> = None;
    let mut buffer = Vec::new();
    while let Some((Envelope { id, request }, _)) = receive(socket.as_fd(), &mut buffer)? {
        let mut attached = None;
        let outcome = match (request, &mut site) {
            (Request::Setup(setup), site) => Site::new(setup).map(|new| {
                *site = Some((new, Realms::new()));
                Done::Ok
            }),
            // Meant for the spawner that died: the server repeats it behind the setup.
            (_, None) => continue,
            (Request::Start(start), Some((site, realms))) => {
                site.start(realms, *start, &mut attached)
            }
            (Request::Stop { key, how }, Some((site, _))) => site.stop(key, how),
            (Request::Sweep { key }, Some((site, _))) => site.sweep(key),
            (Request::Remove { key }, Some((site, _))) => site.remove(key),
            (Request::Examine, Some((site, _))) => {
                // It answers by itself, so that a slow answer holds nothing up.
                match site.examine(socket, id) {
                    Ok(()) => continue,
                    Err(error) => Err(error),
                }
            }
        };
        let outcome = outcome.map_err(|error| refusal(&error));
        Packet::new(&Reply { id, outcome })?
            .send(socket.as_fd(), attached.as_ref().map(AsFd::as_fd))?;
    }
    Ok(())
}

/// Waits until the spawner of a server that was killed has ended. It may still hold a request; carried
/// out late, when this server has run the same attempt and removed its directory, it would be a second
/// start. The lock is the process's own: supervisors do not inherit it.
fn take_turn(path: &std::path::Path) -> io::Result<std::fs::File> {
    let file = std::fs::File::options()
        .write(true)
        .create(true)
        .truncate(false)
        .open(path)?;
    rustix::io::retry_on_intr(|| fcntl_lock(&file, FlockOperation::LockExclusive))?;
    Ok(file)
}

fn refusal(error: &io::Error) -> Refusal {
    Refusal {
        code: "exec.spawner".into(),
        message: error.to_string(),
    }
}

impl Site {
    fn new(setup: Setup) -> io::Result<Self> {
        let run = setup.data_dir.join("run");
        for mount_point in ["root", "lower"] {
            std::fs::create_dir_all(run.join(mount_point))?;
        }
        Ok(Self {
            _turn: take_turn(&run.join("spawner.lock"))?,
            filter: confine::filter()?,
            cgroups: Cgroups::probe(),
            etc: None,
            resolver: match setup.policy.egress {
                Egress::Closed => None,
                Egress::Host => std::fs::read_to_string("/etc/resolv.conf").ok(),
            },
            dirs: TaskDirs::open(&setup.data_dir)?,
            signals: sys::signal_fd(&[libc::SIGCHLD, libc::SIGTERM, libc::SIGUSR1])?,
            null: std::fs::File::options()
                .read(true)
                .write(true)
                .open("/dev/null")?
                .into(),
            setup,
        })
    }

    /// Forks a supervisor, which claims the key before it runs anything.
    fn start(
        &mut self,
        realms: &mut Realms,
        start: Start,
        attached: &mut Option<OwnedFd>,
    ) -> io::Result<Done> {
        let dir = self.dirs.make(start.key)?;
        if !dir.new && dir.claimed()? {
            return Ok(Done::Exists);
        }
        if start.level > Level::Process && self.etc.is_none() {
            self.etc = Some(hostetc::make(&self.setup.data_dir.join("run"))?);
        }
        let realm = match start.level {
            Level::Process => None,
            _ => {
                let alive = || match start.task.network {
                    Network::Shared | Network::Own => None,
                    Network::Reaching | Network::Serving(_) => self.dirs.place(start.key.run),
                };
                Some(realms.get(start.uid_base, &start.task.group, alive))
            }
        };
        match sys::fork(0)? {
            Fork::Child => {
                let ended = supervisor::run(self, realm, &dir, &start);
                sys::exit(i32::from(ended.is_err()))
            }
            Fork::Parent(_, pidfd) => {
                *attached = Some(pidfd);
                Ok(Done::Started)
            }
        }
    }

    /// Passes a stop on to the supervisor, if it lives.
    fn stop(&self, key: AttemptId, how: Stop) -> io::Result<Done> {
        let signal = match how {
            Stop::Polite => Signal::TERM,
            Stop::Forced => Signal::USR1,
        };
        if let Some(pidfd) = self.dirs.started(key)?.and_then(|s| s.supervisor()) {
            match rustix::process::pidfd_send_signal(&pidfd, signal) {
                Ok(()) | Err(rustix::io::Errno::SRCH) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(Done::Ok)
    }

    /// Kills every process that carries the key's mark, until none is left.
    fn sweep(&self, key: AttemptId) -> io::Result<Done> {
        if self
            .dirs
            .started(key)?
            .is_some_and(|s| s.supervisor().is_some())
        {
            return Ok(Done::Ok);
        }
        let mark = crate::program::mark(key);
        // Bounded: a process that forks faster than this is outrun after a few rounds or never.
        for _ in 0..100 {
            let found = marked(&mark)?;
            if found.is_empty() {
                break;
            }
            for pid in found {
                let _ = rustix::process::kill_process(pid, Signal::KILL);
            }
        }
        Ok(Done::Ok)
    }

    /// Examines the host in a process of its own.
    fn examine(&self, socket: &OwnedFd, id: u64) -> io::Result<()> {
        if let Fork::Child = sys::fork(0)? {
            sys::on_signal(libc::SIGCHLD, Disposition::Default);
            let outcome = doctor::probe(&self.setup.data_dir);
            let outcome = outcome.map(Done::Examined).map_err(|error| refusal(&error));
            let sent = Packet::new(&Reply { id, outcome })
                .and_then(|packet| packet.send(socket.as_fd(), None));
            sys::exit(i32::from(sent.is_err()))
        }
        Ok(())
    }

    /// Removes a task's directory, whatever its containers left in it, in a process of its own.
    fn remove(&self, key: AttemptId) -> io::Result<Done> {
        if let Fork::Child = sys::fork(0)? {
            sys::exit(i32::from(self.dirs.remove(key).is_err()))
        }
        Ok(Done::Ok)
    }
}

/// Processes with `mark` in their environment.
fn marked(mark: &str) -> io::Result<Vec<Pid>> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir("/proc")? {
        let entry = entry?;
        let pid = entry
            .file_name()
            .to_str()
            .and_then(|name| name.parse().ok());
        let Some(pid) = pid.and_then(Pid::from_raw) else {
            continue;
        };
        // A process of another user, or one that has just ended, has nothing to read.
        let environment = std::fs::read(entry.path().join("environ")).unwrap_or_default();
        if environment
            .split(|byte| *byte == 0)
            .any(|v| v == mark.as_bytes())
        {
            found.push(pid);
        }
    }
    Ok(found)
}
