//! What a run was asked to do: written once at submission, never changed, loaded for ever.

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// The run's definition.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Document {
    /// The Workflow object as it was submitted (metadata and spec), with defaults of the server filled in.
    pub workflow: Value,
    /// `steading_spec::resolve::Resolved` as JSON: the merged spec and every template that the run can reach.
    pub resolved: Value,
}
