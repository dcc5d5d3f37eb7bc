//! The nodes of one run as the page holds them: loaded in pages, replaced one by one as they change.

use std::collections::BTreeMap;
use std::sync::Arc;

use steading_api::node::NodeBody;
use steading_types::NodeType;

use crate::format::State;

/// All known nodes, by position.
#[derive(Debug, Clone, Default)]
pub struct Nodes {
    known: BTreeMap<u32, Arc<NodeBody>>,
}

impl Nodes {
    /// Takes over new and changed nodes.
    pub fn merge(&mut self, nodes: impl IntoIterator<Item = NodeBody>) {
        self.known
            .extend(nodes.into_iter().map(|node| (node.ix, Arc::new(node))));
    }

    /// The node at a position.
    pub fn get(&self, ix: u32) -> Option<&Arc<NodeBody>> {
        self.known.get(&ix)
    }

    /// All nodes in the order of their positions.
    pub fn iter(&self) -> impl Iterator<Item = &Arc<NodeBody>> {
        self.known.values()
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.known.len()
    }

    /// True before the first page has come.
    pub fn is_empty(&self) -> bool {
        self.known.is_empty()
    }

    /// What a node lies under. Only an earlier node counts, so that no answer can make a circle.
    pub fn owner(&self, node: &NodeBody) -> Option<u32> {
        node.owner
            .or(node.boundary)
            .filter(|owner| *owner < node.ix && self.known.contains_key(owner))
    }

    /// The first failed leaf, else the first node under way, else the root: what a person looks at first.
    pub fn most_telling(&self) -> Option<u32> {
        let first = |wanted: fn(&NodeBody) -> bool| {
            self.iter().find(|node| wanted(node)).map(|node| node.ix)
        };
        first(|node| is_leaf(node.kind) && state(node).bad())
            .or_else(|| first(|node| is_leaf(node.kind) && state(node) == State::Running))
            .or_else(|| first(|node| is_leaf(node.kind)))
            .or_else(|| first(|_| true))
    }
}

/// True for nodes that do work of their own and have a log or an answer.
pub fn is_leaf(kind: NodeType) -> bool {
    matches!(
        kind,
        NodeType::Pod
            | NodeType::Container
            | NodeType::Suspend
            | NodeType::HTTP
            | NodeType::Plugin
            | NodeType::Skipped
    )
}

/// True for nodes that print something.
pub fn has_log(kind: NodeType) -> bool {
    matches!(kind, NodeType::Pod | NodeType::Container)
}

/// The state to show: a suspend node that is under way waits for somebody.
pub fn state(node: &NodeBody) -> State {
    match State::from(node.phase) {
        State::Running | State::Pending if node.kind == NodeType::Suspend => State::Suspended,
        state => state,
    }
}

/// What a node is, in a word for people.
pub fn kind_word(kind: NodeType) -> &'static str {
    match kind {
        NodeType::Pod => "task",
        NodeType::Container => "container",
        NodeType::Steps => "steps",
        NodeType::StepGroup => "group",
        NodeType::DAG => "dag",
        NodeType::TaskGroup => "loop",
        NodeType::Retry => "retried",
        NodeType::Skipped => "skipped",
        NodeType::Suspend => "wait",
        NodeType::HTTP => "request",
        NodeType::Plugin => "plugin",
    }
}

#[cfg(test)]
pub(crate) mod sketch {
    //! Nodes for tests.

    use std::collections::BTreeMap;

    use steading_api::node::NodeBody;
    use steading_types::{NodePhase, NodeType};

    /// Lets tests name only what they are about.
    pub(crate) fn node(ix: u32, kind: NodeType, phase: NodePhase) -> NodeBody {
        NodeBody {
            ix,
            id: format!("wf-{ix}"),
            name: format!("wf.n{ix}"),
            display_name: format!("n{ix}"),
            kind,
            phase,
            message: None,
            template: String::new(),
            boundary: None,
            owner: None,
            parents: Vec::new(),
            hook: false,
            attempt: false,
            started: None,
            finished: None,
            inputs: BTreeMap::new(),
            outputs: BTreeMap::new(),
            result: None,
            exit_code: None,
            host: None,
            isolation: String::new(),
            cpu_ms: 0,
            max_rss: 0,
        }
    }
}
