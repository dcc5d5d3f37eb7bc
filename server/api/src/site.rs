//! The site: tenants, tokens, the host.

use serde::{Deserialize, Serialize};
use steading_types::Millis;

use crate::access::Role;

/// A team.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct TenantBody {
    /// Its name.
    pub name: String,
    /// Its Argo namespace.
    #[serde(default)]
    pub namespace: String,
}

/// All tenants that the caller sees.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct TenantList {
    /// In the order of their names.
    pub tenants: Vec<TenantBody>,
}

/// A token to make.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct NewToken {
    /// Who it speaks for.
    pub principal: String,
    /// What it may do in the tenant.
    pub role: Role,
    /// When it ends, epoch milliseconds; 90 days from now when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires: Option<Millis>,
}

/// A new token: shown once.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct TokenBody {
    /// The secret.
    pub token: String,
    /// Names it in lists and for revocation.
    pub id: String,
    /// When it ends.
    pub expires: Millis,
}

/// What the host provides.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct DoctorReport {
    /// One entry a capability.
    pub checks: Vec<DoctorCheck>,
}

/// One capability of the host.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct DoctorCheck {
    /// e.g. `user-namespaces`.
    pub name: String,
    /// `ok`, `missing`, `limited`.
    pub state: String,
    /// One sentence.
    pub message: String,
    /// How to get the rest.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fix: Option<String>,
}
