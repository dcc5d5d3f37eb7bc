//! The run's own row: small, and all that a list shows.

use std::collections::BTreeMap;

use steading_types::artifact::Artifact;
use steading_types::{Millis, RunId, TenantName, WorkflowName, WorkflowPhase};

/// The state of a run apart from its nodes.
#[derive(Debug, Clone, PartialEq)]
pub struct Head {
    /// The run.
    pub id: RunId,
    /// Whose it is.
    pub tenant: TenantName,
    /// Its name, unique among the tenant's runs.
    pub name: WorkflowName,
    /// Labels of the Workflow object; the engine keeps `workflows.argoproj.io/{phase,completed}` true.
    pub labels: BTreeMap<String, String>,
    /// Annotations of the Workflow object.
    pub annotations: BTreeMap<String, String>,
    /// Who submitted it.
    pub creator: String,
    /// Where it stands.
    pub phase: WorkflowPhase,
    /// Why it stands there.
    pub message: Option<String>,
    /// When it was accepted.
    pub created: Millis,
    /// When its first node was made.
    pub started: Option<Millis>,
    /// When it ended.
    pub finished: Option<Millis>,
    /// Higher goes first.
    pub priority: i32,
    /// Asked to end.
    pub shutdown: Option<Shutdown>,
    /// Asked to start nothing new.
    pub suspended: Suspended,
    /// Values of workflow parameters that a retry changed; the others stand in the document.
    pub parameters: BTreeMap<String, String>,
    /// `workflow.outputs.parameters`: values published by `globalName`.
    pub outputs: BTreeMap<String, String>,
    /// `workflow.outputs.artifacts`: artifacts published by `globalName`, under that name.
    pub artifacts: BTreeMap<String, Artifact>,
    /// Finished and known leaves: Argo's `progress`.
    pub progress: Progress,
    /// How often the verb retry started it again; part of every attempt id made since.
    pub generation: u32,
}

/// How a run was asked to end.
/// A later one overrides an earlier one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Shutdown {
    /// Its `activeDeadlineSeconds` passed. Exit handlers run.
    Deadline,
    /// Exit handlers run.
    Stop,
    /// Nothing more runs.
    Terminate,
}

/// Whether a run was asked to wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Suspended {
    /// It goes on.
    #[default]
    No,
    /// Nothing new starts.
    Yes,
}

/// Argo's `N/M`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Progress {
    /// Leaves that ended.
    pub done: u32,
    /// Leaves that are known.
    pub total: u32,
}
