//! What the host remembers of attempts while they are at a backend: whose they are, because a plugin may
//! touch only those of the tenant that it was called for; and their containers' names, for logs.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use steading_control::lent::Lent;
use steading_types::{AttemptId, TenantName};

/// Attempts that were handed over.
#[derive(Debug, Clone, Default)]
pub(crate) struct Owners(Arc<Mutex<HashMap<AttemptId, Owned>>>);

#[derive(Debug)]
struct Owned {
    tenant: TenantName,
    /// By position: init containers first, then the main one.
    containers: Arc<[String]>,
    /// Values for its task, while it is being started.
    lent: Arc<Lent>,
}

/// Takes the values back when the start is over.
pub(crate) struct Held {
    owners: Owners,
    attempt: AttemptId,
}

impl Drop for Held {
    fn drop(&mut self) {
        if let Some(owned) = self.owners.map().get_mut(&self.attempt) {
            owned.lent = Arc::default();
        }
    }
}

impl Owners {
    /// The attempt is this tenant's and has these containers.
    pub(crate) fn set(&self, attempt: AttemptId, tenant: TenantName, containers: Vec<String>) {
        let containers = containers.into();
        let owned = Owned {
            tenant,
            containers,
            lent: Arc::default(),
        };
        self.map().insert(attempt, owned);
    }

    /// Values for its task, until what is answered is dropped.
    pub(crate) fn lend(&self, attempt: AttemptId, lent: Arc<Lent>) -> Held {
        if let Some(owned) = self.map().get_mut(&attempt) {
            owned.lent = lent;
        }
        Held {
            owners: self.clone(),
            attempt,
        }
    }

    /// The values that were lent.
    pub(crate) fn lent(&self, attempt: AttemptId) -> Arc<Lent> {
        let map = self.map();
        map.get(&attempt)
            .map(|owned| Arc::clone(&owned.lent))
            .unwrap_or_default()
    }

    /// Whose it is.
    pub(crate) fn of(&self, attempt: AttemptId) -> Option<TenantName> {
        self.map().get(&attempt).map(|owned| owned.tenant.clone())
    }

    /// Its containers' names.
    pub(crate) fn containers(&self, attempt: AttemptId) -> Option<Arc<[String]>> {
        let map = self.map();
        map.get(&attempt).map(|owned| Arc::clone(&owned.containers))
    }

    /// It is over.
    pub(crate) fn remove(&self, attempt: AttemptId) {
        self.map().remove(&attempt);
    }

    /// The attempt that a plugin names, if it is the tenant's.
    pub(crate) fn checked(&self, id: &str, tenant: &TenantName) -> Option<AttemptId> {
        let attempt = id.parse().ok()?;
        (self.of(attempt).as_ref() == Some(tenant)).then_some(attempt)
    }

    fn map(&self) -> MutexGuard<'_, HashMap<AttemptId, Owned>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
