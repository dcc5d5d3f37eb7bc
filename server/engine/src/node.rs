//! One node of a run: a row of its own, so that a large run writes only what changed.
//!
//! Edges are kept at the child (`owner`, `parents`): a fan of ten thousand never rewrites its head.
//! `children` and all counters are derived when a run is loaded.

use std::collections::BTreeMap;

use serde_json::Value;
use steading_types::artifact::Artifact;
use steading_types::{Millis, NodeIx, NodePhase, NodeType};

use crate::memo::Memo;

/// A step of a run.
#[derive(Debug, Clone, PartialEq)]
pub struct Node {
    /// Position in the run.
    pub ix: NodeIx,
    /// Argo's full name, e.g. `wf[0].step(1:b)`.
    pub name: String,
    /// Last component of the name.
    pub display_name: String,
    /// What it is.
    pub kind: NodeType,
    /// Where it stands.
    pub phase: NodePhase,
    /// Why it stands there.
    pub message: Option<String>,
    /// The template it runs: as the caller named it.
    pub template: TemplateName,
    /// The node of the enclosing steps, dag or container set template.
    pub boundary: Option<NodeIx>,
    /// The siblings that it comes after: the group before a step group, the dependencies of a task. Empty:
    /// it comes first in its owner. (Argo's `children` are told from these and from the owners, because
    /// a task that follows a large loop would otherwise name each of its nodes.)
    pub parents: Vec<NodeIx>,
    /// Who is told when this node is over: its group, dag, retry node, or the node that it is a hook
    /// of. Nobody: the run itself.
    pub owner: Option<NodeIx>,
    /// Which of the owner's groups, steps, tasks, tries or hooks it is, counted from 0.
    pub place: u32,
    /// Made by a hook, an exit handler or a retry.
    pub role: NodeRole,
    /// Its position in the loop that made it.
    pub index: Option<u32>,
    /// The loop item that it was made for.
    pub item: Option<Value>,
    /// How many children each step of a step group, or the loop of a task group, makes.
    pub fan: Vec<u32>,
    /// Input parameters, in the template's order.
    pub inputs: Vec<(String, String)>,
    /// Input artifacts, in the template's order; an absent optional one is not in the list.
    pub artifacts: Vec<Artifact>,
    /// What it gave.
    pub outputs: Outputs,
    /// When it was made.
    pub created: Millis,
    /// When its work began.
    pub started: Option<Millis>,
    /// When it ended.
    pub finished: Option<Millis>,
    /// When the timer of this node is due: its time limit, the end of its suspension or of its backoff.
    pub wake: Option<Millis>,
    /// How its attempt goes to its end.
    pub ending: Ending,
    /// Which host ran it.
    pub host: Option<String>,
    /// The isolation that it got, in exec's words.
    pub isolation: String,
    /// The generation of its attempt id.
    pub generation: u32,
    /// CPU milliseconds and peak resident bytes of its attempt.
    pub usage: Usage,
    /// What it asked a cache, when its template is memoized.
    pub memo: Option<Memo>,
    /// Who has approved a suspend node that several must approve.
    pub approvals: Vec<String>,
}

/// How a node's attempt goes to its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Ending {
    /// It runs to its own end.
    #[default]
    Natural,
    /// [`crate::action::Action::Cancel`] went out; the node ends when the backend says so.
    Asked,
    /// It is a daemon that can be used: for what comes after it, the node is over.
    Serving,
    /// It is skipped before it began: its outputs are given, and [`crate::action::Action::Cancel`] went out.
    Skipping,
    /// It served; what it was there for is over, and [`crate::action::Action::Cancel`] went out.
    Dismissed,
}

impl Ending {
    /// Whether the attempt was asked to end, and its node waits for that.
    pub fn is_asked(self) -> bool {
        matches!(self, Self::Asked | Self::Skipping)
    }
}

impl Node {
    /// Whether what comes after the node may have begun while its daemon ran.
    pub fn served(&self) -> bool {
        matches!(self.ending, Ending::Serving | Ending::Dismissed)
    }

    /// Whether what comes after the node may begin.
    pub fn fulfilled(&self) -> bool {
        self.phase.completed() || self.served()
    }
}

/// How the caller named a node's template.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct TemplateName {
    /// Argo's `templateName`; empty when the node came from a `templateRef` or an inline template.
    pub name: String,
    /// Argo's `templateRef`: the WorkflowTemplate and the template in it.
    pub reference: Option<(String, String)>,
    /// The key of the template in the document's resolved table.
    pub key: String,
}

/// Why a node exists, beside the plain flow.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum NodeRole {
    /// A step, task, group or loop child.
    #[default]
    Plain,
    /// An exit handler or lifecycle hook (`nodeFlag.hooked`).
    Hook,
    /// One try of a retry node (`nodeFlag.retried`).
    Try,
}

/// Outputs of a node.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Outputs {
    /// Parameters in the template's order; an absent optional one is not in the list.
    pub parameters: Vec<(String, String)>,
    /// Artifacts in the template's order; an absent optional one is not in the list.
    pub artifacts: Vec<Artifact>,
    /// Standard output, or what a loop aggregated.
    pub result: Option<String>,
    /// The exit code of `main`.
    pub exit_code: Option<i32>,
    /// `supplied` parameters of a suspend node that nobody gave yet: name -> default.
    pub awaited: BTreeMap<String, Option<String>>,
}

/// What an attempt used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Usage {
    /// CPU time, in milliseconds.
    pub cpu_ms: u64,
    /// Largest resident set, in bytes.
    pub max_rss: u64,
}
