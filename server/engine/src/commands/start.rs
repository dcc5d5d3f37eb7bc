//! Start: makes the entry node.

use std::sync::Arc;

use steading_spec::model::Arguments;
use steading_types::{Millis, NodeIx, WorkflowPhase};

use crate::action::Action;
use crate::call::{Inputs, inputs, own_value};
use crate::command::Timer;
use crate::error::{EngineError, Refusal};
use crate::exit::{COMPLETED, PHASE};
use crate::lock::Holder;
use crate::node::{NodeRole, TemplateName};
use crate::scope::View;
use crate::text;
use crate::turn::{Seed, Turn};

impl Turn<'_> {
    pub(super) fn start_run(&mut self) -> Result<(), Refusal> {
        if self.run.head.phase != WorkflowPhase::Pending || !self.run.holds.is_empty() {
            return Err(Refusal::Started);
        }
        if let Err(error) = self.read_arguments().and_then(|()| self.label()) {
            self.begin();
            self.end_run(WorkflowPhase::Error, Some(error.to_string()));
            return Ok(());
        }
        // Rows that were taken over are written before the run can wait for anything.
        let taken: Vec<NodeIx> = self.run.nodes().map(|node| node.ix).collect();
        for ix in taken {
            let _ = self.edit(ix);
        }
        self.enter_run();
        Ok(())
    }

    /// Lets the run begin, or wait for its locks.
    pub(super) fn enter_run(&mut self) {
        if self.run.awaits_locks() {
            self.head().phase = WorkflowPhase::Pending;
            self.ask(Holder::Run);
        } else {
            self.begin();
            self.open_run();
        }
    }

    /// Makes the entry node, or goes on from the nodes that are there already.
    pub(crate) fn open_run(&mut self) {
        self.measure_run();
        if self.run.slots.is_empty() {
            self.make_entry();
        } else {
            self.go_on();
        }
    }

    /// Marks the run as running, from now.
    pub(crate) fn begin(&mut self) {
        let now = self.now;
        let head = self.head();
        head.phase = WorkflowPhase::Running;
        head.message = None;
        head.started = Some(now);
        head.finished = None;
        head.labels.insert(PHASE.to_owned(), "Running".to_owned());
        head.labels.insert(COMPLETED.to_owned(), "false".to_owned());
    }

    /// Makes the entry node, and what the run itself wants to know of.
    pub(super) fn make_entry(&mut self) {
        let plan = Arc::clone(&self.run.plan);
        let entry = plan.resolved.entrypoint;
        if let Some(at) = self.run.deadline() {
            self.act(Action::SetTimer(Timer::Deadline, Millis(at.get())));
        }
        let name = self.run.head.name.to_string();
        let written = TemplateName {
            name: plan
                .template(entry)
                .map_or_else(|_| String::new(), |template| template.name.clone()),
            ..TemplateName::default()
        };
        let mut seed = Seed {
            display_name: name.clone(),
            name,
            owner: None,
            place: 0,
            boundary: None,
            parents: Vec::new(),
            role: NodeRole::Plain,
            index: None,
            item: None,
            template: written.keyed(entry),
            inputs: Inputs::default(),
            fan: Vec::new(),
        };
        match self.entry_inputs() {
            Ok(inputs) => {
                seed.inputs = inputs;
                self.enter(seed, entry);
            }
            Err(error) => {
                let message = format!("error in entry template execution: {error}");
                self.make_ended(seed, steading_types::NodePhase::Error, message);
            }
        }
        self.fire_run_hooks();
    }

    /// The entry template gets the run's parameters as its arguments.
    fn entry_inputs(&self) -> Result<Inputs, EngineError> {
        let plan = &self.run.plan;
        let mut arguments: Arguments = plan.resolved.spec.arguments.clone();
        for parameter in &mut arguments.parameters {
            if let Some(changed) = self.run.head.parameters.get(&parameter.name) {
                parameter.value = Some(changed.as_str().into());
            }
        }
        let view = View::run(self.run, self.now);
        inputs(plan, plan.resolved.entrypoint, &arguments, &view)
    }

    /// The run's own parameters that stand in ConfigMaps are read before anything can name them.
    fn read_arguments(&mut self) -> Result<(), EngineError> {
        let plan = Arc::clone(&self.run.plan);
        for declared in &plan.resolved.spec.arguments.parameters {
            let from = declared.value_from.as_ref();
            let refers = from.is_some_and(|from| from.config_map_key_ref.is_some());
            if !refers || self.run.head.parameters.contains_key(&declared.name) {
                continue;
            }
            let value = own_value(declared, &View::run(self.run, self.now))?;
            let value = value.ok_or_else(|| EngineError::NotSupplied(declared.name.clone()))?;
            self.head().parameters.insert(declared.name.clone(), value);
        }
        Ok(())
    }

    /// Labels and annotations that the specification works out for its run.
    fn label(&mut self) -> Result<(), EngineError> {
        let plan = Arc::clone(&self.run.plan);
        let Some(metadata) = &plan.resolved.spec.workflow_metadata else {
            return Ok(());
        };
        let view = View::run(self.run, self.now);
        let rendered = |given: &std::collections::BTreeMap<String, String>| {
            let given = given.iter();
            given
                .map(|(key, value)| Ok((key.clone(), text::render(value, &view)?)))
                .collect::<Result<Vec<_>, EngineError>>()
        };
        let mut labels = rendered(&metadata.labels)?;
        let annotations = rendered(&metadata.annotations)?;
        for (key, from) in &metadata.labels_from {
            let value = text::evaluate_text(&from.expression, &view)?;
            labels.extend(value.map(|value| (key.clone(), value)));
        }
        let head = self.head();
        head.labels.extend(labels);
        head.annotations.extend(annotations);
        Ok(())
    }
}
