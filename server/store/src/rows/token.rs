//! A token. The store never sees the token itself, only its SHA-256.

use serde::{Deserialize, Serialize};
use steading_types::{Millis, TenantName};

use super::{encode, fields, name, newer, version};
use crate::StoreError;

const VERSION: u8 = 1;

/// SHA-256 of a token: its name in the store.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TokenHash(pub [u8; 32]);

impl std::fmt::Debug for TokenHash {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("TokenHash(..)")
    }
}

/// Where a token is good.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TokenScope {
    /// Everywhere: an operator's.
    Site,
    /// In these tenants.
    Tenants(Vec<TenantName>),
}

/// What is known of a token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Token {
    /// Whose it is.
    pub principal: String,
    /// Where it is good.
    pub scope: TokenScope,
    /// What it may do there; the words are the access rules'.
    pub permissions: Vec<String>,
    /// A note for its owner.
    pub note: String,
    /// When it was made.
    pub created: Millis,
    /// From when on it is good no more.
    pub expires: Option<Millis>,
    /// When it was revoked.
    pub revoked: Option<Millis>,
}

#[derive(Serialize, Deserialize)]
struct V1<'r> {
    principal: &'r str,
    /// Nothing: the whole site.
    #[serde(borrow)]
    tenants: Option<Vec<&'r str>>,
    #[serde(borrow)]
    permissions: Vec<&'r str>,
    note: &'r str,
    created: u64,
    expires: Option<u64>,
    revoked: Option<u64>,
}

/// The row of a token.
pub(crate) fn write(token: &Token) -> Result<Vec<u8>, StoreError> {
    let row = V1 {
        principal: &token.principal,
        tenants: match &token.scope {
            TokenScope::Site => None,
            TokenScope::Tenants(names) => Some(names.iter().map(TenantName::as_str).collect()),
        },
        permissions: token.permissions.iter().map(String::as_str).collect(),
        note: &token.note,
        created: token.created.get(),
        expires: token.expires.map(Millis::get),
        revoked: token.revoked.map(Millis::get),
    };
    encode(VERSION, &row)
}

/// The token behind a row.
pub(crate) fn read(row: &[u8]) -> Result<Token, StoreError> {
    let (found, bytes) = version(row)?;
    if found != VERSION {
        return Err(newer("a token", found, VERSION));
    }
    let row: V1<'_> = fields("a token", bytes)?;
    let scope = match row.tenants {
        None => TokenScope::Site,
        Some(names) => TokenScope::Tenants(names.into_iter().map(name).collect::<Result<_, _>>()?),
    };
    Ok(Token {
        principal: row.principal.to_owned(),
        scope,
        permissions: row.permissions.into_iter().map(str::to_owned).collect(),
        note: row.note.to_owned(),
        created: Millis(row.created),
        expires: row.expires.map(Millis),
        revoked: row.revoked.map(Millis),
    })
}
