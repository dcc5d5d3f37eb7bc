//! `gcs`: a bucket of Google's Cloud Storage, through its S3 interface. That takes an HMAC key; the Secret holds it
//! as `gcloud storage hmac create --format=json` prints it.

use serde::Deserialize;

use super::{Secrets, Selector, refused};
use crate::error::ArtifactError;
use crate::repository::S3;
use crate::secret::Secret;

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Words {
    bucket: String,
    pub(super) key: String,
    pub(super) key_format: String,
    service_account_key_secret: Option<Selector>,
}

#[derive(Deserialize)]
struct HmacKey {
    metadata: Metadata,
    secret: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Metadata {
    access_id: String,
}

impl Words {
    pub(super) fn resolve(&self, secrets: &Secrets<'_>) -> Result<S3, ArtifactError> {
        let secret = secrets.get(self.service_account_key_secret.as_ref())?;
        let secret = secret.ok_or_else(|| refused("gcs needs serviceAccountKeySecret"))?;
        let key: HmacKey = serde_json::from_str(secret.expose()).map_err(|_| {
            refused(
                "gcs is reached through its S3 interface: serviceAccountKeySecret must hold an HMAC key as \
                 `gcloud storage hmac create --format=json` prints it, not the account's private key",
            )
        })?;
        let (access, secret) = (Secret::new(key.metadata.access_id), Secret::new(key.secret));
        Ok(S3::google(&self.bucket, access, secret))
    }
}
