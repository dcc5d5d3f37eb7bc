//! From a free slot to a backend that has the attempt.

use std::sync::Arc;

use steading_engine::command::Command;
use steading_store::Change;
use steading_types::task::TaskReport;
use steading_types::{AttemptId, TenantName};

use super::{HeldStage, LONGEST_PAUSE, PAUSE, never_ran, unprepared};
use crate::backend::{Accepted, BackendError, Epoch, Hope, Order, Stage};
use crate::clock::now;
use crate::scheduler::Next;
use crate::step::accepted;
use crate::{ENVIRONMENT, Inner};

impl Inner {
    /// Fills free slots.
    pub(crate) fn pump(self: &Arc<Self>) {
        loop {
            let mut scheduler = self.scheduler();
            match scheduler.pop() {
                Next::HandOver(tenant, attempt) => {
                    drop(scheduler);
                    self.attempts.hold(&tenant, attempt, HeldStage::Submitting);
                    let inner = Arc::clone(self);
                    tokio::spawn(async move { inner.submit_attempt(tenant, attempt).await });
                }
                Next::Release(tenant, attempts) => {
                    // Queued under the scheduler's lock: the row of one that is ended meanwhile is
                    // taken away behind this.
                    let commit = self.release(&tenant, &attempts);
                    drop(scheduler);
                    let inner = Arc::clone(self);
                    tokio::spawn(async move {
                        let committed = commit.await;
                        inner.released(&tenant, &attempts, committed).await;
                    });
                }
                Next::Nothing => return,
            }
        }
    }

    async fn submit_attempt(self: Arc<Self>, tenant: TenantName, attempt: AttemptId) {
        let order = match self.order(&tenant, attempt).await {
            Ok(order) => order,
            Err(report) => return self.ended(&tenant, attempt, report).await,
        };
        let mut pause = PAUSE;
        loop {
            match self.backend.submit(order.clone()).await {
                Ok(taken) => return self.taken(&tenant, attempt, taken).await,
                Err(BackendError {
                    code,
                    message,
                    hope: Hope::None,
                }) => {
                    return self
                        .ended(&tenant, attempt, unprepared(code, message))
                        .await;
                }
                Err(BackendError {
                    message,
                    hope: Hope::Later,
                    ..
                }) => {
                    if self.unwanted(attempt) {
                        return self.ended(&tenant, attempt, never_ran()).await;
                    }
                    self.note(
                        &tenant,
                        Command::AttemptWaiting {
                            attempt,
                            reason: message,
                        },
                        Vec::new(),
                    )
                    .await;
                    tokio::time::sleep(pause).await;
                    pause = pause.saturating_mul(2).min(LONGEST_PAUSE);
                }
            }
        }
    }

    /// The rendered work of an attempt, or the report of why there is none.
    async fn order(
        self: &Arc<Self>,
        tenant: &TenantName,
        attempt: AttemptId,
    ) -> Result<Order, Box<TaskReport>> {
        let mut request = self.ask(tenant, attempt, |run| run.task(attempt, now()))?;
        if !request.takes.is_empty() {
            let fetched = self.fetch(tenant, attempt, &request.takes, &mut request.task);
            fetched
                .await
                .map_err(|error| match self.unwanted(attempt) {
                    true => never_ran(),
                    false => unprepared(error.code().to_owned(), error.to_string()),
                })?;
        }
        let lent = match self.provide(tenant, &mut request.task, &request.wants) {
            Ok(lent) => self.lend_claims(tenant, attempt, &mut request, lent).await,
            Err(error) => Err(error),
        };
        Ok(Order {
            tenant: tenant.clone(),
            attempt,
            name: request.name,
            task: request.task,
            lent: lent.map(Arc::new).map_err(|error| BackendError {
                code: error.code().to_owned(),
                message: error.to_string(),
                hope: Hope::None,
            }),
            epoch: match self.attempts.overtaken().contains(&attempt) {
                true => Epoch::Earlier,
                false => Epoch::This,
            },
        })
    }

    /// The backend has the attempt.
    async fn taken(self: &Arc<Self>, tenant: &TenantName, attempt: AttemptId, taken: Accepted) {
        // A short task may be over by now.
        let Some(stage) = self.attempts.accept(attempt) else {
            return;
        };
        if stage == HeldStage::SubmittingUnwanted {
            self.backend.cancel(vec![attempt]).await;
        }
        let command = match taken.stage {
            Stage::Waiting(reason) => Command::AttemptWaiting { attempt, reason },
            Stage::Running => Command::AttemptStarted {
                attempt,
                host: taken.host,
            },
        };
        // A backend that calls the attempt by our own key is asked again under that key after a crash.
        let known_by_key = taken.handle == attempt.to_string();
        let row = (!known_by_key).then(|| {
            Change::PutOutbox(
                tenant.clone(),
                attempt,
                accepted(ENVIRONMENT, taken.handle, now()),
            )
        });
        self.note(tenant, command, row.into_iter().collect()).await;
    }
}
