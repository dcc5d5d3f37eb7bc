//! One step of a run: apply a command, commit what changed, then do what follows. The only place where
//! runs change.

use std::sync::Arc;

use steading_engine::action::Action;
use steading_engine::command::Command;
use steading_engine::outcome::{Changed, Outcome};
use steading_engine::{Run, Worker, head::Head};
use steading_store::{
    Batch, Change, Commit, MemoKey, MemoRow, OutboxRow, OutboxStage, Pace, RunRef, Wanted,
};
use steading_types::{AttemptId, Millis, NodeIx, RunId, TenantName};

use steading_store::StoreError;

use crate::Inner;
use crate::backend::Later;
use crate::clock::now;
use crate::error::ControlError;
use crate::registry::Cell;
use crate::release::Room;
use crate::served::SERVER;

/// Whether somebody waits for the commit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Waits {
    /// A person, or the next step of the run.
    Somebody,
    /// Nobody: the commit may wait for company.
    Nobody,
}

impl Inner {
    /// Applies a command to a run, commits it together with `extra`, then carries out what follows.
    ///
    /// A command that changes nothing still commits `extra`, and so does a run that is gone, unless somebody
    /// waits to be told.
    pub(crate) async fn step(
        self: &Arc<Self>,
        tenant: &TenantName,
        id: RunId,
        command: Command,
        extra: Vec<Change>,
        waits: Waits,
    ) -> Result<(), ControlError> {
        let queued = loop {
            match self.try_step(tenant, id, &command, &extra, waits) {
                Some(queued) => break queued?,
                // The run is on its way into the archive: look again in a moment.
                None => tokio::task::yield_now().await,
            }
        };
        let Some(Queued {
            commit,
            actions,
            room,
            cell,
        }) = queued
        else {
            return Ok(());
        };
        if let Err(error) = commit.await {
            // What is in memory went ahead of the disk: forget it.
            if let Some(cell) = cell {
                self.registry.evict(id, &cell);
            }
            return Err(error.into());
        }
        self.carry_out(tenant, id, actions, room);
        Ok(())
    }

    /// Applies and queues, under the run's lock; nothing when the run was dropped in this very moment.
    fn try_step(
        &self,
        tenant: &TenantName,
        id: RunId,
        command: &Command,
        extra: &[Change],
        waits: Waits,
    ) -> Option<Result<Option<Queued>, ControlError>> {
        let cell = match self.registry.get(&self.store, tenant, id) {
            Ok(cell) => cell,
            Err(ControlError::NoRun(_)) if !extra.is_empty() && waits == Waits::Nobody => {
                let batch = Batch {
                    changes: extra.to_vec(),
                    ..Batch::default()
                };
                return Some(Ok(Some(Queued {
                    commit: Box::pin(self.store.commit(batch, Pace::Lazy)),
                    actions: Vec::new(),
                    room: self.room(),
                    cell: None,
                })));
            }
            Err(error) => return Some(Err(error)),
        };
        let mut held = cell.lock();
        let run = held.as_mut()?;
        let now = now();
        let outcome = match run.apply(command.clone(), now) {
            Ok(outcome) => outcome,
            Err(refusal) => return Some(Err(refusal.into())),
        };
        if outcome.is_empty() && extra.is_empty() {
            return Some(Ok(None));
        }
        let pace = if waits == Waits::Somebody || outcome.actions.iter().any(urgent) {
            Pace::Now
        } else {
            Pace::Lazy
        };
        let mut extra = extra.to_vec();
        if run.has_claims() && run.gives_claims_up() && outcome.actions.contains(&Action::Completed)
        {
            match self.give_claims_up(run) {
                Ok(marked) => extra.extend(marked),
                Err(error) => {
                    tracing::error!(run.id = %id, error = %error, "the claims of a run stay until it is deleted");
                }
            }
        }
        // Queued under the lock: batches of one run reach the store in the order of its steps.
        let room = self.room();
        let batch = batch(run, &outcome, extra, now, room.clone()).upon(&cell.lineage);
        let commit = Box::pin(self.store.commit(batch, pace));
        drop(held);
        Some(Ok(Some(Queued {
            commit,
            actions: outcome.actions,
            room,
            cell: Some(cell),
        })))
    }
}

