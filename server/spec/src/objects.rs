//! The rules of ConfigMaps, Secrets and claims. They are Kubernetes', because people bring their files.
//! No sentence repeats a value: it may be a secret's.

use std::collections::BTreeMap;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use steading_types::{MemoryBytes, ObjectName};
use zeroize::Zeroizing;

use crate::fault::{Code, Fault};
use crate::model::{ConfigMap, ObjectMeta, PersistentVolumeClaim, Secret};

/// Bytes of all values of a ConfigMap or Secret together (Kubernetes' figure).
pub const DATA_LIMIT: usize = 1024 * 1024;
/// Characters of a key.
const KEY_LIMIT: usize = 253;
/// `kubectl apply` writes the whole object into this annotation, a Secret's values as well.
pub(crate) const LAST_APPLIED: &str = "kubectl.kubernetes.io/last-applied-configuration";

/// Values by their keys.
pub type Values = BTreeMap<String, Zeroizing<Vec<u8>>>;

/// How a claim may be mounted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// Read and written.
    ReadWrite,
    /// Only read.
    ReadOnly,
}

/// What a claim asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ClaimTerms {
    /// Its quota.
    pub size: MemoryBytes,
    /// How tasks may mount it.
    pub access: Access,
}

/// The values of a ConfigMap.
///
/// # Errors
/// Every fault of it.
pub fn config_map(map: &ConfigMap) -> Result<Values, Vec<Fault>> {
    let mut faults = object_name(&map.metadata);
    let mut values = Values::new();
    for (key, text) in &map.data {
        values.insert(key.clone(), Zeroizing::new(text.clone().into_bytes()));
    }
    for (key, text) in &map.binary_data {
        let at = format!("binaryData.{}", short(key));
        if let Some(bytes) = decoded(text, &at, &mut faults)
            && values.insert(key.clone(), bytes).is_some()
        {
            let message = "the key stands in data too";
            faults.push(Fault::new(Code::Value, at, message));
        }
    }
    whole(values, faults)
}

/// The values of a Secret.
///
/// # Errors
/// Every fault of it.
pub fn secret(secret: &Secret) -> Result<Values, Vec<Fault>> {
    let mut faults = object_name(&secret.metadata);
    let mut values = Values::new();
    for (key, text) in &secret.data {
        let at = format!("data.{}", short(key));
        if let Some(bytes) = decoded(text.expose(), &at, &mut faults) {
            values.insert(key.clone(), bytes);
        }
    }
    for (key, text) in &secret.string_data {
        let bytes = Zeroizing::new(text.expose().as_bytes().to_vec());
        values.insert(key.clone(), bytes);
    }
    whole(values, faults)
}

/// The terms of a claim and the warnings.
///
/// # Errors
/// Every fault of it, and what this version does not provide.
pub fn claim(claim: &PersistentVolumeClaim) -> Result<(ClaimTerms, Vec<Fault>), Vec<Fault>> {
    let mut faults = object_name(&claim.metadata);
    let spec = &claim.spec;
    let unsupported = [
        (
            !matches!(spec.volume_mode.as_str(), "" | "Filesystem"),
            "volumeMode",
            "block volumes",
        ),
        (
            !spec.volume_name.is_empty(),
            "volumeName",
            "claims to a certain volume",
        ),
        (
            spec.selector.is_some(),
            "selector",
            "claims to a certain volume",
        ),
        (
            spec.data_source.is_some(),
            "dataSource",
            "claims with content",
        ),
        (
            spec.data_source_ref.is_some(),
            "dataSourceRef",
            "claims with content",
        ),
    ];
    for (_, field, what) in unsupported.into_iter().filter(|(there, ..)| *there) {
        let message = format!("{what}: not supported by this version");
        faults.push(Fault::new(
            Code::Unsupported,
            format!("spec.{field}"),
            message,
        ));
    }
    let access = access(&spec.access_modes).map_err(|fault| faults.push(fault));
    let size = size(claim).map_err(|fault| faults.push(fault));
    let (true, Ok(access), Ok(size)) = (faults.is_empty(), access, size) else {
        return Err(faults);
    };
    let without_effect = [
        (spec.storage_class_name.is_some(), "storageClassName"),
        (
            spec.volume_attributes_class_name.is_some(),
            "volumeAttributesClassName",
        ),
    ];
    let warnings = without_effect.into_iter().filter(|(there, _)| *there);
    let warnings = warnings.map(|(_, field)| {
        let message = format!("{field} has no effect here");
        Fault::new(Code::NoEffect, format!("spec.{field}"), message)
    });
    Ok((ClaimTerms { size, access }, warnings.collect()))
}

