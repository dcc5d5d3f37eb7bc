//! How the derived state follows from the rows. The same few functions keep it true while a run lives
//! ([`Run::adopt`], [`Run::leave`], [`Run::fulfil`]) and rebuild it when a run is loaded.

use steading_spec::resolve::TemplateIx;
use steading_types::{NodeIx, NodePhase, NodeType};

use crate::artifacts;
use crate::error::EngineError;
use crate::head::Shutdown;
use crate::live::{Body, DagState, Duty, Live, Slot, Spread};
use crate::node::{Node, NodeRole};
use crate::ready::Boundary;
use crate::run::Run;

/// Why nothing new is made below a node.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Bar {
    /// The run was asked to end.
    Shutdown(Shutdown),
    /// A sibling failed, and the template says `failFast`.
    FailFast,
}

impl Bar {
    /// Argo's sentence for what was never started.
    pub(crate) fn message(self) -> &'static str {
        match self {
            Self::Shutdown(Shutdown::Stop) => "workflow shutdown with strategy: Stop",
            Self::Shutdown(Shutdown::Terminate) => "workflow shutdown with strategy: Terminate",
            Self::Shutdown(Shutdown::Deadline) => "Step exceeded its deadline",
            Self::FailFast => "template has failed or errored children and failFast enabled",
        }
    }
}

impl Run {
    /// Takes a node in: places it, and counts it with its owner and its boundary as not over.
    pub(crate) fn adopt(&mut self, node: Node) -> Result<(), EngineError> {
        let live = self.live_of(&node)?;
        let (ix, kind) = (node.ix, node.kind);
        let weight = weight(&node);
        let broken = || EngineError::Document(format!("node {ix:?} stands in no place"));
        if ix.index() < self.slots.len() {
            return Err(broken());
        }
        match (node.owner, node.role) {
            (None, NodeRole::Hook) => {
                self.hooks.fired.insert(node.place, ix);
                self.hooks.open += 1;
            }
            (None, _) => {}
            (Some(owner), NodeRole::Hook) => {
                let host = self.live_mut(owner).ok_or_else(broken)?;
                host.fired.push(node.place);
                host.fired.sort_unstable();
                host.hooks += 1;
            }
            (Some(owner), _) => {
                let owner = self.live_mut(owner).ok_or_else(broken)?;
                owner.body.put(node.place, node.index, ix);
                owner.open += 1;
            }
        }
        if kind == NodeType::Suspend {
            self.waiting.insert(ix);
        }
        self.weight = self.weight.saturating_add(weight);
        self.slots.resize_with(ix.index(), || None);
        self.slots.push(Some(Slot { node, live }));
        self.take_places(ix);
        if kind == NodeType::DAG {
            self.open_dag(ix)?;
        }
        Ok(())
    }

    fn live_of(&mut self, node: &Node) -> Result<Live, EngineError> {
        let template = match node.template.key.as_str() {
            "" => None,
            key => Some(TemplateIx(key.parse().map_err(|_| {
                EngineError::Document(format!("'{key}' is no template"))
            })?)),
        };
        let above = node.boundary.and_then(|b| self.live(b));
        let depth = above.map_or(0, |live| live.depth.saturating_add(1));
        let duty = match node.role {
            NodeRole::Hook if node.name.ends_with(EXIT_SUFFIX) => Duty::Exit,
            _ => node
                .owner
                .and_then(|o| self.live(o))
                .map_or(Duty::Work, |live| live.duty),
        };
        Ok(Live {
            template,
            depth,
            duty,
            hash: self.ids.assign(&node.name),
            open: 0,
            hooks: 0,
            fired: Vec::new(),
            active: 0,
            failed: 0,
            told: false,
            body: Body::of(node),
        })
    }

    /// A node is completed, or its daemon can be used: it takes no place any more.
    pub(crate) fn leave(&mut self, ix: NodeIx) {
        let Some(Slot { node, .. }) = self.slot(ix) else {
            return;
        };
        let (kind, boundary) = (node.kind, node.boundary);
        let failed = is_failure(node.phase) && node.role == NodeRole::Plain && has_call(node.kind);
        let failed = failed && !node.served();
        let serves = node.served() && !node.phase.completed() && kind == NodeType::Pod;
        self.free_places(ix);
        if let Some(live) = boundary.and_then(|b| self.live_mut(b)) {
            live.failed += u32::from(failed);
        }
        self.waiting.remove(&ix);
        self.note_memo(ix);
        if serves {
            self.services.insert(ix);
        }
    }

    /// A node and its hooks are over: its owner waits for one less.
    pub(crate) fn fulfil(&mut self, ix: NodeIx) {
        let Some(Slot { node, .. }) = self.slot(ix) else {
            return;
        };
        let (owner, place, role) = (node.owner, node.place, node.role);
        // Whatever becomes of a daemon later, it was there when it was needed.
        let phase = if node.served() {
            NodePhase::Succeeded
        } else {
            node.phase
        };
        if let Some(live) = self.live_mut(ix) {
            live.told = true;
        }
        let Some(owner) = owner else {
            if role == NodeRole::Hook {
                self.hooks.open = self.hooks.open.saturating_sub(1);
            }
            return;
        };
        let Some(live) = self.live_mut(owner) else {
            return;
        };
        if role == NodeRole::Hook {
            live.hooks = live.hooks.saturating_sub(1);
            return;
        }
        live.open = live.open.saturating_sub(1);
        match &mut live.body {
            Body::Group(spreads) => {
                if let Some(spread) = spreads.get_mut(place as usize) {
                    spread.tally.count(phase);
                }
            }
            Body::Tasks(spread) => spread.tally.count(phase),
            Body::Dag(_) => self.task_fulfilled(owner, place, phase),
            _ => {}
        }
    }

