//! What is left of a run when parts of it are to be made anew: the rows of failed nodes, of everything below
//! them and after them go, the nodes above are opened again, and the run follows from the rows that stay.

use std::collections::{BTreeMap, BTreeSet};

use steading_types::{NodeIx, NodePhase, NodeType};

use crate::derive::{EXIT_SUFFIX, is_failure};
use crate::head::Progress;
use crate::live::Body;
use crate::node::{Ending, Node, NodeRole, Outputs};
use crate::run::Run;

/// Which rows are removed, and which are opened again.
#[derive(Default)]
pub(crate) struct Cut {
    pub(crate) removed: BTreeSet<NodeIx>,
    pub(crate) opened: BTreeSet<NodeIx>,
    /// Nodes that stay, with another end: how they end now.
    pub(crate) skipped: BTreeMap<NodeIx, Skipped>,
}

/// The end of a node that a person skips.
#[derive(Debug, Clone)]
pub(crate) struct Skipped {
    pub(crate) outputs: Outputs,
    pub(crate) message: String,
}

impl Cut {
    /// Whatever failed is to be made anew, and the chosen nodes; those to be skipped stay.
    pub(crate) fn of(
        run: &Run,
        chosen: &BTreeSet<NodeIx>,
        skipped: BTreeMap<NodeIx, Skipped>,
    ) -> Self {
        let mut cut = Self::default();
        for ix in skipped.keys() {
            cut.keep_only(run, *ix);
        }
        cut.skipped = skipped;
        for node in run.nodes() {
            let handler = node.owner.is_none()
                && node.role == NodeRole::Hook
                && (node.name.ends_with(EXIT_SUFFIX) || is_failure(node.phase));
            let leaf = !matches!(
                node.kind,
                NodeType::Container
                    | NodeType::Steps
                    | NodeType::StepGroup
                    | NodeType::DAG
                    | NodeType::TaskGroup
                    | NodeType::Retry
            );
            let failed = leaf && (is_failure(node.phase) || node.phase == NodePhase::Omitted);
            if cut.skipped.contains_key(&node.ix) || cut.removed.contains(&node.ix) {
                continue;
            }
            if handler {
                cut.remove_below(run, node.ix);
            } else if failed || chosen.contains(&node.ix) {
                cut.redo(run, node.ix);
            }
        }
        // A failed node above may have no failed leaf: its outputs, or its targets, were the reason.
        let failed = |node: &&Node| is_failure(node.phase);
        let above: Vec<NodeIx> = run.nodes().filter(failed).map(|node| node.ix).collect();
        for ix in above.into_iter().rev() {
            let settled = cut.removed.contains(&ix) || cut.opened.contains(&ix);
            if !settled && !cut.skipped.contains_key(&ix) {
                cut.redo(run, ix);
            }
        }
        // What is left without an entry node belongs to the run as it was: its hooks fire anew.
        if cut.removed.contains(&NodeIx::ROOT) {
            cut.removed.extend(run.nodes().map(|node| node.ix));
        }
        cut
    }

    /// Removes a node with all below and after it, and opens the nodes above it. The tries before the last
    /// one are history.
    fn redo(&mut self, run: &Run, ix: NodeIx) {
        let Some(ix) = whole(run, ix) else {
            return;
        };
        self.remove_below(run, ix);
        self.open_above(run, ix);
    }

    /// Removes what is below and after a node that stays itself, and opens the nodes above it.
    fn keep_only(&mut self, run: &Run, ix: NodeIx) {
        for below in owned(run, ix).collect::<Vec<_>>() {
            self.remove_below(run, below);
        }
        self.open_above(run, ix);
    }

    fn open_above(&mut self, run: &Run, ix: NodeIx) {
        let mut child = ix;
        while let Some(owner) = run.node(child).and_then(|node| node.owner) {
            self.remove_after(run, owner, child);
            self.opened.insert(owner);
            child = owner;
        }
    }

    fn remove_below(&mut self, run: &Run, ix: NodeIx) {
        let mut left = vec![ix];
        while let Some(ix) = left.pop() {
            if self.removed.insert(ix) {
                left.extend(owned(run, ix));
            }
        }
    }

