//! What a store is: the description that a caller has resolved, with its credentials in clear. It lives as
//! long as the work that needs it and is never written down.

mod azure;
mod git;
mod s3;
mod web;

use std::sync::Arc;

use bytes::Bytes;
use reqwest::Url;

use crate::azure::AzureStore;
use crate::error::ArtifactError;
use crate::git::GitStore;
use crate::network::Network;
use crate::raw::RawStore;
use crate::s3::S3Store;
use crate::store::ArtifactStore;
use crate::web::WebStore;
pub use azure::{AzureBlob, AzureCredential};
pub use git::{Branches, Git, GitCredential, HostKey, Submodules};
pub use s3::{Addressing, Encryption, MissingBucket, S3, S3Credential};
pub use web::{OAuthClient, Web, WebCredential};

/// A store anywhere but on this host's disk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Repository {
    /// Amazon's S3, and whatever speaks like it.
    S3(S3),
    /// Azure Blob storage.
    Azure(AzureBlob),
    /// One address on a web server.
    Web(Web),
    /// A checkout of a git repository.
    Git(Git),
    /// A content that is at hand.
    Raw(Bytes),
}

impl Repository {
    /// The store as described. Asks nothing of it yet.
    ///
    /// # Errors
    /// [`ArtifactError::Repository`], when the description makes no sense.
    pub fn open(&self, network: &Network) -> Result<Arc<dyn ArtifactStore>, ArtifactError> {
        Ok(match self {
            Self::S3(described) => Arc::new(S3Store::open(described, network)?),
            Self::Azure(described) => Arc::new(AzureStore::open(described, network)?),
            Self::Web(described) => Arc::new(WebStore::open(described, network)?),
            Self::Git(described) => Arc::new(GitStore::open(described, network)?),
            Self::Raw(bytes) => Arc::new(RawStore::new(bytes.clone())),
        })
    }
}

/// Reads the address of a store: `http` or `https`, without a credential, a query or a fragment.
pub(crate) fn endpoint(text: &str) -> Result<Url, ArtifactError> {
    let url = address(text)?;
    if url.query().is_some() {
        return Err(ArtifactError::Repository {
            why: "its address has a query".to_owned(),
        });
    }
    Ok(url)
}

/// Reads the address of an object: `http` or `https`, without a credential or a fragment.
pub(crate) fn address(text: &str) -> Result<Url, ArtifactError> {
    let wrong = |why: &str| ArtifactError::Repository {
        why: format!("its address {why}"),
    };
    let url = Url::parse(text).map_err(|error| wrong(&format!("is no URL: {error}")))?;
    if !matches!(url.scheme(), "http" | "https") || url.host_str().is_none() {
        return Err(wrong("is neither http:// nor https://"));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(wrong("holds a credential: that belongs into a secret"));
    }
    if url.fragment().is_some() {
        return Err(wrong("has a fragment"));
    }
    Ok(url)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::secret::Secret;

    #[test]
    fn an_endpoint_is_a_plain_address() {
        assert!(endpoint("http://minio:9000").is_ok());
        for wrong in [
            "minio:9000",
            "file:///etc",
            "http://user:pw@minio",
            "http://minio/?sig=x",
            "ftp://minio",
            "",
        ] {
            let refused = endpoint(wrong).unwrap_err();
            assert_eq!(refused.code(), "artifact.repository", "{wrong}");
        }
    }

    /// security.md K02: a description that lands in a log shows no secret.
    #[test]
    fn k02_a_repository_shows_no_secret() {
        let s3 = S3::google("b", Secret::new("ACCESS"), Secret::new("SECRET"));
        let text = format!("{s3:?}");
        assert!(
            !text.contains("ACCESS") && !text.contains("SECRET"),
            "{text}"
        );
    }
}
