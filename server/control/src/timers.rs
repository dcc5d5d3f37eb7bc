//! Timers of runs: kept on disk by the store, in a heap here, fired by one sleeping task.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use steading_engine::command::{Command, Timer};
use steading_store::{Change, RunRef};
use steading_types::{Millis, RunId, TenantName};
use tokio::sync::Notify;

use crate::Inner;
use crate::clock::now;
use crate::error::ControlError;
use crate::step::Waits;

/// Timers that are wanted.
#[derive(Debug, Default)]
pub(crate) struct Timers {
    state: Mutex<State>,
    earlier: Notify,
}

#[derive(Debug, Default)]
struct State {
    due: BTreeSet<(Millis, RunId, Timer)>,
    known: HashMap<(RunId, Timer), (Millis, TenantName)>,
}

impl Timers {
    /// Wants a timer; moves an earlier one of the same name.
    pub(crate) fn set(&self, tenant: &TenantName, run: RunId, timer: Timer, due: Millis) {
        let mut state = self.state();
        if let Some((old, _)) = state.known.insert((run, timer), (due, tenant.clone())) {
            state.due.remove(&(old, run, timer));
        }
        state.due.insert((due, run, timer));
        if state.due.first() == Some(&(due, run, timer)) {
            self.earlier.notify_one();
        }
    }

    /// No longer wants a timer.
    pub(crate) fn clear(&self, run: RunId, timer: Timer) {
        let mut state = self.state();
        if let Some((due, _)) = state.known.remove(&(run, timer)) {
            state.due.remove(&(due, run, timer));
        }
    }

    /// Takes a timer that is due, or says how long the next one takes.
    fn next(&self, now: Millis) -> Result<(TenantName, RunId, Timer), Option<Duration>> {
        let mut state = self.state();
        let Some(&(due, run, timer)) = state.due.first() else {
            return Err(None);
        };
        if due > now {
            return Err(Some(Duration::from_millis(due.since(now).get())));
        }
        state.due.pop_first();
        match state.known.remove(&(run, timer)) {
            Some((_, tenant)) => Ok((tenant, run, timer)),
            None => Err(Some(Duration::ZERO)),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    /// Fires timers, for ever.
    pub(crate) async fn fire_timers(self: Arc<Self>) {
        loop {
            match self.timers.next(now()) {
                Ok((tenant, id, Timer::Expiry)) => self.expire(RunRef { tenant, id }),
                Ok((tenant, run, timer)) => self.fire(tenant, run, timer),
                Err(None) => self.timers.earlier.notified().await,
                Err(Some(wait)) => {
                    tokio::select! {
                        () = tokio::time::sleep(wait) => {}
                        () = self.timers.earlier.notified() => {}
                    }
                }
            }
        }
    }

    fn fire(self: &Arc<Self>, tenant: TenantName, run: RunId, timer: Timer) {
        let inner = Arc::clone(self);
        tokio::spawn(async move {
            let gone = Change::ClearTimer(
                RunRef {
                    tenant: tenant.clone(),
                    id: run,
                },
                timer,
            );
            match inner
                .step(
                    &tenant,
                    run,
                    Command::TimerFired { timer },
                    vec![gone],
                    Waits::Nobody,
                )
                .await
            {
                Ok(()) | Err(ControlError::NoRun(_) | ControlError::Refused(_)) => {}
                // Not kept: it stays due.
                Err(error) => {
                    tracing::error!(run.id = %run, error = %error, "a timer could not be fired; trying again");
                    inner
                        .timers
                        .set(&tenant, run, timer, now().plus(Millis(1000)));
                }
            }
        });
    }
}
