//! From a log's two files to lines. `.log` holds the bytes as they came, `.idx` a record for each piece of
//! them; lines of one stream may be cut by pieces of another.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read};
use std::os::unix::fs::FileExt;
use std::path::Path;

use steading_exec::logs::{Piece, Source};
use steading_types::Millis;

/// Longest line that is shown as one, in bytes; a longer one is shown in parts.
const LINE_LIMIT: usize = 1024 * 1024;
/// Records that are read at once.
const RECORDS: usize = 4096;

/// One line, not yet tied to a node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Line {
    pub(super) offset: u64,
    pub(super) time: Millis,
    pub(super) source: Source,
    pub(super) container: u8,
    pub(super) text: String,
}

/// Reads a log from its beginning on, as far as it is written; can go on later.
#[derive(Debug, Default)]
pub(super) struct Lines {
    /// Bytes of the index that were read.
    place: u64,
    /// Lines that have not ended yet, by stream and container.
    open: BTreeMap<(u8, u8), Open>,
}

#[derive(Debug)]
struct Open {
    offset: u64,
    time: Millis,
    bytes: Vec<u8>,
}

/// Whether the rest of a line without its end is a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Rest {
    /// More may come.
    Open,
    /// Nothing comes any more.
    Line,
}

impl Lines {
    /// Hands over every line that was written since the last call, until `take` says stop. A log that
    /// does not exist is empty.
    ///
    /// # Errors
    /// The disk's.
    pub(super) fn read(
        &mut self,
        log: &Path,
        rest: Rest,
        take: &mut dyn FnMut(Line) -> Flow,
    ) -> io::Result<()> {
        let (index, bytes) = match (File::open(log.with_extension("idx")), File::open(log)) {
            (Ok(index), Ok(bytes)) => (index, bytes),
            (Err(error), _) | (_, Err(error)) if error.kind() == io::ErrorKind::NotFound => {
                return Ok(());
            }
            (Err(error), _) | (_, Err(error)) => return Err(error),
        };
        let mut records = vec![0u8; Piece::SIZE.saturating_mul(RECORDS)];
        loop {
            let got = read_at_most(&index, &mut records, self.place)?;
            let whole = got - got % Piece::SIZE;
            for record in records
                .get(..whole)
                .unwrap_or_default()
                .chunks_exact(Piece::SIZE)
            {
                let Some(piece) = Piece::decode(record) else {
                    continue;
                };
                let mut data = vec![0u8; piece.length as usize];
                bytes.read_exact_at(&mut data, piece.offset)?;
                self.place = self.place.saturating_add(Piece::SIZE as u64);
                if self.add(&piece, &data, take) == Flow::Stop {
                    return Ok(());
                }
            }
            if whole == 0 {
                break;
            }
        }
        if rest == Rest::Line {
            for ((source, container), open) in std::mem::take(&mut self.open) {
                if take(line(open, source_of(source), container)) == Flow::Stop {
                    break;
                }
            }
        }
        Ok(())
    }

    fn add(&mut self, piece: &Piece, data: &[u8], take: &mut dyn FnMut(Line) -> Flow) -> Flow {
        let key = (piece.source as u8, piece.container);
        let mut at = piece.offset;
        for part in data.split_inclusive(|byte| *byte == b'\n') {
            let open = self.open.entry(key).or_insert_with(|| Open {
                offset: at,
                time: piece.at,
                bytes: Vec::new(),
            });
            at = at.saturating_add(part.len() as u64);
            let text = part.strip_suffix(b"\n");
            open.bytes.extend_from_slice(text.unwrap_or(part));
            if text.is_none() && open.bytes.len() < LINE_LIMIT {
                continue;
            }
            let Some(open) = self.open.remove(&key) else {
                continue;
            };
            if take(line(open, piece.source, piece.container)) == Flow::Stop {
                return Flow::Stop;
            }
        }
        Flow::On
    }
}

/// Whether more lines are wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Flow {
    /// Yes.
    On,
    /// No.
    Stop,
}

fn line(open: Open, source: Source, container: u8) -> Line {
    let text = String::from_utf8_lossy(&open.bytes);
    let text = text.strip_suffix('\r').unwrap_or(&text).to_owned();
    Line {
        offset: open.offset,
        time: open.time,
        source,
        container,
        text,
    }
}

fn source_of(number: u8) -> Source {
    match number {
        1 => Source::Stdout,
        2 => Source::Stderr,
        _ => Source::System,
    }
}

/// Fills as much of the buffer as the file has.
fn read_at_most(file: &File, buffer: &mut [u8], from: u64) -> io::Result<usize> {
    let mut got = 0;
    loop {
        let rest = buffer.get_mut(got..).unwrap_or_default();
        match file.read_at(rest, from.saturating_add(got as u64)) {
            Ok(0) => return Ok(got),
            Ok(n) => got = got.saturating_add(n),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

/// Length of a log; a log that does not exist is empty.
pub(super) fn length(log: &Path) -> u64 {
    std::fs::metadata(log).map_or(0, |data| data.len())
}

/// Whether a log ends with the mark of having been cut, and where.
pub(super) fn cut_at(log: &Path) -> Option<u64> {
    let index = log.with_extension("idx");
    let size = std::fs::metadata(&index).ok()?.len();
    let last = size.checked_sub(Piece::SIZE as u64)?;
    let mut record = Vec::with_capacity(Piece::SIZE);
    let mut file = File::open(index).ok()?;
    io::Seek::seek(&mut file, io::SeekFrom::Start(last)).ok()?;
    file.take(Piece::SIZE as u64)
        .read_to_end(&mut record)
        .ok()?;
    Piece::decode(&record)
        .filter(|piece| piece.source == Source::System)
        .map(|piece| piece.offset)
}
