//! Tenants, tokens, sessions of the page and one-time login links.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Mutex, PoisonError};

use sha2::{Digest, Sha256};
use steading_api::access::Role;
use steading_domain::access::{Power, Principal};
use steading_domain::token::{RANDOM_BYTES, Token};
use steading_store::{
    Batch, Change, Owner, Pace, Require, RunRef, Store, StoreError, Tenant, TokenHash, TokenScope,
};
use steading_types::{Millis, RunId, TenantName};

use crate::clock::now;
use crate::error::ControlError;
use crate::{Control, Inner};

/// How long a login link is good.
const LINK_LIFE: Millis = Millis(10 * 60 * 1000);
/// How long a session of the page lives.
const SESSION_LIFE: Millis = Millis(12 * 60 * 60 * 1000);
/// How long a token lives unless it was asked otherwise.
pub const TOKEN_LIFE: Millis = Millis(90 * 24 * 60 * 60 * 1000);
/// Links that are good at the same time; more than any operator makes.
const LINKS: usize = 1000;

/// Settings that hold a tenant's range of host user ids, and the next free one.
const RANGE: &str = "uid-range";
const NEXT_RANGE: &str = "next-uid-range";
/// Host user ids of one tenant, and the first id of the first range.
const RANGE_SIZE: u32 = 65_536;
const FIRST_ID: u32 = 1_000_000_000;

/// The first host user id of a tenant's range: tasks of different tenants never share one.
///
/// # Errors
/// When the store can not be read.
pub fn uid_base(store: &Store, tenant: &TenantName) -> Result<u32, StoreError> {
    let range = store.read(|snapshot| snapshot.setting(&Owner::Tenant(tenant.clone()), RANGE))?;
    let range = range
        .and_then(|bytes| bytes.try_into().ok())
        .map_or(0, u32::from_be_bytes);
    Ok(FIRST_ID.saturating_add(range.saturating_mul(RANGE_SIZE)))
}

/// One-time codes that were handed out and not yet used. They do not survive a restart.
#[derive(Debug, Default)]
pub(crate) struct Links(Mutex<HashMap<String, (Principal, Millis)>>);

impl Control {
    /// Whom a token speaks for, now. Reads the store each time: a revoked token is refused at once.
    pub fn principal(&self, token: &Token) -> Option<Principal> {
        let hash = hash(token);
        let row = self
            .0
            .store
            .read(|snapshot| snapshot.token(&hash))
            .ok()
            .flatten()?;
        is_good(&row).then(|| Principal {
            name: row.principal.clone(),
            power: power(&row),
        })
    }

    /// Makes a token for a principal.
    ///
    /// # Errors
    /// When it can not be kept.
    pub async fn create_token(
        &self,
        principal: &Principal,
        note: &str,
        life: Option<Millis>,
    ) -> Result<Token, ControlError> {
        let (scope, permissions, label) = match &principal.power {
            Power::Operator => (TokenScope::Site, Vec::new(), "site".to_owned()),
            Power::Member(roles) => {
                let label = roles
                    .keys()
                    .next()
                    .map_or_else(|| "none".to_owned(), ToString::to_string);
                (
                    TokenScope::Tenants(roles.keys().cloned().collect()),
                    roles
                        .values()
                        .map(|role| role_word(*role).to_owned())
                        .collect(),
                    label,
                )
            }
        };
        let token = Token::new(&label, random()?);
        let row = steading_store::Token {
            principal: principal.name.clone(),
            scope,
            permissions,
            note: note.to_owned(),
            created: now(),
            expires: life.map(|life| now().plus(life)),
            revoked: None,
        };
        self.put(Vec::new(), vec![Change::PutToken(hash(&token), row)])
            .await?;
        Ok(token)
    }

    /// Makes a session token for the page.
    ///
    /// # Errors
    /// When it can not be kept.
    pub async fn create_session(&self, principal: &Principal) -> Result<Token, ControlError> {
        self.create_token(principal, "session", Some(SESSION_LIFE))
            .await
    }

    /// Ends a token at once. Unknown tokens are as good as ended.
    ///
    /// # Errors
    /// When it can not be kept.
    pub async fn revoke(&self, hash: TokenHash) -> Result<(), ControlError> {
        self.put(Vec::new(), vec![Change::RevokeToken(hash, now())])
            .await
    }

    /// Hands out a code that logs its principal in, once. Answers the code and when it becomes worthless.
    ///
    /// # Errors
    /// When the system has no random numbers.
    pub fn create_link(&self, principal: &Principal) -> Result<(String, Millis), ControlError> {
        let code: String = random()?.iter().map(|byte| format!("{byte:02x}")).collect();
        let expires = now().plus(LINK_LIFE);
        let mut links = self
            .0
            .links
            .0
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        links.retain(|_, (_, end)| *end > now());
        if links.len() >= LINKS {
            return Err(ControlError::Request {
                code: "auth.too-many-links",
                message: "too many login links wait to be used".to_owned(),
            });
        }
        links.insert(code.clone(), (principal.clone(), expires));
        Ok((code, expires))
    }

    /// Uses a code up.
    pub fn use_link(&self, code: &str) -> Option<Principal> {
        let mut links = self
            .0
            .links
            .0
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        links
            .remove(code)
            .filter(|(_, end)| *end > now())
            .map(|(principal, _)| principal)
    }

