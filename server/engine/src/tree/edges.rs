//! The edges of Argo's tree. A row names its owner and the siblings before it; Argo hangs it below the
//! *leaves* of those siblings.

use std::collections::HashMap;

use steading_types::{NodeIx, NodeType};

use crate::node::{Node, NodeRole};

/// Leaves of one node that are named one by one. Beyond it the node itself stands for them: a task after a
/// large loop would otherwise repeat thousands of ids.
const LEAVES: usize = 1_000;

/// Children, and the leaves of those nodes that something comes after.
pub(super) struct Edges {
    pub(super) children: Vec<Vec<usize>>,
    pub(super) outbound: HashMap<usize, Vec<usize>>,
}

struct Walk<'n> {
    nodes: &'n [&'n Node],
    /// Plain children by owner.
    owned: Vec<Vec<usize>>,
    /// Tasks that another task comes after.
    followed: Vec<bool>,
    leaves: HashMap<usize, Vec<usize>>,
}

impl Edges {
    pub(super) fn of(nodes: &[&Node], positions: &HashMap<NodeIx, usize>) -> Self {
        let mut walk = Walk {
            nodes,
            owned: vec![Vec::new(); nodes.len()],
            followed: vec![false; nodes.len()],
            leaves: HashMap::new(),
        };
        for (position, node) in nodes.iter().enumerate() {
            let owner = node.owner.and_then(|owner| positions.get(&owner));
            let owned = owner.and_then(|owner| walk.owned.get_mut(*owner));
            if let Some(owned) = owned.filter(|_| node.role != NodeRole::Hook) {
                owned.push(position);
            }
            for parent in node
                .parents
                .iter()
                .filter_map(|parent| positions.get(parent))
            {
                if let Some(followed) = walk.followed.get_mut(*parent) {
                    *followed = true;
                }
            }
        }
        let mut children = vec![Vec::new(); nodes.len()];
        for (position, node) in nodes.iter().enumerate() {
            let before: Vec<usize> = if node.parents.is_empty() || node.role == NodeRole::Hook {
                let owner = node.owner.and_then(|owner| positions.get(&owner));
                owner.into_iter().copied().collect()
            } else {
                let parents = node
                    .parents
                    .iter()
                    .filter_map(|parent| positions.get(parent));
                parents.flat_map(|parent| walk.leaves_of(*parent)).collect()
            };
            for parent in before {
                let list: Option<&mut Vec<usize>> = children.get_mut(parent);
                if let Some(list) = list.filter(|list| list.last() != Some(&position)) {
                    list.push(position);
                }
            }
        }
        for (position, node) in nodes.iter().enumerate() {
            if matches!(node.kind, NodeType::Steps | NodeType::DAG) && node.phase.completed() {
                walk.leaves_of(position);
            }
        }
        Self {
            children,
            outbound: walk.leaves,
        }
    }
}

impl Walk<'_> {
    /// The leaves of a node: where what comes after it hangs. Nested nodes are worked out first, from a
    /// list of our own, because a hostile run may nest deeply.
    fn leaves_of(&mut self, position: usize) -> Vec<usize> {
        let mut open = vec![position];
        while let Some(current) = open.last().copied() {
            if self.leaves.contains_key(&current) {
                open.pop();
                continue;
            }
            let ends = self.ends(current);
            let missing: Vec<usize> = ends
                .iter()
                .copied()
                .filter(|end| *end != current && !self.leaves.contains_key(end))
                .collect();
            if missing.is_empty() {
                let mut leaves = Vec::new();
                for end in ends {
                    match self.leaves.get(&end) {
                        Some(below) if end != current => leaves.extend(below),
                        _ => leaves.push(end),
                    }
                }
                if leaves.len() > LEAVES {
                    leaves = vec![current];
                }
                self.leaves.insert(current, leaves);
                open.pop();
            } else {
                open.extend(missing);
            }
        }
        self.leaves.get(&position).cloned().unwrap_or_default()
    }

    /// The children in which a node ends; itself when it has none.
    fn ends(&self, position: usize) -> Vec<usize> {
        let owned = self.owned.get(position).map_or(&[][..], Vec::as_slice);
        let kind = self.nodes.get(position).map(|node| node.kind);
        let ends: Vec<usize> = match kind {
            Some(NodeType::StepGroup | NodeType::TaskGroup) => owned.to_vec(),
            Some(NodeType::Steps | NodeType::Retry) => owned.last().copied().into_iter().collect(),
            Some(NodeType::DAG) => owned
                .iter()
                .copied()
                .filter(|task| self.followed.get(*task) == Some(&false))
                .collect(),
            _ => Vec::new(),
        };
        if ends.is_empty() {
            vec![position]
        } else {
            ends
        }
    }
}
