//! One command at work: what it changes, what it makes happen, and how news travels from a node that is
//! over to the nodes that wait for it. News waits in a queue, so that no chain of nodes is too long.

use std::collections::{BTreeSet, VecDeque};

use steading_spec::resolve::TemplateIx;
use steading_types::{Millis, NodeIx, NodePhase, NodeType, WorkflowPhase};

use crate::action::Action;
use crate::call::Inputs;
use crate::command::Timer;
use crate::error::EngineError;
use crate::head::{Head, Shutdown};
use crate::live::{Body, Slot};
use crate::lock::Holder;
use crate::node::{Node, NodeRole, Outputs, TemplateName};
use crate::outcome::{Changed, Outcome};
use crate::run::{Run, node_timer};

/// Nodes made by one command; more follow after [`Action::Continue`].
pub(crate) const CHUNK: usize = 1_000;

/// A command at work on a run.
pub(crate) struct Turn<'r> {
    pub(crate) run: &'r mut Run,
    pub(crate) now: Millis,
    head: Changed,
    touched: BTreeSet<NodeIx>,
    removed: Vec<NodeIx>,
    holds: BTreeSet<Holder>,
    actions: Vec<Action>,
    /// Fulfilled nodes whose owners were not told yet.
    over: VecDeque<NodeIx>,
    made: usize,
}

/// What is known of a node before its template is.
#[derive(Debug, Clone)]
pub(crate) struct Seed {
    pub(crate) name: String,
    pub(crate) display_name: String,
    pub(crate) owner: Option<NodeIx>,
    pub(crate) place: u32,
    pub(crate) boundary: Option<NodeIx>,
    pub(crate) parents: Vec<NodeIx>,
    pub(crate) role: NodeRole,
    pub(crate) index: Option<u32>,
    pub(crate) item: Option<serde_json::Value>,
    pub(crate) template: TemplateName,
    pub(crate) inputs: Inputs,
    pub(crate) fan: Vec<u32>,
}

impl<'r> Turn<'r> {
    pub(crate) fn new(run: &'r mut Run, now: Millis) -> Self {
        Self {
            run,
            now,
            head: Changed::No,
            touched: BTreeSet::new(),
            removed: Vec::new(),
            holds: BTreeSet::new(),
            actions: Vec::new(),
            over: VecDeque::new(),
            made: 0,
        }
    }

    /// What the command did.
    pub(crate) fn done(mut self) -> Outcome {
        let run = self.run;
        self.removed.retain(|ix| run.slot(*ix).is_none());
        self.touched.retain(|ix| run.slot(*ix).is_some());
        Outcome {
            head: self.head,
            nodes: self.touched.into_iter().collect(),
            removed: self.removed,
            holds: self.holds.into_iter().collect(),
            actions: self.actions,
        }
    }

    /// The head, to be altered.
    pub(crate) fn head(&mut self) -> &mut Head {
        self.head = Changed::Yes;
        &mut self.run.head
    }

    /// A node, to be altered.
    pub(crate) fn edit(&mut self, ix: NodeIx) -> Option<&mut Node> {
        self.touched.insert(ix);
        self.run.slot_mut(ix).map(|slot| &mut slot.node)
    }

    /// A hold was asked for, got or given back.
    pub(crate) fn note_hold(&mut self, holder: Holder) {
        self.holds.insert(holder);
    }

    pub(crate) fn act(&mut self, action: Action) {
        self.actions.push(action);
    }

    /// Notes rows that ceased to exist, and forgets changes to them.
    pub(crate) fn forget(&mut self, removed: Vec<NodeIx>) {
        self.removed.extend(removed);
    }

