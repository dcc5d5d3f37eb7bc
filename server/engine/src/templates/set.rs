//! `containerSet`: one attempt, and a node for each of its containers.

use std::sync::Arc;

use steading_spec::model::{ContainerNode, ContainerSet};
use steading_types::task::TaskReport;
use steading_types::{NodeIx, NodePhase, NodeType};

use super::report::{Verdict, ended};
use crate::call::Inputs;
use crate::node::{NodeRole, TemplateName};
use crate::turn::{Seed, Turn};

impl Turn<'_> {
    /// Makes the nodes of a set's containers, those first that others come after.
    pub(super) fn make_members(&mut self, ix: NodeIx) {
        let plan = Arc::clone(&self.run.plan);
        let template = self.run.live(ix).and_then(|live| live.template);
        let set = template.and_then(|ix| plan.template(ix).ok()?.container_set.as_ref());
        let (Some(set), Some(node)) = (set, self.run.node(ix)) else {
            return;
        };
        let seed = |name: &str| Seed {
            name: format!("{}.{name}", node.name),
            display_name: name.to_owned(),
            owner: Some(ix),
            place: 0,
            boundary: Some(ix),
            parents: Vec::new(),
            role: NodeRole::Plain,
            index: None,
            item: None,
            template: TemplateName {
                key: String::new(),
                ..node.template.clone()
            },
            inputs: Inputs::default(),
            fan: Vec::new(),
        };
        let seeds = in_order(set).into_iter().map(|member| {
            let name = &member.container.name;
            (name.clone(), member.dependencies.clone(), seed(name))
        });
        let seeds: Vec<(String, Vec<String>, Seed)> = seeds.collect();
        let mut made: Vec<(String, NodeIx)> = Vec::new();
        for (name, after, mut seed) in seeds {
            let before = |wanted: &String| made.iter().find(|(name, _)| name == wanted);
            seed.parents = after.iter().filter_map(|n| Some(before(n)?.1)).collect();
            seed.place = u32::try_from(made.len()).unwrap_or(u32::MAX);
            if let Ok(member) = self.make(seed, NodeType::Container, NodePhase::Pending) {
                made.push((name, member));
            }
        }
    }

    fn member_nodes(&self, ix: NodeIx) -> Vec<(NodeIx, String)> {
        let members = self.run.members(ix);
        members.map(|m| (m.ix, m.display_name.clone())).collect()
    }

    /// All containers of a set start together.
    pub(super) fn members_started(&mut self, ix: NodeIx) {
        let now = self.now;
        for (member, _) in self.member_nodes(ix) {
            if let Some(node) = self.edit(member) {
                node.phase = NodePhase::Running;
                node.started = Some(now);
            }
        }
    }

    /// Ends the containers of a set: each as it did, or, when that is not known, as their attempt.
    pub(super) fn members_ended(&mut self, ix: NodeIx, report: &TaskReport, verdict: &Verdict) {
        for (member, name) in self.member_nodes(ix) {
            let own = report.members.get(&name);
            let (phase, message, exit_code) = match own {
                Some(own) => ended(&own.end),
                None => (verdict.phase, verdict.message.clone(), None),
            };
            if let Some(node) = self.edit(member) {
                node.outputs.exit_code = exit_code;
                node.started = own.and_then(|own| own.started).or(node.started);
            }
            self.finish(member, phase, message);
        }
    }
}

/// The containers of a set, those first that others come after. The checks have refused circles; what is
/// left in one comes last.
fn in_order(set: &ContainerSet) -> Vec<&ContainerNode> {
    let mut left: Vec<&ContainerNode> = set.containers.iter().collect();
    let mut order: Vec<&ContainerNode> = Vec::new();
    while !left.is_empty() {
        let made = |name: &String| order.iter().any(|made| made.container.name == *name);
        let next = left
            .iter()
            .position(|member| member.dependencies.iter().all(made));
        order.push(left.remove(next.unwrap_or(0)));
    }
    order
}
