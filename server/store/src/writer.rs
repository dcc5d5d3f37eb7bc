//! The only thread that writes: it drains the queue into one commit, answers those who wait, and
//! makes a checkpoint when the journal is long or nothing else is to be done.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::{Duration, Instant};

use redb::{Database, Durability, WriteTransaction};
use tokio::sync::{oneshot, watch};

use crate::apply::apply;
use crate::batch::{Batch, Lineage, Pace};
use crate::journal::{Journal, Record};
use crate::open::Place;
use crate::rows::event::Event;
use crate::shared::Shared;
use crate::tx::Tx;
use crate::{Commit, Options, Seq, StoreError};

/// Batches of one commit.
const GROUP: usize = 256;
/// Quiet time after which the database catches up with the journal.
const QUIET: Duration = Duration::from_secs(1);

/// A batch with its caller.
pub(crate) struct Request {
    pub(crate) batch: Batch,
    pub(crate) pace: Pace,
    pub(crate) answer: oneshot::Sender<Result<Commit, StoreError>>,
}

/// The thread's state.
pub(crate) struct Writer {
    pub(crate) place: Place,
    pub(crate) options: Options,
    pub(crate) shared: Arc<Shared>,
    /// Where the last commit stands, for followers.
    pub(crate) latest: watch::Sender<Seq>,
    pub(crate) queue: Receiver<Request>,
    /// Absent after a failure of the disk, until opening succeeds again.
    pub(crate) journal: Option<Journal>,
    pub(crate) seq: Seq,
    /// The journal's size at which a checkpoint is due.
    pub(crate) checkpoint_at: u64,
    /// A failure after which nothing more is written until the store is opened anew.
    pub(crate) stopped: Option<StoreError>,
}

/// What each batch came to, and what there is to tell of those that were kept.
#[derive(Default)]
struct Group {
    results: Vec<Result<Commit, StoreError>>,
    records: Vec<Record>,
    events: Vec<Event>,
}

/// How far a commit came before it failed.
enum Failure {
    /// The database is not to be used any more before it is opened again.
    Database(StoreError),
    /// The journal did not take the records; the database is as it was.
    Journal(StoreError),
    /// The records are in the journal; the database did not follow.
    Behind(Group),
}

impl Writer {
    /// Works until every handle of the store is gone.
    pub(crate) fn run(mut self) {
        while let Some(first) = self.next() {
            let group = self.gather(first);
            self.shared.taken(group.len());
            self.commit(group);
            let size = self.journal.as_ref().map_or(0, Journal::size);
            if size > self.checkpoint_at {
                self.checkpoint();
            }
        }
        self.checkpoint();
        // The database is closed before the lock on the directory goes.
        self.shared.database_mut().take();
    }

    /// The next batch; quiet time is used for a checkpoint. Nothing: the store is being closed.
    fn next(&mut self) -> Option<Request> {
        if self.journal.as_ref().is_some_and(|j| j.size() > 0) {
            match self.queue.recv_timeout(QUIET) {
                Ok(request) => return Some(request),
                Err(RecvTimeoutError::Disconnected) => return None,
                Err(RecvTimeoutError::Timeout) => self.checkpoint(),
            }
        }
        self.queue.recv().ok()
    }

    /// All that waits already; when none of it is urgent, also what comes within a short wait.
    fn gather(&self, first: Request) -> Vec<Request> {
        let until = Instant::now() + self.options.lazy_wait;
        let mut urgent = first.pace == Pace::Now;
        let mut group = vec![first];
        while group.len() < GROUP {
            let next = if urgent {
                self.queue.try_recv().ok()
            } else {
                let wait = until.saturating_duration_since(Instant::now());
                self.queue.recv_timeout(wait).ok()
            };
            let Some(next) = next else { break };
            urgent |= next.pace == Pace::Now;
            group.push(next);
        }
        group
    }

    /// Commits a group and answers its callers.
    fn commit(&mut self, group: Vec<Request>) {
        let (batches, answers): (Vec<_>, Vec<_>) = group
            .into_iter()
            .map(|request| (request.batch, request.answer))
            .unzip();
        let (results, events) = match self.try_commit(&batches) {
            Ok(group) => (group.results, group.events),
            Err(error) => {
                batches.iter().for_each(end_lineage);
                (vec![Err(error); batches.len()], Vec::new())
            }
        };
        // Followers and callers hear of it when it is durable and visible, not before.
        if let Some(last) = events.last().map(|event| event.seq) {
            self.shared.remember(events);
            self.latest.send_replace(last);
        }
        for (answer, result) in answers.into_iter().zip(results) {
            // A caller that no longer waits has lost interest; its change is kept all the same.
            let _gone = answer.send(result);
        }
    }

