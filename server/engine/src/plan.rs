//! A run's document, read once and made ready for running: what every step calls, what every task waits
//! for. Shared by all states of a run; derived from the document alone.

use std::collections::HashMap;
use std::sync::{Arc, OnceLock};

use serde::Deserialize;
use serde_json::Value;
use steading_spec::model::{Caller, Template, TemplateType, WorkflowSpec};
use steading_spec::resolve::{Resolved, TemplateIx};
use steading_spec::template::Compiled;
use steading_types::NodeType;

use crate::call::CALL_NAMES;
use crate::document::Document;
use crate::error::EngineError;
use crate::graph::DagSheet;
use crate::{server_task, task, text};

/// The document of a run, ready to run.
#[derive(Debug)]
pub struct Plan {
    pub(crate) resolved: Resolved,
    sheets: Vec<OnceLock<Sheet>>,
    /// Whether anything reads the standard output of a step.
    pub(crate) reads_results: bool,
    /// Whether a text refers to the name of the step or task that it belongs to.
    pub(crate) reads_call_names: bool,
    /// Whether a template is a daemon, so that nodes of the run talk to each other.
    pub(crate) has_daemons: bool,
    /// What the run is one of many of: the template that it is made from, or the stem of its name. Part of
    /// the keys of its artifacts.
    pub(crate) pipeline: String,
    /// Whether any template asks for locks.
    pub(crate) locks: bool,
}

/// What is worked out once for a template.
#[derive(Debug)]
pub(crate) struct Sheet {
    /// The parts that an attempt is made from, to be substituted for each one.
    pub(crate) body: Option<Compiled>,
    /// The template's graph.
    pub(crate) dag: Option<DagSheet>,
    /// Where each step stands: group, place.
    pub(crate) steps: HashMap<String, (u32, u32)>,
}

impl Plan {
    /// Reads a document.
    ///
    /// # Errors
    /// [`EngineError::Document`] when it is not the record of a resolved workflow.
    pub fn new(document: &Document) -> Result<Arc<Self>, EngineError> {
        let resolved = Resolved::deserialize(&document.resolved)
            .map_err(|error| EngineError::Document(error.to_string()))?;
        let count = resolved.entries().count();
        let has_daemons = resolved
            .entries()
            .any(|(_, entry)| entry.template.daemon == Some(true));
        let locks = resolved
            .entries()
            .any(|(_, entry)| entry.template.synchronization.is_some());
        let [reads_results, reads_call_names] =
            mentions(&document.resolved, [&["outputs.result"], &CALL_NAMES]);
        Ok(Arc::new(Self {
            pipeline: pipeline(&document.workflow),
            locks,
            reads_results,
            reads_call_names,
            has_daemons,
            sheets: (0..count).map(|_| OnceLock::new()).collect(),
            resolved,
        }))
    }

    pub(crate) fn template(&self, ix: TemplateIx) -> Result<&Template, EngineError> {
        self.resolved
            .entry(ix)
            .map(|entry| &entry.template)
            .ok_or_else(|| EngineError::Document(format!("there is no template {}", ix.0)))
    }

    pub(crate) fn sheet(&self, ix: TemplateIx) -> Result<&Sheet, EngineError> {
        let template = self.template(ix)?;
        let sheet = self
            .sheets
            .get(ix.0 as usize)
            .ok_or_else(|| EngineError::Document(format!("there is no template {}", ix.0)))?;
        if let Some(ready) = sheet.get() {
            return Ok(ready);
        }
        let made = Sheet::of(template, &self.resolved.spec)?;
        Ok(sheet.get_or_init(|| made))
    }

    /// The step at a place of a group of a `steps` template.
    pub(crate) fn step(&self, ix: TemplateIx, group: u32, place: u32) -> Option<&dyn Caller> {
        let groups = self.resolved.entry(ix)?.template.steps.as_ref()?;
        let step = groups.get(group as usize)?.get(place as usize)?;
        Some(step)
    }

    /// The task at a place of a `dag` template.
    pub(crate) fn task(&self, ix: TemplateIx, place: u32) -> Option<&dyn Caller> {
        let dag = self.resolved.entry(ix)?.template.dag.as_ref()?;
        let task = dag.tasks.get(place as usize)?;
        Some(task)
    }

