//! Skip: a run goes on without a node that has not begun or has failed, as if it had given what a person says.

use std::collections::{BTreeMap, BTreeSet};

use steading_types::{NodeIx, NodePhase, NodeType};

use crate::action::Action;
use crate::command::{Actor, NodeSelector};
use crate::cut::{Cut, Skipped, whole};
use crate::derive::is_failure;
use crate::error::Refusal;
use crate::node::{Ending, Node, NodeRole, Outputs};
use crate::templates::declared_default;
use crate::turn::Turn;

/// The name by which the standard output is given.
const RESULT: &str = "result";

impl Turn<'_> {
    pub(super) fn skip_nodes(
        &mut self,
        selector: &NodeSelector,
        outputs: &[(String, String)],
        by: &Actor,
        why: Option<&str>,
    ) -> Result<(), Refusal> {
        let over = self.run.head.phase.completed();
        let mut skipped = BTreeMap::new();
        for ix in self.to_be_skipped(selector, over)? {
            let message = match why {
                Some(why) => format!("skipped by {}: {why}", by.0),
                None => format!("skipped by {}", by.0),
            };
            let outputs = self.given_outputs(ix, outputs)?;
            skipped.insert(ix, Skipped { outputs, message });
        }
        if skipped.is_empty() {
            return Err(Refusal::NoSkip);
        }
        if !over {
            for (ix, skipped) in skipped {
                self.skip(ix, skipped);
            }
            return Ok(());
        }
        let nodes: Vec<NodeIx> = skipped.keys().copied().collect();
        let cut = Cut::of(self.run, &BTreeSet::new(), skipped);
        if nodes.iter().any(|ix| cut.removed.contains(ix)) {
            return Err(Refusal::NoSkip);
        }
        self.go_on_from(cut, Vec::new())
    }

    /// The nodes that a selector names and that can be skipped. What is over already, or is made of other
    /// nodes that are under way, is none of them.
    fn to_be_skipped(
        &self,
        selector: &NodeSelector,
        over: bool,
    ) -> Result<BTreeSet<NodeIx>, Refusal> {
        let all: Vec<NodeIx> = self.run.nodes().map(|node| node.ix).collect();
        let mut chosen = BTreeSet::new();
        for ix in all {
            if !self.selects(selector, ix)? {
                continue;
            }
            // Of a try that failed, the retry node is skipped with all its tries.
            let ix = if over { whole(self.run, ix) } else { Some(ix) };
            let Some(node) = ix.and_then(|ix| self.run.node(ix)) else {
                continue;
            };
            if self.run.approvals_wanted(node.ix) > 0 {
                return Err(Refusal::SkipApproval);
            }
            let fits = if over {
                is_failure(node.phase) && stands_for_a_call(node)
            } else {
                self.has_not_begun(node)
            };
            if fits {
                chosen.insert(node.ix);
            }
        }
        Ok(chosen)
    }

    /// Whether a node of a run that goes on can be skipped without losing work.
    fn has_not_begun(&self, node: &Node) -> bool {
        let open = self.run.live(node.ix).map_or(0, |live| live.open);
        match node.kind {
            _ if node.phase.completed() || node.role == NodeRole::Hook => false,
            kind if kind.is_attempt() => {
                node.phase == NodePhase::Pending && node.ending == Ending::Natural
            }
            NodeType::Suspend => true,
            NodeType::Retry => open == 0 && !node.served(),
            _ => self.run.gated(node.ix) && self.run.is_empty(node.ix),
        }
    }

    /// What a skipped node gives: what a person says, and the defaults of what is not said.
    fn given_outputs(&self, ix: NodeIx, given: &[(String, String)]) -> Result<Outputs, Refusal> {
        let template = self.run.live(ix).and_then(|live| live.template);
        let template = template.map(|ix| self.run.plan.template(ix)).transpose()?;
        let declared = template.map_or(&[][..], |template| template.output_parameters());
        let mut outputs = Outputs::default();
        for (name, value) in given {
            match declared.iter().any(|output| output.name == *name) {
                true => outputs.parameters.push((name.clone(), value.clone())),
                false if name == RESULT => outputs.result = Some(value.clone()),
                false => return Err(Refusal::UnknownOutput(name.clone())),
            }
        }
        for output in declared {
            let said = outputs
                .parameters
                .iter()
                .any(|(name, _)| *name == output.name);
            let default = self.run.node(ix);
            let default = default.and_then(|node| declared_default(self.run, node, &output.name));
            if !said && default.is_none() {
                return Err(Refusal::NotSet(output.name.clone()));
            }
        }
        Ok(outputs)
    }

    fn skip(&mut self, ix: NodeIx, skipped: Skipped) {
        let waits = self.run.gated(ix);
        let Some(node) = self.edit(ix) else {
            return;
        };
        node.outputs = skipped.outputs;
        if waits || !node.kind.is_attempt() {
            let boundary = self.run.counted_in(ix);
            self.run.ready.remove_owner(boundary, ix);
            self.publish(ix);
            return self.finish(ix, NodePhase::Skipped, Some(skipped.message));
        }
        node.ending = Ending::Skipping;
        node.message = Some(skipped.message);
        self.set_node_timer(ix, None);
        if let Some(node) = self.run.node(ix) {
            self.act(Action::Cancel(self.run.attempt(node)));
        }
    }
}

/// Whether a node is a step, a task, a try or the entry: not what only groups others.
fn stands_for_a_call(node: &Node) -> bool {
    let groups = matches!(
        node.kind,
        NodeType::StepGroup | NodeType::TaskGroup | NodeType::Container
    );
    !groups && node.role != NodeRole::Hook
}
