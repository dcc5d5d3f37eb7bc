//! What is put into a store: something that can be read again, so that a part that was lost on the way can be
//! sent once more without keeping it in memory.

use std::fs::File;
use std::ops::Range;
use std::os::unix::fs::FileExt;
use std::sync::Arc;

use bytes::Bytes;
use futures_util::{StreamExt, stream};

use crate::error::ArtifactError;
use crate::store::{Content, within};

/// Bytes that are read at once.
const READ: u64 = 256 << 10;

/// A content of known size. Cheap to clone.
#[derive(Clone)]
pub struct Source(Kind);

#[derive(Clone)]
enum Kind {
    File {
        file: Arc<File>,
        start: u64,
        size: u64,
    },
    Bytes(Bytes),
}

impl Source {
    /// A regular file, as large as it is now. It must not change until it is stored: that it became shorter
    /// is an error, what was added is not taken.
    pub fn file(file: File) -> Result<Self, ArtifactError> {
        let meta = file.metadata()?;
        if !meta.is_file() {
            return Err(ArtifactError::Hostile {
                what: "an artifact".to_owned(),
                why: "it is no regular file".to_owned(),
            });
        }
        Ok(Self(Kind::File {
            start: 0,
            size: meta.len(),
            file: Arc::new(file),
        }))
    }

    /// A part of a file of ours: `size` bytes from `start` on.
    pub fn section(file: File, start: u64, size: u64) -> Self {
        Self(Kind::File {
            file: Arc::new(file),
            start,
            size,
        })
    }

    /// A content in memory.
    pub fn bytes(bytes: impl Into<Bytes>) -> Self {
        Self(Kind::Bytes(bytes.into()))
    }

    /// Bytes.
    pub fn size(&self) -> u64 {
        match &self.0 {
            Kind::File { size, .. } => *size,
            Kind::Bytes(bytes) => bytes.len() as u64,
        }
    }

    /// `length` bytes from `offset` on, fewer only at the end. Blocks on the disk.
    pub(crate) fn read(&self, offset: u64, length: usize) -> std::io::Result<Bytes> {
        let left = self.size().saturating_sub(offset);
        let length = length.min(usize::try_from(left).unwrap_or(usize::MAX));
        match &self.0 {
            Kind::File { file, start, .. } => {
                let mut part = vec![0; length];
                file.read_exact_at(&mut part, start.saturating_add(offset))?;
                Ok(part.into())
            }
            Kind::Bytes(bytes) => {
                let start = usize::try_from(offset).unwrap_or(usize::MAX);
                let mut part = bytes.clone();
                Ok(part.split_off(start.min(bytes.len())).split_to(length))
            }
        }
    }

    /// The same away from the loops' threads.
    pub(crate) async fn part(&self, offset: u64, length: usize) -> Result<Bytes, ArtifactError> {
        let source = self.clone();
        blocking(move || Ok(source.read(offset, length)?)).await
    }
}

impl Source {
    /// What exists of a range, read as it is taken.
    pub fn content(self, range: Option<Range<u64>>) -> Content {
        let size = self.size();
        let range = within(range, size);
        let length = range.end.saturating_sub(range.start);
        let body = stream::try_unfold((self, range), |(source, range)| async move {
            if range.is_empty() {
                return Ok(None);
            }
            let end = range.end.min(range.start.saturating_add(READ));
            let length = usize::try_from(end.saturating_sub(range.start)).unwrap_or_default();
            let part = source.part(range.start, length).await?;
            Ok(Some((part, (source, end..range.end))))
        });
        Content {
            size,
            length,
            body: body.boxed(),
        }
    }
}

/// Runs something that waits for the disk away from the loops' threads.
///
/// # Errors
/// Those of the work, and the disk's when it came to no end.
pub async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, ArtifactError> + Send + 'static,
) -> Result<T, ArtifactError> {
    tokio::task::spawn_blocking(work)
        .await
        .unwrap_or_else(|lost| Err(ArtifactError::disk(std::io::Error::other(lost))))
}
