//! Deleting runs: when somebody asks, and when the time is over that a finished one is kept.

use std::sync::Arc;

use steading_engine::command::{Command, Timer};
use steading_store::{Batch, Change, Conflict, Pace, Require, Residence, RunRef, StoreError};
use steading_types::{AttemptId, Millis, RunId, TenantName};

use crate::clock::now;
use crate::error::ControlError;
use crate::verbs::{attempt_of, reference};
use crate::{Control, Inner};

/// How long an expired run waits of which something still runs, or that the store did not take.
const AGAIN: Millis = Millis(1_000);

impl Control {
    /// Deletes a run with its history and logs, and the runs that it owns; one that is not over is ended
    /// first.
    ///
    /// # Errors
    /// [`ControlError::NoRun`], or a store that does not take it.
    pub async fn delete(&self, tenant: &TenantName, run: RunId) -> Result<(), ControlError> {
        match self
            .steer(tenant, run, Command::Terminate, Vec::new())
            .await
        {
            Ok(()) | Err(ControlError::Refused(_)) => {}
            Err(error) => return Err(error),
        }
        self.remove(&reference(tenant, run), Batch::new()).await
    }

    /// Removes a run that is over, with what it owns, if the batch's requirements hold.
    async fn remove(&self, run: &RunRef, batch: Batch) -> Result<(), ControlError> {
        let nodes = self.0.store.read(|snapshot| snapshot.nodes(run))?;
        for owned in self.0.owned(run, &nodes)? {
            match Box::pin(self.delete(&run.tenant, owned)).await {
                Ok(()) | Err(ControlError::NoRun(_)) => {}
                Err(error) => return Err(error),
            }
        }
        let mut batch = batch.change(Change::DeleteRun(run.clone()));
        let objects = self.0.give_objects_up(&run.tenant, run.id)?;
        batch.changes.extend(objects);
        self.0.store.commit(batch, Pace::Now).await?;
        self.0.reclaim(&run.tenant);
        self.0.timers.clear(run.id, Timer::Expiry);
        if let Some(cell) = self.0.registry.held(run.id) {
            self.0.registry.evict(run.id, &cell);
        }
        self.0.release_deleted(&run.tenant, run.id);
        self.0.limits_changed(&run.tenant);
        let attempts: Vec<AttemptId> = nodes.iter().map(|node| attempt_of(run.id, node)).collect();
        let logs = Arc::clone(&self.0.logs);
        let tenant = run.tenant.clone();
        tokio::spawn(async move { logs.remove(&tenant, &attempts).await });
        Ok(())
    }
}

impl Inner {
    /// Deletes a finished run whose time is over, unless somebody started it again meanwhile.
    pub(crate) fn expire(self: &Arc<Self>, run: RunRef) {
        let control = Control(Arc::clone(self));
        tokio::spawn(async move {
            let again = match control.try_expire(&run).await {
                Ok(Expired::Done) => return,
                Ok(Expired::At(due)) => due,
                Err(error) => {
                    tracing::error!(run.id = %run.id, error = %error, "a run whose time is over could not be deleted; trying again");
                    now().plus(AGAIN)
                }
            };
            let timers = &control.0.timers;
            timers.set(&run.tenant, run.id, Timer::Expiry, again);
        });
    }
}

/// What came of looking at a run whose time is over.
enum Expired {
    /// It is gone, or goes on: no more to do.
    Done,
    /// To be looked at again at this time.
    At(Millis),
}

impl Control {
    async fn try_expire(&self, run: &RunRef) -> Result<Expired, ControlError> {
        let found = self
            .0
            .store
            .read(|snapshot| Ok((snapshot.timer(run, Timer::Expiry)?, snapshot.run(run)?)))?;
        let (Some(due), Some((_, residence))) = found else {
            return Ok(Expired::Done);
        };
        if due > now() {
            return Ok(Expired::At(due));
        }
        // Something of it still runs.
        if residence == Residence::Active {
            return Ok(Expired::At(now().plus(AGAIN)));
        }
        let still = Require::TimerIs(run.clone(), Timer::Expiry, due);
        match self.remove(run, Batch::new().require(still)).await {
            Ok(())
            | Err(ControlError::Store(StoreError::Conflict(
                Conflict::TimerMoved { .. } | Conflict::RunMissing { .. },
            ))) => Ok(Expired::Done),
            Err(error) => Err(error),
        }
    }
}
