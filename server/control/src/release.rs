//! Releasing: an attempt's row says on disk that a backend may have it, and in which epoch of the backend,
//! before the backend is asked. So an attempt that the backend has forgotten, as a host forgets at a
//! reboot, is never started a second time.

use std::sync::Arc;
use std::time::Duration;

use steading_store::{Batch, Change, Commit, OutboxRow, OutboxStage, Pace, StoreError};
use steading_types::{AttemptId, Millis, TenantName};

use crate::Inner;
use crate::backend::Later;
use crate::clock::now;
use crate::scheduler::Release;
use crate::step::queued;

/// Before a store that refused is asked again.
const PAUSE: Duration = Duration::from_secs(1);

/// How many attempts a commit releases (see [`crate::scheduler`]): counted once, and asked in the order of
/// the actions both for their rows and for their places in the scheduler.
#[derive(Debug, Clone)]
pub(crate) struct Room {
    slots: usize,
    epoch: Arc<[u8]>,
}

impl Room {
    /// For the next attempt.
    pub(crate) fn take(&mut self) -> Release {
        match self.slots.checked_sub(1) {
            Some(rest) => {
                self.slots = rest;
                Release::Done
            }
            None => Release::Needed,
        }
    }

    /// The outbox row of the next attempt.
    pub(crate) fn row(&mut self, now: Millis) -> OutboxRow {
        match self.take() {
            Release::Done => released(&self.epoch, now),
            Release::Needed => queued("", now),
        }
    }
}

/// The outbox row of an attempt that may be handed over from now on, in this epoch of the backend.
fn released(epoch: &[u8], now: Millis) -> OutboxRow {
    OutboxRow {
        stage: OutboxStage::Submitting,
        state: epoch.to_vec(),
        ..queued("", now)
    }
}

impl Inner {
    /// What a commit may release now.
    pub(crate) fn room(&self) -> Room {
        Room {
            slots: self.scheduler().room(),
            epoch: Arc::clone(&self.epoch),
        }
    }

    /// Puts into the store that these may be handed over. Queued when this comes back.
    pub(crate) fn release(
        &self,
        tenant: &TenantName,
        attempts: &[AttemptId],
    ) -> Later<'static, Result<Commit, StoreError>> {
        let row = released(&self.epoch, now());
        let row_of = |attempt: &AttemptId| Change::PutOutbox(tenant.clone(), *attempt, row.clone());
        let batch = Batch {
            changes: attempts.iter().map(row_of).collect(),
            ..Batch::default()
        };
        Box::pin(self.store.commit(batch, Pace::Now))
    }

    /// Goes on when that is committed, or tries again.
    pub(crate) async fn released(
        self: Arc<Self>,
        tenant: &TenantName,
        attempts: &[AttemptId],
        committed: Result<Commit, StoreError>,
    ) {
        let outcome = match committed {
            Ok(_) => Release::Done,
            Err(error) => {
                tracing::error!(tenant = %tenant, error = %error, "attempts could not be released; trying again");
                tokio::time::sleep(PAUSE).await;
                Release::Needed
            }
        };
        self.scheduler().released(tenant, attempts, outcome);
        self.pump();
    }
}
