//! Output of tasks: pages, search and following, read from the files that supervisors write.

use std::collections::VecDeque;
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use regex::Regex;
use steading_api::log::{LogLine, LogQuery};
use steading_control::backend::Later;
use steading_control::site::{LogSlice, LogSource, Logs, SiteError};
use steading_exec::logs::{Budget, Filter, Line, Reader, Source, Watcher, cut_at, path};
use steading_exec::{Exec, State};
use steading_store::{LogFile, Store};
use steading_types::{AttemptId, Millis, TenantName};
use tokio::sync::mpsc;

use crate::local::Owners;

/// Lines of a page unless asked otherwise, and at most.
const PAGE: u32 = 1000;
/// Lines that are held to be put in order by time.
const HELD: usize = 1_000_000;
/// Longest search pattern, in bytes; the engine's time is linear in the text.
const PATTERN: usize = 4096;
/// How long one look at one log may take, and one page of many.
const LOOK: Duration = Duration::from_secs(2);
const PATIENCE: Duration = Duration::from_secs(20);

/// Logs on this host.
pub(crate) struct HostLogs {
    exec: Exec,
    store: Store,
    owners: Owners,
    watcher: Watcher,
}

impl HostLogs {
    /// Logs below the data directory of local execution.
    ///
    /// # Errors
    /// When the system refuses to watch files.
    pub(crate) fn open(exec: Exec, store: Store, owners: Owners) -> io::Result<Self> {
        Ok(Self {
            exec,
            store,
            owners,
            watcher: Watcher::open()?,
        })
    }

    fn file(&self, attempt: AttemptId) -> PathBuf {
        path(self.exec.data_dir(), attempt)
    }

    /// Names of an attempt's containers by position: in memory while it runs, then in the index.
    fn containers(&self, tenant: &TenantName, attempt: AttemptId) -> Vec<String> {
        if let Some(names) = self.owners.containers(attempt) {
            return names.to_vec();
        }
        let known = self.store.read(|snapshot| snapshot.log(tenant, attempt));
        let files = known.ok().flatten().unwrap_or_default();
        files.into_iter().map(|file| file.container).collect()
    }

    /// Whether nothing more will be written.
    fn over(&self, tenant: &TenantName, attempt: AttemptId) -> bool {
        match self.exec.state(attempt) {
            State::Running { .. } => false,
            State::Ended(_) => true,
            // Not begun, or long over: the outbox knows.
            State::Unknown => self
                .store
                .read(|s| s.outbox_row(tenant, attempt))
                .is_ok_and(|row| row.is_none()),
        }
    }

    async fn page(
        &self,
        tenant: &TenantName,
        sources: &[LogSource],
        query: &LogQuery,
    ) -> Result<LogSlice, SiteError> {
        let wanted = Wanted::of(query)?;
        let jobs: Vec<Job> = sources
            .iter()
            .map(|source| Job {
                source: source.clone(),
                file: self.file(source.attempt),
                names: self.containers(tenant, source.attempt),
            })
            .collect();
        tokio::task::spawn_blocking(move || read_page(&jobs, &wanted))
            .await
            .map_err(|error| failed(&error))?
            .map_err(|error| failed(&error))
    }

    async fn send_all(
        &self,
        tenant: &TenantName,
        source: LogSource,
        query: &LogQuery,
        lines: &mpsc::Sender<LogLine>,
    ) -> Result<(), SiteError> {
        let mut wanted = Wanted::of(query)?;
        let file = self.file(source.attempt);
        let directory = file.parent().map(Path::to_owned).unwrap_or_default();
        let listening = self.watcher.listen(&directory);
        let mut growth = listening.map_err(|error| failed(&error))?;
        // An attempt may end without a word of the backend: before it began.
        let mut commits = self.store.feed(Some(self.store.latest()));
        let mut reader: Option<Reader> = None;
        loop {
            // Looked at before the log: what is written later is read in the next round.
            let over = self.over(tenant, source.attempt);
            let names = self.containers(tenant, source.attempt);
            let found = wanted.new_lines(&file, &mut reader, over);
            for line in found.map_err(|error| failed(&error))? {
                if wanted.admits(&line, &names)
                    && lines.send(shown(&source, line, &names)).await.is_err()
                {
                    return Ok(());
                }
            }
            if over {
                return Ok(());
            }
            tokio::select! {
                () = growth.grown() => {}
                touched = commits.touched(source.attempt.run) => {
                    touched.map_err(|error| failed(&error))?;
                }
            }
        }
    }
}

