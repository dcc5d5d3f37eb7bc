//! The directory of a task, `DATA/tasks/<key>/`, and the three facts that it holds on disk:
//!
//! - `started`: the key is taken. A supervisor puts it there, atomically and never over an existing
//!   one, as the last step before it runs anything. This is why no attempt starts twice.
//! - `report.json`: the task ended, and how. Written under another name, renamed.
//! - neither the one nor the other: nothing was run since the host was booted.
//!
//! `started` without a living supervisor and without a report means that the task is lost.
//! No process of the host, however it is killed, can see these facts undone; a power cut can, because
//! they are not synced: what was handed over before the host was booted is judged by
//! [`crate::Exec::lose`]. A record that a power cut has torn says as much as none.
//! The task's description is not kept: it may hold secrets, and only its supervisor needs it.

use std::ffi::OsStr;
use std::io::{self, Read, Write};
use std::os::fd::OwnedFd;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use rustix::fs::{
    AtFlags, CWD, Mode, OFlags, RenameFlags, mkdirat, openat, renameat_with, unlinkat,
};
use rustix::io::Errno;
use rustix::process::{Pid, PidfdFlags, getpid, pidfd_open};
use serde::{Deserialize, Serialize};
use steading_types::task::TaskReport;
use steading_types::{AttemptId, Millis, RunId};

use crate::realm::Place;
use crate::remove::remove_tree;
use crate::sys;

const STARTED: &str = "started";
const REPORT: &str = "report.json";
/// A service can be used.
const READY: &str = "ready";
const REPORT_NEW: &str = "report.new";
/// Where a task keeps what its containers write: script, volumes, overlay.
pub(crate) const WORK: &str = "work";
/// Bytes of a record; beyond it the file is not ours.
const RECORD: u64 = 64 * 1024 * 1024;

/// `DATA/tasks`.
#[derive(Debug)]
pub(crate) struct TaskDirs {
    tasks: OwnedFd,
    path: PathBuf,
    /// Of this boot of the host: a pid of another boot names nothing.
    pub(crate) boot: String,
}

/// Who took the key.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct Started {
    pid: i32,
    /// The supervisor's start, in clock ticks since boot.
    ticks: u64,
    boot: String,
    pub(crate) at: Millis,
    /// It is there for others: its end is not all that is waited for.
    #[serde(default)]
    pub(crate) service: bool,
}

impl Started {
    /// A descriptor of the supervisor while it lives.
    pub(crate) fn supervisor(&self) -> Option<OwnedFd> {
        let pid = Pid::from_raw(self.pid)?;
        let pidfd = pidfd_open(pid, PidfdFlags::empty()).ok()?;
        // Checked after the descriptor is bound, so the number can not change hands in between.
        let same = boot_id().ok()? == self.boot && start_ticks(self.pid).ok()? == self.ticks;
        same.then_some(pidfd)
    }
}

/// One task's directory.
pub(crate) struct TaskDir {
    pub(crate) fd: OwnedFd,
    pub(crate) path: PathBuf,
    pub(crate) key: AttemptId,
    /// This call made it.
    pub(crate) new: bool,
    boot: String,
}

impl TaskDirs {
    /// Opens, and makes when absent, the directory below the data directory.
    pub(crate) fn open(data_dir: &Path) -> io::Result<Self> {
        let path = data_dir.join("tasks");
        std::fs::create_dir_all(&path)?;
        let flags = OFlags::DIRECTORY | OFlags::CLOEXEC;
        Ok(Self {
            tasks: rustix::fs::openat(CWD, &path, flags, Mode::empty())?,
            path,
            boot: boot_id()?,
        })
    }

    /// A task's directory, made when absent.
    pub(crate) fn make(&self, key: AttemptId) -> io::Result<TaskDir> {
        let name = key.to_string();
        let new = match mkdirat(&self.tasks, &name, Mode::from_raw_mode(0o711)) {
            Ok(()) => true,
            Err(Errno::EXIST) => false,
            Err(error) => return Err(error.into()),
        };
        let flags = OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        Ok(TaskDir {
            fd: openat(&self.tasks, &name, flags, Mode::empty())?,
            path: self.path.join(name),
            key,
            new,
            boot: self.boot.clone(),
        })
    }

