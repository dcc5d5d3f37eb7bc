//! Templates that the server carries out itself, without a container: `http`, `data`, `resource`.

use super::Artifact;

objects! {
    /// Something done to an object of the tenant.
    ResourceTemplate {
        action: String,
        /// The object, as YAML or JSON.
        manifest: String,
        manifest_from: Option<ManifestFrom>,
        merge_strategy: String,
        set_owner_reference: bool,
        success_condition: String,
        failure_condition: String,
        flags: Vec<String>,
    }

    /// An artifact that holds the object.
    ManifestFrom {
        artifact: Option<Artifact>,
    }

    /// A request that the server makes.
    Http {
        url: String,
        method: String,
        headers: Vec<HttpHeader>,
        body: String,
        body_from: Option<HttpBodySource>,
        timeout_seconds: Option<i64>,
        success_condition: String,
        insecure_skip_verify: bool,
    }

    /// A header of a request.
    HttpHeader {
        name: String,
        value: String,
        value_from: Option<HttpHeaderSource>,
    }

    /// Where a header's value comes from.
    HttpHeaderSource {
        secret_key_ref: Option<SecretKeyRef>,
    }

    /// A key of a Secret.
    SecretKeyRef {
        name: String,
        key: String,
        optional: Option<bool>,
    }

    /// A body that is no text.
    HttpBodySource {
        /// Base64.
        bytes: String,
    }

    /// A list of artifacts, transformed.
    Data {
        source: Option<DataSource>,
        transformation: Vec<TransformationStep>,
    }

    /// What a `data` template begins with.
    DataSource {
        /// The place whose keys are listed.
        artifact_paths: Option<Artifact>,
    }

    /// An expression over `data`.
    TransformationStep {
        expression: String,
    }
}
