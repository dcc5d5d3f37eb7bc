//! What can go wrong inside a run, and why a command is refused.

use steading_types::WorkflowPhase;
use thiserror::Error;

/// Why a step of the engine could not be taken. It becomes the message of the node concerned.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum EngineError {
    /// The stored document or row is not what this program wrote.
    #[error("the run's record can not be read: {0}")]
    Document(String),
    /// A tag, expression or condition has no value.
    #[error("{0}")]
    Value(String),
    /// A tag names an output that is known to be missing.
    #[error("{0} is an absent optional output")]
    Absent(String),
    /// An argument that the called template needs was not given.
    #[error("inputs.parameters.{0} was not supplied")]
    NotSupplied(String),
    /// A ConfigMap that a parameter refers to gives no value.
    #[error("the value of parameter '{parameter}' can not be read: {reason}")]
    ConfigMap {
        /// The parameter.
        parameter: String,
        /// Why.
        reason: String,
    },
    /// An artifact that the called template needs was not given.
    #[error("inputs.artifacts.{0} was not supplied")]
    ArtifactNotSupplied(String),
    /// An artifact that is passed on did not come.
    #[error("artifact '{0}' did not come: the node that gives it was skipped, or did not write it")]
    ArtifactMissing(String),
    /// A reference to an artifact leads to none.
    #[error("unable to find artifact reference: {0}")]
    NoArtifact(String),
    /// The called template does not exist.
    #[error("template name '{0}' undefined")]
    NoTemplate(String),
    /// A loop's list is not a list, or is too long.
    #[error("{0}")]
    Loop(String),
    /// The condition of a step is not a condition.
    #[error(
        "Invalid 'when' expression '{text}': {reason} (hint: try wrapping the affected expression in quotes (\"))"
    )]
    When {
        /// The expression after substitution.
        text: String,
        /// What is wrong with it.
        reason: String,
    },
    /// Templates call each other without end.
    #[error("Maximum recursion depth exceeded. See the limit of {0} nested templates")]
    Recursion(u16),
    /// A template of a type that this version does not run.
    #[error("templates of type {0} are not supported")]
    Unsupported(&'static str),
    /// The final pod asks for what no task gets, or what nothing here provides.
    #[error("{path}: {message}")]
    Refused {
        /// Where, in the pod.
        path: String,
        /// What.
        message: String,
    },
    /// The question was about something that is not there (any more).
    #[error("there is no such attempt")]
    NoAttempt,
}

impl EngineError {
    /// The stable dotted code.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Document(_) => "run.record-unreadable",
            Self::Value(_) => "run.no-value",
            Self::Absent(_) => "run.absent-output",
            Self::NotSupplied(_) => "run.argument-missing",
            Self::ConfigMap { .. } => "run.config-map",
            Self::ArtifactNotSupplied(_) => "run.artifact-not-supplied",
            Self::ArtifactMissing(_) => "run.artifact-missing",
            Self::NoArtifact(_) => "run.no-artifact",
            Self::NoTemplate(_) => "run.template-missing",
            Self::Loop(_) => "run.loop-invalid",
            Self::When { .. } => "run.when-invalid",
            Self::Recursion(_) => "run.recursion",
            Self::Unsupported(_) => "run.type-unsupported",
            Self::Refused { .. } => "pod.refused",
            Self::NoAttempt => "run.no-attempt",
        }
    }

    /// What a person can do about it.
    pub fn fix(&self) -> Option<String> {
        match self {
            Self::Absent(name) => Some(format!(
                "give the output a valueFrom.default, or use {{{{={name} ?? 'fallback'}}}}"
            )),
            Self::NotSupplied(_) => Some("pass it as an argument or give it a default".into()),
            Self::ArtifactMissing(_) => {
                Some("mark it 'optional: true' where it is taken, if that is meant".into())
            }
            Self::Recursion(_) => Some("end the recursion by a 'when'".into()),
            _ => None,
        }
    }
}