    /// Makes a node that is under way.
    pub(crate) fn make(
        &mut self,
        seed: Seed,
        kind: NodeType,
        phase: NodePhase,
    ) -> Result<NodeIx, EngineError> {
        let ix = NodeIx(u32::try_from(self.run.slots.len()).unwrap_or(u32::MAX));
        let leaf = kind.is_leaf();
        let node = Node {
            ix,
            name: seed.name,
            display_name: seed.display_name,
            kind,
            phase,
            message: None,
            template: seed.template,
            boundary: seed.boundary,
            parents: seed.parents,
            owner: seed.owner,
            place: seed.place,
            role: seed.role,
            index: seed.index,
            item: seed.item,
            fan: seed.fan,
            inputs: seed.inputs.parameters,
            artifacts: seed.inputs.artifacts,
            outputs: Outputs::default(),
            created: self.now,
            started: (phase == NodePhase::Running).then_some(self.now),
            finished: None,
            wake: None,
            ending: crate::node::Ending::Natural,
            host: None,
            isolation: String::new(),
            generation: self.run.head.generation,
            usage: crate::node::Usage::default(),
            memo: None,
            approvals: Vec::new(),
        };
        self.run.adopt(node)?;
        self.touched.insert(ix);
        self.made += 1;
        if leaf {
            let progress = &mut self.head().progress;
            progress.total = progress.total.saturating_add(1);
        }
        Ok(ix)
    }

    /// Makes a node that is over already: skipped, omitted, or never possible.
    pub(crate) fn make_ended(&mut self, seed: Seed, phase: NodePhase, message: impl Into<String>) {
        if let Ok(ix) = self.make(seed, NodeType::Skipped, NodePhase::Pending) {
            self.finish(ix, phase, Some(message.into()));
        }
    }

    /// Ends a node: frees its place, fires its hooks, and lets its owner know once they are over.
    pub(crate) fn finish(&mut self, ix: NodeIx, phase: NodePhase, message: Option<String>) {
        let now = self.now;
        if ix == NodeIx::ROOT && self.run.deadline().is_some() {
            self.act(Action::ClearTimer(Timer::Deadline));
        }
        let Some(node) = self.edit(ix).filter(|node| !node.phase.completed()) else {
            return;
        };
        node.phase = phase;
        node.message = message;
        node.finished = Some(now);
        let timer = node.wake.take().map(|_| node_timer(node));
        let counts = node.kind.is_leaf();
        if let Some(timer) = timer {
            self.act(Action::ClearTimer(timer));
        }
        if counts && phase == NodePhase::Succeeded {
            let progress = &mut self.head().progress;
            progress.done = progress.done.saturating_add(1);
        }
        let served = matches!(self.run.node(ix), Some(node) if node.served());
        if !served {
            self.run.leave(ix);
        }
        self.give_back(Holder::Node(ix));
        if served {
            return self.service_over(ix);
        }
        self.remember(ix);
        self.measure_node(ix);
        self.fire_hooks(ix);
        self.check_fulfilled(ix);
        self.fail_fast(ix);
        self.dismiss(Some(ix));
    }

    /// Ends a node with an error of the machinery.
    pub(crate) fn fault(&mut self, ix: NodeIx, error: &EngineError) {
        self.finish(ix, NodePhase::Error, Some(error.to_string()));
    }

    /// A failure in a template with `failFast`: what waits in it is given up.
    fn fail_fast(&mut self, ix: NodeIx) {
        let Some(boundary) = self.run.node(ix).and_then(|node| node.boundary) else {
            return;
        };
        if self.run.bar(boundary).is_some() {
            for user in self.run.lock_users(boundary) {
                self.run.ready.remove_owner(Some(user), user);
                self.advance(user);
            }
            for owner in self.run.ready.owners(Some(boundary)) {
                self.run.ready.remove_owner(Some(boundary), owner);
                self.advance(owner);
            }
        }
    }

    /// Tells the owner of a node, if the node and its hooks are over.
    pub(crate) fn check_fulfilled(&mut self, ix: NodeIx) {
        let Some(Slot { node, live }) = self.run.slot(ix) else {
            return;
        };
        if node.fulfilled() && live.hooks == 0 && !live.told {
            self.over.push_back(ix);
        }
    }

