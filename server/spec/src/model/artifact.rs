//! Artifacts and where they lie.

use serde_json::Value;

use super::{Metadata, StringMap};
use crate::repository::key_field;

objects! {
    /// A named file or directory, going in or out.
    Artifact {
        name: String,
        path: String,
        from: String,
        from_expression: String,
        sub_path: String,
        global_name: String,
        mode: Option<i32>,
        recurse_mode: bool,
        optional: bool,
        deleted: bool,
        archive: Option<ArchiveStrategy>,
        archive_logs: Option<bool>,
        #[serde(rename = "artifactGC")]
        artifact_gc: Option<ArtifactGc>,
        artifactory: Option<Value>,
        azure: Option<Value>,
        gcs: Option<Value>,
        git: Option<GitArtifact>,
        hdfs: Option<Value>,
        http: Option<Value>,
        oss: Option<Value>,
        plugin: Option<Value>,
        raw: Option<RawArtifact>,
        s3: Option<S3Artifact>,
    }

    /// Where a template's artifacts go when they do not say.
    ArtifactLocation {
        archive_logs: Option<bool>,
        artifactory: Option<Value>,
        azure: Option<Value>,
        gcs: Option<Value>,
        git: Option<GitArtifact>,
        hdfs: Option<Value>,
        http: Option<Value>,
        oss: Option<Value>,
        plugin: Option<Value>,
        raw: Option<RawArtifact>,
        s3: Option<S3Artifact>,
    }

    /// How an artifact is packed: one of these, or tar with gzip.
    ArchiveStrategy {
        none: Option<Value>,
        tar: Option<TarStrategy>,
        zip: Option<Value>,
    }

    /// Tar with gzip.
    TarStrategy {
        compression_level: Option<i32>,
    }

    /// Text of an artifact, in the document itself.
    RawArtifact {
        data: String,
    }

    /// An object of an S3 store.
    S3Artifact {
        endpoint: String,
        bucket: String,
        region: String,
        key: String,
        insecure: Option<bool>,
        access_key_secret: Option<Value>,
        secret_key_secret: Option<Value>,
        session_token_secret: Option<Value>,
        ca_secret: Option<Value>,
        #[serde(rename = "roleARN")]
        role_arn: String,
        #[serde(rename = "useSDKCreds")]
        use_sdk_creds: bool,
        create_bucket_if_not_present: Option<Value>,
        encryption_options: Option<Value>,
        addressing_style: String,
    }

    /// A checkout of a git repository.
    GitArtifact {
        repo: String,
        revision: String,
        branch: String,
        depth: Option<u64>,
        fetch: Vec<String>,
        single_branch: bool,
        disable_submodules: bool,
        insecure_ignore_host_key: bool,
        #[serde(rename = "insecureSkipTLS")]
        insecure_skip_tls: bool,
        username_secret: Option<Value>,
        password_secret: Option<Value>,
        ssh_private_key_secret: Option<Value>,
    }

    /// When an artifact is deleted.
    ArtifactGc {
        strategy: String,
        service_account_name: String,
        pod_metadata: Option<Metadata>,
    }

    /// When a workflow's artifacts are deleted.
    WorkflowArtifactGc {
        strategy: String,
        service_account_name: String,
        pod_metadata: Option<Metadata>,
        pod_spec_patch: String,
        force_finalizer_removal: bool,
    }

    /// Which configured repository a workflow uses.
    ArtifactRepositoryRef {
        config_map: String,
        key: String,
    }

    /// Labels that are texts or expressions, put on the run.
    WorkflowMetadata {
        labels: StringMap,
        annotations: StringMap,
        labels_from: std::collections::BTreeMap<String, LabelValueFrom>,
    }

    /// An expression whose value becomes a label.
    LabelValueFrom {
        expression: String,
    }
}

impl Artifact {
    /// The store that the artifact names, and what it says of it; raw content is none.
    pub fn location(&self) -> Option<(&'static str, Value)> {
        // The types write themselves without fail.
        if let Some(s3) = &self.s3 {
            return Some(("s3", serde_json::to_value(s3).unwrap_or_default()));
        }
        if let Some(git) = &self.git {
            return Some(("git", serde_json::to_value(git).unwrap_or_default()));
        }
        let others = [
            ("artifactory", &self.artifactory),
            ("azure", &self.azure),
            ("gcs", &self.gcs),
            ("hdfs", &self.hdfs),
            ("http", &self.http),
            ("oss", &self.oss),
            ("plugin", &self.plugin),
        ];
        let mut others = others.into_iter();
        others.find_map(|(kind, value)| Some((kind, value.clone()?)))
    }
}

impl ArtifactLocation {
    /// The store that a template's artifacts go to, and what is said of it.
    pub fn store(&self) -> Option<(&'static str, Value)> {
        // The types write themselves without fail.
        let s3 = self.s3.as_ref();
        let s3 = s3.map(|s3| serde_json::to_value(s3).unwrap_or_default());
        let stores = [
            ("s3", s3),
            ("gcs", self.gcs.clone()),
            ("azure", self.azure.clone()),
        ];
        let mut stores = stores.into_iter();
        stores.find_map(|(kind, words)| Some((kind, words?)))
    }
}

/// Argo's key-only artifacts: the kind of store matters, and of what is said of it only the key.
const KEY_ONLY: [&str; 4] = ["s3", "gcs", "oss", "azure"];

/// The key of a location that names no store of its own and so means the run's repository.
pub fn key_of_own_repository<'v>(kind: &str, location: &'v Value) -> Option<&'v str> {
    let text = |field: &str| location.get(field).and_then(Value::as_str);
    let named = ["bucket", "container", "endpoint"]
        .into_iter()
        .any(|field| text(field).is_some_and(|value| !value.is_empty()));
    text(key_field(kind)).filter(|key| KEY_ONLY.contains(&kind) && !named && !key.is_empty())
}
