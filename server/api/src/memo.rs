//! What a tenant's caches remember of memoized templates, on the wire.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use steading_types::{Millis, RunId};

/// What a node asked a cache (Argo's `memoizationStatus`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct MemoStatus {
    /// The tenant's cache.
    pub cache: String,
    /// The key in it.
    pub key: String,
    /// Whether it had an answer, so that the node ran nothing.
    pub hit: bool,
}

/// An entry of a cache.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct MemoBody {
    /// The tenant's cache.
    pub cache: String,
    /// The key in it.
    pub key: String,
    /// The run that gave it; it may be deleted by now.
    pub run: RunId,
    /// The node of that run.
    pub node: u32,
    /// Epoch milliseconds.
    pub made: Millis,
    /// Epoch milliseconds; absent when it is kept for ever.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires: Option<Millis>,
    /// Output parameters.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub outputs: BTreeMap<String, String>,
}

/// Entries by cache and key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct MemoList {
    /// The entries.
    pub memos: Vec<MemoBody>,
    /// Whether there are more, after the last one.
    #[serde(default)]
    pub more: bool,
}

/// Which entries: all of a tenant without anything.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct MemoFilter {
    /// Of this cache.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cache: Option<String>,
    /// A list goes on after this key of the cache; clearing means this key alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
}

/// How many entries were forgotten.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Cleared {
    /// Entries.
    pub cleared: u64,
}
