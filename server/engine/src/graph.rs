//! The graph of a `dag` template, and how far a run of it is. Each task counts the dependencies that it
//! still waits for; the end of a task touches its dependents only.

use std::collections::HashMap;

use steading_spec::depends::Depends;
use steading_spec::model::DagTemplate;
use steading_types::{NodeIx, NodePhase};

use crate::derive::is_failure;
use crate::error::EngineError;
use crate::live::{Body, DagState, TaskState};
use crate::run::Run;
use crate::scope::View;
use crate::templates::tolerates;
use crate::text;

/// What is worked out once for a `dag` template. Tasks are named by their position.
#[derive(Debug)]
pub(crate) struct DagSheet {
    /// The condition to start, if there is one.
    pub(crate) conditions: Vec<Option<Depends>>,
    pub(crate) needs: Vec<Vec<u32>>,
    pub(crate) dependents: Vec<Vec<u32>>,
    pub(crate) places: HashMap<String, u32>,
    /// The template's `target`, if it names one.
    target: Option<String>,
    pub(crate) fail_fast: bool,
}

impl DagSheet {
    pub(crate) fn of(dag: &DagTemplate) -> Result<Self, EngineError> {
        let places: HashMap<String, u32> = (0u32..)
            .zip(&dag.tasks)
            .map(|(place, task)| (task.name.clone(), place))
            .collect();
        let mut sheet = Self {
            conditions: Vec::with_capacity(dag.tasks.len()),
            needs: Vec::with_capacity(dag.tasks.len()),
            dependents: vec![Vec::new(); dag.tasks.len()],
            places,
            target: Some(dag.target.clone()).filter(|target| !target.trim().is_empty()),
            fail_fast: dag.fail_fast.unwrap_or(true),
        };
        for (place, task) in (0u32..).zip(&dag.tasks) {
            let written = task.condition();
            let condition = match written.trim() {
                "" => None,
                text => Some(
                    Depends::parse(text).map_err(|error| EngineError::Value(error.to_string()))?,
                ),
            };
            let mut needs: Vec<u32> = Vec::new();
            for name in condition.iter().flat_map(Depends::tasks) {
                let needed = sheet.places.get(name).copied();
                let needed = needed.ok_or_else(|| {
                    EngineError::Document(format!("task '{}' depends on no task", task.name))
                })?;
                if !needs.contains(&needed) {
                    needs.push(needed);
                }
            }
            for needed in &needs {
                if let Some(dependents) = sheet.dependents.get_mut(*needed as usize) {
                    dependents.push(place);
                }
            }
            sheet.needs.push(needs);
            sheet.conditions.push(condition);
        }
        Ok(sheet)
    }

    pub(crate) fn needs(&self, task: u32) -> &[u32] {
        self.needs.get(task as usize).map_or(&[], Vec::as_slice)
    }

    fn dependents(&self, task: u32) -> &[u32] {
        self.dependents
            .get(task as usize)
            .map_or(&[], Vec::as_slice)
    }

    /// The tasks that decide: those named, or the leaves.
    fn targets(&self, view: &View<'_>) -> Result<Vec<u32>, EngineError> {
        let Some(target) = &self.target else {
            let leaves = (0u32..).zip(&self.dependents);
            return Ok(leaves
                .filter(|(_, dependents)| dependents.is_empty())
                .map(|(task, _)| task)
                .collect());
        };
        text::render(target, view)?
            .split_whitespace()
            .map(|name| {
                let undefined = || EngineError::Value(format!("target '{name}' is not defined"));
                self.places.get(name).copied().ok_or_else(undefined)
            })
            .collect()
    }
}

impl DagState {
    fn new(sheet: &DagSheet, targets: Vec<u32>) -> Self {
        let mut tasks: Vec<TaskState> = sheet
            .needs
            .iter()
            .map(|needs| TaskState {
                waits: u32::try_from(needs.len()).unwrap_or(u32::MAX),
                ..TaskState::default()
            })
            .collect();
        let mut left = targets.clone();
        let mut unmade = 0;
        while let Some(task) = left.pop() {
            if let Some(state) = tasks.get_mut(task as usize).filter(|state| !state.wanted) {
                state.wanted = true;
                unmade += 1;
                left.extend(sheet.needs(task));
            }
        }
        Self {
            tasks,
            targets,
            unmade,
            doomed: false,
        }
    }

