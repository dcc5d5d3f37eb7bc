//! What a command did: the rows to commit and the actions to carry out afterwards.

use steading_types::NodeIx;

use crate::action::Action;
use crate::lock::Holder;

/// The answer of `Run::apply`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Outcome {
    /// The run's own row changed.
    pub head: Changed,
    /// Nodes that are new or changed, each once, in the order of their position.
    pub nodes: Vec<NodeIx>,
    /// Nodes that ceased to exist (only the verb retry removes nodes).
    pub removed: Vec<NodeIx>,
    /// Holds that are new, changed or gone.
    pub holds: Vec<Holder>,
    /// To be done after the commit, in this order.
    pub actions: Vec<Action>,
}

/// Whether a row must be written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Changed {
    /// As before.
    #[default]
    No,
    /// To be written.
    Yes,
}

impl Outcome {
    /// True when nothing needs to be committed and nothing done.
    pub fn is_empty(&self) -> bool {
        self.head == Changed::No
            && self.nodes.is_empty()
            && self.removed.is_empty()
            && self.holds.is_empty()
            && self.actions.is_empty()
    }
}
