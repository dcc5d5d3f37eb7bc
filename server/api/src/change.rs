//! The change feed on the wire (server-sent events named `change`, the `id` is the sequence number).

use serde::{Deserialize, Serialize};
use steading_types::RunId;

/// Where a follower begins.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ChangeQuery {
    /// Changes after this one; only new ones when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<u64>,
    /// Only this run (id or name).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub run: Option<String>,
}

/// One committed change, in commit order. It says what to fetch again, not the new value.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ChangeBody {
    /// Grows by commit; resume after it.
    pub seq: u64,
    /// Whose it is.
    pub tenant: String,
    /// The run that changed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub run: Option<RunId>,
    /// What happened to it.
    pub what: What,
    /// Positions of the nodes that changed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub nodes: Vec<u32>,
}

/// What a change is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum What {
    /// A new run.
    RunAdded,
    /// A run or its nodes.
    RunChanged,
    /// A run is gone.
    RunDeleted,
    /// A template was made, changed or deleted.
    TemplateChanged,
}
