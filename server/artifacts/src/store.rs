//! What every store can do.

use std::fs::File;
use std::future::Future;
use std::ops::Range;
use std::pin::Pin;

use bytes::Bytes;
use futures_util::{Stream, StreamExt};

use crate::digest::{Account, Stored};
use crate::error::ArtifactError;
use crate::key::Key;
use crate::source::{Source, blocking};

/// A future that a trait object can answer.
pub type Later<'a, T> = Pin<Box<dyn Future<Output = Result<T, ArtifactError>> + Send + 'a>>;
/// A content on its way. It ends with an error when fewer bytes come than [`Content::length`] says; more
/// never come.
pub type Body = Pin<Box<dyn Stream<Item = Result<Bytes, ArtifactError>> + Send>>;
/// Objects on their way, in no order that may be relied on.
pub type Entries<'a> = Pin<Box<dyn Stream<Item = Result<Entry, ArtifactError>> + Send + 'a>>;

/// A place that keeps objects under keys. Every call may be repeated; memory is bounded whatever the size.
pub trait ArtifactStore: Send + Sync + 'static {
    /// Keeps a content under a key, in place of what was there. It appears as a whole or not at all, and is
    /// durable when this answers.
    fn put<'a>(&'a self, key: &'a Key, source: Source) -> Later<'a, Stored>;

    /// The content, or the part of a range that exists.
    fn get<'a>(&'a self, key: &'a Key, range: Option<Range<u64>>) -> Later<'a, Content>;

    /// The size of an object, bytes.
    fn stat<'a>(&'a self, key: &'a Key) -> Later<'a, u64>;

    /// The objects below `key`, that is `key/…`; never a neighbour whose name only begins the same.
    fn list<'a>(&'a self, below: &'a Key) -> Entries<'a>;

    /// Removes an object. That there is none is no error.
    fn delete<'a>(&'a self, key: &'a Key) -> Later<'a, ()>;

    /// Gives up what an earlier put of this key left unfinished, when it will not be tried again.
    fn abandon<'a>(&'a self, _key: &'a Key) -> Later<'a, ()> {
        Box::pin(async { Ok(()) })
    }

    /// Writes the content into a file that is open for writing, at its current place.
    fn fetch<'a>(&'a self, key: &'a Key, into: File) -> Later<'a, Stored> {
        Box::pin(async move { save(self.get(key, None).await?, into).await })
    }
}

/// An object in a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Its whole key.
    pub key: Key,
    /// Bytes.
    pub size: u64,
}

/// What [`ArtifactStore::get`] answers.
pub struct Content {
    /// Bytes of the whole object.
    pub size: u64,
    /// Bytes of the body.
    pub length: u64,
    /// The bytes.
    pub body: Body,
}

/// Writes a content into a file and accounts for it.
pub(crate) async fn save(mut content: Content, into: File) -> Result<Stored, ArtifactError> {
    let mut state = (into, Account::default());
    while let Some(part) = content.body.next().await {
        let part = part?;
        state = blocking(move || {
            let (mut file, mut account) = state;
            account.add(&part);
            std::io::Write::write_all(&mut file, &part)?;
            Ok((file, account))
        })
        .await?;
    }
    Ok(state.1.finish())
}

/// The part of a range that exists in an object of `size` bytes.
pub(crate) fn within(range: Option<Range<u64>>, size: u64) -> Range<u64> {
    let range = range.unwrap_or(0..size);
    let start = range.start.min(size);
    start..range.end.clamp(start, size)
}