    /// Who took the key, if anyone did.
    pub(crate) fn started(&self, key: AttemptId) -> io::Result<Option<Started>> {
        // A torn record names nobody, and the key is taken all the same.
        let text = self.read(key, STARTED)?;
        Ok(text.map(|text| serde_json::from_slice(&text).unwrap_or_default()))
    }

    /// How the task ended, if it did.
    pub(crate) fn report(&self, key: AttemptId) -> io::Result<Option<TaskReport>> {
        let text = self.read(key, REPORT)?;
        Ok(text.and_then(|text| serde_json::from_slice(&text).ok()))
    }

    /// The keys of all directories.
    pub(crate) fn keys(&self) -> io::Result<Vec<AttemptId>> {
        let mut keys = Vec::new();
        for entry in std::fs::read_dir(&self.path)? {
            let name = entry?.file_name();
            keys.extend(
                name.to_str()
                    .and_then(|name| name.parse::<AttemptId>().ok()),
            );
        }
        Ok(keys)
    }

    fn read(&self, key: AttemptId, name: &str) -> io::Result<Option<Vec<u8>>> {
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let file = match openat(&self.tasks, format!("{key}/{name}"), flags, Mode::empty()) {
            Ok(file) => std::fs::File::from(file),
            Err(Errno::NOENT) => return Ok(None),
            Err(error) => return Err(error.into()),
        };
        let mut text = Vec::new();
        file.take(RECORD).read_to_end(&mut text)?;
        Ok(Some(text))
    }

    /// The namespaces of a run's services: those of any of their supervisors.
    pub(crate) fn place(&self, run: RunId) -> Option<Place> {
        let namespace = |pid: &str| std::fs::metadata(format!("/proc/{pid}/ns/net"));
        let own = namespace("self").ok()?.ino();
        let keys = self.keys().ok()?;
        keys.into_iter()
            .filter(|key| key.run == run)
            .find_map(|key| {
                let started = self.started(key).ok()??;
                let open = |kind| std::fs::File::open(format!("/proc/{}/ns/{kind}", started.pid));
                let (users, network) = (open("user").ok()?, open("net").ok()?);
                // Looked for after they were opened: the number has not changed hands.
                started.service.then(|| started.supervisor()).flatten()?;
                let theirs = network.metadata().ok()?.ino();
                (theirs != own).then(|| Place {
                    users: Some(users.into()),
                    network: network.into(),
                })
            })
    }

    /// Whether a service said that it can be used.
    pub(crate) fn ready(&self, key: AttemptId) -> bool {
        let flags = AtFlags::SYMLINK_NOFOLLOW;
        rustix::fs::statat(&self.tasks, format!("{key}/{READY}"), flags).is_ok()
    }

    /// A task's directory as a path.
    pub(crate) fn path(&self, key: AttemptId) -> PathBuf {
        self.path.join(key.to_string())
    }

