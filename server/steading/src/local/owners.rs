//! Which tenant an attempt belongs to: a plugin names tasks by id, and may touch only those of the
//! tenant that it was called for.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use steading_types::{AttemptId, TenantName};

/// Attempts that were handed over, by owner.
#[derive(Debug, Clone, Default)]
pub(crate) struct Owners(Arc<Mutex<HashMap<AttemptId, TenantName>>>);

impl Owners {
    /// The attempt is this tenant's.
    pub(crate) fn set(&self, attempt: AttemptId, tenant: TenantName) {
        self.map().insert(attempt, tenant);
    }

    /// Whose it is.
    pub(crate) fn of(&self, attempt: AttemptId) -> Option<TenantName> {
        self.map().get(&attempt).cloned()
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

    fn map(&self) -> MutexGuard<'_, HashMap<AttemptId, TenantName>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
