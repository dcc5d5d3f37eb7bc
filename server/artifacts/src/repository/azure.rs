//! What a container of Azure Blob storage is.

use super::s3::MissingBucket;
use crate::secret::Secret;

/// A container of Azure Blob storage.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AzureBlob {
    /// `https://account.blob.core.windows.net`, `http://127.0.0.1:10000/account`.
    pub endpoint: String,
    /// The container's name.
    pub container: String,
    /// Authorities in PEM that are trusted for this store.
    pub authorities: Option<String>,
    /// Who asks.
    pub credential: AzureCredential,
    /// What to do when the container is not there.
    pub missing: MissingBucket,
}

/// Who asks an Azure store. There is no other source: no identity service, no environment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AzureCredential {
    /// A key of the account, in base64.
    Key(Secret),
    /// A shared access signature: the query that Azure gives out, `sv=…&sig=…`.
    Signature(Secret),
    /// Nobody: public containers.
    Anonymous,
}