    /// Removes what came after a child of a node: later groups, dependent tasks, the child's own hooks.
    fn remove_after(&mut self, run: &Run, owner: NodeIx, child: NodeIx) {
        let Some(child_row) = run.node(child) else {
            return;
        };
        for hook in owned(run, child)
            .filter(|ix| is_hook(run, *ix))
            .collect::<Vec<_>>()
        {
            self.remove_below(run, hook);
        }
        match run.live(owner).map(|live| &live.body) {
            Some(Body::Steps(groups)) => {
                for group in groups.iter().skip(child_row.place as usize + 1) {
                    self.remove_below(run, *group);
                }
            }
            Some(Body::Dag(state)) => {
                let sheet = run.live(owner).and_then(|live| live.template);
                let sheet = sheet.and_then(|t| run.plan.sheet(t).ok()?.dag.as_ref());
                let Some(sheet) = sheet else {
                    return;
                };
                let mut left = vec![child_row.place];
                let mut seen = BTreeSet::new();
                while let Some(task) = left.pop() {
                    let dependents = sheet.dependents.get(task as usize);
                    for dependent in dependents.into_iter().flatten() {
                        if seen.insert(*dependent) {
                            left.push(*dependent);
                            if let Some(node) = state.task(*dependent).and_then(|s| s.node) {
                                self.remove_below(run, node);
                            }
                        }
                    }
                }
            }
            _ => {}
        }
    }

    /// The rows that stay, those above open again.
    pub(crate) fn rows(&self, run: &Run) -> Vec<Node> {
        let kept = run.nodes().filter(|node| !self.removed.contains(&node.ix));
        kept.map(|node| {
            let mut node = node.clone();
            node.parents.retain(|parent| !self.removed.contains(parent));
            if self.opened.contains(&node.ix) {
                reopen(&mut node);
            }
            if let Some(skipped) = self.skipped.get(&node.ix) {
                node.phase = NodePhase::Skipped;
                node.message = Some(skipped.message.clone());
                node.outputs = skipped.outputs.clone();
            }
            node
        })
        .collect()
    }
}

fn reopen(node: &mut Node) {
    node.phase = NodePhase::Running;
    node.message = None;
    node.finished = None;
    node.wake = None;
    node.ending = Ending::Natural;
    node.outputs = Outputs::default();
}

/// The node that is made anew for a failed one: itself; for a try that runs a template itself, its retry
/// node with all tries; for a hook, the node that it watches. Nothing for an earlier try, and for what is
/// below one.
pub(crate) fn whole(run: &Run, ix: NodeIx) -> Option<NodeIx> {
    let mut redo = ix;
    let mut at = ix;
    let mut leaf = true;
    while let Some(node) = run.node(at) {
        let Some(owner) = node.owner else {
            break;
        };
        match node.role {
            NodeRole::Hook => redo = owner,
            NodeRole::Try if leaf && redo == at => redo = owner,
            NodeRole::Try => {
                let Some(Body::Retry(tries)) = run.live(owner).map(|live| &live.body) else {
                    return None;
                };
                if tries.last() != Some(&at) {
                    return None;
                }
            }
            NodeRole::Plain => leaf = false,
        }
        at = owner;
    }
    Some(redo)
}

fn is_hook(run: &Run, ix: NodeIx) -> bool {
    run.node(ix).is_some_and(|node| node.role == NodeRole::Hook)
}

/// What a node owns: its children and its hooks.
fn owned(run: &Run, ix: NodeIx) -> impl Iterator<Item = NodeIx> {
    let children: Vec<NodeIx> = match run.live(ix).map(|live| &live.body) {
        None | Some(Body::Leaf) => run.members(ix).map(|member| member.ix).collect(),
        Some(Body::Steps(children) | Body::Retry(children)) => children.clone(),
        Some(Body::Group(spreads)) => spreads.iter().flat_map(|s| s.children()).collect(),
        Some(Body::Tasks(spread)) => spread.children().collect(),
        Some(Body::Dag(state)) => state.tasks.iter().filter_map(|task| task.node).collect(),
    };
    let fired = run.live(ix).is_some_and(|live| !live.fired.is_empty());
    let hooks: Vec<NodeIx> = if fired {
        run.nodes()
            .filter(|node| node.owner == Some(ix) && node.role == NodeRole::Hook)
            .map(|node| node.ix)
            .collect()
    } else {
        Vec::new()
    };
    children.into_iter().chain(hooks)
}

pub(crate) fn progress(nodes: &[Node]) -> Progress {
    let leaf = |node: &&Node| node.kind.is_leaf();
    let count = |count: usize| u32::try_from(count).unwrap_or(u32::MAX);
    let leaves = nodes.iter().filter(leaf);
    let done = leaves.clone().filter(|n| n.phase == NodePhase::Succeeded);
    Progress {
        done: count(done.count()),
        total: count(leaves.count()),
    }
}
