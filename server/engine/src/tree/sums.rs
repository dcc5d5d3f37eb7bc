//! Progress and use of resources: leaves count for themselves, all else for what is below.

use std::collections::HashMap;

use serde_json::{Value, json};
use steading_types::{NodeIx, NodePhase};

use crate::node::Node;

/// What is below a node.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Sum {
    done: u32,
    total: u32,
    /// Milliseconds of CPU time.
    cpu_ms: u64,
    /// Bytes of peak memory, times milliseconds.
    memory: u128,
}

impl Sum {
    pub(super) fn plus(self, other: Self) -> Self {
        Self {
            done: self.done.saturating_add(other.done),
            total: self.total.saturating_add(other.total),
            cpu_ms: self.cpu_ms.saturating_add(other.cpu_ms),
            memory: self.memory.saturating_add(other.memory),
        }
    }

    /// Argo's `N/M`.
    pub(super) fn progress(self) -> String {
        format!("{}/{}", self.done, self.total)
    }

    /// Seconds of one CPU, and of 100 MiB of memory. Argo counts what was requested; here it is what was
    /// used.
    pub(super) fn resources(self) -> Value {
        let unit = 100 * 1024 * 1024 * 1000;
        let memory = u64::try_from(self.memory.div_ceil(unit)).unwrap_or(u64::MAX);
        json!({"cpu": self.cpu_ms.div_ceil(1000), "memory": memory})
    }

    fn of(node: &Node) -> Self {
        if !node.kind.is_leaf() {
            return Self::default();
        }
        let start = node.started.unwrap_or(node.created);
        let span = node.finished.map(|end| end.since(start).get());
        Self {
            done: u32::from(node.phase == NodePhase::Succeeded),
            total: 1,
            cpu_ms: node.usage.cpu_ms,
            memory: u128::from(node.usage.max_rss) * u128::from(span.unwrap_or(0)),
        }
    }
}

/// The sums of all nodes, which come in the order of their making: owners before what they own.
pub(super) fn sums(nodes: &[&Node], positions: &HashMap<NodeIx, usize>) -> Vec<Sum> {
    let mut sums: Vec<Sum> = nodes.iter().map(|node| Sum::of(node)).collect();
    for (position, node) in nodes.iter().enumerate().rev() {
        let own = sums.get(position).copied().unwrap_or_default();
        let owner = node.owner.and_then(|owner| positions.get(&owner));
        if let Some(sum) = owner.and_then(|owner| sums.get_mut(*owner)) {
            *sum = sum.plus(own);
        }
    }
    sums
}
