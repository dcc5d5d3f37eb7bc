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

    /// Leaves that failed for good: a try that was followed by a better one is none of them.
    pub fn failures(&self) -> impl Iterator<Item = &Arc<NodeBody>> {
        self.iter().filter(|node| {
            let tried_again = node.attempt
                && self
                    .owner(node)
                    .and_then(|ix| self.get(ix))
                    .is_some_and(|owner| !state(owner).bad());
            is_leaf(node.kind) && state(node).bad() && !tried_again
        })
    }

    /// The failed leaf after a node, and the first one after the last.
    pub fn next_failure(&self, after: Option<u32>) -> Option<u32> {
        let next = self.failures().find(|node| Some(node.ix) > after);
        next.or_else(|| self.failures().next()).map(|node| node.ix)
    }

    /// The first failed leaf, else the first leaf under way, else the first node: what a person looks at first.
    pub fn most_telling(&self) -> Option<u32> {
        let leaf = |wanted: fn(State) -> bool| {
            self.iter()
                .find(|node| is_leaf(node.kind) && wanted(state(node)))
        };
        let first = self
            .failures()
            .next()
            .or_else(|| leaf(|state| state == State::Running));
        first
            .or_else(|| leaf(|_| true))
            .or_else(|| self.iter().next())
            .map(|node| node.ix)
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
            awaited: Default::default(),
            outputs: BTreeMap::new(),
            result: None,
            exit_code: None,
            host: None,
            isolation: String::new(),
            cpu_ms: 0,
            max_rss: 0,
            memo: None,
            artifacts: Vec::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use steading_types::NodePhase;

    use super::*;

    #[test]
    fn a_try_that_was_followed_by_a_better_one_is_no_failure() {
        let mut nodes = Nodes::default();
        let attempt = |ix, phase| {
            let mut node = sketch::node(ix, NodeType::Pod, phase);
            (node.owner, node.attempt) = (Some(0), true);
            node
        };
        nodes.merge([
            sketch::node(0, NodeType::Retry, NodePhase::Succeeded),
            attempt(1, NodePhase::Failed),
            attempt(2, NodePhase::Succeeded),
            sketch::node(3, NodeType::Pod, NodePhase::Failed),
            sketch::node(4, NodeType::Pod, NodePhase::Error),
        ]);
        assert_eq!(nodes.most_telling(), Some(3));
        assert_eq!(
            (nodes.next_failure(Some(3)), nodes.next_failure(Some(4))),
            (Some(4), Some(3))
        );
    }

    #[test]
    fn a_run_that_goes_well_shows_what_it_is_doing() {
        let mut nodes = Nodes::default();
        assert_eq!(nodes.most_telling(), None);
        nodes.merge([
            sketch::node(0, NodeType::DAG, NodePhase::Running),
            sketch::node(1, NodeType::Pod, NodePhase::Succeeded),
            sketch::node(2, NodeType::Pod, NodePhase::Running),
        ]);
        assert_eq!(nodes.most_telling(), Some(2));
    }
}