    /// Lets news travel and makes what is ready, until nothing is left or the chunk is full.
    pub(crate) fn drain(&mut self) {
        loop {
            while let Some(ix) = self.over.pop_front() {
                self.tell(ix);
            }
            self.ask_again();
            if self.run.held() {
                return;
            }
            let run = &mut *self.run;
            let mut ready = std::mem::take(&mut run.ready);
            let next = ready.next(|boundary| run.full(boundary));
            run.ready = ready;
            let Some((boundary, place)) = next else {
                return;
            };
            if self.run.too_large() {
                self.shut(Shutdown::Terminate);
                continue;
            }
            if self.made >= CHUNK {
                self.act(Action::Continue);
                return;
            }
            self.create(boundary, place);
        }
    }

    /// Tells whoever waits for a fulfilled node.
    fn tell(&mut self, ix: NodeIx) {
        self.run.fulfil(ix);
        let Some(node) = self.run.node(ix) else {
            return;
        };
        match (node.owner, node.role) {
            (None, _) => self.advance_run(),
            (Some(host), NodeRole::Hook) => self.check_fulfilled(host),
            (Some(owner), _) => self.advance(owner),
        }
    }

    /// Goes on with a node whose children changed: makes the next, or ends it.
    pub(crate) fn advance(&mut self, ix: NodeIx) {
        let Some(Slot { node, live }) = self.run.slot(ix) else {
            return;
        };
        if node.phase.completed() || live.open > 0 {
            return;
        }
        if self.run.behind_gate(ix) {
            if self.run.bar(ix).is_none() {
                return;
            }
            if self.run.gated(ix) {
                return self.end_at_gate(ix);
            }
        }
        let Some(live) = self.run.live(ix) else {
            return;
        };
        match live.body {
            Body::Leaf => {}
            Body::Steps(_) => self.advance_steps(ix),
            Body::Group(_) => self.advance_group(ix),
            Body::Dag(_) => self.advance_dag(ix),
            Body::Tasks(_) => self.advance_tasks(ix),
            Body::Retry(_) => self.advance_retry(ix),
        }
    }

    /// Makes the next child at a ready place.
    fn create(&mut self, boundary: Option<NodeIx>, (owner, place): (NodeIx, u32)) {
        let before = self.unmade(owner, place);
        match self.run.live(owner).map(|live| &live.body) {
            Some(Body::Group(_)) => self.make_step(owner, place),
            Some(Body::Dag(_)) => self.make_task(owner, place),
            Some(Body::Tasks(_)) => self.make_item(owner),
            Some(Body::Retry(_)) => self.make_try(owner),
            _ => {}
        }
        let left = self.unmade(owner, place);
        if left == 0 || left >= before || self.run.bar(owner).is_some() {
            self.run.ready.remove(boundary, (owner, place));
        }
    }

    /// How many children a place of a loop still has to make.
    fn unmade(&self, owner: NodeIx, place: u32) -> usize {
        let spread = match self.run.live(owner).map(|live| &live.body) {
            Some(Body::Group(spreads)) => spreads.get(place as usize),
            Some(Body::Tasks(spread)) => Some(spread),
            _ => None,
        };
        spread.map_or(0, |spread| spread.made.len().saturating_sub(spread.next))
    }

    /// Whether the run is still going.
    pub(crate) fn running(&self) -> bool {
        !self.run.head.phase.completed() && self.run.head.phase != WorkflowPhase::Pending
    }
}

impl TemplateName {
    /// The name shown for a template: its own, or that of the reference.
    pub(crate) fn shown(&self) -> &str {
        match &self.reference {
            Some((_, template)) => template,
            None => &self.name,
        }
    }

    /// The name of a template that is called from inside a run.
    pub(crate) fn keyed(self, ix: TemplateIx) -> Self {
        Self {
            key: ix.0.to_string(),
            ..self
        }
    }
}