    /// Removes the directory when it holds our own records only; answers false when more is there.
    pub(crate) fn remove_records(&self, key: AttemptId) -> io::Result<bool> {
        let at = |name: &str| format!("{key}/{name}");
        // `started` goes last: until then the key is taken.
        for (name, flags) in [
            (WORK, AtFlags::REMOVEDIR),
            (READY, AtFlags::empty()),
            (REPORT_NEW, AtFlags::empty()),
            (REPORT, AtFlags::empty()),
            (STARTED, AtFlags::empty()),
        ] {
            match unlinkat(&self.tasks, at(name), flags) {
                Ok(()) | Err(Errno::NOENT) => {}
                Err(Errno::NOTEMPTY | Errno::EXIST | Errno::ACCESS | Errno::PERM) => {
                    return Ok(false);
                }
                Err(error) => return Err(error.into()),
            }
        }
        match unlinkat(&self.tasks, key.to_string(), AtFlags::REMOVEDIR) {
            Ok(()) | Err(Errno::NOENT) => Ok(true),
            Err(Errno::NOTEMPTY | Errno::EXIST) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }

    /// Removes the directory with all that containers left in it; links are not followed.
    pub(crate) fn remove(&self, key: AttemptId) -> io::Result<()> {
        match remove_tree(&self.tasks, OsStr::new(&key.to_string())) {
            Ok(()) | Err(Errno::NOENT) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }
}

impl TaskDir {
    /// True when the key was taken or the task has ended.
    pub(crate) fn claimed(&self) -> io::Result<bool> {
        for name in [STARTED, REPORT] {
            match rustix::fs::statat(&self.fd, name, AtFlags::SYMLINK_NOFOLLOW) {
                Ok(_) => return Ok(true),
                Err(Errno::NOENT) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(false)
    }

    /// Takes the key for this process. False when another process has it.
    pub(crate) fn claim(&self, service: bool) -> io::Result<bool> {
        let pid = getpid().as_raw_pid();
        let record = Started {
            pid,
            ticks: start_ticks(pid)?,
            boot: self.boot.clone(),
            at: sys::now(),
            service,
        };
        let name = format!("claim.{pid}");
        self.write(&name, &record)?;
        match renameat_with(&self.fd, &name, &self.fd, STARTED, RenameFlags::NOREPLACE) {
            Ok(()) => Ok(true),
            Err(Errno::EXIST) => {
                unlinkat(&self.fd, &name, AtFlags::empty())?;
                Ok(false)
            }
            Err(error) => Err(error.into()),
        }
    }

    /// Notes that a service can be used. Not synced: after a restart of the host nothing runs.
    pub(crate) fn serve(&self) -> io::Result<()> {
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::CLOEXEC;
        openat(&self.fd, READY, flags, Mode::from_raw_mode(0o600))?;
        Ok(())
    }

    /// Puts the task's end where the server finds it. `alone` tells whether there is no server that takes
    /// it into its own journal: then it is synced here.
    pub(crate) fn finish(
        &self,
        report: &TaskReport,
        alone: impl FnOnce() -> bool,
    ) -> io::Result<()> {
        let file = self.write(REPORT_NEW, report)?;
        rustix::fs::renameat(&self.fd, REPORT_NEW, &self.fd, REPORT)?;
        if alone() {
            file.sync_all()?;
        }
        Ok(())
    }

    /// The directory for what containers write, made when absent.
    pub(crate) fn work(&self) -> io::Result<PathBuf> {
        match mkdirat(&self.fd, WORK, Mode::from_raw_mode(0o711)) {
            Ok(()) | Err(Errno::EXIST) => Ok(self.path.join(WORK)),
            Err(error) => Err(error.into()),
        }
    }

    fn write<T: Serialize>(&self, name: &str, record: &T) -> io::Result<std::fs::File> {
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::TRUNC | OFlags::CLOEXEC;
        let file = openat(&self.fd, name, flags, Mode::from_raw_mode(0o600))?;
        let mut file = std::fs::File::from(file);
        file.write_all(&serde_json::to_vec(record)?)?;
        Ok(file)
    }
}

fn boot_id() -> io::Result<String> {
    let text = std::fs::read_to_string("/proc/sys/kernel/random/boot_id")?;
    Ok(text.trim().to_owned())
}

/// Field 22 of /proc/<pid>/stat (proc(5)); the program's name before it may hold anything.
fn start_ticks(pid: i32) -> io::Result<u64> {
    let text = std::fs::read_to_string(format!("/proc/{pid}/stat"))?;
    text.rsplit_once(')')
        .and_then(|(_, fields)| fields.split_ascii_whitespace().nth(19)?.parse().ok())
        .ok_or_else(|| io::Error::new(io::ErrorKind::InvalidData, "unknown form of /proc/pid/stat"))
}
