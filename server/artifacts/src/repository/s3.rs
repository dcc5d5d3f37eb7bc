//! What a bucket is.

use crate::secret::Secret;

/// A bucket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct S3 {
    /// `http://minio:9000`, `https://s3.example.org`; none for Amazon's own in [`S3::region`].
    pub endpoint: Option<String>,
    /// The bucket's name.
    pub bucket: String,
    /// As requests are signed for; `us-east-1` where a store has none.
    pub region: String,
    /// Where the bucket's name stands.
    pub addressing: Addressing,
    /// Authorities in PEM that are trusted for this store.
    pub authorities: Option<String>,
    /// Who asks.
    pub credential: S3Credential,
    /// How the store encrypts what is put.
    pub encryption: Encryption,
    /// What to do when the bucket is not there.
    pub missing: MissingBucket,
}

/// Where the bucket's name stands in an address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Addressing {
    /// `https://host/bucket/key`: what every store understands.
    #[default]
    Path,
    /// `https://bucket.host/key`.
    Host,
}

/// Who asks an S3 store. There is no other source: no file, no environment, no metadata service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum S3Credential {
    /// A key pair, with the session token of a temporary one.
    Keys {
        /// The access key's id.
        access: Secret,
        /// The secret key.
        secret: Secret,
        /// The session token.
        session: Option<Secret>,
    },
    /// Nobody: public buckets.
    Anonymous,
}

/// How an S3 store encrypts at rest.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Encryption {
    /// As the bucket says.
    #[default]
    Bucket,
    /// With the store's own key (SSE-S3).
    Store,
    /// With a key of its key service (SSE-KMS).
    Kms {
        /// The key; none for the account's own.
        key: Option<String>,
        /// Base64 of a JSON object, as the store takes it.
        context: Option<String>,
    },
}

/// What to do when a bucket or a container is not there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum MissingBucket {
    /// Say so.
    #[default]
    Refuse,
    /// Make it at the first put.
    Create,
}

impl S3 {
    /// A bucket of Google's Cloud Storage, through its S3 interface with an HMAC key.
    pub fn google(bucket: impl Into<String>, access: Secret, secret: Secret) -> Self {
        Self {
            endpoint: Some("https://storage.googleapis.com".to_owned()),
            bucket: bucket.into(),
            region: "auto".to_owned(),
            addressing: Addressing::Path,
            authorities: None,
            credential: S3Credential::Keys {
                access,
                secret,
                session: None,
            },
            encryption: Encryption::Bucket,
            missing: MissingBucket::Refuse,
        }
    }
}
