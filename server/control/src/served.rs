//! Attempts that the server carries out itself: queued, run, ended. They take no slot of a compute
//! environment, since a node that waits for another run would keep that run from having one.
//!
//! The promise after a crash: what was queued or begun is begun again under the same attempt. A request that
//! may have been sent is sent again with the same `Idempotency-Key`; an object that was made is found again
//! by the attempt that it carries.

mod conditions;
mod http;
mod resource;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use steading_engine::command::Command;
use steading_types::server_task::{ServerTask, ServerWork};
use steading_types::task::{End, TaskReport};
use steading_types::{AttemptId, RunId, TenantName};
use tokio::sync::oneshot;

use crate::Inner;
use crate::attempts::{never_ran, report};
use crate::clock::now;
use crate::scheduler::{Next, Precedence, Release, Removed, Scheduler};
use crate::step::forget;
pub(crate) use resource::Watched;

/// The outbox's name for the server as the one that carries an attempt out.
pub(crate) const SERVER: &str = "server";
/// Requests, lists and actions at once. Whoever only waits does not count.
const AT_ONCE: usize = 64;

/// Attempts that the server carries out.
#[derive(Debug)]
pub(crate) struct Served(Mutex<Work>);

#[derive(Debug)]
struct Work {
    queue: Scheduler,
    /// Those at work, and how each is told to stop.
    stops: HashMap<AttemptId, oneshot::Sender<()>>,
}

impl Default for Served {
    fn default() -> Self {
        Self(Mutex::new(Work {
            queue: Scheduler::new(AT_ONCE),
            stops: HashMap::new(),
        }))
    }
}

impl Served {
    fn work(&self) -> MutexGuard<'_, Work> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// True when nothing of the run is at work.
    pub(crate) fn none_of(&self, run: RunId) -> bool {
        !self.work().stops.keys().any(|attempt| attempt.run == run)
    }
}

/// What came of an attempt's work.
pub(crate) struct Outcome {
    end: End,
    result: Option<String>,
    outputs: std::collections::BTreeMap<String, String>,
    /// Outputs that have no value -> why.
    missing: std::collections::BTreeMap<String, String>,
}

impl Outcome {
    /// It went well, with this result.
    fn well(result: Option<String>) -> Self {
        let end = End::Exited {
            container: "main".to_owned(),
            code: 0,
        };
        Self {
            result,
            ..Self::ended(end)
        }
    }

    /// The work was done and the answer was no.
    fn declined(message: impl Into<String>) -> Self {
        let message = message.into();
        Self::ended(End::Declined { message })
    }

    /// The work could not be done.
    fn failed(code: impl Into<String>, message: impl Into<String>) -> Self {
        let (code, message) = (code.into(), message.into());
        Self::ended(End::Unprepared { code, message })
    }

    fn ended(end: End) -> Self {
        Self {
            end,
            result: None,
            outputs: Default::default(),
            missing: Default::default(),
        }
    }

    fn report(self) -> Box<TaskReport> {
        let mut report = report(self.end);
        report.result = self.result;
        report.outputs = self.outputs;
        report.refused = self.missing;
        report
    }
}

impl Inner {
    /// Queues an attempt that the server carries out.
    pub(crate) fn serve(
        self: &Arc<Self>,
        tenant: &TenantName,
        attempt: AttemptId,
        precedence: Precedence,
    ) {
        let mut work = self.served.work();
        if !work.stops.contains_key(&attempt) {
            work.queue.push(tenant, attempt, precedence, Release::Done);
        }
        drop(work);
        self.pump_served();
    }

    fn pump_served(self: &Arc<Self>) {
        let mut work = self.served.work();
        while let Next::HandOver(tenant, attempt) = work.queue.pop() {
            let (stop, stopped) = oneshot::channel();
            work.stops.insert(attempt, stop);
            let inner = Arc::clone(self);
            tokio::spawn(async move { inner.serve_attempt(tenant, attempt, stopped).await });
        }
    }

    /// Ends an attempt that the server carries out; false when it is none.
    pub(crate) fn stop_served(self: &Arc<Self>, tenant: &TenantName, attempt: AttemptId) -> bool {
        let mut work = self.served.work();
        if let Some(stop) = work.stops.get_mut(&attempt) {
            // Its place in the list stays until its end is kept.
            let (spent, _) = oneshot::channel();
            let _ = std::mem::replace(stop, spent).send(());
            return true;
        }
        let waiting = work.queue.forget_ready(tenant, attempt) == Removed::Ready;
        drop(work);
        if waiting {
            let (inner, tenant) = (Arc::clone(self), tenant.clone());
            tokio::spawn(async move { inner.served_ended(&tenant, attempt, never_ran()).await });
        }
        waiting
    }

    async fn serve_attempt(
        self: Arc<Self>,
        tenant: TenantName,
        attempt: AttemptId,
        stopped: oneshot::Receiver<()>,
    ) {
        let task = self.ask(&tenant, attempt, |run| run.server_task(attempt, now()));
        let report = match task {
            Err(report) => report,
            Ok(task) => {
                let started = Command::AttemptStarted {
                    attempt,
                    host: None,
                };
                self.note(&tenant, started, Vec::new()).await;
                let begun = now();
                let work = self.do_work(&tenant, attempt, task);
                let mut report = tokio::select! {
                    biased;
                    _ = stopped => never_ran(),
                    report = work => report,
                };
                report.started = Some(begun);
                report
            }
        };
        self.served_ended(&tenant, attempt, report).await;
    }

    async fn do_work(
        self: &Arc<Self>,
        tenant: &TenantName,
        attempt: AttemptId,
        task: ServerTask,
    ) -> Box<TaskReport> {
        let ServerTask {
            work,
            outputs,
            deadline,
            ..
        } = task;
        let work = async {
            match work {
                ServerWork::Http(http) => self.request(tenant, attempt, http, &outputs).await,
                ServerWork::Data(_) => Outcome::failed("run.type-unsupported", "data templates"),
                ServerWork::Resource(resource) => {
                    self.act_on(tenant, attempt, resource, &outputs).await
                }
            }
        };
        let longest = deadline.map_or(Duration::MAX, |span| Duration::from_millis(span.get()));
        match tokio::time::timeout(longest, Box::pin(work)).await {
            Ok(outcome) => outcome.report(),
            Err(_) => report(End::DeadlineExceeded),
        }
    }

    /// An attempt is over: tell its run, and let the next one begin.
    async fn served_ended(
        self: &Arc<Self>,
        tenant: &TenantName,
        attempt: AttemptId,
        report: Box<TaskReport>,
    ) {
        self.leave_queue(tenant, attempt);
        self.keep_end(tenant, attempt, report, vec![forget(tenant, attempt)])
            .await;
        self.served.work().stops.remove(&attempt);
        self.archive_when_over(tenant, attempt.run);
    }

    /// Gives the attempt's place in the queue free: it ended, or only waits from now on.
    fn leave_queue(self: &Arc<Self>, tenant: &TenantName, attempt: AttemptId) {
        self.served.work().queue.remove(tenant, attempt);
        self.pump_served();
    }
}
