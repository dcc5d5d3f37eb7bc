//! The life of attempts outside the engine: queued, handed to the backend, watched, ended, released.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use steading_engine::action::Action;
use steading_engine::command::Command;
use steading_engine::error::EngineError;
use steading_engine::{Run, Worker};
use steading_store::Change;
use steading_types::task::{End, TaskReport};
use steading_types::{AttemptId, RunId, TenantName};

use crate::backend::{Accepted, BackendError, Epoch, Hope, Known, Observed, Order, Seen, Stage};
use crate::clock::now;
use crate::error::ControlError;
use crate::lent::Lent;
use crate::release::Room;
use crate::scheduler::{Next, Precedence, Removed};
use crate::step::{Waits, accepted, forget};
use crate::{ENVIRONMENT, Inner};

/// Pauses between tries to hand an attempt to a backend that asks for patience.
const PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

/// Attempts that hold a slot, and how far each is.
#[derive(Debug, Default)]
pub(crate) struct Attempts {
    held: Mutex<HashMap<AttemptId, Held>>,
    /// Those that an earlier epoch of the backend may have had.
    overtaken: Mutex<HashSet<AttemptId>>,
}

#[derive(Debug, Clone)]
struct Held {
    tenant: TenantName,
    stage: HeldStage,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum HeldStage {
    /// The backend is being asked.
    Submitting,
    /// As before, and it shall be ended as soon as the backend has it.
    SubmittingUnwanted,
    /// The backend has it.
    Accepted,
}

impl Attempts {
    fn map(&self) -> MutexGuard<'_, HashMap<AttemptId, Held>> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn overtaken(&self) -> MutexGuard<'_, HashSet<AttemptId>> {
        self.overtaken
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// The attempt was released in an earlier epoch of the backend.
    pub(crate) fn overtake(&self, attempt: AttemptId) {
        self.overtaken().insert(attempt);
    }

    fn hold(&self, tenant: &TenantName, attempt: AttemptId, stage: HeldStage) {
        self.map().insert(
            attempt,
            Held {
                tenant: tenant.clone(),
                stage,
            },
        );
    }

    /// The backend has it; nothing when it is over already.
    fn accept(&self, attempt: AttemptId) -> Option<HeldStage> {
        let mut map = self.map();
        let held = map.get_mut(&attempt)?;
        Some(std::mem::replace(&mut held.stage, HeldStage::Accepted))
    }

    fn tenant_of(&self, attempt: AttemptId) -> Option<TenantName> {
        self.map().get(&attempt).map(|held| held.tenant.clone())
    }

    /// True when no attempt of the run holds a slot any more.
    pub(crate) fn none_of(&self, run: RunId) -> bool {
        !self.map().keys().any(|attempt| attempt.run == run)
    }
}

impl Inner {
    /// Does what a committed step asked for.
    pub(crate) fn carry_out(
        self: &Arc<Self>,
        tenant: &TenantName,
        run: RunId,
        actions: Vec<Action>,
        mut room: Room,
    ) {
        let (mut cancelled, mut started) = (Vec::new(), false);
        for action in actions {
            match action {
                Action::Start(attempt) => {
                    let (precedence, worker) = self.standing(tenant, attempt);
                    match worker {
                        Worker::Backend => {
                            let release = room.take();
                            self.scheduler().push(tenant, attempt, precedence, release);
                            started = true;
                        }
                        Worker::Server => self.serve(tenant, attempt, precedence),
                    }
                }
                Action::Cancel(attempt) => cancelled.push(attempt),
                Action::SetTimer(timer, due) => self.timers.set(tenant, run, timer, due),
                Action::ClearTimer(timer) => self.timers.clear(run, timer),
                Action::Continue => self.later(tenant, run, Command::Continue),
                Action::Remember(_) => {}
                Action::Measure(measured) => self.metrics.take(tenant, *measured),
                Action::Acquire(hold) => self.acquire(tenant, hold),
                Action::Release(hold) => self.release_hold(tenant, hold),
                Action::Completed => {
                    self.count_ended(tenant, run);
                    self.archive_when_over(tenant, run);
                    self.reclaim(tenant);
                }
            }
        }
        if started {
            self.pump();
        }
        if !cancelled.is_empty() {
            self.cancel(tenant, cancelled);
        }
    }

    /// Applies a command from within, without anybody waiting for it. A disk that does not take it is
    /// asked again: the run would stand still otherwise.
    pub(crate) fn later(self: &Arc<Self>, tenant: &TenantName, run: RunId, command: Command) {
        let (inner, tenant) = (Arc::clone(self), tenant.clone());
        tokio::spawn(async move {
            let mut pause = PAUSE;
            loop {
                let step = inner.step(&tenant, run, command.clone(), Vec::new(), Waits::Somebody);
                match step.await {
                    Ok(()) => return,
                    Err(error) => {
                        tracing::warn!(run.id = %run, error = %error, "a step of a run failed");
                        if !matches!(error, ControlError::Store(_)) {
                            return;
                        }
                    }
                }
                tokio::time::sleep(pause).await;
                pause = pause.saturating_mul(2).min(LONGEST_PAUSE);
            }
        });
    }

