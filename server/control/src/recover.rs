//! What is taken up at start: attempts that wait or run, timers, runs that were in the middle of a step.
//!
//! Everything here repeats what may have happened already: backends know attempts by their key, the
//! engine ignores what it has heard before.

use std::collections::HashMap;
use std::sync::Arc;

use steading_engine::command::Command;
use steading_store::{OutboxRow, OutboxStage, RunRef};
use steading_types::{AttemptId, TenantName};

use crate::Inner;
use crate::error::ControlError;
use crate::scheduler::{Awaited, Precedence, Release};
use crate::served::SERVER;
use crate::step::reference;

impl Inner {
    /// Takes everything up again; runs themselves are loaded as they are needed.
    pub(crate) async fn recover(self: &Arc<Self>) -> Result<(), ControlError> {
        let mut priorities = HashMap::new();
        let (outbox, timers, active) = self.store.read(|s| {
            let outbox: Vec<_> = s.outbox()?.collect::<Result<_, _>>()?;
            let timers: Vec<_> = s.timers()?.collect::<Result<_, _>>()?;
            let active: Vec<_> = s
                .active_runs()?
                .map(|head| {
                    head.map(|head| {
                        priorities.insert(head.id, head.priority);
                        reference(&head)
                    })
                })
                .collect::<Result<_, _>>()?;
            Ok((outbox, timers, active))
        })?;
        self.store.read(|s| self.take_up_holds(s))?;
        for (run, timer, due) in timers {
            self.timers.set(&run.tenant, run.id, timer, due);
        }
        for (tenant, attempt, row) in outbox {
            let priority = priorities.get(&attempt.run).copied().unwrap_or(0);
            self.take_up(&tenant, attempt, row, priority).await;
        }
        self.take_up_claims()?;
        let inner = Arc::clone(self);
        // Behind the first answers: a site with thousands of unfinished runs is ready at once.
        tokio::spawn(async move {
            for RunRef { tenant, id } in active {
                inner.go_on(&tenant, id).await;
            }
        });
        self.pump();
        Ok(())
    }

    async fn take_up(
        self: &Arc<Self>,
        tenant: &TenantName,
        attempt: AttemptId,
        row: OutboxRow,
        priority: i32,
    ) {
        let precedence = Precedence::new(priority, Awaited::ByNobody);
        match (row.stage, row.handle) {
            _ if row.environment == SERVER => self.serve(tenant, attempt, precedence),
            (OutboxStage::Accepted, Some(handle)) => self.adopt(tenant, attempt, handle).await,
            // A backend that calls attempts by our key may have this one: it adopts instead of starting again.
            (OutboxStage::Submitting, _) => {
                if row.state != *self.epoch {
                    self.attempts.overtake(attempt);
                }
                self.scheduler()
                    .push(tenant, attempt, precedence, Release::Done);
            }
            _ => self
                .scheduler()
                .push(tenant, attempt, precedence, Release::Needed),
        }
    }

    /// Repeats what a committed step asked for and a crash may have swallowed.
    async fn go_on(self: &Arc<Self>, tenant: &TenantName, run: steading_types::RunId) {
        let cell = match self.registry.get(&self.store, tenant, run) {
            Ok(cell) => cell,
            // It ended meanwhile.
            Err(ControlError::NoRun(_)) => return,
            Err(error) => {
                tracing::error!(run.id = %run, error = %error, "a run can not be read; it is left alone");
                return;
            }
        };
        let (unwanted, more) = {
            let held = cell.lock();
            let Some(run) = held.as_ref() else { return };
            let asked = run
                .outstanding()
                .filter(|(_, ending)| ending.is_asked())
                .map(|(attempt, _)| attempt);
            (asked.collect::<Vec<_>>(), run.wants_more())
        };
        if !unwanted.is_empty() {
            self.cancel(tenant, unwanted);
        }
        if more {
            self.later(tenant, run, Command::Continue);
        }
        self.archive_when_over(tenant, run);
    }
}
