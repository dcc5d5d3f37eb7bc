//! Objects of a tenant beside workflows: what Kubernetes keeps under the same names.

use std::collections::BTreeMap;
use std::fmt;

use serde::Deserialize;
use serde_json::Value;
use zeroize::Zeroizing;

use super::{ObjectMeta, Resources, StringMap};

objects! {
    /// Kubernetes' ConfigMap.
    ConfigMap {
        api_version: String,
        kind: String,
        metadata: ObjectMeta,
        data: StringMap,
        /// Base64.
        binary_data: StringMap,
        immutable: Option<bool>,
    }

    /// Kubernetes' claim to storage; also an element of `volumeClaimTemplates`.
    PersistentVolumeClaim {
        api_version: String,
        kind: String,
        metadata: ObjectMeta,
        spec: PersistentVolumeClaimSpec,
        /// Written by servers, read by nobody here.
        status: Option<Value>,
    }

    /// What a claim asks for.
    PersistentVolumeClaimSpec {
        access_modes: Vec<String>,
        resources: Option<Resources>,
        storage_class_name: Option<String>,
        volume_mode: String,
        volume_name: String,
        volume_attributes_class_name: Option<String>,
        selector: Option<Value>,
        data_source: Option<Value>,
        data_source_ref: Option<Value>,
    }
}

/// Kubernetes' Secret. It can be read and not written: what a value becomes is decided where it is sealed.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
#[allow(missing_docs, reason = "the names are Kubernetes' own")]
pub struct Secret {
    pub api_version: String,
    pub kind: String,
    pub metadata: ObjectMeta,
    #[serde(rename = "type")]
    pub secret_type: String,
    /// Base64.
    pub data: BTreeMap<String, SecretText>,
    /// Plain; wins over `data`.
    pub string_data: BTreeMap<String, SecretText>,
    pub immutable: Option<bool>,
}

/// A value that is never shown and leaves no trace in memory.
#[derive(Clone, Default, PartialEq, Deserialize)]
#[serde(from = "String")]
pub struct SecretText(Zeroizing<String>);

impl SecretText {
    /// The value itself.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl From<String> for SecretText {
    fn from(text: String) -> Self {
        Self(Zeroizing::new(text))
    }
}

impl fmt::Debug for SecretText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretText(..)")
    }
}
