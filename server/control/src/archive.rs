//! Finished runs leave the hot tables once nothing of them runs any more.

use std::sync::Arc;

use steading_store::{Batch, Change, Pace, RunRef};
use steading_types::{RunId, TenantName};

use crate::Inner;

impl Inner {
    /// Archives the run if it is over and no attempt of it is left anywhere.
    pub(crate) fn archive_when_over(self: &Arc<Self>, tenant: &TenantName, run: RunId) {
        let Some(cell) = self.registry.held(run) else {
            return;
        };
        let commit = {
            let mut held = cell.lock();
            let over = held
                .as_ref()
                .is_some_and(|run| run.head().phase.completed());
            let at_work = !self.attempts.none_of(run) || !self.served.none_of(run);
            if !over || at_work {
                return;
            }
            // Whoever comes now waits until the run is in the archive, and is told that it is.
            *held = None;
            let change = Change::Archive(RunRef {
                tenant: tenant.clone(),
                id: run,
            });
            self.store
                .commit(Batch::new().change(change).upon(&cell.lineage), Pace::Lazy)
        };
        let inner = Arc::clone(self);
        tokio::spawn(async move {
            if let Err(error) = commit.await {
                tracing::warn!(run.id = %run, error = %error, "a finished run could not be archived; it will be at the next start");
            }
            inner.registry.evict(run, &cell);
        });
    }
}
