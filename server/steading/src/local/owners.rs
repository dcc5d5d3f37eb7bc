//! What the host remembers of attempts while they are at a backend: whose they are, because a plugin may
//! touch only those of the tenant that it was called for; and their containers' names, for logs.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use steading_types::{AttemptId, TenantName};

/// Attempts that were handed over.
#[derive(Debug, Clone, Default)]
pub(crate) struct Owners(Arc<Mutex<HashMap<AttemptId, Owned>>>);

#[derive(Debug)]
struct Owned {
    tenant: TenantName,
    /// By position: init containers first, then the main one.
    containers: Arc<[String]>,
}

impl Owners {
    /// The attempt is this tenant's and has these containers.
    pub(crate) fn set(&self, attempt: AttemptId, tenant: TenantName, containers: Vec<String>) {
        let containers = containers.into();
        self.map().insert(attempt, Owned { tenant, containers });
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
