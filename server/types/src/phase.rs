//! Phases and node types, spelled as Argo spells them.

use serde::{Deserialize, Serialize};

/// Where a workflow stands. `Pending` is written as Argo's empty phase until the first node runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum WorkflowPhase {
    /// Accepted, waiting for its turn.
    Pending,
    /// At least one node was made.
    Running,
    /// The entry node ended well.
    Succeeded,
    /// The work said no.
    Failed,
    /// The machinery did.
    Error,
}

impl WorkflowPhase {
    /// True when nothing of the workflow will change by itself any more.
    pub fn completed(self) -> bool {
        matches!(self, Self::Succeeded | Self::Failed | Self::Error)
    }

    /// Argo's word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "Pending",
            Self::Running => "Running",
            Self::Succeeded => "Succeeded",
            Self::Failed => "Failed",
            Self::Error => "Error",
        }
    }
}

/// Where a node stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum NodePhase {
    /// Made, not yet started.
    Pending,
    /// Its work is under way.
    Running,
    /// Ended well.
    Succeeded,
    /// Its `when` was false, or its loop was empty.
    Skipped,
    /// The work said no: exit code, time limit, shutdown.
    Failed,
    /// The machinery did: lost attempt, bad substitution.
    Error,
    /// Its `depends` can not become true.
    Omitted,
}

impl NodePhase {
    /// Finished, whatever the result.
    pub fn completed(self) -> bool {
        !matches!(self, Self::Pending | Self::Running)
    }

    /// Failed or Error.
    pub fn unsuccessful(self) -> bool {
        matches!(self, Self::Failed | Self::Error)
    }

    /// Argo's word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "Pending",
            Self::Running => "Running",
            Self::Succeeded => "Succeeded",
            Self::Skipped => "Skipped",
            Self::Failed => "Failed",
            Self::Error => "Error",
            Self::Omitted => "Omitted",
        }
    }
}

/// What a node is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum NodeType {
    /// A container, script or container set on a backend.
    Pod,
    /// One container of a container set.
    Container,
    /// A `steps` template.
    Steps,
    /// One group of a `steps` template.
    StepGroup,
    /// A `dag` template.
    DAG,
    /// A loop in a DAG.
    TaskGroup,
    /// A template with `retryStrategy`; its children are the attempts.
    Retry,
    /// Never ran.
    Skipped,
    /// Waits for a person or a time.
    Suspend,
    /// A request that the server makes.
    HTTP,
    /// Answered by a plugin.
    Plugin,
}

impl NodeType {
    /// True for those whose work is an attempt: handed to a backend, or done by the server.
    pub fn is_attempt(self) -> bool {
        matches!(self, Self::Pod | Self::HTTP | Self::Plugin)
    }

    /// True for those that run something themselves instead of calling templates.
    pub fn is_leaf(self) -> bool {
        self.is_attempt() || self == Self::Suspend
    }

    /// Argo's word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pod => "Pod",
            Self::Container => "Container",
            Self::Steps => "Steps",
            Self::StepGroup => "StepGroup",
            Self::DAG => "DAG",
            Self::TaskGroup => "TaskGroup",
            Self::Retry => "Retry",
            Self::Skipped => "Skipped",
            Self::Suspend => "Suspend",
            Self::HTTP => "HTTP",
            Self::Plugin => "Plugin",
        }
    }
}
