//! Runs on the wire.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use steading_types::{Millis, RunId, WorkflowPhase};

/// What a list shows of a run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct RunSummary {
    /// The run.
    pub id: RunId,
    /// Its name in its tenant.
    pub name: String,
    /// Whose it is.
    pub tenant: String,
    /// Where it stands.
    pub phase: WorkflowPhase,
    /// Why it stands there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// Epoch milliseconds.
    pub created: Millis,
    /// Epoch milliseconds; absent before the first node.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub started: Option<Millis>,
    /// Epoch milliseconds; absent while it runs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub finished: Option<Millis>,
    /// Ended and known leaves.
    pub done: u32,
    /// Known leaves.
    pub total: u32,
    /// Who submitted it.
    pub creator: String,
    /// The WorkflowTemplate that it came from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub template: Option<String>,
    /// Higher goes first.
    pub priority: i32,
    /// Asked to wait.
    #[serde(default)]
    pub suspended: bool,
    /// Labels of the Workflow object.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub labels: BTreeMap<String, String>,
}

/// One run, apart from its nodes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct RunDetail {
    /// What a list shows.
    pub summary: RunSummary,
    /// Annotations of the Workflow object (title and description are Markdown).
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub annotations: BTreeMap<String, String>,
    /// Workflow parameters as the run uses them.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub parameters: BTreeMap<String, String>,
    /// Values published by `globalName`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub outputs: BTreeMap<String, String>,
    /// Nodes by phase.
    pub counts: BTreeMap<String, u32>,
    /// The node that first failed, when the run did: the root cause.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cause: Option<crate::node::NodeBody>,
    /// The runs that it came from: submitted again, or whose node made it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub parents: Vec<crate::history::RunLink>,
    /// The runs that came from it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub children: Vec<crate::history::RunLink>,
    /// How many events it has.
    #[serde(default)]
    pub events: usize,
    /// The position in the change feed that this answer reflects.
    pub seq: u64,
}

/// Which runs a list shows. All given terms must hold.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct RunFilter {
    /// Phases, separated by commas.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub phase: Option<String>,
    /// A Kubernetes label selector.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub labels: Option<String>,
    /// A part of the name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// At most this many (default 50, at most 500).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<u32>,
    /// The `next` of the page before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<String>,
}

/// A page of runs: unfinished first, then newest first.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct RunList {
    /// The runs.
    pub runs: Vec<RunSummary>,
    /// Give this as `after` for the next page.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
    /// The position in the change feed that this answer reflects.
    pub seq: u64,
}

/// What to run: exactly one of `workflow`, `text` and `template`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct Submission {
    /// A Workflow object.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub workflow: Option<Value>,
    /// A Workflow as YAML or JSON text: faults then carry lines and columns.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// The name of a WorkflowTemplate.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub template: Option<String>,
    /// Workflow parameters that override the document's.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub parameters: BTreeMap<String, String>,
    /// Overrides `metadata.name`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Overrides `metadata.generateName`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub generate_name: Option<String>,
    /// Overrides `spec.entrypoint`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub entrypoint: Option<String>,
    /// Overrides `spec.priority`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub priority: Option<i32>,
    /// Added to `metadata.labels`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub labels: BTreeMap<String, String>,
    /// Added to `metadata.annotations`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub annotations: BTreeMap<String, String>,
    /// Check everything, store nothing.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub dry_run: bool,
}

/// The answer to a submission.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Submitted {
    /// The new run.
    pub run: RunSummary,
    /// What was accepted and has no effect here.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<crate::error::FaultBody>,
}

/// The body of the verbs resume, stop and set.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct NodeVerb {
    /// Argo's node field selector, e.g. `displayName=approve`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub node_field_selector: Option<String>,
    /// Shown on the node.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// For set: Succeeded, Failed or Error.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub phase: Option<String>,
    /// For set: values of `supplied` output parameters.
    /// For skip: values of the node's outputs; `result` is the standard output.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub output_parameters: BTreeMap<String, String>,
    /// Why, for the run's events.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// The body of verbs that need nothing else.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Why {
    /// Why, for the run's events.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// The body of the verbs retry and resubmit.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct RunAgain {
    /// Retry: also successful nodes named by the selector.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub restart_successful: bool,
    /// Retry: which nodes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub node_field_selector: Option<String>,
    /// New values of workflow parameters.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub parameters: BTreeMap<String, String>,
    /// Resubmit: take over what succeeded.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub memoized: bool,
    /// Why, for the run's events.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// The answer of a verb without further data.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Done {}