fn failed(error: &dyn std::fmt::Display) -> SiteError {
    SiteError {
        code: "log.unreadable".to_owned(),
        message: format!("the log can not be read: {error}"),
        fix: None,
    }
}

/// One attempt to read.
struct Job {
    source: LogSource,
    file: PathBuf,
    names: Vec<String>,
}

/// Which lines, and how many.
struct Wanted {
    stream: Option<String>,
    container: Option<String>,
    since: Option<Millis>,
    grep: Option<Regex>,
    limit: usize,
    tail: Option<usize>,
    offset: u64,
}

impl Wanted {
    fn of(query: &LogQuery) -> Result<Self, SiteError> {
        let wrong = |message: String| SiteError {
            code: "request.filter".to_owned(),
            message,
            fix: None,
        };
        let grep = match query.grep.as_deref() {
            Some(pattern) if pattern.len() > PATTERN => {
                return Err(wrong(format!("the pattern is longer than {PATTERN} bytes")));
            }
            Some(pattern) => Some(Regex::new(pattern).map_err(|error| {
                wrong(format!("the pattern is no regular expression: {error}"))
            })?),
            None => None,
        };
        Ok(Self {
            stream: query.stream.clone(),
            container: query.container.clone(),
            since: query.since,
            grep,
            limit: query.limit.unwrap_or(PAGE).max(1) as usize,
            tail: query.tail.map(|lines| lines as usize),
            offset: query.offset.unwrap_or(0),
        })
    }

    fn admits(&self, line: &Line, names: &[String]) -> bool {
        let stream = self.stream.as_deref();
        let wanted = self.container.as_deref();
        line.offset >= self.offset
            && stream.is_none_or(|stream| stream == word(line.source))
            && wanted.is_none_or(|wanted| container(line, names) == wanted)
            && self.since.is_none_or(|since| line.at >= since)
            && self
                .grep
                .as_ref()
                .is_none_or(|grep| grep.is_match(&line.text))
    }

    /// A reader at the place where the wanted lines begin; nothing while nothing was written.
    fn open(&self, file: &Path) -> io::Result<Option<Reader>> {
        let filter = Filter {
            since: self.since,
            ..Filter::default()
        };
        let mut reader = Reader::open(file, filter)?;
        if let Some(reader) = reader.as_mut().filter(|_| self.offset > 0) {
            reader.seek(self.offset)?;
        }
        Ok(reader)
    }

    /// What was written since the last call; of old lines only the tail that is wanted.
    fn new_lines(
        &mut self,
        file: &Path,
        reader: &mut Option<Reader>,
        over: bool,
    ) -> io::Result<VecDeque<Line>> {
        if reader.is_none() {
            *reader = self.open(file)?;
        }
        let mut found = VecDeque::new();
        let Some(reader) = reader else {
            return Ok(found);
        };
        loop {
            let lines = reader.next(&budget())?;
            if lines.is_empty() {
                break;
            }
            found.extend(lines);
        }
        if over {
            found.extend(reader.rest());
        }
        if let Some(tail) = self.tail.take() {
            found.drain(..found.len().saturating_sub(tail));
        }
        Ok(found)
    }
}

/// What one look at a log may cost.
fn budget() -> Budget {
    Budget {
        bytes: 16 * 1024 * 1024,
        lines: 100_000,
        until: Instant::now() + LOOK,
    }
}

