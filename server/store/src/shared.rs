//! What the writing thread and the handles share: the database, how much waits, and what was
//! committed last.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use redb::Database;
use tokio::sync::watch;

use crate::rows::event::Event;
use crate::{Seq, StoreError};

/// Batches that may wait for the writer.
const QUEUE: usize = 16 * 1024;
/// Events kept in memory for those who follow closely.
const RECENT: usize = 1024;

/// State behind every handle.
pub(crate) struct Shared {
    /// Absent while the files are being opened again, and after the end.
    database: RwLock<Option<Database>>,
    waiting: AtomicUsize,
    recent: RwLock<VecDeque<Arc<Event>>>,
    /// Its sender is the writer's: followers see its end as the store's.
    latest: watch::Receiver<Seq>,
}

impl Shared {
    pub(crate) fn new(database: Database, latest: watch::Receiver<Seq>) -> Self {
        Self {
            database: RwLock::new(Some(database)),
            waiting: AtomicUsize::new(0),
            recent: RwLock::default(),
            latest,
        }
    }

    pub(crate) fn database(&self) -> RwLockReadGuard<'_, Option<Database>> {
        self.database.read().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn database_mut(&self) -> RwLockWriteGuard<'_, Option<Database>> {
        self.database
            .write()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes a place in the queue.
    pub(crate) fn enter(&self) -> Result<(), StoreError> {
        if self.waiting.fetch_add(1, Ordering::Relaxed) < QUEUE {
            return Ok(());
        }
        self.taken(1);
        Err(StoreError::Busy)
    }

    /// Gives places in the queue back.
    pub(crate) fn taken(&self, count: usize) {
        self.waiting.fetch_sub(count, Ordering::Relaxed);
    }

    /// Keeps the latest events at hand.
    pub(crate) fn remember(&self, events: Vec<Event>) {
        let mut recent = self.recent.write().unwrap_or_else(PoisonError::into_inner);
        recent.extend(events.into_iter().map(Arc::new));
        let surplus = recent.len().saturating_sub(RECENT);
        recent.drain(..surplus);
    }

    /// The events after a place, when memory still holds the first of them.
    pub(crate) fn recent(&self, after: Seq) -> Option<Vec<Arc<Event>>> {
        let recent = self.recent.read().unwrap_or_else(PoisonError::into_inner);
        let oldest = recent.front()?.seq;
        let known = oldest <= after.next();
        known.then(|| {
            let from = recent.partition_point(|event| event.seq <= after);
            recent.iter().skip(from).cloned().collect()
        })
    }

    /// The place of the last commit, now and as it moves.
    pub(crate) fn latest(&self) -> watch::Receiver<Seq> {
        self.latest.clone()
    }
}
