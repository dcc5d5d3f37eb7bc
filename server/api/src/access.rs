//! What an operation needs: a verb on a kind, within a tenant or the site. The words of every access decision.

use serde::{Deserialize, Serialize};

/// What is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verb {
    /// See it.
    Read,
    /// Make a new one.
    Create,
    /// Change it.
    Update,
    /// Steer it: suspend, resume, stop, retry.
    Operate,
    /// Remove it.
    Delete,
}

/// What it is done to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// A run, with its nodes.
    Run,
    /// What tasks printed.
    Log,
    /// What nodes took and gave as files.
    Artifact,
    /// WorkflowTemplate and ClusterWorkflowTemplate.
    Template,
    /// Values by name, for workflows.
    ConfigMap,
    /// Values that are never shown again.
    Secret,
    /// A directory that outlives runs.
    Claim,
    /// A mutex or semaphore, and its limit.
    Lock,
    /// A team.
    Tenant,
    /// A container image of the site.
    Image,
    /// The caller's own session.
    Session,
    /// The host and the server.
    Site,
}

/// Where the operation's object lives.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Reach {
    /// In the tenant named by the path's `{tenant}`.
    Tenant,
    /// In the site: for operators only.
    Site,
    /// The caller itself: any valid token.
    Own,
    /// Answered without a token; this list is reviewed.
    Public,
}

/// A role of a principal in a tenant. Ordered: a later role includes the earlier ones.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum Role {
    /// Sees everything of the tenant but secrets.
    Viewer,
    /// Also submits and steers runs.
    Submitter,
    /// Also changes templates and deletes.
    Maintainer,
    /// Also grants roles.
    Admin,
}
