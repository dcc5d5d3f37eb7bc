//! The nodes of a run as nested rows: what is open, in which order, and how many are left out.
//! Pure, and linear in the number of nodes.

use std::collections::{BTreeMap, BTreeSet};

use steading_types::NodeType;

use crate::format::State;
use crate::nodes::{Nodes, is_leaf, state};

/// A fan shows so many children before it is asked for all.
const FIRST: usize = 20;
/// Larger runs begin with everything closed that ended well.
const SMALL: usize = 200;

/// Who lies under whom, and how it went below.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Tree {
    top: Vec<u32>,
    children: BTreeMap<u32, Vec<u32>>,
    below: BTreeMap<u32, Below>,
    size: usize,
}

/// What lies below a node, leaves only.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Below {
    /// Leaves by state.
    pub counts: BTreeMap<State, u32>,
    /// The state that matters most, the node's own included.
    pub worst: State,
}

/// What a person opened, closed and searched.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Folding {
    /// Nodes that are not as they would be by themselves.
    pub toggled: BTreeSet<u32>,
    /// Fans that show all their children.
    pub full: BTreeSet<u32>,
    /// Only nodes with this text in their name, and what they lie under.
    pub find: String,
}

/// One row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Row {
    /// A node.
    Node {
        /// Its position in the run.
        ix: u32,
        /// Depth, from 1.
        level: u32,
        /// Whether its children are shown.
        fold: Fold,
        /// Its place among its siblings, from 1.
        place: u32,
        /// How many siblings there are, itself included.
        siblings: u32,
    },
    /// Stands for the rest of a fan.
    More {
        /// The node that they lie under.
        owner: u32,
        /// Depth, from 1.
        level: u32,
        /// How many are not shown.
        hidden: u32,
    },
}

/// Whether children are shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Fold {
    /// There are none.
    Leaf,
    /// They follow.
    Open,
    /// They do not.
    Closed,
}

impl Row {
    /// The node of the row; nothing for a row that stands for many.
    pub fn node(&self) -> Option<u32> {
        match self {
            Self::Node { ix, .. } => Some(*ix),
            Self::More { .. } => None,
        }
    }

    /// Depth, from 1.
    pub fn level(&self) -> u32 {
        match self {
            Self::Node { level, .. } | Self::More { level, .. } => *level,
        }
    }
}

impl Tree {
    /// Arranges the nodes. Where order carries no meaning, what failed comes first.
    pub fn build(nodes: &Nodes) -> Self {
        let mut tree = Self {
            size: nodes.len(),
            ..Self::default()
        };
        for node in nodes.iter() {
            match nodes.owner(node) {
                Some(owner) => tree.children.entry(owner).or_default().push(node.ix),
                None => tree.top.push(node.ix),
            }
        }
        tree.sum_up(nodes);
        let below = &tree.below;
        for (owner, children) in &mut tree.children {
            let ordered = nodes
                .get(*owner)
                .is_some_and(|node| node.kind == NodeType::Steps || node.kind == NodeType::Retry);
            if !ordered {
                children.sort_by_key(|ix| (below.get(ix).map(|sum| rank(sum.worst)), *ix));
            }
        }
        tree
    }

    /// Children come after their owners, so one walk from the end sums up every level.
    fn sum_up(&mut self, nodes: &Nodes) {
        let mut order: Vec<_> = nodes.iter().collect();
        order.reverse();
        for node in order {
            let own = state(node);
            let mut sum = Below {
                counts: BTreeMap::new(),
                worst: own,
            };
            let children = self.children.get(&node.ix);
            if is_leaf(node.kind) || children.is_none() {
                sum.counts.insert(own, 1);
            }
            for child in children
                .into_iter()
                .flatten()
                .filter_map(|ix| self.below.get(ix))
            {
                // A try that failed is no failure of a node that was tried again.
                if own != State::Succeeded {
                    sum.worst = sum.worst.min(child.worst);
                }
                if node.kind != NodeType::Retry {
                    for (state, number) in &child.counts {
                        let total = sum.counts.entry(*state).or_default();
                        *total = total.saturating_add(*number);
                    }
                }
            }
            if node.kind == NodeType::Retry {
                sum.counts = BTreeMap::from([(own, 1)]);
            }
            self.below.insert(node.ix, sum);
        }
    }

