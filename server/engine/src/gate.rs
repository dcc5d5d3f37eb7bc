//! The gate before a node, and before a run: it goes on when it holds the locks that it asks for.

use std::collections::BTreeSet;

use steading_spec::model::{Mutex, Semaphore, Synchronization};
use steading_types::{NodeIx, NodePhase, NodeType};

use crate::action::Action;
use crate::error::EngineError;
use crate::lock::{Hold, HoldId, HoldStage, Holder, LockKind, LockName, Rank, Request};
use crate::node::NodeRole;
use crate::run::Run;
use crate::scope::View;
use crate::text;
use crate::turn::Turn;

impl Run {
    /// Whether the run still waits for its own locks.
    pub(crate) fn awaits_locks(&self) -> bool {
        self.locks_of_run().is_some() && !self.head.phase.completed() && !self.has(Holder::Run)
    }

    /// Whether a node waits for locks of its own.
    pub(crate) fn gated(&self, ix: NodeIx) -> bool {
        self.wants_locks(ix)
            && !self.node(ix).is_some_and(|node| node.phase.completed())
            && !self.has(Holder::Node(ix))
    }

    /// Whether a node must have locks of its own.
    pub(crate) fn wants_locks(&self, ix: NodeIx) -> bool {
        self.plan.locks && self.locks_of(ix).is_some()
    }

    /// The nodes in a boundary that have locks of their own or wait for them.
    pub(crate) fn lock_users(&self, boundary: NodeIx) -> Vec<NodeIx> {
        let users = self.holds.keys().filter_map(|holder| match holder {
            Holder::Node(ix) => Some(*ix),
            Holder::Run => None,
        });
        let within = |ix: &NodeIx| self.node(*ix).and_then(|node| node.boundary) == Some(boundary);
        users.filter(within).collect()
    }

    /// Puts those in line who were postponed, after a load.
    pub(crate) fn line_up(&mut self) {
        for (holder, hold) in &self.holds {
            if let (Holder::Node(ix), HoldStage::Postponed) = (*holder, hold.stage) {
                let boundary = self.node(ix).and_then(|node| node.boundary);
                self.postponed.insert(boundary, (ix, 0));
            }
        }
    }

    /// A holder's latest request.
    fn request(&self, holder: Holder) -> Option<HoldId> {
        self.holds.get(&holder).map(|hold| HoldId {
            run: self.head.id,
            holder,
            request: hold.request,
        })
    }

    /// How far a request is, if it still has no answer.
    pub(crate) fn asking(&self, id: HoldId) -> Option<HoldStage> {
        let hold = self.holds.get(&id.holder)?;
        (hold.request == id.request && hold.stage.asks()).then_some(hold.stage)
    }

    /// Whether a node, or any above it, waits for locks.
    pub(crate) fn behind_gate(&self, ix: NodeIx) -> bool {
        if !self.plan.locks {
            return false;
        }
        let mut at = Some(ix);
        while let Some(ix) = at {
            if self.gated(ix) {
                return true;
            }
            at = self.node(ix).and_then(|node| node.owner);
        }
        false
    }

    /// Whether nothing was made in a node yet.
    pub(crate) fn is_empty(&self, ix: NodeIx) -> bool {
        self.live(ix).is_some_and(|live| live.body.is_empty())
    }

    fn has(&self, holder: Holder) -> bool {
        let hold = self.holds.get(&holder);
        hold.is_some_and(|hold| hold.stage == HoldStage::Held)
    }

    /// The locks that a node's template asks for. Tries share those of their retry node.
    fn locks_of(&self, ix: NodeIx) -> Option<&Synchronization> {
        let slot = self.slot(ix)?;
        let calls = !matches!(
            slot.node.kind,
            NodeType::StepGroup | NodeType::TaskGroup | NodeType::Skipped
        );
        let whole = slot.node.role != NodeRole::Try && calls;
        let template = slot.live.template.filter(|_| whole)?;
        asked(&self.plan.template(template).ok()?.synchronization)
    }

    fn locks_of_run(&self) -> Option<&Synchronization> {
        asked(&self.plan.resolved.spec.synchronization)
    }
}

