//! `s3`: a bucket of Amazon's or of whoever speaks like it.

use serde::Deserialize;

use super::{Secrets, Selector, pair, refused, unserved};
use crate::error::ArtifactError;
use crate::repository::{Addressing, Encryption, MissingBucket, S3, S3Credential};

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Words {
    endpoint: String,
    bucket: String,
    region: String,
    pub(super) key: String,
    pub(super) key_format: String,
    /// The older form of `keyFormat`.
    key_prefix: String,
    insecure: Option<bool>,
    access_key_secret: Option<Selector>,
    secret_key_secret: Option<Selector>,
    session_token_secret: Option<Selector>,
    ca_secret: Option<Selector>,
    #[serde(rename = "roleARN")]
    role_arn: String,
    #[serde(rename = "useSDKCreds")]
    use_sdk_creds: bool,
    create_bucket_if_not_present: Option<Create>,
    encryption_options: Option<Encrypt>,
    addressing_style: String,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, rename_all = "camelCase", deny_unknown_fields)]
struct Create {
    object_locking: bool,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, rename_all = "camelCase", deny_unknown_fields)]
struct Encrypt {
    enable_encryption: bool,
    kms_key_id: String,
    kms_encryption_context: String,
    server_side_customer_key_secret: Option<Selector>,
}

impl Words {
    pub(super) fn resolve(&self, secrets: &Secrets<'_>) -> Result<S3, ArtifactError> {
        let keys = pair(
            secrets.get(self.access_key_secret.as_ref())?,
            secrets.get(self.secret_key_secret.as_ref())?,
            "accessKeySecret and secretKeySecret",
        )?;
        let session = secrets.get(self.session_token_secret.as_ref())?;
        let authorities = secrets.text(self.ca_secret.as_ref())?;
        self.supported()?;
        Ok(S3 {
            endpoint: self.endpoint(),
            bucket: self.bucket.clone(),
            region: match self.region.as_str() {
                "" => "us-east-1".to_owned(),
                region => region.to_owned(),
            },
            addressing: match self.addressing_style.as_str() {
                "" | "auto-detect" | "path" => Addressing::Path,
                "virtual-hosted" => Addressing::Host,
                _ => {
                    return Err(refused(
                        "addressingStyle is path, virtual-hosted or auto-detect",
                    ));
                }
            },
            authorities,
            credential: match keys {
                Some((access, secret)) => S3Credential::Keys {
                    access,
                    secret,
                    session,
                },
                None => S3Credential::Anonymous,
            },
            encryption: self.encryption(),
            missing: match self.create_bucket_if_not_present {
                Some(_) => MissingBucket::Create,
                None => MissingBucket::Refuse,
            },
        })
    }

    fn supported(&self) -> Result<(), ArtifactError> {
        if self.bucket.is_empty() {
            return Err(refused("s3 names no bucket"));
        }
        if self.use_sdk_creds || !self.role_arn.is_empty() {
            let field = if self.use_sdk_creds {
                "s3.useSDKCreds"
            } else {
                "s3.roleARN"
            };
            return Err(unserved(field, "give accessKeySecret and secretKeySecret"));
        }
        if !self.key_prefix.is_empty() {
            return Err(unserved("s3.keyPrefix", "say keyFormat"));
        }
        if self
            .create_bucket_if_not_present
            .as_ref()
            .is_some_and(|create| create.object_locking)
        {
            return Err(unserved("objectLocking", "make the bucket beforehand"));
        }
        let customer = self.encryption_options.as_ref();
        if customer.is_some_and(|of| of.server_side_customer_key_secret.is_some()) {
            return Err(unserved(
                "serverSideCustomerKeySecret",
                "use a key of the key service",
            ));
        }
        Ok(())
    }

    /// `host:port` in Argo; with a scheme it is taken at its word. Amazon's own needs none.
    fn endpoint(&self) -> Option<String> {
        let text = self.endpoint.as_str();
        if text.is_empty() || text == "s3.amazonaws.com" {
            return None;
        }
        if text.contains("://") {
            return Some(text.to_owned());
        }
        let scheme = if self.insecure == Some(true) {
            "http"
        } else {
            "https"
        };
        Some(format!("{scheme}://{text}"))
    }

    fn encryption(&self) -> Encryption {
        let some = |text: &str| Some(text.to_owned()).filter(|text| !text.is_empty());
        match self
            .encryption_options
            .as_ref()
            .filter(|of| of.enable_encryption)
        {
            None => Encryption::Bucket,
            Some(of) if of.kms_key_id.is_empty() && of.kms_encryption_context.is_empty() => {
                Encryption::Store
            }
            Some(of) => Encryption::Kms {
                key: some(&of.kms_key_id),
                context: some(&of.kms_encryption_context).map(base64),
            },
        }
    }
}

/// Argo's context is the JSON itself; the store takes its base64.
fn base64(json: String) -> String {
    use base64::Engine;
    base64::engine::general_purpose::STANDARD.encode(json)
}
