//! Who is asking: tokens, sessions of the page and one-time login links.

use serde::{Deserialize, Serialize};
use steading_types::Millis;

use crate::access::Role;

/// How the page logs in: exactly one of the two.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Login {
    /// A bearer token.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token: Option<String>,
    /// The code of a one-time link.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
}

/// The caller.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Me {
    /// Who.
    pub principal: String,
    /// True for an operator of the site.
    pub operator: bool,
    /// Where it may do what.
    pub tenants: Vec<TenantRole>,
    /// The server's version.
    pub version: String,
}

/// A role in a tenant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct TenantRole {
    /// The tenant.
    pub tenant: String,
    /// Its Argo namespace.
    pub namespace: String,
    /// What the caller may do in it.
    pub role: Role,
}

/// A one-time login.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct LoginLink {
    /// Good once.
    pub code: String,
    /// Path and fragment on this server, e.g. `/#/login/<code>`; the fragment never reaches a log.
    pub path: String,
    /// When it becomes worthless, epoch milliseconds.
    pub expires: Millis,
}