    /// Whether the tenant exists.
    pub fn has_tenant(&self, tenant: &TenantName) -> bool {
        self.0
            .store
            .read(|snapshot| snapshot.tenant(tenant))
            .is_ok_and(|found| found.is_some())
    }

    /// All tenants, by name.
    ///
    /// # Errors
    /// When they can not be read.
    pub fn tenants(&self) -> Result<Vec<TenantName>, ControlError> {
        Ok(self
            .0
            .store
            .read(|snapshot| snapshot.tenants())?
            .into_iter()
            .map(|tenant| tenant.name)
            .collect())
    }

    /// Makes a tenant, with a range of host user ids that no other tenant ever gets.
    ///
    /// # Errors
    /// A conflict when it exists.
    pub async fn create_tenant(&self, name: TenantName) -> Result<(), ControlError> {
        let _one_at_a_time = self.0.naming.lock().await;
        let next = self
            .0
            .store
            .read(|snapshot| snapshot.setting(&Owner::Site, NEXT_RANGE))?;
        let range = next
            .and_then(|bytes| bytes.try_into().ok())
            .map_or(0, u32::from_be_bytes);
        let changes = vec![
            Change::PutTenant(Tenant {
                name: name.clone(),
                created: now(),
            }),
            Change::PutSetting(
                Owner::Tenant(name.clone()),
                RANGE.to_owned(),
                range.to_be_bytes().to_vec(),
            ),
            Change::PutSetting(
                Owner::Site,
                NEXT_RANGE.to_owned(),
                range.saturating_add(1).to_be_bytes().to_vec(),
            ),
        ];
        self.put(vec![Require::TenantAbsent(name)], changes).await
    }

    /// Ends a token of a tenant at once; false when the tenant has no such token.
    ///
    /// # Errors
    /// When it can not be kept.
    pub async fn revoke_in(
        &self,
        tenant: &TenantName,
        hash: TokenHash,
    ) -> Result<bool, ControlError> {
        let row = self.0.store.read(|snapshot| snapshot.token(&hash))?;
        let here = row.is_some_and(
            |row| matches!(&row.scope, TokenScope::Tenants(tenants) if tenants.contains(tenant)),
        );
        if here {
            self.revoke(hash).await?;
        }
        Ok(here)
    }

    pub(crate) async fn put(
        &self,
        requires: Vec<Require>,
        changes: Vec<Change>,
    ) -> Result<(), ControlError> {
        self.0
            .store
            .commit(
                Batch {
                    requires,
                    changes,
                    ..Batch::default()
                },
                Pace::Now,
            )
            .await?;
        Ok(())
    }
}

/// A token's name in the store.
pub fn hash(token: &Token) -> TokenHash {
    TokenHash(Sha256::digest(token.expose().as_bytes()).into())
}

fn random() -> Result<[u8; RANDOM_BYTES], ControlError> {
    let mut bytes = [0u8; RANDOM_BYTES];
    getrandom::fill(&mut bytes)
        .map_err(|error| ControlError::Damaged(format!("no random numbers: {error}")))?;
    Ok(bytes)
}

impl Inner {
    /// Whoever submitted a run, with all that the valid tokens of that name allow in its tenant now; nothing
    /// when there are none.
    pub(crate) fn submitter(
        &self,
        tenant: &TenantName,
        run: RunId,
    ) -> Result<Option<Principal>, ControlError> {
        let wanted = RunRef {
            tenant: tenant.clone(),
            id: run,
        };
        let (head, tokens) = self.store.read(|s| Ok((s.run(&wanted)?, s.tokens()?)))?;
        let (head, _) = head.ok_or_else(|| ControlError::NoRun(run.to_string()))?;
        let mut best = None;
        for (_, row) in tokens {
            if row.principal != head.creator || !is_good(&row) {
                continue;
            }
            match power(&row) {
                Power::Operator => {
                    return Ok(Some(Principal {
                        name: head.creator,
                        power: Power::Operator,
                    }));
                }
                Power::Member(roles) => best = best.max(roles.get(tenant).copied()),
            }
        }
        Ok(best.map(|role| Principal {
            name: head.creator,
            power: Power::Member([(tenant.clone(), role)].into()),
        }))
    }
}

/// Whether a token may still be used.
fn is_good(row: &steading_store::Token) -> bool {
    row.revoked.is_none() && row.expires.is_none_or(|end| end > now())
}

fn power(row: &steading_store::Token) -> Power {
    match &row.scope {
        TokenScope::Site => Power::Operator,
        TokenScope::Tenants(tenants) => {
            let roles = tenants
                .iter()
                .cloned()
                .zip(row.permissions.iter().filter_map(|word| role_of(word)));
            Power::Member(roles.collect::<BTreeMap<_, _>>())
        }
    }
}

fn role_word(role: Role) -> &'static str {
    match role {
        Role::Viewer => "viewer",
        Role::Submitter => "submitter",
        Role::Maintainer => "maintainer",
        Role::Admin => "admin",
    }
}

fn role_of(word: &str) -> Option<Role> {
    [Role::Viewer, Role::Submitter, Role::Maintainer, Role::Admin]
        .into_iter()
        .find(|role| role_word(*role) == word)
}
