//! A content that stands in the document: a store of one object, whatever key it is asked for by.

use std::ops::Range;

use bytes::Bytes;
use futures_util::{StreamExt, stream};

use crate::digest::Stored;
use crate::error::ArtifactError;
use crate::key::Key;
use crate::source::Source;
use crate::store::{ArtifactStore, Content, Entries, Later};

/// A content at hand.
pub struct RawStore(Bytes);

impl RawStore {
    /// Of this content.
    pub fn new(content: impl Into<Bytes>) -> Self {
        Self(content.into())
    }
}

fn read_only<T>() -> Result<T, ArtifactError> {
    Err(ArtifactError::ReadOnly {
        store: "the document".to_owned(),
    })
}

impl ArtifactStore for RawStore {
    fn put<'a>(&'a self, _: &'a Key, _: Source) -> Later<'a, Stored> {
        Box::pin(async { read_only() })
    }

    fn get<'a>(&'a self, _: &'a Key, range: Option<Range<u64>>) -> Later<'a, Content> {
        let source = Source::bytes(self.0.clone());
        Box::pin(async { Ok(source.content(range)) })
    }

    fn stat<'a>(&'a self, _: &'a Key) -> Later<'a, u64> {
        Box::pin(async { Ok(self.0.len() as u64) })
    }

    fn list<'a>(&'a self, _: &'a Key) -> Entries<'a> {
        stream::empty().boxed()
    }

    fn delete<'a>(&'a self, _: &'a Key) -> Later<'a, ()> {
        Box::pin(async { read_only() })
    }
}

#[cfg(test)]
mod tests {
    use futures_util::TryStreamExt;

    use super::*;

    #[tokio::test]
    async fn a_content_of_the_document_can_only_be_read() {
        let (store, key) = (RawStore::new("content"), Key::parse("a").unwrap());
        let content = store.get(&key, Some(3..100)).await.unwrap();
        assert_eq!((content.size, content.length), (7, 4));
        let parts: Vec<Bytes> = content.body.try_collect().await.unwrap();
        assert_eq!(parts.concat(), b"tent");
        let put = store.put(&key, Source::bytes("x")).await;
        assert_eq!(put.unwrap_err().code(), "artifact.read-only");
    }
}
