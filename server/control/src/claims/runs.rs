//! Claims that are made for a run and go with it.

use std::sync::Arc;

use serde_json::Value;
use steading_engine::Run;
use steading_spec::{Document, Kind, Limits, Mode};
use steading_store::{Change, Lease, ObjectKind, ObjectRow, Require, StoredObject};
use steading_types::{Millis, RunId, TenantName};

use super::ending;
use crate::Inner;
use crate::clock::now;
use crate::error::ControlError;
use crate::objects;

impl Inner {
    /// The claims that a run needs and does not have.
    ///
    /// # Errors
    /// Every fault of them; one of that name that is not the run's, or is marked.
    pub(crate) fn make_claims(
        &self,
        run: &Run,
        at: Millis,
    ) -> Result<(Vec<Require>, Vec<Change>), ControlError> {
        let (mut requires, mut changes) = (Vec::new(), Vec::new());
        if !run.has_claims() {
            return Ok((requires, changes));
        }
        let (id, tenant) = (run.head().id, &run.head().tenant);
        let wanted = run.claims(at);
        let wanted = wanted.map_err(|error| ControlError::Request {
            code: error.code(),
            message: error.to_string(),
        })?;
        for object in wanted {
            let kind = ObjectKind::Claim;
            let kind_of = Some(Kind::PersistentVolumeClaim);
            let document =
                steading_spec::from_json(object, kind_of, Mode::Strict, &Limits::default())
                    .map_err(ControlError::Invalid)?;
            objects::check(&document.object).map_err(ControlError::Invalid)?;
            let name = document.raw.pointer("/metadata/name");
            let name = objects::named(name.and_then(Value::as_str).unwrap_or_default())?;
            let known = self.stored(tenant, kind, name.as_str())?;
            match known.map(|known| (known.row.run, known.row.lease)) {
                None => {}
                Some((_, Lease::Ending)) => return Err(ControlError::ClaimEnding(name)),
                Some((owner, Lease::Held)) if owner == Some(id) => continue,
                Some(_) => return Err(exists(name.as_str())),
            }
            requires.push(Require::ObjectIs(tenant.clone(), kind, name.clone(), None));
            let row = row_of(&document, tenant, id);
            changes.push(Change::PutObject(tenant.clone(), kind, name, row));
        }
        Ok((requires, changes))
    }

    /// The claims that a run which is tried again has lost.
    pub(crate) fn claims_again(
        &self,
        tenant: &TenantName,
        run: RunId,
    ) -> Result<Vec<Change>, ControlError> {
        let cell = self.registry.get(&self.store, tenant, run)?;
        let held = cell.lock();
        match held.as_ref() {
            Some(run) => self.make_claims(run, now()).map(|(_, changes)| changes),
            None => Ok(Vec::new()),
        }
    }

    /// Marks those that a run has made, in the commit that ends it; [`Inner::reclaim`] comes after it.
    pub(crate) fn give_claims_up(&self, run: &Run) -> Result<Vec<Change>, ControlError> {
        let (id, tenant) = (run.head().id, &run.head().tenant);
        let mut claims = self.objects_of(tenant, ObjectKind::Claim, id)?;
        claims.retain(|claim| run.makes_claim(claim.name.as_str()));
        Ok(claims.into_iter().map(|c| self.mark(tenant, c)).collect())
    }

    /// Removes everything that goes with a run, in the commit that deletes it.
    pub(crate) fn give_objects_up(
        &self,
        tenant: &TenantName,
        run: RunId,
    ) -> Result<Vec<Change>, ControlError> {
        let claims = self.objects_of(tenant, ObjectKind::Claim, run)?;
        let mut changes: Vec<_> = claims.into_iter().map(|c| self.mark(tenant, c)).collect();
        for kind in [ObjectKind::ConfigMap, ObjectKind::Secret] {
            let objects = self.objects_of(tenant, kind, run)?.into_iter();
            changes.extend(objects.map(|o| Change::DeleteObject(tenant.clone(), kind, o.name)));
        }
        Ok(changes)
    }

    fn objects_of(
        &self,
        tenant: &TenantName,
        kind: ObjectKind,
        run: RunId,
    ) -> Result<Vec<StoredObject>, ControlError> {
        let mut objects = self.store.read(|snapshot| snapshot.objects(tenant, kind))?;
        objects.retain(|o| o.row.run == Some(run) && o.row.lease == Lease::Held);
        Ok(objects)
    }

    fn mark(&self, tenant: &TenantName, claim: StoredObject) -> Change {
        self.claims.mark((tenant.clone(), claim.name.clone()));
        ending(tenant, claim)
    }

    /// Goes on with claims that were marked before this program was started.
    pub(crate) fn take_up_claims(self: &Arc<Self>) -> Result<(), ControlError> {
        let marked = self.store.read(|snapshot| {
            let mut marked = Vec::new();
            for tenant in snapshot.tenants()?.into_iter().map(|tenant| tenant.name) {
                for claim in snapshot.objects(&tenant, ObjectKind::Claim)? {
                    if claim.row.lease == Lease::Ending {
                        marked.push((tenant.clone(), claim.name));
                    }
                }
            }
            Ok(marked)
        })?;
        for (tenant, name) in marked {
            self.claims.mark((tenant.clone(), name));
            self.reclaim(&tenant);
        }
        Ok(())
    }
}

fn row_of(document: &Document, tenant: &TenantName, run: RunId) -> ObjectRow {
    ObjectRow {
        created: now(),
        object: crate::apply::without_decided(document.raw.clone(), tenant),
        sealed: None,
        run: Some(run),
        lease: Lease::Held,
    }
}

/// The claim of a run has a name that is taken.
pub(crate) fn exists(name: &str) -> ControlError {
    ControlError::Request {
        code: "claim.exists",
        message: format!("persistentvolumeclaims \"{name}\" already exists"),
    }
}
