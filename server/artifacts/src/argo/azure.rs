//! `azure`: a container of Azure Blob storage.

use serde::Deserialize;

use super::{Secrets, Selector, refused, unserved};
use crate::error::ArtifactError;
use crate::repository::{AzureBlob, AzureCredential, MissingBucket};
use crate::secret::Secret;

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Words {
    endpoint: String,
    container: String,
    pub(super) blob: String,
    pub(super) blob_name_format: String,
    account_key_secret: Option<Selector>,
    #[serde(rename = "useSDKCreds")]
    use_sdk_creds: bool,
}

impl Words {
    pub(super) fn resolve(&self, secrets: &Secrets<'_>) -> Result<AzureBlob, ArtifactError> {
        let key = secrets.get(self.account_key_secret.as_ref())?;
        if self.use_sdk_creds {
            return Err(unserved("azure.useSDKCreds", "give accountKeySecret"));
        }
        if self.endpoint.is_empty() || self.container.is_empty() {
            return Err(refused("azure names no endpoint or no container"));
        }
        Ok(AzureBlob {
            endpoint: self.endpoint.clone(),
            container: self.container.clone(),
            authorities: None,
            credential: key.map_or(AzureCredential::Anonymous, credential),
            missing: MissingBucket::Refuse,
        })
    }
}

/// A key is base64 and has no `&`; a shared access signature is a query.
fn credential(secret: Secret) -> AzureCredential {
    let signature = secret.expose().contains("sig=");
    match signature {
        true => AzureCredential::Signature(secret),
        false => AzureCredential::Key(secret),
    }
}
