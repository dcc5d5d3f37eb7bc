//! ConfigMaps, Secrets and claims as targets of `resource` templates.

use std::sync::Arc;

use serde_json::{Value, json};
use steading_spec::resource::ResourceKind;
use steading_spec::{Document, Limits, Mode, Object};
use steading_store::{Conflict, ObjectKind, StoreError, StoredObject};
use steading_types::server_task::{Ownership, ResourceAction, ResourceTask};
use steading_types::{AttemptId, TenantName};

use super::runs::{MADE_BY, drawn};
use super::target::{Target, member, merge, name_of, set_annotation, set_metadata};
use super::{failed, made_by};
use crate::error::ControlError;
use crate::objects::{draft, missing};
use crate::served::Outcome;
use crate::view::time;
use crate::{Control, Inner};

/// How the store calls a kind, where it keeps it as an object.
pub(super) fn kind(kind: ResourceKind) -> Option<ObjectKind> {
    match kind {
        ResourceKind::ConfigMap => Some(ObjectKind::ConfigMap),
        ResourceKind::Secret => Some(ObjectKind::Secret),
        ResourceKind::Claim => Some(ObjectKind::Claim),
        _ => None,
    }
}

/// An object as conditions and outputs see it: a Secret without its values.
pub(super) fn shown(stored: StoredObject) -> Value {
    let mut object = stored.row.object;
    let version = json!(stored.version.to_string());
    set_metadata(&mut object, "resourceVersion", version);
    set_metadata(&mut object, "creationTimestamp", time(stored.row.created));
    object
}

impl Inner {
    /// Does it; answers the object's name, unless it is gone now.
    pub(super) async fn act_on_object(
        self: &Arc<Self>,
        tenant: &TenantName,
        attempt: AttemptId,
        task: &ResourceTask,
        target: Target,
    ) -> Result<Option<String>, Outcome> {
        let Target { kind, mut document } = target;
        let plural = kind.plural();
        let kind = self::kind(kind).ok_or_else(|| Outcome::declined("no object of the tenant"))?;
        if name_of(&document.raw).is_empty() {
            let prefix = member(&document.raw, "generateName");
            rename(&mut document, &drawn(&prefix, attempt, 0));
        }
        let name = name_of(&document.raw);
        let control = Control(Arc::clone(self));
        let known = self.stored(tenant, kind, &name).map_err(failed)?;
        let document = match (task.action, known) {
            (ResourceAction::Get, _) => return Ok(Some(name)),
            (ResourceAction::Delete, None) => return Ok(None),
            (ResourceAction::Delete, Some(_)) => {
                let gone = control.delete_object(tenant, kind, &name).await;
                return gone.map_err(failed).map(|()| None);
            }
            (ResourceAction::Create, Some(known)) if made_by(&known.row.object, attempt) => {
                return Ok(Some(name));
            }
            (ResourceAction::Create, Some(_)) => return Err(exists(plural, &name)),
            (ResourceAction::Create, None) => {
                set_annotation(&mut document.raw, MADE_BY, &attempt.to_string());
                document
            }
            (ResourceAction::Apply, _) | (ResourceAction::Replace, Some(_)) => document,
            (ResourceAction::Replace | ResourceAction::Patch, None) => {
                return Err(failed(missing(kind, &name)));
            }
            (ResourceAction::Patch, Some(known)) => {
                let mut object = known.row.object;
                merge(&mut object, &document.raw);
                let patched =
                    steading_spec::from_json(object, None, Mode::Strict, &Limits::default());
                patched.map_err(ControlError::Invalid).map_err(failed)?
            }
        };
        let drafted = draft(&document, tenant).map_err(failed)?;
        let mut drafted = drafted.ok_or_else(|| Outcome::declined("no object of the tenant"))?;
        if task.owner == Ownership::Run {
            drafted.goes_with(attempt.run);
        }
        let (_, requires, changes) = drafted.decide(self, tenant).map_err(failed)?;
        if changes.is_empty() {
            return Ok(Some(name));
        }
        match control.put(requires, changes).await {
            Ok(()) => {
                self.limits_changed(tenant);
                self.watched.changed(tenant, &name);
                Ok(Some(name))
            }
            Err(ControlError::Store(StoreError::Conflict(Conflict::ObjectChanged { .. })))
                if task.action == ResourceAction::Create =>
            {
                Err(exists(plural, &name))
            }
            Err(error) => Err(failed(error)),
        }
    }
}

fn exists(plural: &str, name: &str) -> Outcome {
    Outcome::declined(format!("{plural} \"{name}\" already exists"))
}

fn rename(document: &mut Document, name: &str) {
    set_metadata(&mut document.raw, "name", json!(name));
    let metadata = match &mut document.object {
        Object::ConfigMap(map) => &mut map.metadata,
        Object::Secret(secret) => &mut secret.metadata,
        Object::Claim(claim) => &mut claim.metadata,
        _ => return,
    };
    name.clone_into(&mut metadata.name);
}