/// A commit on its way, what follows it, and the run that went ahead of it.
struct Queued {
    commit: Later<'static, Result<Commit, StoreError>>,
    actions: Vec<Action>,
    room: Room,
    cell: Option<Arc<Cell>>,
}

/// Actions that make something go on.
fn urgent(action: &Action) -> bool {
    matches!(
        action,
        Action::Start(_)
            | Action::Continue
            | Action::Cancel(_)
            | Action::Completed
            | Action::Acquire(_)
            | Action::Release(_)
    )
}

/// The run of a head, with its tenant.
pub(crate) fn reference(head: &Head) -> RunRef {
    RunRef {
        tenant: head.tenant.clone(),
        id: head.id,
    }
}

/// The rows of an outcome.
pub(crate) fn batch(
    run: &Run,
    outcome: &Outcome,
    extra: Vec<Change>,
    now: Millis,
    mut room: Room,
) -> Batch {
    let run_ref = reference(run.head());
    let mut changes = extra;
    if outcome.head == Changed::Yes {
        changes.push(Change::PutRun(Box::new(run.head().clone())));
    }
    if !outcome.nodes.is_empty() {
        let nodes = outcome
            .nodes
            .iter()
            .filter_map(|ix| run.node(*ix).cloned())
            .collect();
        changes.push(Change::PutNodes(run_ref.clone(), nodes));
    }
    if !outcome.removed.is_empty() {
        changes.push(Change::RemoveNodes(
            run_ref.clone(),
            outcome.removed.clone(),
        ));
    }
    changes.extend(outcome.holds.iter().map(|holder| match run.hold(*holder) {
        Some(hold) => Change::PutHold(run_ref.clone(), *holder, hold.clone()),
        None => Change::RemoveHold(run_ref.clone(), *holder),
    }));
    changes.extend(
        outcome
            .actions
            .iter()
            .filter_map(|action| row_of(run, &run_ref, action, now, &mut room)),
    );
    Batch {
        changes,
        ..Batch::default()
    }
}

/// What an action leaves on disk, so that it is carried out after a crash as well.
fn row_of(
    state: &Run,
    run: &RunRef,
    action: &Action,
    now: Millis,
    room: &mut Room,
) -> Option<Change> {
    match action {
        Action::Start(attempt) => {
            let row = match state.worker(*attempt) {
                Worker::Server => queued(SERVER, now),
                Worker::Backend => room.row(now),
            };
            Some(Change::PutOutbox(run.tenant.clone(), *attempt, row))
        }
        Action::SetTimer(timer, due) => Some(Change::SetTimer(run.clone(), *timer, *due)),
        Action::ClearTimer(timer) => Some(Change::ClearTimer(run.clone(), *timer)),
        Action::Remember(node) => remembered(state, *node),
        Action::Cancel(_)
        | Action::Measure(_)
        | Action::Continue
        | Action::Completed
        | Action::Acquire(_)
        | Action::Release(_) => None,
    }
}

/// The entry of a cache that a memoized node leaves.
fn remembered(state: &Run, node: NodeIx) -> Option<Change> {
    let node = state.node(node)?;
    let (memo, made) = (node.memo.as_ref()?, node.finished?);
    let key = MemoKey {
        cache: memo.cache.clone(),
        key: memo.key.clone(),
    };
    let row = MemoRow {
        run: state.head().id,
        node: node.ix,
        made,
        expires: memo.max_age.map(|age| made.plus(age)),
        outputs: node.outputs.clone(),
    };
    Some(Change::PutMemo(state.head().tenant.clone(), key, row))
}

/// The outbox row of an attempt that waits for its turn.
pub(crate) fn queued(environment: &str, now: Millis) -> OutboxRow {
    OutboxRow {
        environment: environment.to_owned(),
        stage: OutboxStage::Queued,
        wanted: Wanted::Yes,
        state: Vec::new(),
        handle: None,
        queued: now,
    }
}

/// The outbox row of an attempt that a backend took.
pub(crate) fn accepted(environment: &str, handle: String, now: Millis) -> OutboxRow {
    OutboxRow {
        environment: environment.to_owned(),
        stage: OutboxStage::Accepted,
        wanted: Wanted::Yes,
        state: Vec::new(),
        handle: Some(handle),
        queued: now,
    }
}

/// The attempt is over for good.
pub(crate) fn forget(tenant: &TenantName, attempt: AttemptId) -> Change {
    Change::RemoveOutbox(tenant.clone(), attempt)
}