    fn try_commit(&mut self, batches: &[Batch]) -> Result<Group, StoreError> {
        if let Some(error) = &self.stopped {
            return Err(error.clone());
        }
        if self.journal.is_none() {
            self.reopen()?;
        }
        match self.write(batches) {
            Ok(group) => Ok(group),
            Err(Failure::Database(error)) => {
                self.journal = None;
                let _retried_by_the_next_commit = self.reopen();
                Err(error)
            }
            Err(Failure::Journal(error)) => {
                // After a failed sync nobody knows what the disk holds: only a full disk is trusted again.
                if !matches!(error, StoreError::Full { .. }) {
                    self.stopped = Some(error.clone());
                }
                Err(error)
            }
            Err(Failure::Behind(group)) => {
                self.journal = None;
                self.reopen().map(|()| group)
            }
        }
    }

    /// One transaction: apply, make durable in the journal, then make visible.
    fn write(&mut self, batches: &[Batch]) -> Result<Group, Failure> {
        let database = self.shared.database();
        let (Some(database), Some(journal)) = (database.as_ref(), self.journal.as_mut()) else {
            return Err(Failure::Database(StoreError::Closed));
        };
        let txn = begin(database).map_err(Failure::Database)?;
        let group = apply_all(&txn, batches, self.seq, self.options.feed_rows)
            .map_err(Failure::Database)?;
        let Some(last) = group.records.last().map(|record| record.seq) else {
            return Ok(group);
        };
        journal.append(&group.records).map_err(Failure::Journal)?;
        if txn.commit().is_err() {
            return Err(Failure::Behind(group));
        }
        self.seq = last;
        Ok(group)
    }

    /// Lets the database catch up with the journal, which then starts anew.
    fn checkpoint(&mut self) {
        let Some(journal) = self.journal.as_mut().filter(|journal| journal.size() > 0) else {
            return;
        };
        let synced = match self.shared.database().as_ref() {
            Some(database) => sync(database),
            None => Err(StoreError::Closed),
        };
        if synced.is_ok() {
            journal.restart();
            self.checkpoint_at = self.options.journal_bytes;
            return;
        }
        // Nothing is lost, all is in the journal; try again when it has grown as much once more.
        self.checkpoint_at = journal.size().saturating_add(self.options.journal_bytes);
        self.journal = None;
        let _retried_by_the_next_commit = self.reopen();
    }

    /// Opens the files again after redb gave up on them. Readers wait meanwhile.
    fn reopen(&mut self) -> Result<(), StoreError> {
        let mut database = self.shared.database_mut();
        database.take();
        let opened = self.place.open()?;
        *database = Some(opened.database);
        self.journal = Some(opened.journal);
        self.seq = opened.seq;
        Ok(())
    }
}

/// What builds upon a batch that was not kept is not kept either.
fn end_lineage(batch: &Batch) {
    if let Some(lineage) = &batch.lineage {
        lineage.end();
    }
}

/// A transaction whose durability is the journal's.
fn begin(database: &Database) -> Result<WriteTransaction, StoreError> {
    let mut txn = database.begin_write()?;
    txn.set_durability(Durability::None)?;
    Ok(txn)
}

/// Writes all that the database holds in memory; quick repair makes the next opening fast.
fn sync(database: &Database) -> Result<(), StoreError> {
    let mut txn = database.begin_write()?;
    txn.set_quick_repair(true);
    Ok(txn.commit()?)
}

/// Applies each batch; one that is refused is taken back alone.
fn apply_all(
    txn: &WriteTransaction,
    batches: &[Batch],
    mut seq: Seq,
    feed_rows: u64,
) -> Result<Group, StoreError> {
    let mut tx = Tx::new(txn);
    let mut group = Group::default();
    for batch in batches {
        if batch.lineage.as_ref().is_some_and(Lineage::ended) {
            group.results.push(Err(StoreError::Superseded));
            continue;
        }
        let next = seq.next();
        match apply(&mut tx, batch, next, feed_rows) {
            Ok(event) => {
                seq = next;
                let payload = tx.keep();
                group.records.push(Record { seq, payload });
                group.events.push(event);
                group.results.push(Ok(Commit { seq }));
            }
            Err(error) if error.is_storage() => return Err(error),
            Err(error) => {
                tx.take_back()?;
                end_lineage(batch);
                group.results.push(Err(error));
            }
        }
    }
    Ok(group)
}
