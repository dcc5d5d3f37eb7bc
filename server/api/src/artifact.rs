//! Artifacts on the wire.

use serde::{Deserialize, Serialize};
use steading_types::artifact::Packing;

/// Of which of a node an artifact is one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum Side {
    /// What the node took.
    Inputs,
    /// What it gave.
    #[default]
    Outputs,
}

/// How a content is answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum Form {
    /// The bytes as they lie in their store.
    #[default]
    Packed,
    /// The file itself, where an archive holds one file.
    Unpacked,
}

/// One artifact of a node.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct ArtifactBody {
    /// The node's position.
    pub node: u32,
    /// The node's Argo id: what downloads name.
    pub node_id: String,
    /// The node's last name.
    pub node_name: String,
    /// Taken or given.
    pub side: Side,
    /// Unique on its side of its node.
    pub name: String,
    /// Where it lies: a key, or the kind of its own store.
    pub place: String,
    /// Its path in the container.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub path: String,
    /// How it is packed there.
    pub packing: Packing,
    /// Bytes as they lie, where that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub size: Option<u64>,
    /// SHA-256 of those bytes, hexadecimal; none for a directory that is kept file by file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sha256: Option<String>,
}

/// Which artifacts a list shows.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ArtifactFilter {
    /// Only those of the node at this position.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub node: Option<u32>,
    /// Only this side.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub side: Option<Side>,
    /// Only those of nodes above this position.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<u32>,
}

/// A page of artifacts, in the order of their nodes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ArtifactList {
    /// The artifacts; those of one node stand on one page.
    pub artifacts: Vec<ArtifactBody>,
    /// Give this as `after` for the next page.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<u32>,
}

/// Which content of an artifact is meant.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ArtifactQuery {
    /// Taken or given; given when it is not said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub side: Option<Side>,
    /// A file of an artifact that is kept file by file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// As it lies when it is not said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub form: Option<Form>,
}

/// A file of an artifact that is kept file by file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ArtifactFile {
    /// Below the artifact.
    pub path: String,
    /// Bytes.
    pub size: u64,
}

/// The files of an artifact; none for one that is a single object.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ArtifactFiles {
    /// In the order of their paths.
    pub files: Vec<ArtifactFile>,
    /// There are more.
    pub more: bool,
}
