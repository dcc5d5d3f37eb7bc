//! A task's output on its way from its pipes to its log, and the result kept aside.
//!
//! `log` holds the raw bytes as they came; `log.idx` one fixed record for each piece of them. Both
//! appear with the first byte, so a silent task costs no file.

use std::io::{self, Write};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::PathBuf;

use rustix::buffer::spare_capacity;
use rustix::io::Errno;
use steading_types::task::RESULT_LIMIT;

use crate::logs::{Piece, Source};
use crate::sys;

/// Bytes taken from a pipe at once: what a pipe holds by default.
const CHUNK: usize = 64 * 1024;

/// The pipes, the log and the result.
pub(crate) struct Output {
    streams: Vec<Stream>,
    /// Position in the task of what runs before main, then of main: they share their pipes.
    container: u8,
    log: Log,
    result: Option<Vec<u8>>,
    main: u8,
    buffer: Vec<u8>,
}

/// A pipe.
struct Stream {
    pipe: Option<OwnedFd>,
    source: Source,
    /// Of which container; those before main and main take turns when it is not said.
    container: Option<u8>,
}

impl Output {
    /// Output of a task whose main container is number `main`. The first pair of pipes is of main and
    /// what runs before it, each further one of a further container.
    pub(crate) fn new(
        pipes: Vec<[OwnedFd; 2]>,
        path: PathBuf,
        cap: u64,
        main: u8,
        capture: bool,
    ) -> Self {
        let log = Log {
            path,
            cap,
            offset: 0,
            files: None,
            cut: false,
        };
        let mut streams = Vec::with_capacity(pipes.len() * 2);
        for (late, pair) in (0u8..=u8::MAX).zip(pipes) {
            for (pipe, source) in pair.into_iter().zip([Source::Stdout, Source::Stderr]) {
                streams.push(Stream {
                    pipe: Some(pipe),
                    source,
                    container: (late > 0).then(|| main.saturating_add(late)),
                });
            }
        }
        Self {
            streams,
            container: 0,
            log,
            result: capture.then(Vec::new),
            main,
            buffer: Vec::with_capacity(CHUNK),
        }
    }

    /// Takes everything that the pipes hold now.
    ///
    /// # Errors
    /// When the log can not be written. What was read is lost, and the task goes on.
    pub(crate) fn drain(&mut self) -> io::Result<()> {
        let mut outcome = Ok(());
        for stream in &mut self.streams {
            let container = stream.container.unwrap_or(self.container);
            // At most a mebibyte a turn, so that one stream does not starve everything else.
            for _ in 0..16 {
                let Some(fd) = &stream.pipe else { break };
                self.buffer.clear();
                match rustix::io::read(fd.as_fd(), spare_capacity(&mut self.buffer)) {
                    Ok(0) => stream.pipe = None,
                    Ok(n) => {
                        let bytes = self.buffer.as_slice();
                        if stream.source == Source::Stdout && container == self.main {
                            keep_tail(self.result.as_mut(), bytes);
                        }
                        outcome = outcome.and(self.log.append(stream.source, container, bytes));
                        if n < CHUNK {
                            break;
                        }
                    }
                    Err(Errno::INTR) => {}
                    Err(Errno::AGAIN) => break,
                    Err(error) => {
                        stream.pipe = None;
                        outcome = outcome.and(Err(error.into()));
                    }
                }
            }
        }
        outcome
    }

    /// The open pipes, to be waited for.
    pub(crate) fn pipes(&self) -> impl Iterator<Item = BorrowedFd<'_>> {
        self.streams
            .iter()
            .filter_map(|s| Some(s.pipe.as_ref()?.as_fd()))
    }

    /// Which of main and those before it runs.
    pub(crate) fn container(&self) -> usize {
        usize::from(self.container)
    }

    /// The next one's turn.
    pub(crate) fn advance(&mut self) {
        self.container = self.container.saturating_add(1);
    }

    /// The last bytes of main's standard output, when they were asked for.
    pub(crate) fn result(&mut self) -> Option<String> {
        let mut bytes = self.result.take()?;
        let surplus = bytes.len().saturating_sub(RESULT_LIMIT);
        bytes.drain(..surplus);
        Some(String::from_utf8_lossy(&bytes).into_owned())
    }
}

fn keep_tail(result: Option<&mut Vec<u8>>, bytes: &[u8]) {
    if let Some(result) = result {
        result.extend_from_slice(bytes);
        if result.len() > 4 * RESULT_LIMIT {
            let surplus = result.len() - RESULT_LIMIT;
            result.drain(..surplus);
        }
    }
}

/// The two files of a log.
struct Log {
    /// Of `log`; `log.idx` lies beside it.
    path: PathBuf,
    cap: u64,
    offset: u64,
    files: Option<(std::fs::File, std::fs::File)>,
    cut: bool,
}

impl Log {
    fn append(&mut self, source: Source, container: u8, bytes: &[u8]) -> io::Result<()> {
        if self.cut {
            return Ok(());
        }
        let room = self.cap.saturating_sub(self.offset);
        if (bytes.len() as u64) <= room {
            return self.write(source, container, bytes);
        }
        self.cut = true;
        self.write(
            source,
            container,
            bytes.get(..room as usize).unwrap_or_default(),
        )?;
        let mark = format!(
            "\n[steading: the log is cut here: it reached {} bytes]\n",
            self.cap
        );
        self.write(Source::System, container, mark.as_bytes())
    }

    fn write(&mut self, source: Source, container: u8, bytes: &[u8]) -> io::Result<()> {
        let (log, index) = match &mut self.files {
            Some(files) => files,
            None => self.files.insert(open(&self.path)?),
        };
        // The bytes before their record: a record never points at what is not there.
        log.write_all(bytes)?;
        let piece = Piece {
            offset: self.offset,
            length: bytes.len() as u32,
            at: sys::now(),
            source,
            container,
        };
        index.write_all(&piece.encode())?;
        self.offset += bytes.len() as u64;
        Ok(())
    }
}

fn open(path: &std::path::Path) -> io::Result<(std::fs::File, std::fs::File)> {
    if let Some(dir) = path.parent() {
        std::fs::create_dir_all(dir)?;
    }
    let create = |path: &std::path::Path| {
        let mut options = std::fs::File::options();
        options.write(true).create(true).truncate(true);
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        options.open(path)
    };
    Ok((create(path)?, create(&path.with_extension("idx"))?))
}
