//! Where a run keeps its artifacts when it does not use the site's own repository: an entry of a ConfigMap in
//! Argo's words (`artifact-repositories`). Its Secrets stand there by name.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use crate::fault::{Code, Fault};
use crate::yaml::{Limits, documents};

/// The ConfigMap that is meant when none is named.
pub const USUAL_MAP: &str = "artifact-repositories";
/// The annotation of such a ConfigMap that says which entry is meant when none is named.
pub const USUAL_KEY: &str = "workflows.argoproj.io/default-artifact-repository";
/// Keys in a repository that does not say (Argo's figure).
const KEY_FORMAT: &str = "{{workflow.name}}/{{pod.name}}";
/// What says how keys are made, and not where an object lies.
const ABOUT_KEYS: [&str; 3] = ["keyFormat", "keyPrefix", "blobNameFormat"];

/// A store, and how keys are made in it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ArtifactRepository {
    /// `s3`, `gcs`, `azure`.
    kind: String,
    words: Map<String, Value>,
}

impl ArtifactRepository {
    /// Reads an entry: YAML such as `s3: {bucket: …}`.
    ///
    /// # Errors
    /// A fault, when it is no such thing.
    pub fn read(text: &str) -> Result<Self, Fault> {
        let wrong = |message: &str| Fault::new(Code::Value, "spec.artifactRepositoryRef", message);
        let mut all = documents(text.as_bytes(), &Limits::default())?.into_iter();
        let stores = match (all.next(), all.next()) {
            (Some((_, Value::Object(mut fields))), None) => {
                // Logs are kept in any case.
                fields.remove("archiveLogs");
                fields
            }
            _ => {
                return Err(wrong(
                    "the entry of the ConfigMap is no artifact repository",
                ));
            }
        };
        let mut stores = stores.into_iter();
        match (stores.next(), stores.next()) {
            (Some((kind, Value::Object(words))), None)
                if ["s3", "gcs", "azure"].contains(&kind.as_str()) =>
            {
                Ok(Self { kind, words })
            }
            (Some((kind, _)), None) => {
                let message = format!("repositories of the kind {kind} are not supported");
                Err(wrong(&message).with_fix("use s3, gcs or azure"))
            }
            _ => Err(wrong("an artifact repository names one store")),
        }
    }

    /// How the keys of artifacts that name none begin, with Argo's variables in it.
    pub fn key_format(&self) -> String {
        let text = |field: &str| {
            let text = self.words.get(field).and_then(Value::as_str);
            text.filter(|text| !text.is_empty())
        };
        match (
            text("keyFormat").or(text("blobNameFormat")),
            text("keyPrefix"),
        ) {
            (Some(format), _) => format.to_owned(),
            (None, Some(prefix)) => format!("{prefix}/{KEY_FORMAT}"),
            (None, None) => KEY_FORMAT.to_owned(),
        }
    }

    /// An object of this key, as an artifact names it.
    pub fn object(&self, key: &str) -> Value {
        let mut words = self.words.clone();
        for field in ABOUT_KEYS {
            words.remove(field);
        }
        words.insert(key_field(&self.kind).to_owned(), key.into());
        json!({ self.kind.as_str(): words })
    }
}

/// What the key of an object is called in Argo's words for a store; nothing for one without keys.
pub fn key_field(kind: &str) -> &'static str {
    match kind {
        "azure" => "blob",
        _ => "key",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_says_where_objects_lie_and_how_keys_begin() {
        let text = "archiveLogs: true\ns3: {bucket: b, endpoint: minio:9000, insecure: true,\n  keyFormat: 'runs/{{workflow.name}}', accessKeySecret: {name: s, key: a}}";
        let repository = ArtifactRepository::read(text).unwrap();
        assert_eq!(repository.key_format(), "runs/{{workflow.name}}");
        let object = repository.object("runs/x/out.tgz");
        assert_eq!(object["s3"]["key"], "runs/x/out.tgz");
        assert_eq!(object["s3"]["accessKeySecret"]["name"], "s");
        assert_eq!(object["s3"].get("keyFormat"), None);
        let azure = ArtifactRepository::read("azure: {container: c}").unwrap();
        assert_eq!(azure.key_format(), KEY_FORMAT);
        assert_eq!(azure.object("a")["azure"]["blob"], "a");
        let prefixed = ArtifactRepository::read("s3: {bucket: b, keyPrefix: old}").unwrap();
        assert_eq!(prefixed.key_format(), format!("old/{KEY_FORMAT}"));
    }

    #[test]
    fn what_is_no_repository_is_one_clear_fault() {
        for text in [
            "",
            "5",
            "s3: x",
            "s3: {}\ngcs: {}",
            "hdfs: {}",
            "archiveLogs: true",
            "[a",
        ] {
            let fault = ArtifactRepository::read(text).unwrap_err();
            assert!(!fault.message.is_empty(), "{text}");
        }
    }
}
