//! What people did to a run, and the runs that it came from and led to, on the wire.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use steading_types::{Millis, RunId};

/// What was done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum Deed {
    /// Nothing new was to start.
    Suspend,
    /// It was to go on, or suspend nodes were approved.
    Resume,
    /// It was to end, exit handlers included.
    Stop,
    /// It was to end at once.
    Terminate,
    /// Suspend nodes were given outputs or an end.
    Set,
    /// Nodes were skipped.
    Skip,
    /// Failed or chosen parts were run again.
    Retry,
    /// It was submitted again, as the other run.
    ResubmittedAs,
    /// It came from the other run.
    ResubmittedFrom,
    /// A node of it made the other run.
    Made,
    /// A node of the other run made it.
    MadeBy,
}

/// Another run, which may be deleted by now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct RunLink {
    /// The run.
    pub id: RunId,
    /// Its name.
    pub name: String,
}

/// What somebody did to a run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct RunEventBody {
    /// Epoch milliseconds.
    pub at: Millis,
    /// What.
    pub deed: Deed,
    /// Who.
    pub who: String,
    /// Why, if they said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
    /// Which nodes, as a node field selector; the whole run when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nodes: Option<String>,
    /// Parameters or outputs that were given.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub values: BTreeMap<String, String>,
    /// The other run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub other: Option<RunLink>,
}

/// What was done to a run, in order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct RunEventList {
    /// The events.
    pub events: Vec<RunEventBody>,
}