/// Why a command was not carried out; the run is unchanged.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum Refusal {
    /// The run was started before.
    #[error("the workflow has already been started")]
    Started,
    /// A finished run does not wait.
    #[error("cannot suspend completed workflows")]
    SuspendCompleted,
    /// A finished run can not be ended.
    #[error(
        "cannot shutdown a completed workflow: workflow: \"{name}\", namespace: \"{namespace}\""
    )]
    ShutdownCompleted {
        /// The run's name.
        name: String,
        /// Its namespace.
        namespace: String,
    },
    /// A finished run has nothing to resume or set.
    #[error("cannot change the nodes of a completed workflow")]
    NodesCompleted,
    /// Only failed runs are retried.
    #[error(
        "Cannot retry a workflow in phase {}",
        .0.as_str()
    )]
    RetryPhase(WorkflowPhase),
    /// A successful run is retried only in part.
    #[error(
        "To retry a succeeded workflow, set the options restartSuccessful and nodeFieldSelector"
    )]
    RetrySucceeded,
    /// No node fits the selector.
    #[error("no active suspend node matches the node field selector")]
    NoMatch,
    /// No node fits the selector that could be skipped.
    #[error("no node that has not begun or has failed matches the node field selector")]
    NoSkip,
    /// Approval can not be skipped.
    #[error("a node that people must approve can not be skipped")]
    SkipApproval,
    /// Somebody else must approve.
    #[error("'{0}' submitted the workflow, so somebody else must approve it")]
    OwnApproval(String),
    /// One approval of each.
    #[error("'{0}' has approved it; somebody else must, too")]
    ApprovedAlready(String),
    /// A value that the template does not offer.
    #[error("'{value}' is none of the values of output parameter '{name}': {allowed}")]
    NotOffered {
        /// The output.
        name: String,
        /// What was given.
        value: String,
        /// What may be given.
        allowed: String,
    },
    /// Only what failed is taken up by a new run.
    #[error("workflow must be Failed/Error to resubmit in memoized mode")]
    Memoized(WorkflowPhase),
    /// An unknown field in a node selector.
    #[error("unsupported node field selector '{0}'")]
    Selector(String),
    /// A supplied output has no value yet.
    #[error("raw output parameter '{0}' has not been set and does not have a default value")]
    NotSet(String),
    /// The node has no such supplied output.
    #[error("node is not expecting output parameter '{0}'")]
    UnknownOutput(String),
    /// The output has its value.
    #[error("output parameter '{0}' was already set")]
    AlreadySet(String),
    /// A suspend node can not be given this phase.
    #[error("{0} is an invalid phase to set to")]
    InvalidPhase(&'static str),
    /// The run has no such parameter.
    #[error("the workflow has no parameter '{0}'")]
    UnknownParameter(String),
    /// The run's rows contradict its document.
    #[error(transparent)]
    Broken(#[from] EngineError),
}

impl Refusal {
    /// The stable dotted code.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Started => "run.already-started",
            Self::SuspendCompleted | Self::ShutdownCompleted { .. } | Self::NodesCompleted => {
                "run.completed"
            }
            Self::RetryPhase(_) => "run.not-retryable",
            Self::RetrySucceeded => "run.retry-needs-selector",
            Self::NoMatch => "run.no-node-matches",
            Self::NoSkip => "run.no-node-skips",
            Self::SkipApproval => "run.approval-skip",
            Self::OwnApproval(_) => "run.approval-own",
            Self::ApprovedAlready(_) => "run.approval-twice",
            Self::NotOffered { .. } => "run.output-not-offered",
            Self::Memoized(_) => "run.memoized",
            Self::Selector(_) => "run.selector-unsupported",
            Self::NotSet(_) => "run.output-not-set",
            Self::UnknownOutput(_) => "run.output-unknown",
            Self::AlreadySet(_) => "run.output-already-set",
            Self::InvalidPhase(_) => "run.phase-invalid",
            Self::UnknownParameter(_) => "run.parameter-unknown",
            Self::Broken(error) => error.code(),
        }
    }

    /// What a person can do about it.
    pub fn fix(&self) -> Option<String> {
        match self {
            Self::RetryPhase(WorkflowPhase::Running | WorkflowPhase::Pending) => {
                Some("wait until it has ended, or stop it first".into())
            }
            Self::SuspendCompleted | Self::ShutdownCompleted { .. } => {
                Some("resubmit it to run it again".into())
            }
            Self::NotSet(name) => Some(format!("set it first: --output-parameter {name}=VALUE")),
            _ => None,
        }
    }
}
