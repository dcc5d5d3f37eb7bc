//! Locks at work: requests of runs go to their tenant's queue, grants go back as commands, limits are read
//! where they are kept.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use steading_engine::command::Command;
use steading_engine::lock::{Hold, HoldId, HoldStage, Holder, LockName};
use steading_store::{Snapshot, StoreError};
use steading_types::{RunId, TenantName};

use crate::clock::now;
use crate::error::ControlError;
use crate::locks::{Limit, LockView, Locks};
use crate::{Control, Inner};

/// Who waits, in one answer.
const SHOWN: usize = 1_000;

/// The queues of all tenants.
#[derive(Debug, Default)]
pub(crate) struct Queues(Mutex<HashMap<TenantName, Locks>>);

impl Queues {
    fn map(&self) -> MutexGuard<'_, HashMap<TenantName, Locks>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Does something to a tenant's queues, if it has any. Says who may go on now.
    fn change(
        &self,
        tenant: &TenantName,
        change: impl FnOnce(&mut Locks) -> Vec<HoldId>,
    ) -> Vec<HoldId> {
        self.map().get_mut(tenant).map(change).unwrap_or_default()
    }
}

impl Inner {
    /// A holder asks for its locks, if it still does.
    pub(crate) fn acquire(self: &Arc<Self>, tenant: &TenantName, id: HoldId) {
        let cell = match self.registry.get(&self.store, tenant, id.run) {
            Ok(cell) => cell,
            Err(ControlError::NoRun(_)) => return,
            Err(error) => {
                tracing::error!(run.id = %id.run, error = %error, "a run can not be read; its locks wait for the next start");
                return;
            }
        };
        // Entered under the run's lock: a step that gives the locks back comes after it or is seen here.
        let held = cell.lock();
        let Some(run) = held.as_ref() else {
            drop(held);
            return self.acquire_soon(tenant.clone(), id);
        };
        let hold = run.hold(id.holder);
        let asks = |hold: &&Hold| hold.request == id.request && hold.stage.asks();
        if let Some(hold) = hold.filter(asks).cloned() {
            self.enter(tenant, id, hold);
        }
    }

    /// The run is being dropped from memory: it is looked up again in a moment.
    fn acquire_soon(self: &Arc<Self>, tenant: TenantName, id: HoldId) {
        let inner = Arc::clone(self);
        tokio::spawn(async move {
            tokio::task::yield_now().await;
            inner.acquire(&tenant, id);
        });
    }

    /// Enters a request into its queues, and answers it when there is something to say.
    fn enter(self: &Arc<Self>, tenant: &TenantName, id: HoldId, hold: Hold) {
        let placed = hold.stage == HoldStage::Placed;
        let granted = {
            let mut queues = self.queues.map();
            // Read while nobody else reads limits: what a later change says is not overwritten.
            let limits: HashMap<&LockName, Limit> = hold
                .locks
                .iter()
                .map(|name| (name, self.limit(tenant, name)))
                .collect();
            let unknown = limits.values().find_map(|limit| match limit {
                Limit::Unknown(reason) => Some(reason.clone()),
                Limit::Known(_) => None,
            });
            if let Some(reason) = unknown {
                return self.later(tenant, id.run, Command::LocksRefused { hold: id, reason });
            }
            let limit = |name: &LockName| limits.get(name).cloned().unwrap_or_default();
            let locks = queues.entry(tenant.clone()).or_default();
            locks.enter(id, hold.clone(), limit, now())
        };
        if placed && !granted.contains(&id) {
            self.later(tenant, id.run, Command::LocksBusy { hold: id });
        }
        self.let_go_on(tenant, granted);
    }

    /// A holder has no need of its locks any more.
    pub(crate) fn release_hold(self: &Arc<Self>, tenant: &TenantName, id: HoldId) {
        let granted = self.queues.change(tenant, |locks| locks.release(id, now()));
        self.let_go_on(tenant, granted);
    }

    /// A deleted run gives back what it had once nothing of it runs any more.
    pub(crate) fn release_deleted(self: &Arc<Self>, tenant: &TenantName, run: RunId) {
        let known = |locks: &Locks| locks.knows(run);
        if !self.queues.map().get(tenant).is_some_and(known) || !self.attempts.none_of(run) {
            return;
        }
        if !matches!(
            self.registry.get(&self.store, tenant, run),
            Err(ControlError::NoRun(_))
        ) {
            return;
        }
        let granted = self
            .queues
            .change(tenant, |locks| locks.release_run(run, now()));
        self.let_go_on(tenant, granted);
    }

    fn let_go_on(self: &Arc<Self>, tenant: &TenantName, granted: Vec<HoldId>) {
        for hold in granted {
            self.later(tenant, hold.run, Command::LocksGranted { hold });
        }
    }

    /// Limits changed: whoever may go on now does.
    pub(crate) fn limits_changed(self: &Arc<Self>, tenant: &TenantName) {
        let granted = self.queues.change(tenant, |locks| {
            locks.measure(|name| self.limit(tenant, name), now())
        });
        self.let_go_on(tenant, granted);
    }

    /// Takes up what runs had and waited for before a restart, in the same order.
    pub(crate) fn take_up_holds(self: &Arc<Self>, snapshot: &Snapshot) -> Result<(), StoreError> {
        let mut placed = Vec::new();
        for (run, holder, hold) in snapshot.holds()? {
            if hold.stage == HoldStage::Postponed {
                continue;
            }
            let id = HoldId {
                run: run.id,
                holder,
                request: hold.request,
            };
            if hold.stage == HoldStage::Placed {
                placed.push((run.tenant.clone(), id));
            }
            self.queues
                .map()
                .entry(run.tenant)
                .or_default()
                .restore(id, hold);
        }
        let tenants: Vec<TenantName> = self.queues.map().keys().cloned().collect();
        for tenant in tenants {
            self.limits_changed(&tenant);
        }
        for (tenant, hold) in placed {
            let busy = self
                .queues
                .map()
                .get(&tenant)
                .is_some_and(|l| l.waits(hold));
            if busy {
                self.later(&tenant, hold.run, Command::LocksBusy { hold });
            }
        }
        Ok(())
    }
}

impl Control {
    /// Locks of a tenant that somebody has or waits for.
    pub fn locks(&self, tenant: &TenantName) -> Vec<LockView> {
        let queues = self.0.queues.map();
        queues
            .get(tenant)
            .map(|locks| locks.view(SHOWN))
            .unwrap_or_default()
    }

    /// Why a part of a run waits for its locks, and who has them; nothing when it does not wait.
    pub fn waits_for(&self, tenant: &TenantName, run: RunId, holder: Holder) -> Option<String> {
        let queues = self.0.queues.map();
        let locks = queues.get(tenant)?;
        locks.waits_for(locks.request(run, holder)?)
    }
}
