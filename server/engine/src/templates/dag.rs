//! `dag`: tasks that start when what they depend on is over.

use std::sync::Arc;

use steading_spec::depends::TaskResult;
use steading_spec::model::{Caller, ContinueOn};
use steading_types::{NodeIx, NodePhase, NodeType};

use super::loops;
use crate::call::Inputs;
use crate::derive::is_failure;
use crate::graph::DagSheet;
use crate::live::{Body, DagState, Slot, Tally};
use crate::node::{Node, NodeRole};
use crate::scope::View;
use crate::turn::{Seed, Turn};

impl Turn<'_> {
    /// Starts a dag node.
    pub(crate) fn start_dag(&mut self, dag: NodeIx) {
        let plan = Arc::clone(&self.run.plan);
        let Some(template) = self.run.live(dag).and_then(|live| live.template) else {
            return;
        };
        let targets = match plan.sheet(template).map(|sheet| sheet.dag.as_ref()) {
            Ok(Some(sheet)) => self.run.dag_targets(dag, sheet),
            Ok(None) => return,
            Err(error) => Err(error),
        };
        match targets {
            Ok(_) => {
                self.run.enlist(dag);
                self.advance(dag);
            }
            Err(error) => self.fault(dag, &error),
        }
    }

    /// Makes the node of a task whose dependencies are over.
    pub(crate) fn make_task(&mut self, dag: NodeIx, place: u32) {
        let plan = Arc::clone(&self.run.plan);
        let Some(Slot { node, live }) = self.run.slot(dag) else {
            return;
        };
        let (Some(template), Body::Dag(state)) = (live.template, &live.body) else {
            return;
        };
        let Some(task) = plan.task(template, place) else {
            return;
        };
        let Ok(Some(sheet)) = plan.sheet(template).map(|sheet| sheet.dag.as_ref()) else {
            return;
        };
        let needed = sheet.needs(place).iter();
        let seed = Seed {
            name: format!("{}.{}", node.name, task.name()),
            display_name: task.name().to_owned(),
            owner: Some(dag),
            place,
            boundary: Some(dag),
            parents: needed.filter_map(|n| state.task(*n)?.node).collect(),
            role: NodeRole::Plain,
            index: None,
            item: None,
            template: crate::call::written(&task.call()),
            inputs: Inputs::default(),
            fan: Vec::new(),
        };
        if !self.may_start(sheet, state, place, template) {
            let seed = self.keyed(seed, template, task);
            return self.make_ended(seed, NodePhase::Omitted, OMITTED);
        }
        if !task.is_loop() {
            return self.call(seed, task, dag);
        }
        let view = View::flow(self.run, self.now, dag);
        match loops::items_unless_skipped(task, &view) {
            Ok(None) => self.call(seed, task, dag),
            Ok(Some(items)) if items.is_empty() => {
                let seed = self.keyed(seed, template, task);
                self.make_ended(seed, NodePhase::Skipped, loops::EMPTY);
            }
            Ok(Some(items)) => {
                let mut seed = self.keyed(seed, template, task);
                seed.fan = vec![loops::count(Some(&items))];
                let Ok(ix) = self.make(seed, NodeType::TaskGroup, NodePhase::Running) else {
                    return;
                };
                if let Some(Body::Tasks(spread)) = self.run.live_mut(ix).map(|live| &mut live.body)
                {
                    spread.items = Some(items);
                }
                self.run.enlist(ix);
                self.advance(ix);
            }
            Err(error) => self.make_ended(seed, NodePhase::Error, error.to_string()),
        }
    }

    /// Notes the template that a node stands for without running it.
    fn keyed(
        &self,
        mut seed: Seed,
        from: steading_spec::resolve::TemplateIx,
        task: &dyn Caller,
    ) -> Seed {
        if let Some(callee) = self.run.plan.resolved.target(from, task.call()) {
            seed.template = seed.template.keyed(callee);
        }
        seed
    }

    /// Whether a task's condition holds.
    fn may_start(
        &self,
        sheet: &DagSheet,
        state: &DagState,
        place: u32,
        template: steading_spec::resolve::TemplateIx,
    ) -> bool {
        let Some(Some(condition)) = sheet.conditions.get(place as usize) else {
            return true;
        };
        let decided = condition.decide(&mut |name: &str, result: Option<TaskResult>| {
            let place = sheet.places.get(name).copied()?;
            let node = self.run.node(state.task(place)?.node?)?;
            let tally = match self.run.live(node.ix).map(|live| &live.body) {
                Some(Body::Tasks(spread)) => Some(spread.tally),
                _ => None,
            };
            let tolerated = self.run.plan.task(template, place)?.continue_on();
            Some(satisfies(node, tally, &tolerated, result))
        });
        decided.unwrap_or(false)
    }

    /// A dag none of whose tasks is under way.
    pub(crate) fn advance_dag(&mut self, dag: NodeIx) {
        let Some(Slot { live, .. }) = self.run.slot(dag) else {
            return;
        };
        let Body::Dag(state) = &live.body else {
            return;
        };
        let bar = self.run.bar(dag);
        if state.unmade > 0 && !state.doomed && bar.is_none() {
            return;
        }
        let failed = state.targets.iter().find_map(|target| {
            let branch = state.task(*target)?.branch?;
            is_failure(branch).then_some((*target, branch))
        });
        let unfinished = state.unmade > 0;
        let bar = bar.filter(|_| unfinished);
        match (failed, bar) {
            (Some((target, phase)), _) => {
                let message = self.culprit(dag, target);
                self.finish(dag, phase, message);
            }
            (None, Some(bar)) => {
                self.finish(dag, NodePhase::Failed, Some(bar.message().to_owned()));
            }
            (None, None) => self.finish_flow(dag),
        }
    }

    /// Which child made a target's branch fail: the target itself, or the nearest before it.
    fn culprit(&self, dag: NodeIx, target: u32) -> Option<String> {
        let Slot { live, .. } = self.run.slot(dag)?;
        let Body::Dag(state) = &live.body else {
            return None;
        };
        let sheet = self.run.plan.sheet(live.template?).ok()?.dag.as_ref()?;
        let mut task = target;
        // Each step goes to an earlier task, so this ends.
        loop {
            let node = self.run.node(state.task(task)?.node?)?;
            match node.phase {
                NodePhase::Failed => return Some(self.child_failed(node)),
                NodePhase::Error => {
                    let own = node.message.clone();
                    return Some(own.unwrap_or_else(|| self.child_failed(node)));
                }
                _ => {}
            }
            let mut before = sheet.needs(task).iter().copied();
            task = before.find(|needed| {
                let branch = state.task(*needed).and_then(|state| state.branch);
                branch.is_some_and(is_failure)
            })?;
        }
    }
}

