//! Azure Blob storage: Microsoft's SDK over our own client. The SDK knows no account keys, so requests are signed,
//! or given their shared access signature, where they leave (`wire`); it asks no identity service.

mod fault;
mod list;
mod read;
mod sign;
mod upload;
mod wire;

use std::num::NonZero;
use std::ops::Range;
use std::sync::Arc;

use azure_core::http::{ClientOptions, RequestContent, RetryOptions, Transport};
use azure_storage_blob::clients::{
    BlobClient, BlobClientOptions, BlobContainerClient, BlobContainerClientOptions,
};
use azure_storage_blob::models::BlockBlobClientUploadOptions;
use reqwest::Url;

use crate::digest::{Sha256, Stored};
use crate::error::ArtifactError;
use crate::key::Key;
use crate::network::Network;
use crate::parts::SINGLE;
use crate::ranged::patiently;
use crate::repository::{AzureBlob, MissingBucket, endpoint};
use crate::source::Source;
use crate::store::{ArtifactStore, Content, Entries, Later};

/// A container. Cheap to clone.
#[derive(Clone)]
pub struct AzureStore {
    container: Url,
    options: ClientOptions,
    name: Arc<str>,
    missing: MissingBucket,
    tries: u32,
}

impl AzureStore {
    /// The container as described. Asks nothing of it yet.
    ///
    /// # Errors
    /// [`ArtifactError::Repository`], when the description makes no sense.
    pub fn open(described: &AzureBlob, network: &Network) -> Result<Self, ArtifactError> {
        let mut container = endpoint(&described.endpoint)?;
        let credential = sign::Credential::of(described, &container)?;
        if let Ok(mut path) = container.path_segments_mut() {
            path.pop_if_empty().push(&described.container);
        }
        let client = network.client(described.authorities.as_deref(), None)?;
        let options = ClientOptions {
            // Waiting and trying again are ours.
            retry: RetryOptions::none(),
            transport: Some(Transport::new(wire::client(client, credential))),
            ..ClientOptions::default()
        };
        let (name, place) = (&described.container, &described.endpoint);
        Ok(Self {
            container,
            options,
            name: format!("the container {name} at {place}").into(),
            missing: described.missing,
            tries: network.patience().tries,
        })
    }

    fn blob(&self, key: &Key) -> Result<BlobClient, ArtifactError> {
        let mut url = self.container.clone();
        if let Ok(mut path) = url.path_segments_mut() {
            path.extend(key.as_str().split('/'));
        }
        let options = BlobClientOptions {
            client_options: self.options.clone(),
            ..BlobClientOptions::default()
        };
        BlobClient::new(url, None, Some(options)).map_err(|error| self.fault(key, error))
    }

    fn directory(&self, below: &Key) -> Result<BlobContainerClient, ArtifactError> {
        let options = BlobContainerClientOptions {
            client_options: self.options.clone(),
            ..BlobContainerClientOptions::default()
        };
        BlobContainerClient::new(self.container.clone(), None, Some(options))
            .map_err(|error| self.fault(below, error))
    }

    fn fault(&self, key: &Key, error: azure_core::Error) -> ArtifactError {
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
        let blob = self.blob(key)?.block_blob_client();
        patiently(self.tries, || async {
            let options = BlockBlobClientUploadOptions {
                parallel: NonZero::new(1),
                partition_size: NonZero::new(SINGLE),
                ..BlockBlobClientUploadOptions::default()
            };
            let content = RequestContent::from(bytes.to_vec());
            let answer = blob.upload(content, Some(options)).await;
            answer.map_err(|error| self.fault(key, error))
        })
        .await?;
        Ok(Stored {
            size: bytes.len() as u64,
            sha256: Sha256::of(&bytes),
        })
    }

    /// Makes the container. That somebody else was faster is as good.
    async fn create(&self, key: &Key) -> Result<(), ArtifactError> {
        match self.directory(key)?.create(None).await {
            Ok(_) => Ok(()),
            Err(error) if error.http_status().map(u16::from) == Some(409) => Ok(()),
            Err(error) => Err(self.fault(key, error)),
        }
    }

    async fn remove(&self, key: &Key) -> Result<(), ArtifactError> {
        let removed = self.blob(key)?.delete(None).await;
        match removed.map_err(|error| self.fault(key, error)) {
            Ok(_) | Err(ArtifactError::NotFound { .. }) => Ok(()),
            Err(error) => Err(error),
        }
    }
}

impl ArtifactStore for AzureStore {
    fn put<'a>(&'a self, key: &'a Key, source: Source) -> Later<'a, Stored> {
        Box::pin(async move {
            match self.write(key, &source).await {
                Err(ArtifactError::NoRepository { .. })
                    if self.missing == MissingBucket::Create =>
                {
                    self.create(key).await?;
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
        Box::pin(patiently(self.tries, || self.size(key)))
    }

    fn list<'a>(&'a self, below: &'a Key) -> Entries<'a> {
        self.pages(below)
    }

    fn delete<'a>(&'a self, key: &'a Key) -> Later<'a, ()> {
        Box::pin(patiently(self.tries, move || self.remove(key)))
    }
    // Nothing to abandon: Azure forgets blocks that no list took within a week.
}
