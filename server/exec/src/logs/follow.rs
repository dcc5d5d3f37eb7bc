//! Following a log that still grows. The kernel says when it does; nothing polls.

use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::path::{Path, PathBuf};

use rustix::fs::inotify::{self, CreateFlags, WatchFlags};
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

use super::{Budget, Filter, Line, Reader};
use crate::sys;

/// A log and the wish to see it grow.
pub struct Follow {
    path: PathBuf,
    /// Until the log exists.
    filter: Option<Filter>,
    reader: Option<Reader>,
    tail: Option<usize>,
    changes: AsyncFd<OwnedFd>,
    ended: bool,
}

impl Follow {
    /// Follows a log from its beginning, or from its last `tail` lines on. It need not exist yet.
    /// Must be called inside a tokio runtime.
    ///
    /// # Errors
    /// When the system has no more watches to give, or the directory can not be made.
    pub fn new(path: &Path, filter: Filter, tail: Option<usize>) -> io::Result<Self> {
        let fd = inotify::init(CreateFlags::CLOEXEC | CreateFlags::NONBLOCK)?;
        let mut follow = Self {
            path: path.to_owned(),
            filter: Some(filter),
            reader: None,
            tail,
            changes: sys::async_fd(fd, Interest::READABLE)?,
            ended: false,
        };
        if !follow.open()? {
            let dir = path.parent().unwrap_or(Path::new("/"));
            std::fs::create_dir_all(dir)?;
            inotify::add_watch(follow.changes.get_ref(), dir, WatchFlags::CREATE)?;
            // It may have come between the look and the watch.
            follow.open()?;
        }
        Ok(follow)
    }

    /// The next lines; nothing when the task has ended and all was given. `ended` completes when the
    /// task ends.
    ///
    /// # Errors
    /// When the log can not be read.
    pub async fn next(
        &mut self,
        budget: &Budget,
        ended: impl Future<Output = ()>,
    ) -> io::Result<Option<Vec<Line>>> {
        let mut ended = std::pin::pin!(ended);
        loop {
            if self.reader.is_none() {
                self.open()?;
            }
            if let Some(reader) = &mut self.reader {
                let lines = reader.next(budget)?;
                if !lines.is_empty() {
                    return Ok(Some(lines));
                }
            }
            if self.ended {
                let rest = self.reader.as_mut().map(Reader::rest).unwrap_or_default();
                return Ok((!rest.is_empty()).then_some(rest));
            }
            tokio::select! {
                ready = self.changes.readable() => {
                    let mut events = [0u8; 4096];
                    while rustix::io::read(self.changes.get_ref().as_fd(), &mut events).is_ok() {}
                    ready?.clear_ready();
                }
                () = &mut ended => self.ended = true,
            }
        }
    }

    fn open(&mut self) -> io::Result<bool> {
        let index = self.path.with_extension("idx");
        if self.reader.is_some() || !index.exists() {
            return Ok(self.reader.is_some());
        }
        // Watched before it is read, so that no change falls in between.
        inotify::add_watch(self.changes.get_ref(), &index, WatchFlags::MODIFY)?;
        let filter = self.filter.take().unwrap_or_default();
        self.reader = Reader::open(&self.path, filter)?;
        if let (Some(reader), Some(lines)) = (&mut self.reader, self.tail) {
            reader.seek_tail(lines)?;
        }
        Ok(self.reader.is_some())
    }
}
