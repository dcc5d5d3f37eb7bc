//! Who did what to a run, and why: committed together with what it did.

use steading_engine::command::{Command, Comparison, NodeSelector};
use steading_store::{Change, Deed, RunEvent, RunRef};
use steading_types::{RunId, WorkflowName};

use crate::Control;
use crate::clock::now;
use crate::error::ControlError;

/// Characters of a reason, and of each value, that are kept.
const KEPT: usize = 1_000;

/// Somebody who does something, and why.
#[derive(Debug, Clone, Default)]
pub struct By {
    /// The principal's name.
    pub who: String,
    /// What they said.
    pub why: Option<String>,
}

/// Where a new run comes from.
#[derive(Debug, Clone)]
pub(crate) struct Origin {
    /// The earlier run.
    pub(crate) run: RunRef,
    /// Its name.
    pub(crate) name: WorkflowName,
    /// How it led to the new one.
    pub(crate) how: Descent,
    /// Who let it happen.
    pub(crate) by: By,
}

/// How one run leads to another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Descent {
    /// It was submitted again.
    Resubmitted,
    /// A node of it made the other one.
    Made,
}

impl Control {
    /// What was done to a run, in order.
    ///
    /// # Errors
    /// When it can not be read.
    pub fn run_events(&self, run: &RunRef) -> Result<Vec<RunEvent>, ControlError> {
        Ok(self.0.store.read(|snapshot| snapshot.run_events(run))?)
    }
}

/// The event of a command that a person gives; nothing for what happens by itself.
pub(crate) fn event(command: &Command, by: &By) -> Option<RunEvent> {
    let (deed, selector, values) = match command {
        Command::Suspend => (Deed::Suspend, None, &[][..]),
        Command::Resume { selector, .. } => (Deed::Resume, selector.as_ref(), &[][..]),
        Command::Stop { selector, .. } => (Deed::Stop, selector.as_ref(), &[][..]),
        Command::Terminate => (Deed::Terminate, None, &[][..]),
        Command::SetNode {
            selector, outputs, ..
        } => (Deed::Set, Some(selector), &outputs[..]),
        Command::Skip {
            selector, outputs, ..
        } => (Deed::Skip, Some(selector), &outputs[..]),
        Command::Retry {
            selector,
            parameters,
            ..
        } => (Deed::Retry, selector.as_ref(), &parameters[..]),
        _ => return None,
    };
    let values = values.iter();
    Some(RunEvent {
        nodes: selector.map(|selector| short(&written(selector))),
        values: values.map(|(k, v)| (k.clone(), short(v))).collect(),
        ..plain(deed, by)
    })
}

/// The events of a new run and of the one that it comes from.
pub(crate) fn descent(origin: &Origin, new: &RunRef, name: &WorkflowName) -> [Change; 2] {
    let (there, here) = match origin.how {
        Descent::Resubmitted => (Deed::ResubmittedAs, Deed::ResubmittedFrom),
        Descent::Made => (Deed::Made, Deed::MadeBy),
    };
    let note = |deed, of: &RunRef, other: RunId, name: &WorkflowName| {
        let event = RunEvent {
            other: Some((other, name.to_string())),
            ..plain(deed, &origin.by)
        };
        Change::PutRunEvent(of.clone(), Box::new(event))
    };
    [
        note(there, &origin.run, new.id, name),
        note(here, new, origin.run.id, &origin.name),
    ]
}

fn plain(deed: Deed, by: &By) -> RunEvent {
    RunEvent {
        at: now(),
        deed,
        who: by.who.clone(),
        why: by.why.as_deref().filter(|why| !why.is_empty()).map(short),
        nodes: None,
        values: Vec::new(),
        other: None,
    }
}

fn short(text: &str) -> String {
    text.chars().take(KEPT).collect()
}

/// A selector as people write it.
fn written(selector: &NodeSelector) -> String {
    let terms = selector.0.iter().map(|term| {
        let comparison = match term.comparison {
            Comparison::Equal => "=",
            Comparison::NotEqual => "!=",
        };
        format!("{}{comparison}{}", term.field, term.value)
    });
    terms.collect::<Vec<_>>().join(",")
}
