//! The life of attempts outside the engine: queued, handed to the backend, watched, ended, released.

mod ends;
mod handover;

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

use crate::Inner;
use crate::clock::now;
use crate::error::ControlError;
use crate::release::Room;
use crate::scheduler::{Awaited, Precedence, Removed};
use crate::step::Waits;

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
                let awaited = match run.serves() {
                    true => Awaited::ByDaemons,
                    false => Awaited::ByNobody,
                };
                let precedence = Precedence::new(run.head().priority, awaited);
                Some((precedence, run.worker(attempt)))
            })
            .unwrap_or((Precedence::new(0, Awaited::ByNobody), Worker::Backend))
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