    /// How many groups a `steps` template has.
    pub(crate) fn groups(&self, ix: TemplateIx) -> u32 {
        let template = self.resolved.entry(ix).map(|entry| &entry.template);
        let groups = template.and_then(|t| t.steps.as_ref()).map_or(0, Vec::len);
        u32::try_from(groups).unwrap_or(u32::MAX)
    }

    /// The template that an inline template was written in.
    pub(crate) fn inline_of(&self, ix: TemplateIx) -> Option<TemplateIx> {
        self.resolved.entry(ix)?.inline_of
    }

    /// Whether a template starts nothing new once one of its children failed.
    pub(crate) fn fail_fast(&self, ix: TemplateIx) -> bool {
        let template = self.resolved.entry(ix).map(|entry| &entry.template);
        template.and_then(|t| t.fail_fast).unwrap_or(false)
    }

    /// How many children of a template may be active at a time.
    pub(crate) fn parallelism(&self, ix: TemplateIx) -> Option<u32> {
        limit(self.resolved.entry(ix)?.template.parallelism)
    }

    /// How many attempts of the run may be active at a time.
    pub(crate) fn run_parallelism(&self) -> Option<u32> {
        limit(self.resolved.spec.parallelism)
    }
}

/// A positive limit; zero and less mean none, as in Argo's schema.
fn limit(given: Option<i64>) -> Option<u32> {
    let given = given.filter(|n| *n > 0)?;
    Some(u32::try_from(given).unwrap_or(u32::MAX))
}

impl Sheet {
    fn of(template: &Template, spec: &WorkflowSpec) -> Result<Self, EngineError> {
        let mut steps = HashMap::new();
        for (g, group) in (0..).zip(template.steps.iter().flatten()) {
            for (p, step) in (0..).zip(group) {
                steps.insert(step.name.clone(), (g, p));
            }
        }
        let dag = template.dag.as_ref().map(DagSheet::of).transpose()?;
        let body = match template.template_type() {
            Some(kind) if kind.is_served() => Some(server_task::body(template)),
            Some(kind) if kind.is_leaf() => Some(task::body(template, spec)),
            _ => None,
        };
        let body = body.as_ref().map(text::compile).transpose()?;
        Ok(Self { body, dag, steps })
    }
}

/// The kind of node that a template becomes.
pub(crate) fn node_type(template: &Template) -> Result<NodeType, EngineError> {
    match template.template_type() {
        Some(
            TemplateType::Container
            | TemplateType::ContainerSet
            | TemplateType::Script
            | TemplateType::Data
            | TemplateType::Resource,
        ) => Ok(NodeType::Pod),
        Some(TemplateType::Http) => Ok(NodeType::HTTP),
        Some(TemplateType::Steps) => Ok(NodeType::Steps),
        Some(TemplateType::Dag) => Ok(NodeType::DAG),
        Some(TemplateType::Suspend) => Ok(NodeType::Suspend),
        Some(other) => Err(EngineError::Unsupported(other.as_str())),
        None => Err(EngineError::Document(format!(
            "template '{}' has no type",
            template.name
        ))),
    }
}

/// The name that the runs of a pipeline have in common.
fn pipeline(workflow: &Value) -> String {
    let text = |pointer: &str| workflow.pointer(pointer).and_then(Value::as_str);
    let stem = |text: &str| text.trim_end_matches('-').to_owned();
    text("/spec/workflowTemplateRef/name")
        .or_else(|| text("/metadata/generateName"))
        .or_else(|| text("/metadata/name"))
        .map(stem)
        .filter(|name| !name.is_empty())
        .unwrap_or_else(|| "workflow".to_owned())
}

/// Whether any text of a document contains one of some words; for several groups of words in one walk.
fn mentions<const N: usize>(document: &Value, wanted: [&[&str]; N]) -> [bool; N] {
    let mut found = [false; N];
    let mut left = vec![document];
    while let Some(value) = left.pop() {
        match value {
            Value::String(text) => {
                for (found, words) in found.iter_mut().zip(wanted) {
                    *found = *found || words.iter().any(|word| text.contains(word));
                }
            }
            Value::Array(items) => left.extend(items),
            Value::Object(fields) => left.extend(fields.values()),
            _ => {}
        }
    }
    found
}
