//! Reading logs: ranges by time, stream and container, tails, search, and following a log that
//! still grows. Everything is bounded by the caller's budget.
//!
//! A log is two files below `DATA/logs/<run>/`: `<node>-<generation>.log` with the raw bytes and
//! `.idx` with a record for each piece of them.

mod read;
mod watch;

use std::path::{Path, PathBuf};

use steading_types::{AttemptId, Millis};

pub use read::{Budget, Filter, Line, Matches, Reader, bytes, cut_at};
pub use watch::{Growth, Watcher};

/// Where a piece of a log comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Source {
    /// Standard output.
    Stdout = 1,
    /// Standard error.
    Stderr = 2,
    /// A remark of ours, such as the mark where a log is cut.
    System = 3,
}

/// One piece of a log, as the index has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Piece {
    /// Its first byte in the log.
    pub offset: u64,
    /// Its bytes.
    pub length: u32,
    /// When it was read from the task.
    pub at: Millis,
    /// Its stream.
    pub source: Source,
    /// Its container's position in the task: init containers first, then main.
    pub container: u8,
}

impl Piece {
    /// Bytes of a record: offset, time (8 each), length (4), stream, container, two of zero;
    /// little-endian.
    pub const SIZE: usize = 24;

    /// Reads a record; nothing when it is not [`Piece::SIZE`] bytes of one.
    pub fn decode(record: &[u8]) -> Option<Self> {
        let (offset, rest) = record.split_first_chunk::<8>()?;
        let (at, rest) = rest.split_first_chunk::<8>()?;
        let (length, rest) = rest.split_first_chunk::<4>()?;
        let (source, container) = match rest {
            [1, container, ..] => (Source::Stdout, *container),
            [2, container, ..] => (Source::Stderr, *container),
            [3, container, ..] => (Source::System, *container),
            _ => return None,
        };
        Some(Self {
            offset: u64::from_le_bytes(*offset),
            at: Millis(u64::from_le_bytes(*at)),
            length: u32::from_le_bytes(*length),
            source,
            container,
        })
    }

    pub(crate) fn encode(&self) -> [u8; Self::SIZE] {
        let mut record = [0; Self::SIZE];
        let fields = self
            .offset
            .to_le_bytes()
            .into_iter()
            .chain(self.at.get().to_le_bytes())
            .chain(self.length.to_le_bytes())
            .chain([self.source as u8, self.container]);
        for (slot, byte) in record.iter_mut().zip(fields) {
            *slot = byte;
        }
        record
    }
}

/// The log file of an attempt below a data directory. Its index has the extension `idx`.
pub fn path(data_dir: &Path, key: AttemptId) -> PathBuf {
    data_dir
        .join("logs")
        .join(key.run.to_string())
        .join(format!("{}-{}.log", key.node.0, key.generation))
}
