//! The change feed: every commit in order, from any place that is still kept, then live.

use std::collections::VecDeque;
use std::sync::Arc;

use steading_types::RunId;
use tokio::sync::watch;

use crate::rows::event::Event;
use crate::shared::Shared;
use crate::snapshot::Snapshot;
use crate::{Seq, StoreError};

/// Events read from the table at a time.
const PAGE: usize = 256;

/// A reader of the feed. It keeps a place and nothing else, so a slow one costs nothing and misses
/// nothing until the table itself is trimmed.
pub struct Feed {
    shared: Arc<Shared>,
    latest: watch::Receiver<Seq>,
    place: Seq,
    ready: VecDeque<Arc<Event>>,
}

impl Feed {
    pub(crate) fn new(shared: Arc<Shared>, after: Option<Seq>) -> Self {
        let latest = shared.latest();
        let place = after.unwrap_or_else(|| *latest.borrow());
        Self {
            shared,
            latest,
            place,
            ready: VecDeque::new(),
        }
    }

    /// The next commit after the reader's place; waits for it. Dropping the future loses nothing.
    ///
    /// # Errors
    /// [`StoreError::Gone`] when the feed was trimmed beyond the reader's place or never reached it,
    /// [`StoreError::Closed`] when the store is closed.
    pub async fn next(&mut self) -> Result<Arc<Event>, StoreError> {
        loop {
            if let Some(event) = self.ready.pop_front() {
                self.place = event.seq;
                return Ok(event);
            }
            let latest = *self.latest.borrow_and_update();
            if latest < self.place {
                // A place that this store never reached: it was restored from an older backup.
                return Err(StoreError::Gone {
                    oldest: latest.next(),
                });
            }
            if latest > self.place {
                self.ready = self.read(latest)?.into();
            } else if self.latest.changed().await.is_err() {
                return Err(StoreError::Closed);
            }
        }
    }

    /// Waits for a commit that touches a run; others cost nothing but a look. Dropping the future loses nothing.
    ///
    /// # Errors
    /// Those of [`Feed::next`].
    pub async fn touched(&mut self, run: RunId) -> Result<(), StoreError> {
        loop {
            let event = self.next().await?;
            if event.items.iter().any(|(_, item)| item.run() == Some(run)) {
                return Ok(());
            }
        }
    }

    /// What follows the reader's place, up to the last commit; never nothing.
    fn read(&self, latest: Seq) -> Result<Vec<Arc<Event>>, StoreError> {
        let events = match self.shared.recent(self.place) {
            Some(events) => events,
            None => {
                let snapshot = Snapshot::take(&self.shared)?;
                snapshot.get().events(self.place, PAGE)?
            }
        };
        if events.is_empty() {
            return Err(StoreError::Gone { oldest: latest });
        }
        Ok(events)
    }
}
