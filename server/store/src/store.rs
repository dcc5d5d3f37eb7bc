//! The handle that everybody else holds.

use std::fmt;
use std::future::Future;
use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::{Sender, channel};
use std::thread::JoinHandle;
use std::time::Duration;

use tokio::sync::{oneshot, watch};

use crate::StoreError;
use crate::batch::{Batch, Pace};
use crate::feed::Feed;
use crate::open::Place;
use crate::shared::Shared;
use crate::snapshot::Snapshot;
use crate::writer::{Request, Writer};

/// The place of a commit in the order of all commits; 0 is before the first.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Seq(pub u64);

impl Seq {
    /// The place after this one.
    #[must_use]
    pub fn next(self) -> Self {
        Self(self.0.saturating_add(1))
    }
}

impl fmt::Display for Seq {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A batch that is on disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Commit {
    /// Its place.
    pub seq: Seq,
}

/// How a store is opened.
#[derive(Debug, Clone)]
pub struct Options {
    /// Upper limit of the database's page cache, in bytes. It grows with use and not at the start.
    pub cache_bytes: usize,
    /// Size of the journal, in bytes, at which the database must catch up.
    pub journal_bytes: u64,
    /// How long a lazy batch may wait for company.
    pub lazy_wait: Duration,
    /// Commits that the change feed keeps.
    pub feed_rows: u64,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            cache_bytes: 16 * 1024 * 1024,
            journal_bytes: 4 * 1024 * 1024,
            lazy_wait: Duration::from_millis(25),
            feed_rows: 65_536,
        }
    }
}

/// An open store; clones share it. When the last one goes, what is in memory is written and the
/// files are closed.
#[derive(Clone)]
pub struct Store(Arc<Inner>);

struct Inner {
    shared: Arc<Shared>,
    /// Absent only while it is being dropped.
    queue: Option<Sender<Request>>,
    writer: Option<JoinHandle<()>>,
}

impl Store {
    /// Opens the store in a directory; makes both where they are missing.
    ///
    /// # Errors
    /// [`StoreError::Locked`] when another process has it open; [`StoreError::Foreign`],
    /// [`StoreError::Newer`] and [`StoreError::Damaged`] by what lies there; else the disk's errors.
    pub fn open(dir: &Path, options: Options) -> Result<Self, StoreError> {
        let place = Place::lock(dir, &options)?;
        let opened = place.open_or_create()?;
        let (latest, followed) = watch::channel(opened.seq);
        let shared = Arc::new(Shared::new(opened.database, followed));
        let (queue, requests) = channel();
        let writer = Writer {
            place,
            checkpoint_at: options.journal_bytes,
            options,
            shared: Arc::clone(&shared),
            latest,
            queue: requests,
            journal: Some(opened.journal),
            seq: opened.seq,
            stopped: None,
        };
        let writer = std::thread::Builder::new()
            .name("store".into())
            .spawn(|| writer.run())?;
        Ok(Self(Arc::new(Inner {
            shared,
            queue: Some(queue),
            writer: Some(writer),
        })))
    }

    /// Commits a batch; the future ends when it is on disk and visible, or refused. The order of
    /// commits is the order of calls, whatever their pace; a future that is dropped takes nothing back.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] when a requirement does not hold, [`StoreError::Full`],
    /// [`StoreError::Io`] when the disk refuses, [`StoreError::Busy`] when too many wait already.
    pub fn commit(
        &self,
        batch: Batch,
        pace: Pace,
    ) -> impl Future<Output = Result<Commit, StoreError>> + Send + use<> {
        let answer = self.enqueue(batch, pace);
        async move { answer?.await.unwrap_or(Err(StoreError::Closed)) }
    }

    /// [`Store::commit`] for callers outside of an async runtime.
    ///
    /// # Errors
    /// As [`Store::commit`].
    pub fn commit_blocking(&self, batch: Batch, pace: Pace) -> Result<Commit, StoreError> {
        self.enqueue(batch, pace)?
            .blocking_recv()
            .unwrap_or(Err(StoreError::Closed))
    }

    fn enqueue(
        &self,
        batch: Batch,
        pace: Pace,
    ) -> Result<oneshot::Receiver<Result<Commit, StoreError>>, StoreError> {
        let queue = self.0.queue.as_ref().ok_or(StoreError::Closed)?;
        self.0.shared.enter()?;
        let (answer, receiver) = oneshot::channel();
        let request = Request {
            batch,
            pace,
            answer,
        };
        queue.send(request).map_err(|_| StoreError::Closed)?;
        Ok(receiver)
    }

    /// Reads from one point in time. The closure should be short: what it sees can not be reclaimed
    /// while it runs. It must not call `read` again.
    ///
    /// # Errors
    /// What the closure answers, and the disk's errors.
    pub fn read<R>(
        &self,
        f: impl FnOnce(&Snapshot) -> Result<R, StoreError>,
    ) -> Result<R, StoreError> {
        let taken = Snapshot::take(&self.0.shared)?;
        f(taken.get())
    }

    /// Follows the commits after a place; without one, from now on.
    pub fn feed(&self, after: Option<Seq>) -> Feed {
        Feed::new(Arc::clone(&self.0.shared), after)
    }

    /// The place of the last commit.
    pub fn latest(&self) -> Seq {
        *self.0.shared.latest().borrow()
    }
}

impl fmt::Debug for Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Store").finish_non_exhaustive()
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.queue.take();
        if let Some(writer) = self.writer.take() {
            let _panicked = writer.join();
        }
    }
}
