//! Retry: a finished run goes on from what failed. The rows of failed nodes, of everything below them and
//! after them are removed, the nodes above are opened again, and the run follows from its rows.

use std::collections::BTreeSet;
use std::sync::Arc;

use steading_types::{NodeIx, NodePhase, NodeType, WorkflowPhase};

use crate::action::Action;
use crate::command::{NodeSelector, Timer};
use crate::derive::{EXIT_SUFFIX, is_failure};
use crate::error::Refusal;
use crate::head::{Progress, Suspended};
use crate::live::Body;
use crate::node::{Ending, Node, NodeRole, Outputs};
use crate::run::Run;
use crate::turn::Turn;

impl Turn<'_> {
    pub(super) fn retry_run(
        &mut self,
        restart_successful: bool,
        selector: Option<&NodeSelector>,
        parameters: Vec<(String, String)>,
    ) -> Result<(), Refusal> {
        let selector = selector.filter(|_| restart_successful);
        self.check_retry(selector, &parameters)?;
        let mut chosen = BTreeSet::new();
        if let Some(selector) = selector {
            let all: Vec<NodeIx> = self.run.nodes().map(|node| node.ix).collect();
            for ix in all {
                if self.selects(selector, ix)? {
                    chosen.insert(ix);
                }
            }
        }
        if self.run.expiry().is_some() {
            self.act(Action::ClearTimer(Timer::Expiry));
        }
        let cut = Cut::of(self.run, &chosen);
        let nodes = cut.rows(self.run);
        let mut head = self.run.head.clone();
        head.generation = head.generation.saturating_add(1);
        head.shutdown = None;
        head.suspended = Suspended::No;
        head.parameters.extend(parameters);
        head.progress = progress(&nodes);
        let run = Run::load(head, Arc::clone(&self.run.plan), nodes)?;
        *self.run = run;
        self.begin();
        self.forget(cut.removed.iter().copied().collect());
        for ix in &cut.opened {
            let _ = self.edit(*ix);
        }
        if self.run.slots.is_empty() {
            self.make_entry();
        } else {
            self.go_on();
        }
        Ok(())
    }

    fn check_retry(
        &self,
        selector: Option<&NodeSelector>,
        parameters: &[(String, String)],
    ) -> Result<(), Refusal> {
        match self.run.head.phase {
            WorkflowPhase::Failed | WorkflowPhase::Error => {}
            WorkflowPhase::Succeeded if selector.is_some() => {}
            WorkflowPhase::Succeeded => return Err(Refusal::RetrySucceeded),
            other => return Err(Refusal::RetryPhase(other)),
        }
        let known = &self.run.plan.resolved.spec.arguments;
        match parameters
            .iter()
            .find(|(name, _)| known.parameter(name).is_none())
        {
            Some((name, _)) => Err(Refusal::UnknownParameter(name.clone())),
            None => Ok(()),
        }
    }

    /// Sets a reloaded run going.
    fn go_on(&mut self) {
        if let Some(at) = self.run.deadline() {
            self.act(Action::SetTimer(Timer::Deadline, at));
        }
        let open: Vec<NodeIx> = self
            .run
            .nodes()
            .filter(|node| !node.phase.completed())
            .map(|node| node.ix)
            .collect();
        for ix in open.into_iter().rev() {
            self.advance(ix);
        }
        self.advance_run();
    }
}

/// Which rows a retry removes, and which it opens again.
#[derive(Default)]
struct Cut {
    removed: BTreeSet<NodeIx>,
    opened: BTreeSet<NodeIx>,
}

impl Cut {
    fn of(run: &Run, chosen: &BTreeSet<NodeIx>) -> Self {
        let mut cut = Self::default();
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
            if !cut.removed.contains(&ix) && !cut.opened.contains(&ix) {
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
    fn rows(&self, run: &Run) -> Vec<Node> {
        let kept = run.nodes().filter(|node| !self.removed.contains(&node.ix));
        kept.map(|node| {
            let mut node = node.clone();
            node.parents.retain(|parent| !self.removed.contains(parent));
            if self.opened.contains(&node.ix) {
                reopen(&mut node);
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
fn whole(run: &Run, ix: NodeIx) -> Option<NodeIx> {
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

fn progress(nodes: &[Node]) -> Progress {
    let leaf = |node: &&Node| node.kind.is_leaf();
    let count = |count: usize| u32::try_from(count).unwrap_or(u32::MAX);
    let leaves = nodes.iter().filter(leaf);
    let done = leaves.clone().filter(|n| n.phase == NodePhase::Succeeded);
    Progress {
        done: count(done.count()),
        total: count(leaves.count()),
    }
}