    /// Everything that follows from the rows of a loaded run.
    pub(crate) fn derive(&mut self) {
        let over: Vec<NodeIx> = self
            .nodes()
            .filter(|node| node.fulfilled())
            .map(|node| node.ix)
            .collect();
        for ix in &over {
            self.leave(*ix);
        }
        // A node is fulfilled after its hooks, and hooks have none themselves.
        let is_hook = |run: &Self, ix| run.node(ix).is_some_and(|n| n.role == NodeRole::Hook);
        for hooks in [true, false] {
            for ix in over.iter().copied() {
                let done = self.live(ix).is_some_and(|live| live.hooks == 0);
                if is_hook(self, ix) == hooks && done {
                    self.fulfil(ix);
                }
            }
        }
        for position in 0..self.slots.len() {
            self.enlist(NodeIx(u32::try_from(position).unwrap_or(u32::MAX)));
        }
        self.line_up();
    }

    /// Puts what a running node may make next among the ready places.
    pub(crate) fn enlist(&mut self, ix: NodeIx) {
        let Some(Slot { node, live }) = self.slot(ix) else {
            return;
        };
        if node.phase.completed() || self.bar(ix).is_some() || self.behind_gate(ix) {
            return;
        }
        let boundary = self.counted_in(ix);
        let unmade = |spread: &Spread| !spread.complete();
        let places: Vec<u32> = match &live.body {
            Body::Group(spreads) => (0u32..)
                .zip(spreads)
                .filter(|(_, spread)| unmade(spread))
                .map(|(place, _)| place)
                .collect(),
            Body::Tasks(spread) if unmade(spread) => vec![0],
            Body::Retry(tries) if live.open == 0 && node.wake.is_none() && !self.serving(tries) => {
                vec![0]
            }
            Body::Dag(state) => state.startable().collect(),
            _ => return,
        };
        for place in places {
            self.ready.insert(boundary, (ix, place));
        }
    }

    /// Whether the last of these tries is a daemon that can be used.
    fn serving(&self, tries: &[NodeIx]) -> bool {
        let last = tries.last().and_then(|last| self.node(*last));
        last.is_some_and(|last| last.served() && !last.phase.completed())
    }

    /// The boundary in which a node makes its children.
    pub(crate) fn boundary(&self, ix: NodeIx) -> Boundary {
        let node = self.node(ix)?;
        match node.kind {
            NodeType::Steps | NodeType::DAG => Some(ix),
            _ => node.boundary,
        }
    }

    /// Why a node may make no more children, if so.
    pub(crate) fn bar(&self, ix: NodeIx) -> Option<Bar> {
        let live = self.live(ix)?;
        let shutdown = self
            .head
            .shutdown
            .filter(|s| *s == Shutdown::Terminate || live.duty == Duty::Work);
        if let Some(shutdown) = shutdown {
            return Some(Bar::Shutdown(shutdown));
        }
        let boundary = self.live(self.boundary(ix)?)?;
        let fails_fast = boundary.failed > 0 && self.plan.fail_fast(boundary.template?);
        fails_fast.then_some(Bar::FailFast)
    }
}

/// The end of the names of exit handlers.
pub(crate) const EXIT_SUFFIX: &str = ".onExit";

pub(crate) fn is_failure(phase: NodePhase) -> bool {
    matches!(phase, NodePhase::Failed | NodePhase::Error)
}

/// What a node adds to the weight of its run.
fn weight(node: &Node) -> usize {
    let inputs = node
        .inputs
        .iter()
        .map(|(name, value)| name.len() + value.len());
    // An item came out of a text that is no smaller; its own text is not worth making for this.
    let item = node
        .item
        .as_ref()
        .and_then(|item| item.as_str())
        .map_or(0, str::len);
    node.name.len() + item + inputs.sum::<usize>() + artifacts::weight(node)
}

/// The kinds that `parallelism` counts.
pub(crate) fn takes_place(kind: NodeType) -> bool {
    kind.is_attempt() || matches!(kind, NodeType::Steps | NodeType::DAG)
}

/// Whether a node of this kind stands for a call of a template.
fn has_call(kind: NodeType) -> bool {
    !matches!(
        kind,
        NodeType::StepGroup | NodeType::TaskGroup | NodeType::Container
    )
}

impl Body {
    /// Empty places for the children of a node.
    fn of(node: &Node) -> Self {
        match node.kind {
            NodeType::Steps => Self::Steps(Vec::new()),
            NodeType::StepGroup => {
                Self::Group(node.fan.iter().map(|total| Spread::new(*total)).collect())
            }
            NodeType::DAG => Self::Dag(DagState::default()),
            NodeType::TaskGroup => Self::Tasks(Spread::new(node.fan.first().copied().unwrap_or(0))),
            NodeType::Retry => Self::Retry(Vec::new()),
            _ => Self::Leaf,
        }
    }

    /// Notes a child.
    fn put(&mut self, place: u32, index: Option<u32>, child: NodeIx) {
        match self {
            Self::Leaf => {}
            Self::Steps(children) | Self::Retry(children) => children.push(child),
            Self::Group(spreads) => {
                if let Some(spread) = spreads.get_mut(place as usize) {
                    spread.put(index, child);
                }
            }
            Self::Tasks(spread) => spread.put(index, child),
            Self::Dag(state) => state.put(place, child),
        }
    }
}
