//! Claims: directories of a tenant that outlive tasks.
//!
//! A row is there before its directory and goes after it, so that nothing lies on disk that no row tells
//! of. What is to go is marked first ([`Lease::Ending`]): from then on no attempt begins to use it; when
//! none does any more the directory goes, then the row. Every step may be repeated, so a crash between two
//! of them changes nothing. Who uses a claim is not remembered: the outbox tells which attempts a backend
//! may have, and their tasks tell what they want.

mod quota;
mod runs;

use std::collections::{HashMap, HashSet};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use steading_engine::TaskRequest;
use steading_engine::wants::Want;
use steading_spec::model::PersistentVolumeClaim;
use steading_spec::objects::{self, Access, ClaimTerms};
use steading_store::{
    Batch, Change, Lease, ObjectKind, OutboxStage, Pace, Require, StoreError, StoredObject,
};
use steading_types::task::VolumeKind;
use steading_types::{AttemptId, MemoryBytes, ObjectName, TenantName};

use crate::clock::now;
use crate::error::ControlError;
use crate::lent::Lent;
use crate::objects::missing;
use crate::site;
use crate::{Control, Inner};
use quota::Sizes;
pub(crate) use runs::exists;

/// Before a directory that could not be removed is tried again.
const PAUSE: Duration = Duration::from_secs(10);

type Key = (TenantName, ObjectName);

/// What is remembered of claims beside their rows.
pub(crate) struct Claims {
    host: Arc<dyn site::Claims>,
    /// Marked ones, whose directory may be there, and the attempts that were found to use each: when one of
    /// them ends is the moment to look again.
    ending: Mutex<HashMap<Key, HashSet<AttemptId>>>,
    sizes: Sizes,
    /// Held while one is removed: a claim of the same name may be made anew behind it.
    removing: tokio::sync::Mutex<()>,
}

impl Claims {
    pub(crate) fn new(host: Arc<dyn site::Claims>) -> Self {
        Self {
            host,
            ending: Mutex::default(),
            sizes: Sizes::default(),
            removing: tokio::sync::Mutex::default(),
        }
    }

    fn ending(&self) -> MutexGuard<'_, HashMap<Key, HashSet<AttemptId>>> {
        self.ending.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// It is marked, or will be by a commit on its way.
    fn mark(&self, key: Key) {
        self.ending().entry(key).or_default();
    }

    /// Those of a tenant whose users are not known, or are these.
    fn marked(&self, tenant: &TenantName, of: impl Fn(&HashSet<AttemptId>) -> bool) -> Vec<Key> {
        let ending = self.ending();
        let marked = ending
            .iter()
            .filter(|(key, users)| key.0 == *tenant && of(users));
        marked.map(|(key, _)| key.clone()).collect()
    }
}

/// The directory of a claim, for a task.
struct Claimed {
    path: PathBuf,
    access: Access,
}

impl Control {
    /// Bytes on disk that a claim takes.
    ///
    /// # Errors
    /// The disk's.
    pub async fn claim_used(
        &self,
        tenant: &TenantName,
        name: &ObjectName,
    ) -> Result<MemoryBytes, ControlError> {
        self.0.claim_size(tenant, name).await
    }
}

impl Inner {
    /// Adds directories for the volumes of a task that are claims.
    ///
    /// # Errors
    /// A claim that is missing, marked, or full; the disk's.
    pub(crate) async fn lend_claims(
        &self,
        tenant: &TenantName,
        attempt: AttemptId,
        request: &mut TaskRequest,
        mut lent: Lent,
    ) -> Result<Lent, ControlError> {
        for want in &request.wants {
            let Want::Claim { volume, claim } = want else {
                continue;
            };
            let mut volumes = request.task.volumes.iter_mut();
            let found = volumes.find(|known| known.name == *volume);
            let Some(VolumeKind::Directory { read_only, .. }) = found.map(|found| &mut found.kind)
            else {
                continue;
            };
            let asked = match read_only {
                true => Access::ReadOnly,
                false => Access::ReadWrite,
            };
            let claimed = self.claimed(tenant, attempt, claim, asked).await?;
            *read_only = claimed.access == Access::ReadOnly;
            lent.directories.insert(volume.clone(), claimed.path);
        }
        Ok(lent)
    }

    async fn claimed(
        &self,
        tenant: &TenantName,
        attempt: AttemptId,
        name: &str,
        asked: Access,
    ) -> Result<Claimed, ControlError> {
        let kind = ObjectKind::Claim;
        let found = self.stored(tenant, kind, name)?;
        let found = found.ok_or_else(|| missing(kind, name))?;
        if found.row.lease == Lease::Ending {
            return Err(ControlError::ClaimEnding(found.name));
        }
        let terms = terms(&found)?;
        let access = match (terms.access, asked) {
            (Access::ReadWrite, Access::ReadWrite) => Access::ReadWrite,
            _ => Access::ReadOnly,
        };
        if access == Access::ReadWrite {
            self.has_room(tenant, attempt, &found.name, terms.size)
                .await?;
        }
        let path = self.claims.host.provide(tenant, &found.name);
        let path = path.map_err(|error| broken(&found.name, &error))?;
        Ok(Claimed { path, access })
    }

