//! Sizes of claims: measured before a task may write, and while tasks do. Who fills one beyond its size is
//! ended, and nobody writes to it until it is made larger or emptied from outside.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use steading_store::ObjectKind;
use steading_types::{AttemptId, MemoryBytes, ObjectName, TenantName};
use tokio::sync::Notify;

use super::{Key, broken, terms};
use crate::Inner;
use crate::error::ControlError;

/// Between two looks at a claim that is written.
const LOOK: Duration = Duration::from_secs(5);

/// What was measured, and who writes.
#[derive(Default)]
pub(super) struct Sizes {
    known: Mutex<HashMap<Key, (Instant, u64)>>,
    writers: Mutex<HashMap<AttemptId, Writer>>,
    begun: Notify,
}

#[derive(Default)]
struct Writer {
    claims: Vec<Key>,
    /// Why it was ended.
    excess: Option<ControlError>,
}

impl Sizes {
    fn known(&self) -> MutexGuard<'_, HashMap<Key, (Instant, u64)>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn writers(&self) -> MutexGuard<'_, HashMap<AttemptId, Writer>> {
        self.writers.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn enter(&self, attempt: AttemptId, key: Key) {
        self.writers().entry(attempt).or_default().claims.push(key);
        self.begun.notify_one();
    }

    pub(super) fn leave(&self, attempt: AttemptId) {
        self.writers().remove(&attempt);
    }

    pub(super) fn forget(&self, key: &Key) {
        self.known().remove(key);
    }
}

impl Inner {
    /// Bytes that a claim takes on disk, as they are or were a moment ago.
    pub(crate) async fn claim_size(
        &self,
        tenant: &TenantName,
        name: &ObjectName,
    ) -> Result<MemoryBytes, ControlError> {
        let key = (tenant.clone(), name.clone());
        let known = self.claims.sizes.known().get(&key).copied();
        if let Some((_, bytes)) = known.filter(|(at, _)| at.elapsed() < LOOK) {
            return Ok(MemoryBytes(bytes));
        }
        let measured = self.claims.host.used(tenant, name).await;
        let bytes = measured.map_err(|error| broken(name, &error))?;
        self.claims
            .sizes
            .known()
            .insert(key, (Instant::now(), bytes));
        Ok(MemoryBytes(bytes))
    }

    /// Lets an attempt write to a claim that is not full.
    pub(super) async fn has_room(
        &self,
        tenant: &TenantName,
        attempt: AttemptId,
        name: &ObjectName,
        size: MemoryBytes,
    ) -> Result<(), ControlError> {
        self.claims
            .sizes
            .enter(attempt, (tenant.clone(), name.clone()));
        let used = self.claim_size(tenant, name).await?;
        if used > size {
            return Err(full(name, used, size));
        }
        Ok(())
    }

    /// Why an attempt was ended, if a claim that it filled was the reason.
    pub(crate) fn excess(&self, attempt: AttemptId) -> Option<ControlError> {
        let mut writers = self.claims.sizes.writers();
        writers.get_mut(&attempt)?.excess.take()
    }

    /// Ends those that fill a claim beyond its size, for ever.
    pub(crate) async fn watch_claims(self: Arc<Self>) {
        loop {
            let mut written: HashMap<Key, Vec<AttemptId>> = HashMap::new();
            for (attempt, writer) in &*self.claims.sizes.writers() {
                for key in &writer.claims {
                    written.entry(key.clone()).or_default().push(*attempt);
                }
            }
            if written.is_empty() {
                self.claims.sizes.begun.notified().await;
            }
            for (key, attempts) in written {
                if let Err(error) = self.look(&key, attempts).await {
                    tracing::warn!(claim = %key.1, error = %error, "a claim could not be measured");
                }
            }
            tokio::time::sleep(LOOK).await;
        }
    }

    async fn look(
        self: &Arc<Self>,
        (tenant, name): &Key,
        attempts: Vec<AttemptId>,
    ) -> Result<(), ControlError> {
        let Some(claim) = self.stored(tenant, ObjectKind::Claim, name.as_str())? else {
            return Ok(());
        };
        let size = terms(&claim)?.size;
        let used = self.claim_size(tenant, name).await?;
        if used <= size {
            return Ok(());
        }
        for attempt in &attempts {
            if let Some(writer) = self.claims.sizes.writers().get_mut(attempt) {
                writer.excess = Some(full(name, used, size));
            }
        }
        self.cancel(tenant, attempts);
        Ok(())
    }
}

fn full(name: &ObjectName, used: MemoryBytes, size: MemoryBytes) -> ControlError {
    ControlError::ClaimFull {
        name: name.clone(),
        used,
        size,
    }
}