/// Reads all sources and puts their lines in order.
fn read_page(jobs: &[Job], wanted: &Wanted) -> io::Result<LogSlice> {
    let mut all: Vec<LogLine> = Vec::new();
    let mut next = None;
    let deadline = Instant::now() + PATIENCE;
    for job in jobs {
        let (found, more) = read_job(job, wanted, deadline)?;
        all.extend(found);
        next = more;
        if all.len() > HELD || Instant::now() > deadline {
            break;
        }
    }
    // Stable: lines of one task keep their order.
    all.sort_by_key(|line| line.time);
    match wanted.tail {
        Some(tail) => drop(all.drain(..all.len().saturating_sub(tail))),
        None => all.truncate(wanted.limit),
    }
    let next = if jobs.len() == 1 { next } else { None };
    Ok(LogSlice { lines: all, next })
}

/// The wanted lines of one log, and where more of them follow.
fn read_job(
    job: &Job,
    wanted: &Wanted,
    deadline: Instant,
) -> io::Result<(VecDeque<LogLine>, Option<u64>)> {
    let mut found = VecDeque::new();
    let Some(mut reader) = wanted.open(&job.file)? else {
        return Ok((found, None));
    };
    loop {
        let mut lines = reader.next(&budget())?;
        let last = lines.is_empty();
        if last {
            lines = reader.rest();
        }
        for line in lines {
            if !wanted.admits(&line, &job.names) {
                continue;
            }
            if wanted.tail.is_none() && found.len() >= wanted.limit {
                return Ok((found, Some(line.offset)));
            }
            found.push_back(shown(&job.source, line, &job.names));
            if wanted.tail.is_some_and(|tail| found.len() > tail) {
                found.pop_front();
            }
        }
        if last || Instant::now() > deadline {
            return Ok((found, None));
        }
    }
}

fn word(source: Source) -> &'static str {
    match source {
        Source::Stdout => "stdout",
        Source::Stderr => "stderr",
        Source::System => "steading",
    }
}

fn container<'n>(line: &Line, names: &'n [String]) -> &'n str {
    names
        .get(usize::from(line.container))
        .map_or("main", String::as_str)
}

fn shown(source: &LogSource, line: Line, names: &[String]) -> LogLine {
    LogLine {
        node: source.attempt.node.0,
        pod: source.pod.clone(),
        time: line.at,
        stream: word(line.source).to_owned(),
        container: container(&line, names).to_owned(),
        offset: line.offset,
        text: line.text,
    }
}

impl Logs for HostLogs {
    fn index(&self, _tenant: &TenantName, attempt: AttemptId) -> Option<Vec<LogFile>> {
        let file = self.file(attempt);
        let bytes = std::fs::metadata(&file).ok()?.len();
        let cut = cut_at(&file);
        let name = format!(
            "{}/{}-{}.log",
            attempt.run, attempt.node.0, attempt.generation
        );
        let names = self.owners.containers(attempt)?;
        let file_of = |container: &String| LogFile {
            container: container.clone(),
            file: name.clone(),
            bytes,
            cut,
        };
        Some(names.iter().map(file_of).collect())
    }

    fn read<'a>(
        &'a self,
        tenant: &'a TenantName,
        sources: &'a [LogSource],
        query: &'a LogQuery,
    ) -> Later<'a, Result<LogSlice, SiteError>> {
        Box::pin(self.page(tenant, sources, query))
    }

    fn follow<'a>(
        &'a self,
        tenant: &'a TenantName,
        source: LogSource,
        query: &'a LogQuery,
        lines: mpsc::Sender<LogLine>,
    ) -> Later<'a, Result<(), SiteError>> {
        Box::pin(async move { self.send_all(tenant, source, query, &lines).await })
    }

    fn remove<'a>(&'a self, _tenant: &'a TenantName, attempts: &'a [AttemptId]) -> Later<'a, ()> {
        Box::pin(async move {
            for attempt in attempts {
                let file = self.file(*attempt);
                let _ = tokio::fs::remove_file(file.with_extension("idx")).await;
                let _ = tokio::fs::remove_file(&file).await;
                if let Some(directory) = file.parent() {
                    let _ = tokio::fs::remove_dir(directory).await;
                }
            }
        })
    }
}
