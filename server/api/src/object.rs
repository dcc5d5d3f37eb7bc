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
}

/// All objects of a kind of a tenant.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ObjectList {
    /// In the order of their names.
    pub objects: Vec<ObjectBody>,
}
