//! What a person's request can meet on its way through the loops. Faces turn these into their own shape.

use steading_engine::error::Refusal;
use steading_spec::Fault;
use steading_store::{ObjectKind, StoreError};
use steading_types::{MemoryBytes, ObjectName, WorkflowName};
use thiserror::Error;

/// Why a request was not carried out; nothing of it was kept.
#[derive(Debug, Clone, Error)]
pub enum ControlError {
    /// No such run in this tenant.
    #[error("workflows.argoproj.io \"{0}\" not found")]
    NoRun(String),
    /// No such template in this tenant.
    #[error("workflowtemplates.argoproj.io \"{0}\" not found")]
    NoTemplate(String),
    /// No such ConfigMap, Secret or claim in this tenant.
    #[error("{} \"{name}\" not found", plural(*.kind))]
    NoObject {
        /// What it is.
        kind: ObjectKind,
        /// Its name.
        name: String,
    },
    /// The node has no such artifact.
    #[error("there is no such artifact")]
    NoArtifact,
    /// The ConfigMap or Secret has no such key.
    #[error("{} \"{name}\" has no key \"{key}\"", plural(*.kind))]
    NoKey {
        /// What it is.
        kind: ObjectKind,
        /// Its name.
        name: String,
        /// The key.
        key: String,
    },
    /// A value that is to be a variable is no text.
    #[error("the value of \"{key}\" of \"{name}\" is no text, so it can not be a variable")]
    NotText {
        /// The ConfigMap or Secret.
        name: String,
        /// The key.
        key: String,
    },
    /// A file would lie outside its volume.
    #[error("'{0}' is no path inside a volume")]
    Path(String),
    /// A Secret does not open: another key, another place, or damaged.
    #[error("the values of the Secret '{0}' can not be opened")]
    Sealed(ObjectName),
    /// A claim is on its way out: no task begins to use it.
    #[error("persistentvolumeclaims \"{0}\" is being removed")]
    ClaimEnding(ObjectName),
    /// More lies in a claim than it was made for.
    #[error("the claim '{name}' is full: {} bytes of {} are taken", used.0, size.0)]
    ClaimFull {
        /// The claim.
        name: ObjectName,
        /// What lies in it.
        used: MemoryBytes,
        /// Its size.
        size: MemoryBytes,
    },
    /// The directory of a claim can not be used.
    #[error("the directory of the claim '{name}' can not be used: {message}")]
    ClaimDisk {
        /// The claim.
        name: ObjectName,
        /// What the system said.
        message: String,
    },
    /// The document is wrong: every fault, with its place.
    #[error("{}", first(.0))]
    Invalid(Vec<Fault>),
    /// The run does not take the command in its present state.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// The request itself makes no sense.
    #[error("{message}")]
    Request {
        /// Stable and dotted.
        code: &'static str,
        /// One sentence.
        message: String,
    },
    /// A run of that name exists.
    #[error("workflows.argoproj.io \"{0}\" already exists")]
    RunExists(WorkflowName),
    /// The store refused or failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// What the store holds can not be used: a poisoned run is kept apart, the server goes on.
    #[error("the run can not be read: {0}")]
    Damaged(String),
}

impl ControlError {
    /// The stable code.
    pub fn code(&self) -> &'static str {
        match self {
            Self::NoRun(_) => "run.not-found",
            Self::NoTemplate(_) => "template.not-found",
            Self::NoObject { .. } => "object.not-found",
            Self::NoArtifact => "artifact.not-found",
            Self::NoKey { .. } => "object.key-missing",
            Self::NotText { .. } => "object.not-text",
            Self::Path(_) => "object.path",
            Self::Sealed(_) => "secret.sealed",
            Self::ClaimEnding(_) => "claim.ending",
            Self::ClaimFull { .. } => "claim.full",
            Self::ClaimDisk { .. } => "claim.disk",
            Self::Invalid(_) => "spec.invalid",
            Self::Refused(refusal) => refusal.code(),
            Self::Request { code, .. } => code,
            Self::RunExists(_) => "run.exists",
            Self::Store(error) => error.code(),
            Self::Damaged(_) => "run.damaged",
        }
    }
}

/// Kubernetes' word for many of a kind.
fn plural(kind: ObjectKind) -> &'static str {
    match kind {
        ObjectKind::ConfigMap => "configmaps",
        ObjectKind::Secret => "secrets",
        ObjectKind::Claim => "persistentvolumeclaims",
    }
}

/// The sentence of a refused document: its first fault, and how many more there are.
fn first(faults: &[Fault]) -> String {
    match faults {
        [] => "the document is not valid".to_owned(),
        [only] => sentence(only),
        [first, rest @ ..] => format!("{} (and {} more)", sentence(first), rest.len()),
    }
}

fn sentence(fault: &Fault) -> String {
    if fault.path.is_empty() {
        fault.message.clone()
    } else {
        format!("{}: {}", fault.path, fault.message)
    }
}