    pub(crate) fn put(&mut self, task: u32, node: NodeIx) {
        if let Some(state) = self.tasks.get_mut(task as usize) {
            state.node = Some(node);
            self.unmade = self.unmade.saturating_sub(1);
        }
    }

    pub(crate) fn task(&self, task: u32) -> Option<&TaskState> {
        self.tasks.get(task as usize)
    }

    /// Tasks that wait for nothing and have no node.
    pub(crate) fn startable(&self) -> impl Iterator<Item = u32> {
        let doomed = self.doomed;
        (0u32..)
            .zip(&self.tasks)
            .filter(move |(_, task)| {
                !doomed && task.wanted && task.waits == 0 && task.node.is_none()
            })
            .map(|(place, _)| place)
    }
}

impl Run {
    /// Works out the tasks that a new dag node wants. When its targets make no sense it wants none, and
    /// the caller ends it.
    pub(crate) fn open_dag(&mut self, dag: NodeIx) -> Result<(), EngineError> {
        let Some(template) = self.live(dag).and_then(|live| live.template) else {
            return Ok(());
        };
        let plan = std::sync::Arc::clone(&self.plan);
        let Some(sheet) = &plan.sheet(template)?.dag else {
            return Ok(());
        };
        let targets = self.dag_targets(dag, sheet).unwrap_or_default();
        if let Some(live) = self.live_mut(dag) {
            live.body = Body::Dag(DagState::new(sheet, targets));
        }
        Ok(())
    }

    pub(crate) fn dag_targets(
        &self,
        dag: NodeIx,
        sheet: &DagSheet,
    ) -> Result<Vec<u32>, EngineError> {
        sheet.targets(&View::flow(self, steading_types::Millis(0), dag))
    }

    /// A task and its hooks are over: what its branch came to, and who may start now.
    pub(crate) fn task_fulfilled(&mut self, dag: NodeIx, task: u32, phase: NodePhase) {
        let plan = std::sync::Arc::clone(&self.plan);
        let Some(template) = self.live(dag).and_then(|live| live.template) else {
            return;
        };
        let Ok(Some(sheet)) = plan.sheet(template).map(|sheet| sheet.dag.as_ref()) else {
            return;
        };
        let tolerated = plan.task(template, task).map(|t| t.continue_on());
        let branch = self.branch(dag, sheet, task, phase);
        let branch = match tolerated {
            Some(tolerated) if is_failure(phase) && tolerates(&tolerated, phase) => {
                NodePhase::Succeeded
            }
            _ => branch,
        };
        let open = self.node(dag).is_some_and(|node| !node.phase.completed());
        let free = open && self.bar(dag).is_none() && !self.behind_gate(dag);
        let Some(Body::Dag(state)) = self.live_mut(dag).map(|live| &mut live.body) else {
            return;
        };
        if let Some(state) = state.tasks.get_mut(task as usize) {
            state.branch = Some(branch);
        }
        if is_failure(branch) && state.targets.contains(&task) && sheet.fail_fast {
            state.doomed = true;
        }
        let mut startable = Vec::new();
        for dependent in sheet.dependents(task) {
            let Some(waiting) = state.tasks.get_mut(*dependent as usize) else {
                continue;
            };
            waiting.waits = waiting.waits.saturating_sub(1);
            if waiting.waits == 0 && waiting.wanted && waiting.node.is_none() {
                startable.push(*dependent);
            }
        }
        if state.doomed {
            self.ready.remove_owner(Some(dag), dag);
        } else if free {
            for task in startable {
                self.ready.insert(Some(dag), (dag, task));
            }
        }
    }

    /// What a branch came to at a task: its own phase, or, when it never ran, the worst before it.
    fn branch(&self, dag: NodeIx, sheet: &DagSheet, task: u32, phase: NodePhase) -> NodePhase {
        if !matches!(phase, NodePhase::Skipped | NodePhase::Omitted) {
            return phase;
        }
        let Some(Body::Dag(state)) = self.live(dag).map(|live| &live.body) else {
            return phase;
        };
        let mut before = sheet
            .needs(task)
            .iter()
            .filter_map(|needed| state.task(*needed)?.branch);
        before
            .find(|branch| is_failure(*branch))
            .unwrap_or(NodePhase::Succeeded)
    }
}
