//! Reading a log by lines. The two streams are interleaved in the file as they came; lines are put
//! together again for each stream and container.

use std::collections::HashMap;
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::time::Instant;

use steading_types::Millis;

use super::{Piece, Source};

/// Bytes of a line; a longer one is given in parts.
const LINE: usize = 64 * 1024;

/// One line of a log, without its newline.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// Its first byte in the log.
    pub offset: u64,
    /// When its first byte was read from the task.
    pub at: Millis,
    /// Its stream.
    pub source: Source,
    /// Its container's position in the task.
    pub container: u8,
    /// Its text; bytes that are not UTF-8 are replaced. It may hold terminal escapes.
    pub text: String,
}

/// Says whether a line is wanted.
pub type Matches = Box<dyn Fn(&str) -> bool + Send + Sync>;

/// Which lines.
#[derive(Default)]
pub struct Filter {
    /// Only this stream; remarks of ours always pass.
    pub source: Option<Source>,
    /// Only this container.
    pub container: Option<u8>,
    /// Only what was read at or after this time.
    pub since: Option<Millis>,
    /// Only lines with this property, such as matching a pattern.
    pub matches: Option<Matches>,
}

/// How much one call may cost. What comes first ends it.
#[derive(Debug, Clone, Copy)]
pub struct Budget {
    /// Bytes read.
    pub bytes: u64,
    /// Lines given.
    pub lines: usize,
    /// The time to stop at.
    pub until: Instant,
}

/// A log being read from one place on.
pub struct Reader {
    log: File,
    index: File,
    filter: Filter,
    record: u64,
    parts: HashMap<(Source, u8), Part>,
}

/// A line that has not ended yet.
struct Part {
    offset: u64,
    at: Millis,
    bytes: Vec<u8>,
}

impl Reader {
    /// Opens a log at its beginning, or where `filter.since` says. Nothing when the task wrote
    /// nothing yet.
    ///
    /// # Errors
    /// When the files can not be read.
    pub fn open(path: &Path, filter: Filter) -> io::Result<Option<Self>> {
        let open = |path: &Path| match File::open(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            file => file.map(Some),
        };
        let (Some(log), Some(index)) = (open(path)?, open(&path.with_extension("idx"))?) else {
            return Ok(None);
        };
        let mut reader = Self {
            log,
            index,
            filter,
            record: 0,
            parts: HashMap::new(),
        };
        if let Some(since) = reader.filter.since {
            reader.record = reader.first_at(since)?;
        }
        Ok(Some(reader))
    }

    /// Moves so that about the last `lines` lines that pass the stream and container filter follow,
    /// at least so many unless there are fewer.
    ///
    /// # Errors
    /// When the files can not be read.
    pub fn seek_tail(&mut self, lines: usize) -> io::Result<()> {
        let first = self.record;
        let mut at = self.records()?;
        let mut seen = 0usize;
        let mut bytes = Vec::new();
        // One newline more than lines: the one before the first of them.
        while at > first && seen <= lines {
            at -= 1;
            if let Some(piece) = self.piece(at)?
                && self.wanted(&piece)
            {
                self.content(&piece, &mut bytes)?;
                seen += bytes.iter().filter(|b| **b == b'\n').count();
            }
        }
        self.record = at;
        Ok(())
    }

    /// The next lines that are complete. Fewer than the budget allows: there is nothing more now.
    ///
    /// # Errors
    /// When the files can not be read.
    pub fn next(&mut self, budget: &Budget) -> io::Result<Vec<Line>> {
        let mut lines = Vec::new();
        let mut bytes = Vec::new();
        let mut left = budget.bytes;
        while lines.len() < budget.lines && Instant::now() < budget.until {
            let Some(piece) = self.piece(self.record)? else {
                break;
            };
            if self.wanted(&piece) {
                left = left.saturating_sub(u64::from(piece.length));
                self.content(&piece, &mut bytes)?;
                self.take(&piece, &bytes, &mut lines);
            }
            self.record += 1;
            if left == 0 {
                break;
            }
        }
        Ok(lines)
    }

