//! Where artifacts lie while a task has them: `tasks/<key>/in/<n>`, put there before the task is handed over, and
//! `tasks/<key>/out/<n>`, left by process 1 when every other process of the task is dead. Only the server and
//! process 1, before it lets go of the host, open them; no container ever sees these directories.

use std::fs::File;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::path::Path;
use std::sync::Arc;

use rustix::fs::{AtFlags, FileType, Mode, OFlags, fstat, mkdirat, openat, renameat, unlinkat};
use rustix::io::Errno;
use steading_types::AttemptId;
use steading_types::task::Task;

use crate::taskdir::{TaskDir, TaskDirs};

const IN: &str = "in";
const OUT: &str = "out";
/// Only the server's own user.
const PRIVATE: Mode = Mode::RWXU;

/// The server's side. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Staging(Arc<TaskDirs>);

impl Staging {
    /// Opens the tasks below the data directory.
    ///
    /// # Errors
    /// Of the file system.
    pub fn open(data_dir: &Path) -> io::Result<Self> {
        Ok(Self(Arc::new(TaskDirs::open(data_dir)?)))
    }

    /// An empty file for the content of input artifact `number`. The task sees it when it is [`Self::ready`]:
    /// one that runs since before a restart never sees half of it.
    ///
    /// # Errors
    /// Of the file system.
    pub fn input(&self, key: AttemptId, number: usize) -> io::Result<File> {
        let dir = below(&self.0.make(key)?.fd, IN)?;
        let name = coming(number);
        match unlinkat(&dir, &name, AtFlags::empty()) {
            Ok(()) | Err(Errno::NOENT) => {}
            Err(error) => return Err(error.into()),
        }
        create(&dir, &name)
    }

    /// The content of input artifact `number` is complete.
    ///
    /// # Errors
    /// Of the file system.
    pub fn ready(&self, key: AttemptId, number: usize) -> io::Result<()> {
        let dir = below(&self.0.make(key)?.fd, IN)?;
        Ok(renameat(&dir, coming(number), &dir, number.to_string())?)
    }

    /// What the task left as output artifact `number`.
    ///
    /// # Errors
    /// Of the file system; [`io::ErrorKind::NotFound`] when it left none.
    pub fn output(&self, key: AttemptId, number: usize) -> io::Result<File> {
        let dir = self.0.make(key)?;
        read(&dir.fd, &format!("{OUT}/{number}"))
    }
}

/// The files of one task, open in process 1.
#[derive(Default)]
pub(crate) struct Staged {
    /// By position in the task's `takes`.
    pub(crate) inputs: Vec<File>,
    /// By position in the task's `gives`; empty.
    pub(crate) outputs: Vec<File>,
}

impl Staged {
    /// Opens what a task takes and makes what it will give. A task without artifacts costs nothing.
    pub(crate) fn open(dir: &TaskDir, task: &Task) -> io::Result<Self> {
        let mut staged = Self::default();
        for number in 0..task.takes.len() {
            let input = read(&dir.fd, &format!("{IN}/{number}"))?;
            staged.inputs.push(input);
        }
        if !task.gives.is_empty() {
            let out = below(&dir.fd, OUT)?;
            for number in 0..task.gives.len() {
                staged.outputs.push(create(&out, &number.to_string())?);
            }
        }
        Ok(staged)
    }
}

fn below(dir: &OwnedFd, name: &str) -> io::Result<OwnedFd> {
    match mkdirat(dir, name, PRIVATE) {
        Ok(()) | Err(Errno::EXIST) => {}
        Err(error) => return Err(error.into()),
    }
    let flags = OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    Ok(openat(dir, name, flags, Mode::empty())?)
}

fn coming(number: usize) -> String {
    format!("{number}.new")
}

fn create(dir: &OwnedFd, name: &str) -> io::Result<File> {
    let flags = OFlags::RDWR | OFlags::CREATE | OFlags::TRUNC | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let file = openat(dir, name, flags, Mode::RUSR | Mode::WUSR)?;
    Ok(file.into())
}

fn read(dir: &OwnedFd, path: &str) -> io::Result<File> {
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let file = openat(dir, path, flags, Mode::empty())?;
    if FileType::from_raw_mode(fstat(file.as_fd())?.st_mode) != FileType::RegularFile {
        return Err(io::ErrorKind::InvalidData.into());
    }
    Ok(file.into())
}
