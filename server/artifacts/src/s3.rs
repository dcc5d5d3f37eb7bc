//! S3, Amazon's and everybody else's: Amazon's SDK over our own client. The only credential is the one that was
//! given; nothing is read from the environment, from files or from a metadata service.

mod client;
mod connector;
mod fault;
mod list;
mod read;
mod unfinished;
mod upload;

use std::error::Error;
use std::ops::Range;
use std::sync::Arc;

use aws_sdk_s3::Client;
use aws_sdk_s3::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_s3::types::{BucketLocationConstraint, CreateBucketConfiguration};
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;

use crate::digest::{Sha256, Stored};
use crate::error::ArtifactError;
use crate::key::Key;
use crate::network::Network;
use crate::parts::SINGLE;
use crate::ranged::patiently;
use crate::repository::{Encryption, MissingBucket, S3};
use crate::source::Source;
use crate::store::{ArtifactStore, Content, Entries, Later};

/// A bucket. Cheap to clone.
#[derive(Clone)]
pub struct S3Store {
    client: Client,
    described: Arc<S3>,
    name: Arc<str>,
    tries: u32,
}

impl S3Store {
    /// The bucket as described. Asks nothing of it yet.
    ///
    /// # Errors
    /// [`ArtifactError::Repository`], when the description makes no sense.
    pub fn open(described: &S3, network: &Network) -> Result<Self, ArtifactError> {
        let place = described.endpoint.as_deref().unwrap_or("Amazon S3");
        Ok(Self {
            client: client::open(described, network)?,
            name: format!("the bucket {} at {place}", described.bucket).into(),
            described: Arc::new(described.clone()),
            tries: network.patience().tries,
        })
    }

    fn bucket(&self) -> &str {
        &self.described.bucket
    }

    fn fault<E>(&self, key: &Key, error: SdkError<E, HttpResponse>) -> ArtifactError
    where
        E: Error + ProvideErrorMetadata + Send + Sync + 'static,
    {
        fault::translate(&self.name, key.as_str(), error)
    }

    fn damaged(&self, why: &str) -> ArtifactError {
        ArtifactError::damaged(&self.name, why)
    }

    async fn write(&self, key: &Key, source: &Source) -> Result<Stored, ArtifactError> {
        if source.size() > SINGLE {
            return upload::upload(self, key, source).await;
        }
        let bytes = source.part(0, usize::MAX).await?;
        let encryption = &self.described.encryption;
        patiently(self.tries, || async {
            let request = self.client.put_object();
            let request = request
                .bucket(self.bucket())
                .key(key.as_str())
                .set_server_side_encryption(encryption.kind())
                .set_ssekms_key_id(encryption.key())
                .set_ssekms_encryption_context(encryption.context())
                .body(ByteStream::from(bytes.clone()));
            request.send().await.map_err(|error| self.fault(key, error))
        })
        .await?;
        Ok(Stored {
            size: bytes.len() as u64,
            sha256: Sha256::of(&bytes),
        })
    }

    /// Makes the bucket. That somebody else was faster is as good.
    async fn create(&self) -> Result<(), ArtifactError> {
        // Amazon's first region is the only one that must not be named.
        let place = (self.described.endpoint.is_none() && self.described.region != "us-east-1")
            .then(|| BucketLocationConstraint::from(self.described.region.as_str()));
        let place = place.map(|place| {
            CreateBucketConfiguration::builder()
                .location_constraint(place)
                .build()
        });
        let request = self.client.create_bucket().bucket(self.bucket());
        match request.set_create_bucket_configuration(place).send().await {
            Ok(_) => Ok(()),
            Err(error) => match fault::code_of(&error) {
                Some("BucketAlreadyOwnedByYou" | "BucketAlreadyExists") => Ok(()),
                _ => Err(fault::translate(&self.name, self.bucket(), error)),
            },
        }
    }

    async fn remove(&self, key: &Key) -> Result<(), ArtifactError> {
        let request = self.client.delete_object();
        let request = request.bucket(self.bucket()).key(key.as_str());
        match request.send().await.map_err(|error| self.fault(key, error)) {
            Ok(_) | Err(ArtifactError::NotFound { .. }) => Ok(()),
            Err(error) => Err(error),
        }
    }
}

impl ArtifactStore for S3Store {
    fn put<'a>(&'a self, key: &'a Key, source: Source) -> Later<'a, Stored> {
        Box::pin(async move {
            match self.write(key, &source).await {
                Err(ArtifactError::NoRepository { .. })
                    if self.described.missing == MissingBucket::Create =>
                {
                    self.create().await?;
                    self.write(key, &source).await
                }
                answer => answer,
            }
        })
    }

    fn get<'a>(&'a self, key: &'a Key, range: Option<Range<u64>>) -> Later<'a, Content> {
        Box::pin(self.read(key, range))
    }

    fn stat<'a>(&'a self, key: &'a Key) -> Later<'a, u64> {
        Box::pin(async move { Ok(self.head(key).await?.size) })
    }

    fn list<'a>(&'a self, below: &'a Key) -> Entries<'a> {
        self.pages(below)
    }

    fn delete<'a>(&'a self, key: &'a Key) -> Later<'a, ()> {
        Box::pin(patiently(self.tries, move || self.remove(key)))
    }

    fn abandon<'a>(&'a self, key: &'a Key) -> Later<'a, ()> {
        Box::pin(unfinished::abandon(self, key))
    }
}

impl Encryption {
    fn kind(&self) -> Option<aws_sdk_s3::types::ServerSideEncryption> {
        use aws_sdk_s3::types::ServerSideEncryption;
        match self {
            Self::Bucket => None,
            Self::Store => Some(ServerSideEncryption::Aes256),
            Self::Kms { .. } => Some(ServerSideEncryption::AwsKms),
        }
    }

    fn key(&self) -> Option<String> {
        match self {
            Self::Kms { key, .. } => key.clone(),
            _ => None,
        }
    }

    fn context(&self) -> Option<String> {
        match self {
            Self::Kms { context, .. } => context.clone(),
            _ => None,
        }
    }
}
