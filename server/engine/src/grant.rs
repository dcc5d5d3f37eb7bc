//! Answers to those who wait at a gate: they go on, wait without a place, or are turned away.

use steading_types::{NodeIx, NodePhase, WorkflowPhase};

use crate::action::Action;
use crate::head::Shutdown;
use crate::lock::{HoldId, HoldStage, Holder};
use crate::turn::Turn;

impl Turn<'_> {
    /// A holder got all its locks: it begins, if it may and there is a place for it.
    pub(crate) fn granted(&mut self, id: HoldId) {
        let Some(stage) = self.run.asking(id) else {
            return;
        };
        match id.holder {
            Holder::Run => {
                let now = self.now;
                if let Some(hold) = self.run.holds.get_mut(&id.holder) {
                    hold.stage = HoldStage::Held;
                    hold.since = now;
                }
                self.note_hold(id.holder);
                self.begin();
                self.open_run();
            }
            Holder::Node(ix) => {
                let idle = self.run.live(ix).is_some_and(|live| live.open == 0);
                let placed = match stage {
                    HoldStage::Placed => !self.run.suspended(),
                    _ => self.run.has_place(ix),
                };
                if idle && self.run.bar(ix).is_some() {
                    self.end_at_gate(ix);
                } else if placed {
                    self.move_to(ix, HoldStage::Held);
                    self.pass(ix);
                } else {
                    self.act(Action::Release(id));
                    self.move_to(ix, HoldStage::Postponed);
                }
            }
        }
    }

    /// A holder must wait for its locks: it leaves its place to others.
    pub(crate) fn locks_busy(&mut self, id: HoldId) {
        if let (Some(HoldStage::Placed), Holder::Node(ix)) = (self.run.asking(id), id.holder) {
            self.move_to(ix, HoldStage::Waiting);
        }
    }

    /// A node may go on: it begins, or is taken up where an earlier generation left it.
    fn pass(&mut self, ix: NodeIx) {
        let now = self.now;
        let Some(node) = self.edit(ix) else {
            return;
        };
        let kind = node.kind;
        if !kind.is_attempt() {
            node.phase = NodePhase::Running;
            node.started = node.started.or(Some(now));
        }
        if self.run.is_empty(ix) {
            if self.recall_again(ix) {
                return;
            }
            self.start(kind, ix);
            self.measure_begun(ix);
        } else {
            self.take_up();
        }
        self.fire_hooks(ix);
    }

    /// A holder's locks can not be had.
    pub(crate) fn turned_away(&mut self, id: HoldId, reason: String) {
        if self.run.asking(id).is_some() {
            self.turn_away(id.holder, reason);
        }
    }

    pub(crate) fn turn_away(&mut self, holder: Holder, reason: String) {
        match holder {
            Holder::Node(ix) => self.finish(ix, NodePhase::Error, Some(reason)),
            Holder::Run => {
                // Nothing more may run, no hook either.
                self.head().shutdown = Some(Shutdown::Terminate);
                let open: Vec<NodeIx> = self.run.nodes().map(|node| node.ix).collect();
                for ix in open.into_iter().rev() {
                    self.finish(ix, NodePhase::Error, Some(reason.clone()));
                }
                self.end_run(WorkflowPhase::Error, Some(reason));
            }
        }
    }

    /// Lets those ask again who had no place, as long as there is one.
    pub(crate) fn ask_again(&mut self) {
        while !self.run.held() {
            let mut postponed = std::mem::take(&mut self.run.postponed);
            let next = postponed.next(|boundary| self.run.full(boundary));
            self.run.postponed = postponed;
            let Some((_, (ix, _))) = next else { return };
            self.move_to(ix, HoldStage::Placed);
            self.acquire(Holder::Node(ix));
        }
    }

    /// Brings a node's hold to another stage, and counts its places anew.
    fn move_to(&mut self, ix: NodeIx, stage: HoldStage) {
        let now = self.now;
        let boundary = self.run.node(ix).and_then(|node| node.boundary);
        self.run.free_places(ix);
        if let Some(hold) = self.run.holds.get_mut(&Holder::Node(ix)) {
            if hold.stage == HoldStage::Postponed {
                hold.request.number = hold.request.number.saturating_add(1);
                self.run.postponed.remove(boundary, (ix, 0));
            }
            match stage {
                HoldStage::Postponed => self.run.postponed.insert(boundary, (ix, 0)),
                HoldStage::Held => hold.since = now,
                HoldStage::Waiting | HoldStage::Placed => {}
            }
            hold.stage = stage;
            let message = (stage != HoldStage::Held).then(|| hold.waiting_message());
            if let Some(node) = self.edit(ix) {
                node.message = message;
            }
            self.note_hold(Holder::Node(ix));
        }
        self.run.take_places(ix);
    }
}
