//! What lies below a key, page by page.

use azure_storage_blob::models::{BlobContainerClientListBlobsOptions, ListBlobsResponse};
use futures_util::StreamExt;

use super::AzureStore;
use crate::error::ArtifactError;
use crate::key::Key;
use crate::ranged::{listed, patiently};
use crate::store::{Entries, Entry};

/// Objects of a page: so many names fit into an answer of the largest size that is taken.
const PAGE: i32 = 1000;

impl AzureStore {
    pub(super) fn pages<'a>(&'a self, below: &'a Key) -> Entries<'a> {
        listed(move |marker| self.page(below, marker))
    }

    /// A page of a list and where the next one begins.
    async fn page(
        &self,
        below: &Key,
        marker: Option<String>,
    ) -> Result<(Vec<Entry>, Option<String>), ArtifactError> {
        let prefix = format!("{below}/");
        let page = patiently(self.tries, || self.answered(below, &prefix, marker.clone())).await?;
        let entries = page.blob_items.into_iter().filter_map(|blob| {
            let key = blob.name.filter(|key| key.starts_with(&prefix))?;
            let size = blob.properties.and_then(|of| of.content_length);
            Some(Entry {
                key: Key::parse(&key).ok()?,
                size: size.unwrap_or_default(),
            })
        });
        let next = page.next_marker.filter(|next| !next.is_empty());
        if next.is_some() && next == marker {
            return Err(self.damaged("its list goes round in circles"));
        }
        Ok((entries.collect(), next))
    }

    async fn answered(
        &self,
        below: &Key,
        prefix: &str,
        marker: Option<String>,
    ) -> Result<ListBlobsResponse, ArtifactError> {
        let options = BlobContainerClientListBlobsOptions {
            marker,
            maxresults: Some(PAGE),
            prefix: Some(prefix.to_owned()),
            ..BlobContainerClientListBlobsOptions::default()
        };
        let fault = |error| self.fault(below, error);
        let pages = self.directory(below)?.list_blobs(Some(options));
        let mut pages = pages.map_err(fault)?.into_pages();
        let page = pages.next().await;
        let page = page.ok_or_else(|| self.damaged("it answers no page"))?;
        page.map_err(fault)?.into_model().map_err(fault)
    }
}
