//! ConfigMaps, Secrets and claims on the wire. No type here can hold a Secret's value.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use steading_types::Millis;

/// A ConfigMap, a Secret without its values, or a claim.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ObjectBody {
    /// Its name in its tenant.
    pub name: String,
    /// Grows with each change.
    pub version: u64,
    /// When it was first written, epoch milliseconds.
    pub created: Millis,
    /// Its keys, and how long their values are written.
    pub keys: BTreeMap<String, u64>,
    /// The object; a Secret's without `data`.
    pub object: Value,
    /// Of a claim.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub claim: Option<ClaimBody>,
}

/// What is known of a claim beside what was asked for.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ClaimBody {
    /// `held`, or `ending`: it goes when no task uses it any more.
    pub state: String,
    /// Its quota, in bytes.
    pub size: u64,
    /// Bytes on disk that it takes; measured for one claim, not for a list.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub used: Option<u64>,
    /// The id of the run that it was made for and goes with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub run: Option<String>,
}

/// All objects of a kind of a tenant.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ObjectList {
    /// In the order of their names.
    pub objects: Vec<ObjectBody>,
}
