//! The final pod of a template: `podSpecPatch` laid over it, and what may not be in it.
//!
//! A patch can say anything that a pod can. So what is looked at is the pod that comes out, not what the
//! template said.

mod patch;
mod policy;

use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::fault::{Code, Fault};
use crate::model::{
    ClaimVolume, ConfigMapVolume, PodSpec, ProjectedVolume, SecretVolume, SecurityContext, Volume,
};

pub use policy::{container_context, pod_context, refused};

/// A pod with a patch laid over it.
///
/// # Errors
/// A fault at `podSpecPatch`: the text is neither JSON nor YAML, or asks for what no merge does; or at a
/// field that a pod has not, or that means nothing here.
pub fn patched(pod: &PodSpec, patch: &str) -> Result<PodSpec, Fault> {
    let wrong = |message: String| Fault::new(Code::Value, "podSpecPatch", message);
    let limits = crate::Limits::default();
    let documents = crate::yaml::documents(patch.as_bytes(), &limits).map_err(|fault| {
        let message = format!("neither JSON nor YAML: {}", fault.message);
        wrong(message)
    })?;
    let mut documents = documents.into_iter().map(|(_, document)| document);
    let patch = match (documents.next(), documents.next()) {
        (Some(patch @ Value::Object(_)), None) => patch,
        (None | Some(Value::Null), None) => return Ok(pod.clone()),
        _ => return Err(wrong("a patch is one object".to_owned())),
    };
    let mut merged = serde_json::to_value(pod).map_err(|error| wrong(error.to_string()))?;
    patch::merge(&mut merged, patch, "").map_err(wrong)?;
    read(&merged, "podSpecPatch")
}

/// Reads a part of a pod; a field that nothing here knows is refused by its name.
///
/// # Errors
/// A fault with the path below `path`.
pub fn read<T: DeserializeOwned>(value: &Value, path: &str) -> Result<T, Fault> {
    let mut unknown = None;
    let read = serde_ignored::deserialize(value, |at| {
        unknown.get_or_insert_with(|| at.to_string());
    });
    match (read, unknown) {
        (Err(error), _) => Err(Fault::new(Code::Value, path, error.to_string())),
        (Ok(_), Some(field)) => {
            let message = format!("{field}: not supported by this version");
            Err(Fault::new(
                Code::Unsupported,
                format!("{path}.{field}"),
                message,
            ))
        }
        (Ok(read), None) => Ok(read),
    }
}

/// A security context; an absent one says nothing.
///
/// # Errors
/// As [`read`].
pub fn security(context: Option<&Value>, path: &str) -> Result<SecurityContext, Fault> {
    context.map_or_else(|| Ok(SecurityContext::default()), |value| read(value, path))
}

/// What a volume of the tenant's objects says that nothing here does.
pub fn volume(volume: &Volume) -> Vec<Fault> {
    let other = |name: &str| volume.other.get(name);
    let faults = [
        other("configMap").and_then(|v| read::<ConfigMapVolume>(v, "configMap").err()),
        other("secret").and_then(|v| read::<SecretVolume>(v, "secret").err()),
        other("projected").and_then(|v| read::<ProjectedVolume>(v, "projected").err()),
        other("persistentVolumeClaim")
            .and_then(|v| read::<ClaimVolume>(v, "persistentVolumeClaim").err()),
    ];
    faults.into_iter().flatten().collect()
}