impl Turn<'_> {
    /// Asks for the locks of a holder.
    pub(crate) fn ask(&mut self, holder: Holder) {
        let hold = match self.hold(holder) {
            Ok(hold) => hold,
            Err(error) => return self.turn_away(holder, error.to_string()),
        };
        let message = Some(hold.waiting_message());
        match holder {
            Holder::Run => self.head().message = message,
            Holder::Node(ix) => {
                if let Some(node) = self.edit(ix) {
                    node.phase = NodePhase::Pending;
                    node.started = None;
                    node.message = message;
                }
            }
        }
        self.run.holds.insert(holder, hold);
        self.note_hold(holder);
        self.acquire(holder);
    }

    pub(crate) fn acquire(&mut self, holder: Holder) {
        if let Some(id) = self.run.request(holder) {
            self.act(Action::Acquire(id));
        }
    }

    /// A holder's request, with its names worked out.
    fn hold(&self, holder: Holder) -> Result<Hold, EngineError> {
        let run = &*self.run;
        let head = &run.head;
        let namespace = head.tenant.namespace();
        let (wanted, view, who) = match holder {
            Holder::Run => (
                run.locks_of_run(),
                View::run(run, self.now),
                format!("{namespace}/{}", head.name),
            ),
            Holder::Node(ix) => (
                run.locks_of(ix),
                View::node(run, self.now, ix),
                format!(
                    "{namespace}/{}/{}",
                    head.name,
                    run.node_id(ix).unwrap_or_default()
                ),
            ),
        };
        Ok(Hold {
            locks: wanted.map_or_else(|| Ok(BTreeSet::new()), |w| names(w, &namespace, &view))?,
            stage: HoldStage::Waiting,
            since: self.now,
            request: Request {
                generation: head.generation,
                number: 0,
            },
            rank: Rank {
                priority: std::cmp::Reverse(head.priority),
                created: head.created,
                asked: self.now,
            },
            who,
        })
    }

    /// Gives back what a holder has or waits for.
    pub(crate) fn give_back(&mut self, holder: Holder) {
        let Some(id) = self.run.request(holder) else {
            return;
        };
        if let Holder::Node(ix) = holder {
            let boundary = self.run.node(ix).and_then(|node| node.boundary);
            self.run.postponed.remove(boundary, (ix, 0));
        }
        self.run.holds.remove(&holder);
        self.note_hold(holder);
        self.act(Action::Release(id));
    }

    /// A node that waits at its gate and is not to go on any more is over.
    pub(crate) fn end_at_gate(&mut self, ix: NodeIx) {
        if let Some(bar) = self.run.bar(ix) {
            self.finish(ix, NodePhase::Failed, Some(bar.message().to_owned()));
        }
    }

    /// Goes on with every open node of an earlier generation that no gate holds back any more.
    pub(crate) fn take_up(&mut self) {
        let open = self.run.nodes().filter(|node| !node.phase.completed());
        let open: Vec<NodeIx> = open.map(|node| node.ix).collect();
        for ix in &open {
            let owner = self.run.node(*ix).and_then(|node| node.owner);
            if owner.is_some_and(|owner| self.run.behind_gate(owner)) {
                continue;
            }
            if !self.run.gated(*ix) {
                self.run.enlist(*ix);
            } else if !self.run.holds.contains_key(&Holder::Node(*ix)) {
                self.ask(Holder::Node(*ix));
            }
        }
        for ix in open.into_iter().rev() {
            self.advance(ix);
        }
    }
}

/// What is written, if it names a lock.
fn asked(written: &Option<Synchronization>) -> Option<&Synchronization> {
    let names = |w: &&Synchronization| !w.mutexes.is_empty() || !w.semaphores.is_empty();
    written.as_ref().filter(names)
}

/// The locks that are written, with their texts filled in.
fn names(
    wanted: &Synchronization,
    own: &str,
    view: &View<'_>,
) -> Result<BTreeSet<LockName>, EngineError> {
    let namespace = |written: &str| match written {
        "" => Ok(own.to_owned()),
        written => text::render(written, view),
    };
    let mutex = |mutex: &Mutex| {
        Ok(LockName {
            namespace: namespace(&mutex.namespace)?,
            kind: LockKind::Mutex(text::render(&mutex.name, view)?),
        })
    };
    let semaphore = |semaphore: &Semaphore| {
        let kind = match (&semaphore.config_map_key_ref, &semaphore.database) {
            (Some(from), _) => LockKind::ConfigMap {
                name: text::render(&from.name, view)?,
                key: text::render(&from.key, view)?,
            },
            (None, Some(from)) => LockKind::Database(text::render(&from.key, view)?),
            (None, None) => {
                let wrong = "a semaphore needs configMapKeyRef or database".to_owned();
                return Err(EngineError::Value(wrong));
            }
        };
        Ok(LockName {
            namespace: namespace(&semaphore.namespace)?,
            kind,
        })
    };
    let mutexes = wanted.mutexes.iter().map(mutex);
    mutexes
        .chain(wanted.semaphores.iter().map(semaphore))
        .collect()
}
