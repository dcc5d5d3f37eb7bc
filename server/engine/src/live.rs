//! What a run knows about a node beyond its row. All of it is derived: from the rows when a run is
//! loaded, and step by step, by the same functions, while it lives.

use std::sync::{Arc, OnceLock};

use serde_json::Value;
use steading_spec::resolve::TemplateIx;
use steading_types::{NodeIx, NodePhase};

use crate::aggregate::Aggregate;
use crate::node::Node;

/// A node and what is derived for it.
#[derive(Debug, PartialEq)]
pub(crate) struct Slot {
    pub(crate) node: Node,
    pub(crate) live: Live,
}

/// The derived state of a node.
#[derive(Debug, PartialEq)]
pub(crate) struct Live {
    /// The template that it runs; a step group's is that of its steps.
    pub(crate) template: Option<TemplateIx>,
    /// How many templates it is nested in.
    pub(crate) depth: u16,
    /// Whether it goes on when the run is stopped.
    pub(crate) duty: Duty,
    /// Argo's node id, without the run's name.
    pub(crate) hash: u32,
    /// Its children that are not fulfilled, hooks apart.
    pub(crate) open: u32,
    /// Its hooks that are not fulfilled.
    pub(crate) hooks: u32,
    /// Which of its hooks were made.
    pub(crate) fired: Vec<u32>,
    /// As a boundary: nodes in it that take a place of its `parallelism`.
    pub(crate) active: u32,
    /// As a boundary: nodes in it that failed.
    pub(crate) failed: u32,
    /// Whoever waits for it was told that it is over, or that its daemon can be used.
    pub(crate) told: bool,
    /// Its children by their places.
    pub(crate) body: Body,
}

/// Whether a node survives the stop of its run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Duty {
    /// It ends with the run.
    Work,
    /// It belongs to an exit handler: only Terminate ends it.
    Exit,
}

/// A node's children.
#[derive(Debug, PartialEq)]
pub(crate) enum Body {
    /// None.
    Leaf,
    /// The groups of a steps node.
    Steps(Vec<NodeIx>),
    /// The steps of a group.
    Group(Vec<Spread>),
    /// The tasks of a dag.
    Dag(DagState),
    /// The loop of a task.
    Tasks(Spread),
    /// The tries of a retry node.
    Retry(Vec<NodeIx>),
}

/// The children that one step makes: one, or one for each item of its loop.
#[derive(Debug)]
pub(crate) struct Spread {
    /// By position in the loop.
    pub(crate) made: Vec<Option<NodeIx>>,
    /// The first that was not made yet.
    pub(crate) next: usize,
    /// How those ended that are fulfilled.
    pub(crate) tally: Tally,
    /// The items, once they were worked out; not part of the state.
    pub(crate) items: Option<Arc<[Value]>>,
    /// What the loop gave, once it was asked for; not part of the state.
    pub(crate) outputs: OnceLock<Aggregate>,
}

impl PartialEq for Spread {
    fn eq(&self, other: &Self) -> bool {
        (&self.made, self.next, &self.tally) == (&other.made, other.next, &other.tally)
    }
}

/// How many children ended how.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Tally {
    pub(crate) total: u32,
    pub(crate) succeeded: u32,
    pub(crate) failed: u32,
}

/// The state of a dag node.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct DagState {
    pub(crate) tasks: Vec<TaskState>,
    /// The tasks that decide.
    pub(crate) targets: Vec<u32>,
    /// Wanted tasks that have no node.
    pub(crate) unmade: u32,
    /// A target failed.
    pub(crate) doomed: bool,
}

/// The state of one task.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(crate) struct TaskState {
    pub(crate) node: Option<NodeIx>,
    /// Dependencies that are not fulfilled.
    pub(crate) waits: u32,
    /// A target, or before one.
    pub(crate) wanted: bool,
    /// What the branch that ends here came to, once it is fulfilled.
    pub(crate) branch: Option<NodePhase>,
}

impl Body {
    /// Whether nothing was made in it yet.
    pub(crate) fn is_empty(&self) -> bool {
        match self {
            Self::Leaf => true,
            Self::Steps(children) | Self::Retry(children) => children.is_empty(),
            Self::Group(spreads) => spreads
                .iter()
                .all(|spread| spread.children().next().is_none()),
            Self::Tasks(spread) => spread.children().next().is_none(),
            Self::Dag(state) => state.tasks.iter().all(|task| task.node.is_none()),
        }
    }
}

impl Spread {
    /// Room for `total` children; an empty loop has one, which is skipped.
    pub(crate) fn new(total: u32) -> Self {
        Self {
            made: vec![None; total.max(1) as usize],
            next: 0,
            tally: Tally::default(),
            items: None,
            outputs: OnceLock::new(),
        }
    }

    /// Notes a child.
    pub(crate) fn put(&mut self, index: Option<u32>, child: NodeIx) {
        if let Some(place) = self.made.get_mut(index.unwrap_or(0) as usize) {
            *place = Some(child);
        }
        while matches!(self.made.get(self.next), Some(Some(_))) {
            self.next += 1;
        }
    }

    /// Whether every child was made.
    pub(crate) fn complete(&self) -> bool {
        self.next >= self.made.len()
    }

    /// The children, in the order of the loop.
    pub(crate) fn children(&self) -> impl Iterator<Item = NodeIx> {
        self.made.iter().flatten().copied()
    }
}

impl Tally {
    pub(crate) fn count(&mut self, phase: NodePhase) {
        self.total += 1;
        match phase {
            NodePhase::Succeeded => self.succeeded += 1,
            NodePhase::Failed => self.failed += 1,
            _ => {}
        }
    }
}
