//! Copying from disk to disk while hashing: one thread reads and writes, the other hashes the same buffers,
//! so that what was hashed is what was written and both processors work.

use std::io::Write;
use std::sync::mpsc::sync_channel;
use std::thread;

use bytes::Bytes;

use crate::digest::{Account, Stored};
use crate::error::ArtifactError;
use crate::source::Source;

/// Large enough that hand-overs cost nothing, small enough that a buffer stays in the cache.
const PART: usize = 1 << 20;
/// Buffers between the threads.
const AHEAD: usize = 4;
/// Below this a second thread costs more than it gives.
const SMALL: u64 = 4 << 20;

/// Copies all of the source. Blocks.
pub(crate) fn pump(source: &Source, into: &mut impl Write) -> Result<Stored, ArtifactError> {
    if source.size() <= SMALL {
        let mut account = Account::default();
        each_part(source, |part| {
            account.add(&part);
            into.write_all(&part)
        })?;
        return Ok(account.finish());
    }
    thread::scope(|scope| {
        let (parts, hashed) = sync_channel::<Bytes>(AHEAD);
        let hasher = scope.spawn(move || {
            let mut account = Account::default();
            while let Ok(part) = hashed.recv() {
                account.add(&part);
            }
            account.finish()
        });
        let lost = || std::io::Error::other("the hashing thread ended early");
        let copied = each_part(source, |part| {
            parts.send(part.clone()).map_err(|_| lost())?;
            into.write_all(&part)
        });
        drop(parts);
        let stored = hasher.join().map_err(|_| lost())?;
        copied.map(|()| stored)
    })
}

fn each_part(
    source: &Source,
    mut take: impl FnMut(Bytes) -> std::io::Result<()>,
) -> Result<(), ArtifactError> {
    let mut offset = 0;
    while offset < source.size() {
        let part = source.read(offset, PART)?;
        offset = offset.saturating_add(part.len() as u64);
        take(part)?;
    }
    Ok(())
}
