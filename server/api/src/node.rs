//! Nodes on the wire.

use std::collections::BTreeMap;

use crate::artifact::ArtifactBody;
use serde::{Deserialize, Serialize};
use steading_types::{Millis, NodePhase, NodeType};

/// One node of a run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct NodeBody {
    /// Position in the run, from 0.
    pub ix: u32,
    /// Argo's node id.
    pub id: String,
    /// Full name, e.g. `wf[0].step(1:b)`.
    pub name: String,
    /// Last component of the name.
    pub display_name: String,
    /// What it is.
    pub kind: NodeType,
    /// Where it stands.
    pub phase: NodePhase,
    /// Why it stands there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// The template, as people know it.
    pub template: String,
    /// The enclosing steps or dag node.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub boundary: Option<u32>,
    /// Its group, dag, retry node, or the node that it is a hook of: what a tree shows it under.
    /// Nothing for the run's root and for the run's own exit handler.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner: Option<u32>,
    /// The siblings that it comes after; without any it comes first in its owner.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub parents: Vec<u32>,
    /// Made by a hook or exit handler.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub hook: bool,
    /// One try of a retry node.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub attempt: bool,
    /// Epoch milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub started: Option<Millis>,
    /// Epoch milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub finished: Option<Millis>,
    /// Input parameters.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub inputs: BTreeMap<String, String>,
    /// Output parameters.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub outputs: BTreeMap<String, String>,
    /// Output parameters that somebody has to give, and their defaults.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub awaited: BTreeMap<String, Option<String>>,
    /// What it took and gave as files.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub artifacts: Vec<ArtifactBody>,
    /// Standard output, when something refers to it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub result: Option<String>,
    /// Exit code of `main`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exit_code: Option<i32>,
    /// Which host ran it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub host: Option<String>,
    /// The isolation that it got.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub isolation: String,
    /// CPU milliseconds.
    #[serde(default)]
    pub cpu_ms: u64,
    /// Peak resident bytes.
    #[serde(default)]
    pub max_rss: u64,
    /// What it asked a cache.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub memo: Option<crate::memo::MemoStatus>,
}

/// Which nodes a list shows.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct NodeFilter {
    /// Phases, separated by commas.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub phase: Option<String>,
    /// A part of the name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Only positions above this one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<u32>,
    /// At most this many (default 1,000, at most 5,000).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<u32>,
    /// Only these positions, separated by commas.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub only: Option<String>,
}

/// A page of nodes in the order of their position.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct NodeList {
    /// The nodes.
    pub nodes: Vec<NodeBody>,
    /// Give this as `after` for the next page.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<u32>,
    /// The position in the change feed that this answer reflects.
    pub seq: u64,
}