    /// An attempt is over.
    pub(crate) fn give_claims_back(self: &Arc<Self>, tenant: &TenantName, attempt: AttemptId) {
        self.claims.sizes.leave(attempt);
        let marked = self.claims.marked(tenant, |users| users.contains(&attempt));
        self.remove_marked(marked);
    }

    /// Marks a claim: it goes as soon as nothing uses it.
    pub(crate) async fn end_claim(
        self: &Arc<Self>,
        tenant: &TenantName,
        claim: StoredObject,
    ) -> Result<(), ControlError> {
        let key = (tenant.clone(), claim.name.clone());
        let seen = Some(claim.version);
        let seen = Require::ObjectIs(tenant.clone(), claim.kind, claim.name.clone(), seen);
        let batch = Batch::new().require(seen).change(ending(tenant, claim));
        self.store.commit(batch, Pace::Now).await?;
        self.claims.mark(key);
        self.reclaim(tenant);
        Ok(())
    }

    /// Removes the claims of a tenant that were marked just now, those that nothing uses.
    pub(crate) fn reclaim(self: &Arc<Self>, tenant: &TenantName) {
        let marked = self.claims.marked(tenant, HashSet::is_empty);
        self.remove_marked(marked);
    }

    fn remove_marked(self: &Arc<Self>, marked: Vec<Key>) {
        if marked.is_empty() {
            return;
        }
        let inner = Arc::clone(self);
        tokio::spawn(async move {
            for key in marked {
                let turn = inner.claims.removing.lock().await;
                let removed = inner.remove_unused(&key).await;
                drop(turn);
                if let Err(error) = removed {
                    tracing::warn!(claim = %key.1, error = %error, "a claim could not be removed; trying again");
                    tokio::time::sleep(PAUSE).await;
                    inner.reclaim(&key.0);
                }
            }
        });
    }

    async fn remove_unused(&self, (tenant, name): &Key) -> Result<(), ControlError> {
        let kind = ObjectKind::Claim;
        let Some(found) = self.stored(tenant, kind, name.as_str())? else {
            self.forget_claim(tenant, name);
            return Ok(());
        };
        // One that is held is being marked by a commit that has not come through.
        if found.row.lease == Lease::Held || self.in_use((tenant, name))? {
            return Ok(());
        }
        let removed = self.claims.host.remove(tenant, name).await;
        removed.map_err(|error| broken(name, &error))?;
        let seen = Require::ObjectIs(tenant.clone(), kind, name.clone(), Some(found.version));
        let gone = Change::DeleteObject(tenant.clone(), kind, name.clone());
        let batch = Batch::new().require(seen).change(gone);
        self.store.commit(batch, Pace::Lazy).await?;
        self.forget_claim(tenant, name);
        Ok(())
    }

    fn forget_claim(&self, tenant: &TenantName, name: &ObjectName) {
        let key = (tenant.clone(), name.clone());
        self.claims.ending().remove(&key);
        self.claims.sizes.forget(&key);
    }

    /// Whether a backend may have an attempt that uses the claim; if so, the end of it will be noticed.
    fn in_use(&self, key: (&TenantName, &ObjectName)) -> Result<bool, ControlError> {
        let mut known = HashSet::new();
        loop {
            let users = self.users(key)?;
            let key = (key.0.clone(), key.1.clone());
            self.claims.ending().insert(key, users.clone());
            // Who ended before it was written down, and was not missed, is looked for again.
            if users.is_empty() || users == known {
                return Ok(!users.is_empty());
            }
            known = users;
        }
    }

    /// Attempts that a backend may have and that use the claim.
    fn users(
        &self,
        (tenant, name): (&TenantName, &ObjectName),
    ) -> Result<HashSet<AttemptId>, ControlError> {
        let handed = self.store.read(|snapshot| {
            let mut handed = Vec::new();
            for row in snapshot.outbox()? {
                let (owner, attempt, row) = row?;
                if owner == *tenant && row.stage != OutboxStage::Queued {
                    handed.push(attempt);
                }
            }
            Ok::<_, StoreError>(handed)
        })?;
        let uses = |attempt: &AttemptId| {
            // What can not be asked for its task never had one, or is over.
            let request = self.ask(tenant, *attempt, |run| run.task(*attempt, now()));
            request.is_ok_and(|request| {
                let mut claims = request.wants.iter().filter_map(Want::claim);
                claims.any(|claim| claim == name.as_str())
            })
        };
        Ok(handed.into_iter().filter(uses).collect())
    }
}

/// Marks a claim in its row.
fn ending(tenant: &TenantName, mut claim: StoredObject) -> Change {
    claim.row.lease = Lease::Ending;
    Change::PutObject(tenant.clone(), claim.kind, claim.name, claim.row)
}

/// What a claim promises.
///
/// # Errors
/// [`ControlError::Damaged`] when the object is no claim.
pub fn terms(claim: &StoredObject) -> Result<ClaimTerms, ControlError> {
    let damaged = || ControlError::Damaged(format!("'{}' is no claim", claim.name));
    let object: PersistentVolumeClaim =
        serde_json::from_value(claim.row.object.clone()).map_err(|_| damaged())?;
    objects::claim(&object)
        .map(|(terms, _)| terms)
        .map_err(|_| damaged())
}

fn broken(name: &ObjectName, error: &std::io::Error) -> ControlError {
    ControlError::ClaimDisk {
        name: name.clone(),
        message: error.to_string(),
    }
}
