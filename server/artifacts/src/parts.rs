//! A source cut into parts: read and hashed one after the other, whatever happens to them then.

use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use futures_util::{Stream, stream};

use crate::digest::{Account, Stored};
use crate::error::ArtifactError;
use crate::key::Key;
use crate::source::{Source, blocking};

/// What is held in memory of one upload, bytes.
const MEMORY: u64 = 32 << 20;
/// The smallest part; S3's own limit is 5 MiB.
const PART: u64 = 8 << 20;
/// The most parts of an upload: S3's own limit, the smaller one.
const PARTS: u64 = 10_000;

/// Objects up to this size go in one request.
pub(crate) const SINGLE: u64 = PART;
/// Larger ones are refused: their parts would not fit into memory.
const LARGEST: u64 = MEMORY * PARTS;

/// How a content is cut. It depends on the size alone, so that a later try cuts the same parts.
pub(crate) struct Cut {
    /// Bytes of a part.
    pub(crate) size: u64,
    /// Parts on their way at once.
    pub(crate) ahead: usize,
}

impl Cut {
    /// For a content of `size` bytes, which `key` names for a person.
    pub(crate) fn of(size: u64, key: &Key) -> Result<Self, ArtifactError> {
        if size > LARGEST {
            return Err(ArtifactError::TooLarge {
                what: format!("the artifact {key}"),
                limit: LARGEST,
            });
        }
        let size = size.div_ceil(PARTS).next_multiple_of(1 << 20).max(PART);
        let ahead = usize::try_from(MEMORY / size).unwrap_or(1).max(1);
        Ok(Self { size, ahead })
    }
}

/// One part.
pub(crate) struct Part {
    /// From 1 on.
    pub(crate) number: i32,
    /// Its content.
    pub(crate) bytes: Bytes,
}

/// What was read so far.
#[derive(Clone, Default)]
pub(crate) struct Tally(Arc<Mutex<Account>>);

impl Tally {
    fn add(&self, bytes: &[u8]) {
        let mut account = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        account.add(bytes);
    }

    /// The account of all parts, when all were read.
    pub(crate) fn finish(self) -> Stored {
        let mut account = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        std::mem::take(&mut *account).finish()
    }
}

/// The parts of a source, each of `size` bytes but the last.
pub(crate) fn parts(
    source: Source,
    size: u64,
    tally: Tally,
) -> impl Stream<Item = Result<Part, ArtifactError>> {
    let length = usize::try_from(size).unwrap_or(usize::MAX);
    stream::try_unfold((0_u64, 1_i32), move |(offset, number)| {
        let (source, tally) = (source.clone(), tally.clone());
        async move {
            if offset >= source.size() {
                return Ok(None);
            }
            let read = blocking(move || {
                let bytes = source.read(offset, length)?;
                tally.add(&bytes);
                Ok(bytes)
            });
            let bytes = read.await?;
            let next = (offset.saturating_add(size), number.saturating_add(1));
            Ok(Some((Part { number, bytes }, next)))
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_fit_into_memory_and_into_the_number_that_is_allowed() {
        let key = Key::parse("a").unwrap();
        for size in [SINGLE + 1, 1 << 30, PART * PARTS, PART * PARTS + 1, LARGEST] {
            let cut = Cut::of(size, &key).unwrap();
            assert!(size.div_ceil(cut.size) <= PARTS, "{size}");
            assert!(
                cut.size >= PART && cut.size * cut.ahead as u64 <= MEMORY,
                "{size}"
            );
        }
        let refused = Cut::of(LARGEST + 1, &key).err().unwrap();
        assert_eq!(refused.code(), "artifact.too-large");
    }
}
