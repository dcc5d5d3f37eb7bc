//! ConfigMaps, Secrets and claims of a tenant: read, list, delete, and look a value up.

mod parameters;
mod provide;

use serde_json::{Value, json};
use steading_spec::model::{ConfigMap, Secret};
use steading_spec::objects::{self, Values};
use steading_spec::{Document, Fault, Object};
use steading_store::{Change, Lease, ObjectKind, ObjectRow, Require, StoredObject};
use steading_types::server_task::SecretKey;
use steading_types::{ObjectName, RunId, TenantName};
use zeroize::Zeroizing;

use crate::apply::Applied;
use crate::clock::now;
use crate::error::ControlError;
use crate::{Control, Inner};

pub(crate) use parameters::TenantValues;

impl Control {
    /// An object of a tenant.
    ///
    /// # Errors
    /// [`ControlError::NoObject`].
    pub fn object(
        &self,
        tenant: &TenantName,
        kind: ObjectKind,
        name: &str,
    ) -> Result<StoredObject, ControlError> {
        self.0
            .stored(tenant, kind, name)?
            .ok_or_else(|| missing(kind, name))
    }

    /// All objects of a kind of a tenant, by name.
    ///
    /// # Errors
    /// When they can not be read.
    pub fn objects(
        &self,
        tenant: &TenantName,
        kind: ObjectKind,
    ) -> Result<Vec<StoredObject>, ControlError> {
        Ok(self
            .0
            .store
            .read(|snapshot| snapshot.objects(tenant, kind))?)
    }

    /// Deletes an object. Attempts that have begun keep what they were given: a claim goes when the last of
    /// them has ended.
    ///
    /// # Errors
    /// [`ControlError::NoObject`].
    pub async fn delete_object(
        &self,
        tenant: &TenantName,
        kind: ObjectKind,
        name: &str,
    ) -> Result<(), ControlError> {
        let known = self.object(tenant, kind, name)?;
        if kind == ObjectKind::Claim {
            return self.0.end_claim(tenant, known).await;
        }
        self.put(
            Vec::new(),
            vec![Change::DeleteObject(tenant.clone(), kind, known.name)],
        )
        .await?;
        self.0.limits_changed(tenant);
        self.0.watched.changed(tenant, name);
        Ok(())
    }
}

impl Inner {
    pub(crate) fn stored(
        &self,
        tenant: &TenantName,
        kind: ObjectKind,
        name: &str,
    ) -> Result<Option<StoredObject>, ControlError> {
        let Ok(name) = name.parse::<ObjectName>() else {
            return Ok(None);
        };
        Ok(self
            .store
            .read(|snapshot| snapshot.object(tenant, kind, &name))?)
    }

    /// The values of a ConfigMap or Secret; nothing when there is none.
    pub(crate) fn values(
        &self,
        tenant: &TenantName,
        kind: ObjectKind,
        name: &str,
    ) -> Result<Option<Values>, ControlError> {
        let found = self.stored(tenant, kind, name)?;
        found
            .map(|found| self.values_of(tenant, &found))
            .transpose()
    }

    /// One value of a Secret.
    ///
    /// # Errors
    /// [`ControlError::NoObject`] and [`ControlError::NoKey`].
    pub(crate) fn secret(
        &self,
        tenant: &TenantName,
        wanted: &SecretKey,
    ) -> Result<Zeroizing<Vec<u8>>, ControlError> {
        let kind = ObjectKind::Secret;
        let values = self.values(tenant, kind, &wanted.name)?;
        let mut values = values.ok_or_else(|| missing(kind, &wanted.name))?;
        let value = values.remove(&wanted.key);
        value.ok_or_else(|| no_key(kind, &wanted.name, &wanted.key))
    }

    pub(crate) fn values_of(
        &self,
        tenant: &TenantName,
        found: &StoredObject,
    ) -> Result<Values, ControlError> {
        if found.kind == ObjectKind::Claim {
            return Ok(Values::new());
        }
        if let Some(sealed) = &found.row.sealed {
            return self.keyring.open(tenant, &found.name, sealed);
        }
        let map: ConfigMap = serde_json::from_value(found.row.object.clone())
            .map_err(|_| ControlError::Damaged(format!("'{}' is no ConfigMap", found.name)))?;
        objects::config_map(&map).map_err(ControlError::Invalid)
    }
}

/// A checked object, ready to be kept.
pub(crate) struct ObjectDraft {
    kind: ObjectKind,
    name: ObjectName,
    /// Everything but a Secret's values.
    object: Value,
    values: Values,
    /// The run that it goes with.
    run: Option<RunId>,
}