    /// What lies below a node.
    pub fn below(&self, ix: u32) -> Option<&Below> {
        self.below.get(&ix)
    }

    /// The nodes under a node, in the order of the rows.
    pub fn children(&self, ix: u32) -> &[u32] {
        self.children
            .get(&ix)
            .map(Vec::as_slice)
            .unwrap_or_default()
    }

    /// The rows from top to bottom.
    pub fn rows(&self, nodes: &Nodes, folding: &Folding) -> Vec<Row> {
        let found = (!folding.find.is_empty()).then(|| found(nodes, &folding.find));
        let mut rows = Vec::new();
        let mut stack: Vec<Row> = Vec::new();
        self.push_all(None, 1, folding, found.as_ref(), &mut stack);
        while let Some(row) = stack.pop() {
            rows.push(row);
            if let Row::Node {
                ix,
                level,
                fold: Fold::Open,
                ..
            } = row
            {
                self.push_all(
                    Some(ix),
                    level.saturating_add(1),
                    folding,
                    found.as_ref(),
                    &mut stack,
                );
            }
        }
        rows
    }

    /// Puts the rows of one owner on the stack, the last one first.
    fn push_all(
        &self,
        owner: Option<u32>,
        level: u32,
        folding: &Folding,
        found: Option<&BTreeSet<u32>>,
        stack: &mut Vec<Row>,
    ) {
        let all = owner.map_or(self.top.as_slice(), |ix| self.children(ix));
        let shown: Vec<u32> = match found {
            Some(found) => all
                .iter()
                .copied()
                .filter(|ix| found.contains(ix))
                .collect(),
            None => all.to_vec(),
        };
        let siblings = u32::try_from(shown.len()).unwrap_or(u32::MAX);
        let whole = shown.len() <= FIRST + 1 || owner.is_none_or(|ix| folding.full.contains(&ix));
        let limit = if whole { shown.len() } else { FIRST };
        if let (Some(owner), false) = (owner, whole) {
            let hidden = siblings.saturating_sub(FIRST as u32);
            stack.push(Row::More {
                owner,
                level,
                hidden,
            });
        }
        let placed: Vec<(u32, u32)> = (1..).zip(shown).take(limit).collect();
        for (place, ix) in placed.into_iter().rev() {
            let fold = self.fold(ix, folding, found);
            stack.push(Row::Node {
                ix,
                level,
                fold,
                place,
                siblings,
            });
        }
    }

    fn fold(&self, ix: u32, folding: &Folding, found: Option<&BTreeSet<u32>>) -> Fold {
        let children = self.children(ix);
        let any = found.map_or(!children.is_empty(), |found| {
            children.iter().any(|child| found.contains(child))
        });
        if !any {
            return Fold::Leaf;
        }
        let quiet = self
            .below(ix)
            .is_some_and(|sum| sum.worst >= State::Succeeded);
        let open_by_itself =
            found.is_some() || self.size <= SMALL || !quiet || self.top.contains(&ix);
        if open_by_itself == folding.toggled.contains(&ix) {
            Fold::Closed
        } else {
            Fold::Open
        }
    }
}

/// Failures first, then what is under way, then the rest.
fn rank(state: State) -> u8 {
    match state {
        State::Failed | State::Error => 0,
        State::Suspended | State::Running => 1,
        _ => 2,
    }
}

/// The nodes with a text in their name, and all that they lie under.
fn found(nodes: &Nodes, text: &str) -> BTreeSet<u32> {
    let text = text.to_lowercase();
    let mut found = BTreeSet::new();
    for node in nodes.iter() {
        if !node.display_name.to_lowercase().contains(&text)
            && !node.template.to_lowercase().contains(&text)
        {
            continue;
        }
        let mut next = Some(node.ix);
        while let Some(ix) = next {
            if !found.insert(ix) {
                break;
            }
            next = nodes.get(ix).and_then(|node| nodes.owner(node));
        }
    }
    found
}

#[cfg(test)]
#[path = "tree_tests.rs"]
mod tests;
