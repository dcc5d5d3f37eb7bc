//! `steps`: groups one after another, the steps of a group side by side.

use std::sync::Arc;

use steading_spec::model::ContinueOn;
use steading_types::{NodeIx, NodePhase, NodeType};

use super::loops;
use crate::call::Inputs;
use crate::live::{Body, Slot};
use crate::node::{Node, NodeRole};
use crate::scope::View;
use crate::turn::{Seed, Turn};

impl Turn<'_> {
    /// Opens a group of a steps node, or ends the node after its last one.
    pub(crate) fn open_group(&mut self, steps: NodeIx, group: u32) {
        let plan = Arc::clone(&self.run.plan);
        let Some(Slot { node, live }) = self.run.slot(steps) else {
            return;
        };
        let Some(template) = live.template else {
            return;
        };
        if group >= plan.groups(template) {
            return self.finish_flow(steps);
        }
        let before = match &live.body {
            Body::Steps(groups) => groups.last().copied(),
            _ => None,
        };
        let display_name = format!("[{group}]");
        let mut seed = Seed {
            name: format!("{}{display_name}", node.name),
            display_name,
            owner: Some(steps),
            place: group,
            boundary: Some(steps),
            parents: before.into_iter().collect(),
            role: NodeRole::Plain,
            index: None,
            item: None,
            template: node.template.clone(),
            inputs: Inputs::default(),
            fan: Vec::new(),
        };
        let mut items = Vec::new();
        let mut fault = None;
        let view = View::flow(self.run, self.now, steps);
        for place in 0.. {
            let Some(step) = plan.step(template, group, place) else {
                break;
            };
            match loops::items_unless_skipped(step, &view) {
                Ok(found) => {
                    seed.fan.push(loops::count(found.as_deref()));
                    items.push(found);
                }
                Err(error) => {
                    fault = Some(error);
                    break;
                }
            }
        }
        if fault.is_some() {
            seed.fan.clear();
        }
        let Ok(ix) = self.make(seed, NodeType::StepGroup, NodePhase::Running) else {
            return;
        };
        if let Some(error) = fault {
            return self.fault(ix, &error);
        }
        if let Some(Body::Group(spreads)) = self.run.live_mut(ix).map(|live| &mut live.body) {
            for (spread, items) in spreads.iter_mut().zip(items) {
                spread.items = items;
            }
        }
        self.run.enlist(ix);
        self.advance(ix);
    }

    /// Makes the next child of a step.
    pub(crate) fn make_step(&mut self, group: NodeIx, place: u32) {
        let plan = Arc::clone(&self.run.plan);
        let Some(Slot { node, live }) = self.run.slot(group) else {
            return;
        };
        let (Some(steps), Some(template)) = (node.owner, live.template) else {
            return;
        };
        let Some(step) = plan.step(template, node.place, place) else {
            return;
        };
        let mut seed = Seed {
            name: format!("{}.{}", node.name, step.name()),
            display_name: step.name().to_owned(),
            owner: Some(group),
            place,
            boundary: Some(steps),
            parents: Vec::new(),
            role: NodeRole::Plain,
            index: None,
            item: None,
            template: crate::call::written(&step.call()),
            inputs: Inputs::default(),
            fan: Vec::new(),
        };
        let empty = node.fan.get(place as usize) == Some(&0);
        if empty && step.is_loop() {
            return self.make_ended(seed, NodePhase::Skipped, loops::EMPTY);
        }
        match self.take_item(step, group, place, steps) {
            Ok(taken) => {
                seed.take(taken);
                self.call(seed, step, steps);
            }
            Err((index, error)) => {
                seed.index = index;
                self.make_ended(seed, NodePhase::Error, error.to_string());
            }
        }
    }

    /// A group whose children are all over.
    pub(crate) fn advance_group(&mut self, group: NodeIx) {
        let Some(Slot { node, live }) = self.run.slot(group) else {
            return;
        };
        let Body::Group(spreads) = &live.body else {
            return;
        };
        let bar = self.run.bar(group);
        let complete = spreads.iter().all(|spread| spread.complete());
        if !complete && bar.is_none() {
            return;
        }
        let failed = (0..).zip(spreads).find_map(|(place, spread)| {
            let step = self.run.plan.step(live.template?, node.place, place)?;
            let tolerated = step.continue_on();
            let mut children = spread.children().filter_map(|child| self.run.node(child));
            children.find(|child| !tolerates(&tolerated, child.phase))
        });
        let (phase, message) = match (failed, bar) {
            (Some(child), _) => (NodePhase::Failed, Some(self.child_failed(child))),
            (None, Some(bar)) if !complete => (NodePhase::Failed, Some(bar.message().to_owned())),
            _ => (NodePhase::Succeeded, None),
        };
        self.finish(group, phase, message);
    }

    /// A steps node whose last group is over.
    pub(crate) fn advance_steps(&mut self, steps: NodeIx) {
        let Some(Body::Steps(groups)) = self.run.live(steps).map(|live| &live.body) else {
            return;
        };
        let next = u32::try_from(groups.len()).unwrap_or(u32::MAX);
        let last = groups.last().and_then(|last| self.run.node(*last));
        match last.map(|last| (last.phase, last.message.clone())) {
            Some((NodePhase::Failed | NodePhase::Error, message)) => {
                self.finish(steps, NodePhase::Failed, message);
            }
            _ => match self.run.bar(steps) {
                Some(bar) if !self.was_last_group(steps, next) => {
                    self.finish(steps, NodePhase::Failed, Some(bar.message().to_owned()));
                }
                _ => self.open_group(steps, next),
            },
        }
    }

    fn was_last_group(&self, steps: NodeIx, next: u32) -> bool {
        let template = self.run.live(steps).and_then(|live| live.template);
        template.is_some_and(|template| next >= self.run.plan.groups(template))
    }

    /// Argo's sentence for a node that ends because of a child.
    pub(super) fn child_failed(&self, child: &Node) -> String {
        let id = self.run.node_id(child.ix).unwrap_or_default();
        format!("child '{id}' failed")
    }
}

/// Whether a node in this phase lets its parent go on.
pub(crate) fn tolerates(continue_on: &ContinueOn, phase: NodePhase) -> bool {
    match phase {
        NodePhase::Failed => continue_on.failed,
        NodePhase::Error => continue_on.error,
        _ => true,
    }
}