    /// Lines that never got their newline; to be asked for when the task has ended.
    pub fn rest(&mut self) -> Vec<Line> {
        let parts = std::mem::take(&mut self.parts);
        let mut lines = Vec::new();
        for ((source, container), part) in parts {
            self.give(&part, source, container, &mut lines);
        }
        lines.sort_by_key(|line| line.at);
        lines
    }

    fn wanted(&self, piece: &Piece) -> bool {
        let ours = piece.source == Source::System;
        let source = self.filter.source.is_none_or(|s| s == piece.source || ours);
        source
            && self
                .filter
                .container
                .is_none_or(|c| c == piece.container || ours)
    }

    fn take(&mut self, piece: &Piece, bytes: &[u8], lines: &mut Vec<Line>) {
        let (source, container) = (piece.source, piece.container);
        let begin = |offset| Part {
            offset,
            at: piece.at,
            bytes: Vec::new(),
        };
        let mut place = piece.offset;
        let open = self.parts.remove(&(source, container));
        let mut part = open.unwrap_or_else(|| begin(place));
        for text in bytes.split_inclusive(|byte| *byte == b'\n') {
            place = place.saturating_add(text.len() as u64);
            let whole = text.strip_suffix(b"\n");
            part.bytes.extend_from_slice(whole.unwrap_or(text));
            if whole.is_some() || part.bytes.len() >= LINE {
                self.give(&part, source, container, lines);
                part = begin(place);
            }
        }
        if part.offset != place || !part.bytes.is_empty() {
            self.parts.insert((source, container), part);
        }
    }

    fn give(&self, part: &Part, source: Source, container: u8, to: &mut Vec<Line>) {
        let text = String::from_utf8_lossy(&part.bytes);
        let text = text.strip_suffix('\r').unwrap_or(&text);
        let wanted = self.filter.matches.as_ref();
        if source == Source::System || wanted.is_none_or(|matches| matches(text)) {
            to.push(Line {
                offset: part.offset,
                at: part.at,
                source,
                container,
                text: text.to_owned(),
            });
        }
    }

    /// Moves to the piece that holds a byte; lines that begin before it may follow.
    ///
    /// # Errors
    /// When the files can not be read.
    pub fn seek(&mut self, offset: u64) -> io::Result<()> {
        self.record =
            self.first(|piece| piece.offset.saturating_add(u64::from(piece.length)) > offset)?;
        Ok(())
    }

    fn records(&self) -> io::Result<u64> {
        Ok(self.index.metadata()?.len() / Piece::SIZE as u64)
    }

    fn piece(&self, record: u64) -> io::Result<Option<Piece>> {
        let mut bytes = [0; Piece::SIZE];
        let at = record.saturating_mul(Piece::SIZE as u64);
        match self.index.read_exact_at(&mut bytes, at) {
            Ok(()) => Ok(Piece::decode(&bytes)),
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(None),
            Err(error) => Err(error),
        }
    }

    fn content(&self, piece: &Piece, into: &mut Vec<u8>) -> io::Result<()> {
        into.clear();
        into.resize(piece.length.min(1 << 20) as usize, 0);
        self.log.read_exact_at(into, piece.offset)
    }

    /// The first record of a time or later; records are in order of time but for clock jumps.
    fn first_at(&self, since: Millis) -> io::Result<u64> {
        self.first(|piece| piece.at >= since)
    }

    /// The first record of which something holds that holds of all later ones too.
    fn first(&self, holds: impl Fn(&Piece) -> bool) -> io::Result<u64> {
        let (mut low, mut high) = (0, self.records()?);
        while low < high {
            let middle = low + (high - low) / 2;
            match self.piece(middle)? {
                Some(piece) if !holds(&piece) => low = middle + 1,
                _ => high = middle,
            }
        }
        Ok(low)
    }
}

/// Where a log was cut by policy, if it was.
pub fn cut_at(path: &Path) -> Option<u64> {
    let reader = Reader::open(path, Filter::default()).ok()??;
    let last = reader.records().ok()?.checked_sub(1)?;
    let piece = reader.piece(last).ok()??;
    (piece.source == Source::System).then_some(piece.offset)
}

