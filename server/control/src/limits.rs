//! How many may have a lock: read where it is kept, in a ConfigMap or a setting of the tenant.

use steading_engine::lock::{LockKind, LockName};
use steading_store::{Batch, Change, ObjectKind, Owner, Pace, StoreError};
use steading_types::TenantName;

use crate::error::ControlError;
use crate::locks::Limit;
use crate::objects::{missing, no_key};
use crate::{Control, Inner};

/// Settings that hold limits begin so; the lock's namespace and key follow.
const LIMIT: &str = "limit/";
/// Limits of one tenant.
const LIMITS: usize = 10_000;

impl Inner {
    /// How many may have a lock.
    pub(crate) fn limit(&self, tenant: &TenantName, name: &LockName) -> Limit {
        let text = match &name.kind {
            LockKind::Mutex(_) => return Limit::Known(1),
            LockKind::Database(key) => self.limit_set(tenant, &name.namespace, key),
            LockKind::ConfigMap { name, key } => self.limit_of_map(tenant, name, key),
        };
        match text.as_deref().map(|text| text.trim().parse()) {
            Ok(Ok(limit)) => Limit::Known(limit),
            Ok(Err(_)) => {
                let text: String = text.unwrap_or_default().chars().take(40).collect();
                Limit::Unknown(format!(
                    "the limit of {name} is '{text}', which is no number"
                ))
            }
            Err(reason) => Limit::Unknown(reason.clone()),
        }
    }

    fn limit_set(&self, tenant: &TenantName, namespace: &str, key: &str) -> Result<String, String> {
        let owner = Owner::Tenant(tenant.clone());
        let row = self
            .store
            .read(|s| s.setting(&owner, &setting(namespace, key)))
            .map_err(|error: StoreError| error.to_string())?;
        let row = row.ok_or_else(|| {
            format!("there is no limit '{key}': set it with steading limit set {key} NUMBER")
        })?;
        Ok(String::from_utf8_lossy(&row).into_owned())
    }

    fn limit_of_map(&self, tenant: &TenantName, map: &str, key: &str) -> Result<String, String> {
        let kind = ObjectKind::ConfigMap;
        let values = self
            .values(tenant, kind, map)
            .and_then(|values| values.ok_or_else(|| missing(kind, map)))
            .map_err(|error| error.to_string())?;
        let value = values
            .get(key)
            .ok_or_else(|| no_key(kind, map, key).to_string())?;
        Ok(String::from_utf8_lossy(value).into_owned())
    }
}

impl Control {
    /// The limits of semaphores that a tenant set, by `<namespace>/<key>`.
    ///
    /// # Errors
    /// A store that can not be read.
    pub fn limits(&self, tenant: &TenantName) -> Result<Vec<(String, u32)>, ControlError> {
        let owner = Owner::Tenant(tenant.clone());
        let rows = self.0.store.read(|s| s.settings(&owner, LIMIT))?;
        let view = |(key, row): (String, Vec<u8>)| {
            let limit = String::from_utf8_lossy(&row).parse().unwrap_or(0);
            (key.strip_prefix(LIMIT).unwrap_or(&key).to_owned(), limit)
        };
        Ok(rows.into_iter().map(view).collect())
    }

    /// Sets the limit of a semaphore; it holds at once.
    ///
    /// # Errors
    /// `lock.limit` for a name or number that can not be, or a store that does not take it.
    pub async fn set_limit(
        &self,
        tenant: &TenantName,
        key: &str,
        limit: u32,
    ) -> Result<(), ControlError> {
        let namespace = tenant.namespace();
        let (namespace, key) = key.split_once('/').unwrap_or((&namespace, key));
        let sound = |text: &str| {
            (1..=253).contains(&text.len())
                && text
                    .chars()
                    .all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c))
        };
        if limit == 0 || !sound(namespace) || !sound(key) {
            return Err(ControlError::Request {
                code: "lock.limit",
                message:
                    "a limit is a number above 0, under a name of letters, digits, '-', '_' and '.'"
                        .to_owned(),
            });
        }
        let known = format!("{namespace}/{key}");
        let limits = self.limits(tenant)?;
        if limits.len() >= LIMITS && !limits.iter().any(|(name, _)| *name == known) {
            return Err(ControlError::Request {
                code: "lock.limit",
                message: format!("a tenant has at most {LIMITS} limits"),
            });
        }
        let change = Change::PutSetting(
            Owner::Tenant(tenant.clone()),
            setting(namespace, key),
            limit.to_string().into_bytes(),
        );
        self.0
            .store
            .commit(Batch::new().change(change), Pace::Now)
            .await?;
        self.0.limits_changed(tenant);
        Ok(())
    }
}

fn setting(namespace: &str, key: &str) -> String {
    format!("{LIMIT}{namespace}/{key}")
}
