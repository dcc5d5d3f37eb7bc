//! The journal: where a change becomes durable. One file, written in order, synced once per group of
//! batches; the database follows in memory and is synced rarely (a checkpoint), after which the
//! journal starts again at its beginning. Why there are two files: `docs/store.md`.
//!
//! File: 4096 bytes of header (magic, version, key), then records
//! `length: u32 LE, seq: u64 LE, hash: 16 bytes, payload`. The hash is keyed and covers the hash of
//! the record before, so neither the remains of older records nor bytes that a tenant chose can pass
//! for a record.

use std::fs::File;
use std::io::{BufReader, Read, Seek, SeekFrom};
use std::os::unix::fs::FileExt;

use sha2::{Digest, Sha256};

use crate::{Seq, StoreError};

const MAGIC: &[u8; 8] = b"STEADJNL";
const VERSION: u8 = 1;
/// A block of its own, so that no later write can tear it.
const HEADER: u64 = 4096;
const FRAME: usize = 28;
/// The rows of one batch.
pub(crate) const RECORD_LIMIT: usize = 64 * 1024 * 1024;

/// Secret of one store: names it, and keys the records' hashes.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct StoreKey(pub(crate) [u8; 32]);

type Hash = [u8; 16];

/// A record on its way to the journal.
pub(crate) struct Record {
    pub(crate) seq: Seq,
    pub(crate) payload: Vec<u8>,
}

/// The open journal, at the place of its next record.
pub(crate) struct Journal {
    file: File,
    key: StoreKey,
    end: u64,
    last: Hash,
}

fn hash(key: &StoreKey, before: &Hash, seq: Seq, payload: &[u8]) -> Hash {
    let mut hasher = Sha256::new();
    hasher.update(key.0);
    hasher.update(before);
    hasher.update(seq.0.to_le_bytes());
    hasher.update((payload.len() as u64).to_le_bytes());
    hasher.update(payload);
    let full: [u8; 32] = hasher.finalize().into();
    full.first_chunk::<16>().copied().unwrap_or_default()
}

/// What the first record of the file follows.
fn root(key: &StoreKey) -> Hash {
    hash(key, &[0; 16], Seq(0), b"journal")
}

impl Journal {
    /// Writes the header of an empty journal and syncs it.
    pub(crate) fn create(file: &File, key: &StoreKey) -> Result<(), StoreError> {
        let mut header = Vec::with_capacity(41);
        header.extend_from_slice(MAGIC);
        header.push(VERSION);
        header.extend_from_slice(&key.0);
        header.resize(HEADER as usize, 0);
        file.write_all_at(&header, 0)?;
        Ok(file.sync_all()?)
    }

    /// Opens a journal and hands `replay` each record after `from`, in order.
    pub(crate) fn open(
        file: File,
        key: StoreKey,
        from: Seq,
        mut replay: impl FnMut(Seq, &[u8]) -> Result<(), StoreError>,
    ) -> Result<Self, StoreError> {
        check_header(&file, &key)?;
        let length = file.metadata()?.len();
        let mut reader = BufReader::with_capacity(64 * 1024, &file);
        reader.seek(SeekFrom::Start(HEADER))?;
        let mut journal = Self {
            file: file.try_clone()?,
            end: HEADER,
            last: root(&key),
            key,
        };
        let mut previous: Option<Seq> = None;
        while let Some(record) = journal.next(&mut reader, length)? {
            match previous {
                Some(Seq(previous)) if previous.checked_add(1) != Some(record.seq.0) => break,
                None if record.seq.0 > from.0.saturating_add(1) => {
                    return Err(StoreError::damaged(format!(
                        "the journal begins at {}, the database ends at {from}",
                        record.seq
                    )));
                }
                _ => {}
            }
            if record.seq > from {
                replay(record.seq, &record.payload)?;
            }
            previous = Some(record.seq);
            journal.passed(&record);
        }
        // Everything in the file is in the database already: the next record starts it anew.
        if previous.is_none_or(|last| last <= from) {
            journal.restart();
        }
        Ok(journal)
    }

    /// Reads the record at the end of what was read; nothing when there is none that follows.
    fn next(&self, reader: &mut impl Read, length: u64) -> Result<Option<Record>, StoreError> {
        let mut frame = [0u8; FRAME];
        let rest = length.saturating_sub(self.end);
        if rest < FRAME as u64 {
            return Ok(None);
        }
        reader.read_exact(&mut frame)?;
        let [l0, l1, l2, l3, s0, s1, s2, s3, s4, s5, s6, s7, found @ ..] = frame;
        let size = u32::from_le_bytes([l0, l1, l2, l3]) as usize;
        let seq = Seq(u64::from_le_bytes([s0, s1, s2, s3, s4, s5, s6, s7]));
        if size > RECORD_LIMIT || size as u64 > rest.saturating_sub(FRAME as u64) {
            return Ok(None);
        }
        let mut payload = vec![0; size];
        reader.read_exact(&mut payload)?;
        let right = hash(&self.key, &self.last, seq, &payload) == found;
        Ok(right.then_some(Record { seq, payload }))
    }

    fn passed(&mut self, record: &Record) {
        self.last = hash(&self.key, &self.last, record.seq, &record.payload);
        self.end = self
            .end
            .saturating_add((FRAME.saturating_add(record.payload.len())) as u64);
    }

    /// Writes records and syncs them; after an error none of them counts.
    pub(crate) fn append(&mut self, records: &[Record]) -> Result<(), StoreError> {
        let mut bytes = Vec::new();
        let mut last = self.last;
        for record in records {
            let size = u32::try_from(record.payload.len()).unwrap_or(u32::MAX);
            last = hash(&self.key, &last, record.seq, &record.payload);
            bytes.extend_from_slice(&size.to_le_bytes());
            bytes.extend_from_slice(&record.seq.0.to_le_bytes());
            bytes.extend_from_slice(&last);
            bytes.extend_from_slice(&record.payload);
        }
        self.file.write_all_at(&bytes, self.end)?;
        self.file.sync_data()?;
        self.last = last;
        self.end = self.end.saturating_add(bytes.len() as u64);
        Ok(())
    }

    /// Bytes of records since the last checkpoint.
    pub(crate) fn size(&self) -> u64 {
        self.end.saturating_sub(HEADER)
    }

    /// After a checkpoint: the next record goes to the beginning of the file.
    pub(crate) fn restart(&mut self) {
        self.end = HEADER;
        self.last = root(&self.key);
    }
}

fn check_header(file: &File, key: &StoreKey) -> Result<(), StoreError> {
    let mut header = [0u8; 41];
    file.read_exact_at(&mut header, 0)
        .map_err(|_| StoreError::damaged("the journal's header"))?;
    let (magic, rest) = header.split_first_chunk::<8>().unwrap_or((&[0; 8], &[]));
    let (version, found) = rest.split_first().unwrap_or((&0, &[]));
    if magic != MAGIC {
        return Err(StoreError::damaged("the journal's header"));
    }
    if *version != VERSION {
        return Err(StoreError::Newer {
            what: "the journal",
            version: u32::from(*version),
            known: u32::from(VERSION),
        });
    }
    if found != key.0 {
        return Err(StoreError::damaged("the journal belongs to another store"));
    }
    Ok(())
}

#[cfg(test)]
mod tests;