/// Raw bytes of a log, from `offset` on, at most `max`; and the log's length now.
///
/// # Errors
/// When the log can not be read. One that is not there is empty.
pub fn bytes(path: &Path, offset: u64, max: usize) -> io::Result<(Vec<u8>, u64)> {
    let file = match File::open(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok((Vec::new(), 0)),
        file => file?,
    };
    let length = file.metadata()?.len();
    let left = usize::try_from(length.saturating_sub(offset)).unwrap_or(usize::MAX);
    let mut bytes = vec![0; left.min(max)];
    file.read_exact_at(&mut bytes, offset)?;
    Ok((bytes, length))
}

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::time::Duration;

    use super::*;

    fn budget() -> Budget {
        Budget {
            bytes: 1 << 20,
            lines: 1000,
            until: Instant::now() + Duration::from_secs(60),
        }
    }

    fn write(dir: &Path, pieces: &[(Source, u64, &str)]) -> std::path::PathBuf {
        let path = dir.join("1-0.log");
        let mut log = File::create(&path).unwrap();
        let mut index = File::create(path.with_extension("idx")).unwrap();
        let mut offset = 0;
        for (source, at, text) in pieces {
            log.write_all(text.as_bytes()).unwrap();
            let piece = Piece {
                offset,
                length: text.len() as u32,
                at: Millis(*at),
                source: *source,
                container: 0,
            };
            index.write_all(&piece.encode()).unwrap();
            offset += text.len() as u64;
        }
        path
    }

    fn texts(lines: Vec<Line>) -> Vec<String> {
        lines.into_iter().map(|line| line.text).collect()
    }

    #[test]
    fn lines_are_put_together_for_each_stream() {
        let dir = tempfile::tempdir().unwrap();
        let path = write(
            dir.path(),
            &[
                (Source::Stdout, 1, "on"),
                (Source::Stderr, 2, "bad\n"),
                (Source::Stdout, 3, "e\ntwo\nthr"),
            ],
        );
        let mut reader = Reader::open(&path, Filter::default()).unwrap().unwrap();
        assert_eq!(
            texts(reader.next(&budget()).unwrap()),
            ["bad", "one", "two"]
        );
        assert_eq!(texts(reader.rest()), ["thr"]);
        let filter = Filter {
            source: Some(Source::Stderr),
            ..Filter::default()
        };
        let mut reader = Reader::open(&path, filter).unwrap().unwrap();
        assert_eq!(texts(reader.next(&budget()).unwrap()), ["bad"]);
    }

    #[test]
    fn times_tails_and_searches_select() {
        let dir = tempfile::tempdir().unwrap();
        let pieces: Vec<(Source, u64, String)> = (0..50)
            .map(|n| (Source::Stdout, n, format!("line {n}\n")))
            .collect();
        let pieces: Vec<_> = pieces.iter().map(|(s, t, x)| (*s, *t, &**x)).collect();
        let path = write(dir.path(), &pieces);
        let filter = Filter {
            since: Some(Millis(48)),
            ..Filter::default()
        };
        let mut reader = Reader::open(&path, filter).unwrap().unwrap();
        assert_eq!(
            texts(reader.next(&budget()).unwrap()),
            ["line 48", "line 49"]
        );
        let mut reader = Reader::open(&path, Filter::default()).unwrap().unwrap();
        reader.seek_tail(1).unwrap();
        let tail = texts(reader.next(&budget()).unwrap());
        assert!(
            tail.len() <= 2 && tail.last().unwrap() == "line 49",
            "{tail:?}"
        );
        let filter = Filter {
            matches: Some(Box::new(|text| text.ends_with('7'))),
            ..Filter::default()
        };
        let mut reader = Reader::open(&path, filter).unwrap().unwrap();
        assert_eq!(reader.next(&budget()).unwrap().len(), 5);
        let small = Budget {
            lines: 2,
            ..budget()
        };
        let mut reader = Reader::open(&path, Filter::default()).unwrap().unwrap();
        assert_eq!(texts(reader.next(&small).unwrap()), ["line 0", "line 1"]);
        assert_eq!(texts(reader.next(&small).unwrap()), ["line 2", "line 3"]);
        assert_eq!(bytes(&path, 0, 6).unwrap().0, b"line 0");
    }
}