/// Argo's sentence for a task whose condition is false.
const OMITTED: &str = "omitted: depends condition not met";

/// Whether a task that is over satisfies a term of `depends`.
fn satisfies(
    node: &Node,
    tally: Option<Tally>,
    tolerated: &ContinueOn,
    result: Option<TaskResult>,
) -> bool {
    let phase = node.phase;
    match result {
        None if node.served() => true,
        None => match phase {
            NodePhase::Succeeded | NodePhase::Skipped => true,
            NodePhase::Failed => tolerated.failed,
            NodePhase::Error => tolerated.error,
            _ => false,
        },
        Some(TaskResult::Succeeded) => phase == NodePhase::Succeeded,
        Some(TaskResult::Failed) => phase == NodePhase::Failed,
        Some(TaskResult::Errored) => phase == NodePhase::Error,
        Some(TaskResult::Skipped) => phase == NodePhase::Skipped,
        Some(TaskResult::Omitted) => phase == NodePhase::Omitted,
        Some(TaskResult::Daemoned) => node.served(),
        Some(TaskResult::AnySucceeded) => tally.is_some_and(|tally| tally.succeeded > 0),
        Some(TaskResult::AllFailed) => {
            tally.is_some_and(|tally| tally.total > 0 && tally.failed == tally.total)
        }
    }
}