/// The warnings of a claim that is made for each run. What is filled in is looked at when it is made.
///
/// # Errors
/// As [`claim`].
pub(crate) fn claim_of_run(template: &PersistentVolumeClaim) -> Result<Vec<Fault>, Vec<Fault>> {
    let tags = |spec: String| spec.contains("{{");
    if serde_json::to_string(&template.spec).is_ok_and(tags) {
        return Ok(Vec::new());
    }
    claim(template).map(|(_, warnings)| warnings)
}

fn access(modes: &[String]) -> Result<Access, Fault> {
    let fault = |code, message: String| Err(Fault::new(code, "spec.accessModes", message));
    let mut access = Access::ReadOnly;
    for mode in modes {
        match mode.as_str() {
            // All nodes of a tenant are on this host, so once is many.
            "ReadWriteOnce" | "ReadWriteMany" => access = Access::ReadWrite,
            "ReadOnlyMany" => {}
            "ReadWriteOncePod" => {
                let message = "claims for one node at a time: not supported by this version";
                return fault(Code::Unsupported, message.to_owned());
            }
            other => return fault(Code::Value, format!("'{}' is no access mode", short(other))),
        }
    }
    if modes.is_empty() {
        return fault(
            Code::Value,
            "at least one access mode is required".to_owned(),
        );
    }
    Ok(access)
}

fn size(claim: &PersistentVolumeClaim) -> Result<MemoryBytes, Fault> {
    let at = "spec.resources.requests.storage";
    let asked = claim.spec.resources.as_ref();
    let asked = asked.and_then(|resources| resources.requests.get("storage"));
    let text = asked.ok_or_else(|| Fault::new(Code::Value, at, "the size is required"))?;
    let size = MemoryBytes::parse(text);
    let size = size.map_err(|error| Fault::new(Code::Value, at, error.to_string()))?;
    if size.0 == 0 {
        return Err(Fault::new(
            Code::Value,
            at,
            "the size must be greater than zero",
        ));
    }
    Ok(size)
}

fn whole(values: Values, mut faults: Vec<Fault>) -> Result<Values, Vec<Fault>> {
    for key in values.keys().filter(|key| !is_key(key)) {
        let message = format!(
            "'{}' is not a key: use at most {KEY_LIMIT} letters, digits, '-', '_' and '.'",
            short(key)
        );
        faults.push(Fault::new(Code::Name, "data", message));
    }
    let bytes = values
        .values()
        .fold(0usize, |sum, value| sum.saturating_add(value.len()));
    if bytes > DATA_LIMIT {
        let message = format!("the values have {bytes} bytes; at most {DATA_LIMIT} are kept");
        faults.push(Fault::new(Code::TooLarge, "data", message));
    }
    if faults.is_empty() {
        Ok(values)
    } else {
        Err(faults)
    }
}

/// Kubernetes' rule: a file of that name can be made in a volume.
fn is_key(key: &str) -> bool {
    let letters = |c: u8| c.is_ascii_alphanumeric() || matches!(c, b'-' | b'_' | b'.');
    (1..=KEY_LIMIT).contains(&key.len())
        && key.bytes().all(letters)
        && key != "."
        && !key.starts_with("..")
}

fn decoded(text: &str, at: &str, faults: &mut Vec<Fault>) -> Option<Zeroizing<Vec<u8>>> {
    // kubectl and YAML's folding leave line breaks.
    let compact: Zeroizing<String> =
        Zeroizing::new(text.chars().filter(|c| !c.is_ascii_whitespace()).collect());
    let bytes = STANDARD.decode(compact.as_bytes()).map(Zeroizing::new);
    if bytes.is_err() {
        faults.push(
            Fault::new(Code::Value, at, "the value is not base64")
                .with_fix("write plain text in stringData (Secret) or data (ConfigMap)"),
        );
    }
    bytes.ok()
}

fn object_name(metadata: &ObjectMeta) -> Vec<Fault> {
    let name = metadata.name.parse::<ObjectName>();
    let fault = name
        .err()
        .map(|error| Fault::new(Code::Name, "metadata.name", error.to_string()));
    fault.into_iter().collect()
}

fn short(text: &str) -> String {
    text.chars().take(80).collect()
}

#[cfg(test)]
mod tests;