impl ObjectDraft {
    pub(crate) fn name(&self) -> &ObjectName {
        &self.name
    }

    /// It goes when the run is deleted.
    pub(crate) fn goes_with(&mut self, run: RunId) {
        self.run = Some(run);
    }

    /// What keeping it means, given what is there: requirements and changes.
    pub(crate) fn decide(
        self,
        inner: &Inner,
        tenant: &TenantName,
    ) -> Result<(Applied, Vec<Require>, Vec<Change>), ControlError> {
        let known = inner.stored(tenant, self.kind, self.name.as_str())?;
        let mut applied = Applied::Created;
        if let Some(known) = &known {
            let same = inner.values_of(tenant, known)? == self.values;
            if known.row.lease == Lease::Ending {
                return Err(ControlError::ClaimEnding(self.name));
            }
            if same && known.row.object == self.object {
                return Ok((Applied::Unchanged, Vec::new(), Vec::new()));
            }
            if !same && known.row.object.get("immutable") == Some(&Value::Bool(true)) {
                return Err(ControlError::Request {
                    code: "object.immutable",
                    message: format!("'{}' is immutable: delete it first", self.name),
                });
            }
            applied = Applied::Changed;
        }
        let sealed = match self.kind {
            ObjectKind::Secret => Some(inner.keyring.seal(tenant, &self.name, &self.values)?),
            ObjectKind::ConfigMap | ObjectKind::Claim => None,
        };
        let seen = known.as_ref().map(|known| known.version);
        let row = ObjectRow {
            created: known.as_ref().map_or_else(now, |known| known.row.created),
            object: self.object,
            sealed,
            run: known.map_or(self.run, |known| known.row.run),
            lease: Lease::Held,
        };
        let require = Require::ObjectIs(tenant.clone(), self.kind, self.name.clone(), seen);
        let change = Change::PutObject(tenant.clone(), self.kind, self.name, row);
        Ok((applied, vec![require], vec![change]))
    }
}

/// Checks an object.
///
/// # Errors
/// Every fault of it.
pub(crate) fn check(object: &Object) -> Result<Vec<Fault>, Vec<Fault>> {
    match object {
        Object::ConfigMap(map) => objects::config_map(map).map(|_| Vec::new()),
        Object::Secret(secret) => objects::secret(secret).map(|_| Vec::new()),
        Object::Claim(claim) => objects::claim(claim).map(|(_, warnings)| warnings),
        _ => Ok(Vec::new()),
    }
}

/// A checked document as a draft; nothing when it is of another kind.
pub(crate) fn draft(
    document: &Document,
    tenant: &TenantName,
) -> Result<Option<ObjectDraft>, ControlError> {
    let (kind, metadata, values) = match &document.object {
        Object::ConfigMap(map) => (
            ObjectKind::ConfigMap,
            &map.metadata,
            objects::config_map(map),
        ),
        Object::Secret(secret) => (
            ObjectKind::Secret,
            &secret.metadata,
            objects::secret(secret),
        ),
        Object::Claim(claim) => (
            ObjectKind::Claim,
            &claim.metadata,
            objects::claim(claim).map(|_| Values::new()),
        ),
        _ => return Ok(None),
    };
    let values = values.map_err(ControlError::Invalid)?;
    let name = named(&metadata.name)?;
    let mut object = crate::apply::without_decided(document.raw.clone(), tenant);
    if let (Object::Secret(secret), Some(fields)) = (&document.object, object.as_object_mut()) {
        fields.insert("type".to_owned(), json!(secret_type(secret)));
        let sizes = values
            .iter()
            .map(|(key, value)| (key.clone(), json!(value.len())));
        fields.insert("sizes".to_owned(), Value::Object(sizes.collect()));
    }
    Ok(Some(ObjectDraft {
        kind,
        name,
        object,
        values,
        run: None,
    }))
}

/// A name as a document gives it.
pub(crate) fn named(name: &str) -> Result<ObjectName, ControlError> {
    name.parse()
        .map_err(|error: steading_types::NameError| ControlError::Request {
            code: "object.name",
            message: error.to_string(),
        })
}

/// Kubernetes' default.
fn secret_type(secret: &Secret) -> &str {
    match secret.secret_type.as_str() {
        "" => "Opaque",
        other => other,
    }
}

pub(crate) fn missing(kind: ObjectKind, name: &str) -> ControlError {
    ControlError::NoObject {
        kind,
        name: name.chars().take(80).collect(),
    }
}

pub(crate) fn no_key(kind: ObjectKind, name: &str, key: &str) -> ControlError {
    let short = |text: &str| text.chars().take(80).collect();
    ControlError::NoKey {
        kind,
        name: short(name),
        key: short(key),
    }
}
