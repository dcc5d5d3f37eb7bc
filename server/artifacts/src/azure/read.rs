//! Reading a blob: one request for a small one, several pieces at once of a large one, all of them of the same
//! content.

use std::num::NonZero;
use std::ops::Range;

use azure_core::http::Etag;
use azure_storage_blob::models::{
    BlobClientDownloadOptions, BlobClientDownloadResult, BlobClientGetPropertiesResultHeaders,
};
use bytes::Bytes;

use super::AzureStore;
use crate::error::ArtifactError;
use crate::key::Key;
use crate::ranged::{self, PIECE, exactly, patiently, total};
use crate::store::{Content, within};

impl AzureStore {
    pub(super) async fn size(&self, key: &Key) -> Result<u64, ArtifactError> {
        let answer = self.blob(key)?.get_properties(None).await;
        let answer = answer.map_err(|error| self.fault(key, error))?;
        let length = answer.content_length();
        let length = length.map_err(|error| self.fault(key, error))?;
        length.ok_or_else(|| self.damaged("it names no length"))
    }

    pub(super) async fn read(
        &self,
        key: &Key,
        range: Option<Range<u64>>,
    ) -> Result<Content, ArtifactError> {
        let first = ranged::first_piece(range.as_ref());
        let (bytes, size, tag) = patiently(self.tries, || self.beginning(key, &first)).await?;
        let range = within(range, size);
        let rest = range.start.saturating_add(bytes.len() as u64)..range.end;
        let (store, key) = (self.clone(), key.clone());
        Ok(Content {
            size,
            length: range.end.saturating_sub(range.start),
            body: ranged::body(bytes, rest, self.tries, move |piece| {
                let (store, key, tag) = (store.clone(), key.clone(), tag.clone());
                async move { store.piece(&key, &piece, tag).await }
            }),
        })
    }

    /// The first piece, the size of the whole, and by what one content is told from another.
    async fn beginning(
        &self,
        key: &Key,
        range: &Range<u64>,
    ) -> Result<(Bytes, u64, Option<Etag>), ArtifactError> {
        let answer = match range.is_empty() {
            true => None,
            false => self.answer(key, range, None).await?,
        };
        let Some(answer) = answer else {
            // The range begins behind the end, as every range of an empty object does.
            return Ok((Bytes::new(), self.size(key).await?, None));
        };
        let length = answer.properties.content_length;
        let length = length.ok_or_else(|| self.damaged("it names no length"))?;
        let size = match answer.headers.get_optional_str(&"content-range".into()) {
            Some(range) => total(range).ok_or_else(|| self.damaged("its range is none"))?,
            None => length,
        };
        let expected = within(Some(range.clone()), size);
        let expected = expected.end.saturating_sub(expected.start);
        if length != expected {
            return Err(self.damaged("it answers another range than was asked for"));
        }
        let tag = answer.properties.etag.clone();
        Ok((exactly(length, &self.name, answer.body).await?, size, tag))
    }

    async fn piece(
        &self,
        key: &Key,
        range: &Range<u64>,
        tag: Option<Etag>,
    ) -> Result<Bytes, ArtifactError> {
        let answer = self.answer(key, range, tag).await?;
        let answer = answer.ok_or_else(|| self.damaged("it became shorter"))?;
        let length = range.end.saturating_sub(range.start);
        exactly(length, &self.name, answer.body).await
    }

    /// The answer to a read of a range, in one request; nothing when the object ends before it.
    async fn answer(
        &self,
        key: &Key,
        range: &Range<u64>,
        tag: Option<Etag>,
    ) -> Result<Option<BlobClientDownloadResult>, ArtifactError> {
        let options = BlobClientDownloadOptions {
            if_match: tag,
            parallel: NonZero::new(1),
            partition_size: NonZero::new(usize::try_from(PIECE).unwrap_or(usize::MAX)),
            range: Some(range.clone().into()),
            ..BlobClientDownloadOptions::default()
        };
        match self.blob(key)?.download(Some(options)).await {
            Ok(answer) => Ok(Some(answer)),
            Err(error) if error.http_status().map(u16::from) == Some(416) => Ok(None),
            Err(error) => Err(self.fault(key, error)),
        }
    }
}