    fn count_ended(&self, tenant: &TenantName, run: RunId) {
        let phase = self.registry.held(run).and_then(|cell| {
            let held = cell.lock();
            held.as_ref().map(|run| run.head().phase)
        });
        if let Some(phase) = phase.filter(|phase| phase.completed()) {
            self.metrics.ended(tenant, phase);
        }
    }

    /// How soon an attempt's turn comes, and who carries it out.
    fn standing(&self, tenant: &TenantName, attempt: AttemptId) -> (Precedence, Worker) {
        let cell = self.registry.get(&self.store, tenant, attempt.run);
        cell.ok()
            .and_then(|cell| {
                let held = cell.lock();
                let run = held.as_ref()?;
                let precedence = Precedence::new(run.head().priority, run.serves());
                Some((precedence, run.worker(attempt)))
            })
            .unwrap_or((Precedence::new(0, false), Worker::Backend))
    }

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

    /// What a run says about one of its attempts, or the report of why it says nothing.
    pub(crate) fn ask<T>(
        &self,
        tenant: &TenantName,
        attempt: AttemptId,
        question: impl FnOnce(&Run) -> Result<T, EngineError>,
    ) -> Result<T, Box<TaskReport>> {
        let unknown = |error: ControlError| unprepared(error.code().to_owned(), error.to_string());
        let cell = self
            .registry
            .get(&self.store, tenant, attempt.run)
            .map_err(unknown)?;
        let held = cell.lock();
        let run = held
            .as_ref()
            .ok_or_else(|| unknown(ControlError::NoRun(attempt.run.to_string())))?;
        question(run).map_err(|error| unprepared(error.code().to_owned(), error.to_string()))
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

    pub(crate) fn unwanted(&self, attempt: AttemptId) -> bool {
        self.attempts
            .map()
            .get(&attempt)
            .is_some_and(|held| held.stage == HeldStage::SubmittingUnwanted)
    }

    /// Tells the run something that nobody waits for.
    pub(crate) async fn note(
        self: &Arc<Self>,
        tenant: &TenantName,
        command: Command,
        extra: Vec<Change>,
    ) {
        let run = match &command {
            Command::AttemptWaiting { attempt, .. }
            | Command::AttemptStarted { attempt, .. }
            | Command::AttemptReady { attempt, .. }
            | Command::AttemptEnded { attempt, .. } => attempt.run,
            _ => return,
        };
        if let Err(error) = self.step(tenant, run, command, extra, Waits::Nobody).await {
            tracing::warn!(run.id = %run, error = %error, "what a backend said could not be kept; it will be asked again");
        }
    }

    /// Ends attempts that are no longer wanted, wherever they are.
    pub(crate) fn cancel(self: &Arc<Self>, tenant: &TenantName, attempts: Vec<AttemptId>) {
        let mut at_backend = Vec::new();
        for attempt in attempts {
            if self.stop_served(tenant, attempt) {
                continue;
            }
            if self.scheduler().forget_ready(tenant, attempt) == Removed::Ready {
                let (inner, tenant) = (Arc::clone(self), tenant.clone());
                tokio::spawn(async move { inner.ended(&tenant, attempt, never_ran()).await });
                continue;
            }
            match self.attempts.map().get_mut(&attempt) {
                Some(held) if held.stage == HeldStage::Submitting => {
                    held.stage = HeldStage::SubmittingUnwanted
                }
                Some(held) if held.stage == HeldStage::Accepted => at_backend.push(attempt),
                _ => {}
            }
        }
        if !at_backend.is_empty() {
            let inner = Arc::clone(self);
            tokio::spawn(async move { inner.backend.cancel(at_backend).await });
        }
    }

    /// Takes in what backends see, for ever.
    pub(crate) async fn observe(self: Arc<Self>) {
        loop {
            for Observed { attempt, what } in self.backend.observe().await {
                let Some(tenant) = self.attempts.tenant_of(attempt) else {
                    continue;
                };
                let inner = Arc::clone(&self);
                match what {
                    Seen::Waiting(reason) => {
                        inner
                            .note(
                                &tenant,
                                Command::AttemptWaiting { attempt, reason },
                                Vec::new(),
                            )
                            .await
                    }
                    Seen::Started(host) => {
                        inner
                            .note(
                                &tenant,
                                Command::AttemptStarted { attempt, host },
                                Vec::new(),
                            )
                            .await
                    }
                    Seen::Ready(host) => {
                        // What waits for a daemon must not wait for its slot.
                        inner.scheduler().remove(&tenant, attempt);
                        inner.pump();
                        inner
                            .note(&tenant, Command::AttemptReady { attempt, host }, Vec::new())
                            .await
                    }
                    Seen::Ended(report) => drop(tokio::spawn(async move {
                        inner.ended(&tenant, attempt, report).await
                    })),
                }
            }
        }
    }

    /// An attempt is over: free its slot, tell its run, and only then let the backend forget it.
    async fn ended(
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

pub(crate) fn report(end: End) -> Box<TaskReport> {
    Box::new(TaskReport::of(end, now()))
}

pub(crate) fn unprepared(code: String, message: String) -> Box<TaskReport> {
    report(End::Unprepared { code, message })
}

/// It was ended before any backend had it.
pub(crate) fn never_ran() -> Box<TaskReport> {
    report(End::Signaled {
        container: "main".to_owned(),
        signal: 15,
    })
}
