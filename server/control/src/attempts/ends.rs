//! What backends see of attempts, and how an attempt ends.

use std::sync::Arc;

use steading_engine::command::Command;
use steading_store::Change;
use steading_types::task::{End, TaskReport};
use steading_types::{AttemptId, TenantName};

use super::{HeldStage, LONGEST_PAUSE, PAUSE};
use crate::Inner;
use crate::backend::{Known, Observed, Seen};
use crate::clock::now;
use crate::lent::Lent;
use crate::step::{Waits, forget};

impl Inner {
    /// Takes in what backends see, for ever.
    pub(crate) async fn observe(self: Arc<Self>) {
        loop {
            for Observed { attempt, what } in self.backend.observe().await {
                if let Some(tenant) = self.attempts.tenant_of(attempt) {
                    self.saw(tenant, attempt, what).await;
                }
            }
        }
    }

    async fn saw(self: &Arc<Self>, tenant: TenantName, attempt: AttemptId, what: Seen) {
        let command = match what {
            Seen::Waiting(reason) => Command::AttemptWaiting { attempt, reason },
            Seen::Started(host) => Command::AttemptStarted { attempt, host },
            Seen::Ready(host) => {
                // What waits for a daemon must not wait for its slot.
                self.scheduler().remove(&tenant, attempt);
                self.pump();
                Command::AttemptReady { attempt, host }
            }
            Seen::Ended(report) => {
                let inner = Arc::clone(self);
                tokio::spawn(async move { inner.ended(&tenant, attempt, report).await });
                return;
            }
        };
        self.note(&tenant, command, Vec::new()).await;
    }

    /// An attempt is over: free its slot, tell its run, and only then let the backend forget it.
    pub(super) async fn ended(
        self: &Arc<Self>,
        tenant: &TenantName,
        attempt: AttemptId,
        mut report: Box<TaskReport>,
    ) {
        self.scheduler().remove(tenant, attempt);
        self.pump();
        if !report.artifacts.is_empty() {
            self.keep_artifacts(tenant, attempt, &mut report).await;
        }
        if let Some(excess) = self.excess(attempt) {
            report.end = End::Unprepared {
                code: excess.code().to_owned(),
                message: excess.to_string(),
            };
        }
        let mut extra = vec![forget(tenant, attempt)];
        extra.extend(
            self.logs
                .index(tenant, attempt)
                .map(|files| Change::PutLogIndex(tenant.clone(), attempt, files)),
        );
        self.keep_end(tenant, attempt, report, extra).await;
        self.attempts.map().remove(&attempt);
        self.attempts.overtaken().remove(&attempt);
        self.backend.release(tenant.clone(), attempt).await;
        self.give_claims_back(tenant, attempt);
        if self.registry.held(attempt.run).is_none() {
            self.release_deleted(tenant, attempt.run);
        }
        self.archive_when_over(tenant, attempt.run);
    }

    /// Tells a run that an attempt is over. A full disk must not lose that: it is said again until it is
    /// kept.
    pub(crate) async fn keep_end(
        self: &Arc<Self>,
        tenant: &TenantName,
        attempt: AttemptId,
        report: Box<TaskReport>,
        extra: Vec<Change>,
    ) {
        let command = Command::AttemptEnded { attempt, report };
        let mut pause = PAUSE;
        while let Err(error) = self
            .step(
                tenant,
                attempt.run,
                command.clone(),
                extra.clone(),
                Waits::Nobody,
            )
            .await
        {
            tracing::error!(run.id = %attempt.run, error = %error, "the end of an attempt could not be kept; trying again");
            tokio::time::sleep(pause).await;
            pause = pause.saturating_mul(2).min(LONGEST_PAUSE);
        }
    }

    /// Goes on with an attempt that a backend had before a restart.
    pub(crate) async fn adopt(
        self: &Arc<Self>,
        tenant: &TenantName,
        attempt: AttemptId,
        handle: String,
    ) {
        self.scheduler().adopt(tenant, attempt);
        self.attempts.hold(tenant, attempt, HeldStage::Accepted);
        let request = self.ask(tenant, attempt, |run| run.task(attempt, now()));
        let gone = request.is_err();
        let containers = request
            .as_ref()
            .map(|request| request.task.container_names());
        let known = Known {
            tenant: tenant.clone(),
            attempt,
            handle,
            containers: containers.unwrap_or_default(),
        };
        self.backend.adopt(known).await;
        if let Ok(mut request) = request {
            // What it uses is watched again; it has its directories.
            let _ = self
                .lend_claims(tenant, attempt, &mut request, Lent::default())
                .await;
        }
        if gone {
            self.backend.cancel(vec![attempt]).await;
        }
    }
}
