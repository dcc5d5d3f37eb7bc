//! Reading an object: one request for a small one, several pieces at once of a large one, all of them of the
//! same content.

use std::ops::Range;

use aws_sdk_s3::operation::get_object::GetObjectOutput;
use bytes::Bytes;
use futures_util::stream;

use super::S3Store;
use crate::error::ArtifactError;
use crate::key::Key;
use crate::ranged::{self, exactly, patiently, total};
use crate::store::{Content, within};

/// What a store says of an object without its content.
pub(super) struct Head {
    /// Bytes.
    pub(super) size: u64,
    /// By what one content is told from another.
    pub(super) tag: Option<String>,
}

impl S3Store {
    pub(super) async fn head(&self, key: &Key) -> Result<Head, ArtifactError> {
        let answer = patiently(self.tries, || async {
            let request = self.client.head_object();
            let request = request.bucket(self.bucket()).key(key.as_str());
            request.send().await.map_err(|error| self.fault(key, error))
        })
        .await?;
        Ok(Head {
            size: self.length(answer.content_length())?,
            tag: answer.e_tag,
        })
    }

    pub(super) async fn read(
        &self,
        key: &Key,
        range: Option<Range<u64>>,
    ) -> Result<Content, ArtifactError> {
        let first = ranged::first_piece(range.as_ref());
        let (bytes, head) = if first.is_empty() {
            (Bytes::new(), self.head(key).await?)
        } else {
            patiently(self.tries, || self.beginning(key, &first)).await?
        };
        let range = within(range, head.size);
        let rest = range.start.saturating_add(bytes.len() as u64)..range.end;
        let (store, key, tag) = (self.clone(), key.clone(), head.tag);
        Ok(Content {
            size: head.size,
            length: range.end.saturating_sub(range.start),
            body: ranged::body(bytes, rest, self.tries, move |piece| {
                let (store, key, tag) = (store.clone(), key.clone(), tag.clone());
                async move { store.piece(&key, &piece, tag.as_deref()).await }
            }),
        })
    }

    /// The first piece, and what it is a piece of.
    async fn beginning(
        &self,
        key: &Key,
        range: &Range<u64>,
    ) -> Result<(Bytes, Head), ArtifactError> {
        let Some(answer) = self.answer(key, range, None).await? else {
            // The range begins behind the end, as every range of an empty object does.
            return Ok((Bytes::new(), self.head(key).await?));
        };
        let length = self.length(answer.content_length())?;
        let size = match answer.content_range() {
            Some(range) => total(range).ok_or_else(|| self.damaged("its range is none"))?,
            None => length,
        };
        let expected = within(Some(range.clone()), size);
        if length != expected.end.saturating_sub(expected.start) {
            return Err(self.damaged("it answers another range than was asked for"));
        }
        let tag = answer.e_tag().map(str::to_owned);
        Ok((self.collect(answer, length).await?, Head { size, tag }))
    }

    async fn piece(
        &self,
        key: &Key,
        range: &Range<u64>,
        tag: Option<&str>,
    ) -> Result<Bytes, ArtifactError> {
        let answer = self.answer(key, range, tag).await?;
        let answer = answer.ok_or_else(|| self.damaged("it became shorter"))?;
        self.collect(answer, range.end.saturating_sub(range.start))
            .await
    }

    /// The answer to a read of a range; nothing when the object ends before it.
    async fn answer(
        &self,
        key: &Key,
        range: &Range<u64>,
        tag: Option<&str>,
    ) -> Result<Option<GetObjectOutput>, ArtifactError> {
        let request = self.client.get_object();
        let request = request.bucket(self.bucket()).key(key.as_str());
        let request = request
            .range(header(range))
            .set_if_match(tag.map(str::to_owned));
        match request.send().await {
            Ok(answer) => Ok(Some(answer)),
            Err(error) => match error.raw_response().map(|raw| raw.status().as_u16()) {
                Some(416) => Ok(None),
                Some(412) => Err(self.damaged("it was replaced while it was read")),
                _ => Err(self.fault(key, error)),
            },
        }
    }

    async fn collect(&self, answer: GetObjectOutput, length: u64) -> Result<Bytes, ArtifactError> {
        let body = stream::unfold(answer.body, |mut body| async {
            Some((body.next().await?, body))
        });
        exactly(length, &self.name, body).await
    }

    fn length(&self, announced: Option<i64>) -> Result<u64, ArtifactError> {
        announced
            .and_then(|length| u64::try_from(length).ok())
            .ok_or_else(|| self.damaged("it names no length"))
    }
}

/// A range as HTTP writes it (RFC 9110, 14.2).
fn header(range: &Range<u64>) -> String {
    format!("bytes={}-{}", range.start, range.end.saturating_sub(1))
}
