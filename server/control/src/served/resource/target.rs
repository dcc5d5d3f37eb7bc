//! Manifests: which object of which kind is meant, and parts of its metadata.

use serde_json::{Value, json};
use steading_spec::resource::{ResourceKind, kind_of_manifest};
use steading_spec::{Document, Limits, Mode};
use steading_types::TenantName;
use steading_types::server_task::{ResourceAction, ResourceTask};

use super::failed;
use crate::error::ControlError;
use crate::served::Outcome;

/// An object as a manifest names it.
pub(super) struct Target {
    pub(super) kind: ResourceKind,
    pub(super) document: Document,
}

/// Reads the manifest, and refuses what is none of this tenant's.
pub(super) fn target(tenant: &TenantName, task: &ResourceTask) -> Result<Target, Outcome> {
    let wrong = |message: String| Outcome::failed("resource.manifest", message);
    let kind = kind_of_manifest(&task.manifest).map_err(wrong)?;
    let kind = kind.ok_or_else(|| wrong("the manifest does not say its kind".to_owned()))?;
    kind.takes(task.action)
        .map_err(|message| Outcome::failed("resource.action", message))?;
    let documents =
        steading_spec::parse(task.manifest.as_bytes(), Mode::Strict, &Limits::default());
    let documents = documents.map_err(ControlError::Invalid).map_err(failed)?;
    let mut documents = documents.into_iter();
    let (Some(document), None) = (documents.next(), documents.next()) else {
        return Err(wrong("the manifest must hold one object".to_owned()));
    };
    let namespace = member(&document.raw, "namespace");
    if !matches!(namespace.as_str(), "" | "default") && namespace != tenant.namespace() {
        let message = format!(
            "the manifest names the namespace '{namespace}'; a run acts in its own, {}",
            tenant.namespace()
        );
        return Err(Outcome::failed("resource.namespace", message));
    }
    let named = !name_of(&document.raw).is_empty();
    let generated =
        task.action == ResourceAction::Create && !member(&document.raw, "generateName").is_empty();
    if !(named || generated) {
        return Err(wrong("metadata.name is required".to_owned()));
    }
    Ok(Target { kind, document })
}

pub(super) fn name_of(object: &Value) -> String {
    member(object, "name")
}

/// A text of the object's metadata; empty when there is none.
pub(super) fn member(object: &Value, field: &str) -> String {
    let text = object.get("metadata").and_then(|m| m.get(field));
    text.and_then(Value::as_str).unwrap_or_default().to_owned()
}

pub(super) fn set_metadata(object: &mut Value, field: &str, value: Value) {
    if let Some(metadata) = object.get_mut("metadata").and_then(Value::as_object_mut) {
        metadata.insert(field.to_owned(), value);
    }
}

pub(super) fn set_annotation(object: &mut Value, name: &str, value: &str) {
    let annotations = object.pointer("/metadata/annotations").cloned();
    let mut annotations = match annotations {
        Some(Value::Object(annotations)) => annotations,
        _ => serde_json::Map::new(),
    };
    annotations.insert(name.to_owned(), json!(value));
    set_metadata(object, "annotations", Value::Object(annotations));
}

/// RFC 7396: lays a patch over an object.
pub(super) fn merge(object: &mut Value, patch: &Value) {
    let Value::Object(patch) = patch else {
        *object = patch.clone();
        return;
    };
    if !object.is_object() {
        *object = json!({});
    }
    let Value::Object(fields) = object else {
        return;
    };
    for (name, value) in patch {
        if value.is_null() {
            fields.remove(name);
        } else {
            merge(fields.entry(name.clone()).or_insert(Value::Null), value);
        }
    }
}
