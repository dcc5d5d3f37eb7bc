//! Backup and restore: every row of every table from one point in time, as a stream.
//!
//! Stream: magic and version, then frames `length: u32 LE, rows` (the rows as in the journal), an
//! empty frame, and the SHA-256 of all before it. Whoever wants it encrypted wraps the stream.

use std::io::{Read, Write};
use std::path::Path;

use sha2::{Digest, Sha256};

use crate::key::Key;
use crate::open::{self, Place};
use crate::ops::{self, Op};
use crate::snapshot::Snapshot;
use crate::tables::Table;
use crate::tx::Tx;
use crate::{Options, Seq, Store, StoreError};

const MAGIC: &[u8; 8] = b"STEADBAK";
const VERSION: u8 = 1;
/// Rows are gathered up to this size.
const FRAME: usize = 256 * 1024;
/// No frame is longer: one row more than `FRAME` at most.
const FRAME_LIMIT: usize = 1024 * 1024;

impl Store {
    /// Writes a backup of this moment while the server works; answers the last commit in it.
    ///
    /// # Errors
    /// The errors of the disk and of `to`.
    pub fn backup(&self, to: &mut impl Write) -> Result<Seq, StoreError> {
        self.read(|snapshot| {
            let mut to = Hashing::new(to);
            to.write_all(MAGIC)?;
            to.write_all(&[VERSION])?;
            for table in Table::ALL {
                write_table(snapshot, *table, &mut to)?;
            }
            to.write_all(&0u32.to_le_bytes())?;
            to.finish()?;
            snapshot.seq()
        })
    }

    /// Makes a store out of a backup, in a directory that has none. Nothing is left when it fails.
    ///
    /// # Errors
    /// [`StoreError::Occupied`] when a store lies there, [`StoreError::Backup`] when the backup is
    /// not whole; else the errors of the disk and of `from`.
    pub fn restore(from: &mut impl Read, dir: &Path) -> Result<(), StoreError> {
        let place = Place::lock(dir, &Options::default())?;
        if place.exists()? {
            return Err(StoreError::Occupied {
                dir: dir.to_owned(),
            });
        }
        place.create(|tx| read_rows(from, tx))
    }
}

fn write_table(
    snapshot: &Snapshot,
    table: Table,
    to: &mut Hashing<impl Write>,
) -> Result<(), StoreError> {
    let mut frame = Vec::new();
    for row in snapshot.range(table, &Key::empty())? {
        let (key, value) = row?;
        if table == Table::Meta && open::is_of_one_store(key.value()) {
            continue;
        }
        ops::write(&mut frame, table, key.value(), Op::Put(value.value()))?;
        if frame.len() >= FRAME {
            write_frame(&mut frame, to)?;
        }
    }
    write_frame(&mut frame, to)
}

fn write_frame(frame: &mut Vec<u8>, to: &mut Hashing<impl Write>) -> Result<(), StoreError> {
    if !frame.is_empty() {
        let length = u32::try_from(frame.len()).unwrap_or(u32::MAX);
        to.write_all(&length.to_le_bytes())?;
        to.write_all(frame)?;
        frame.clear();
    }
    Ok(())
}

fn read_rows(from: &mut impl Read, tx: &mut Tx<'_>) -> Result<(), StoreError> {
    let mut from = Hashing::new(from);
    let mut begin = [0u8; 9];
    from.read_exact(&mut begin).map_err(cut_short)?;
    let [magic @ .., version] = begin;
    if magic != *MAGIC {
        return Err(StoreError::Backup {
            what: "this is not a backup",
        });
    }
    if version != VERSION {
        return Err(StoreError::Newer {
            what: "the backup",
            version: version.into(),
            known: VERSION.into(),
        });
    }
    loop {
        let mut length = [0u8; 4];
        from.read_exact(&mut length).map_err(cut_short)?;
        let length = u32::from_le_bytes(length) as usize;
        if length == 0 {
            return from.verify();
        }
        if length > FRAME_LIMIT {
            return Err(StoreError::Backup {
                what: "a part of it is too long",
            });
        }
        let mut frame = vec![0; length];
        from.read_exact(&mut frame).map_err(cut_short)?;
        tx.replay(&frame).map_err(|error| match error {
            StoreError::Damaged { .. } => StoreError::Backup {
                what: "its rows are damaged",
            },
            error => error,
        })?;
    }
}

fn cut_short(error: std::io::Error) -> StoreError {
    match error.kind() {
        std::io::ErrorKind::UnexpectedEof => StoreError::Backup {
            what: "it was cut short",
        },
        _ => error.into(),
    }
}

/// A stream with the hash of what passed.
struct Hashing<S> {
    stream: S,
    hash: Sha256,
}

impl<S> Hashing<S> {
    fn new(stream: S) -> Self {
        Self {
            stream,
            hash: Sha256::new(),
        }
    }
}

impl<W: Write> Hashing<W> {
    fn write_all(&mut self, bytes: &[u8]) -> std::io::Result<()> {
        self.hash.update(bytes);
        self.stream.write_all(bytes)
    }

    fn finish(mut self) -> std::io::Result<()> {
        self.stream.write_all(&self.hash.finalize())?;
        self.stream.flush()
    }
}

impl<R: Read> Hashing<R> {
    fn read_exact(&mut self, bytes: &mut [u8]) -> std::io::Result<()> {
        self.stream.read_exact(bytes)?;
        self.hash.update(bytes);
        Ok(())
    }

    fn verify(mut self) -> Result<(), StoreError> {
        let mut expected = [0u8; 32];
        self.stream.read_exact(&mut expected).map_err(cut_short)?;
        let found: [u8; 32] = self.hash.finalize().into();
        if found == expected {
            return Ok(());
        }
        Err(StoreError::Backup {
            what: "its checksum is wrong",
        })
    }
}
