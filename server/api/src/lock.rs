//! Locks on the wire.

use serde::{Deserialize, Serialize};
use steading_types::Millis;

/// A mutex or semaphore that somebody has or waits for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct LockBody {
    /// Argo's form, e.g. `default/Mutex/deploy`.
    pub name: String,
    /// How many may have it at once; nothing when nobody can say.
    pub limit: Option<u32>,
    /// Why nobody can say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub problem: Option<String>,
    /// Who has it, the longest first.
    pub holders: Vec<LockHolder>,
    /// Who waits, the next first; at most 1,000.
    pub waiters: Vec<LockHolder>,
}

/// A run or a node that has a lock or waits for it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct LockHolder {
    /// `<namespace>/<workflow>[/<node id>]`.
    pub holder: String,
    /// Epoch milliseconds.
    pub since: Millis,
}

/// Every lock of a tenant that is in use, by name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct LockList {
    /// The locks.
    pub locks: Vec<LockBody>,
}

/// How many may have a semaphore that workflows name by `database.key`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct LimitBody {
    /// The key, or `<namespace>/<key>`; answers have the long form.
    pub name: String,
    /// Above 0.
    pub limit: u32,
}

/// The limits of a tenant, by name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct LimitList {
    /// The limits.
    pub limits: Vec<LimitBody>,
}
