//! Output of tasks: pages, search and following, read from the files that supervisors write.

mod lines;
mod watcher;

use std::collections::VecDeque;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use regex::Regex;
use steading_api::log::{LogLine, LogQuery};
use steading_control::backend::Later;
use steading_control::site::{LogSlice, LogSource, Logs, SiteError};
use steading_exec::logs::{Source, path};
use steading_exec::{Exec, State};
use steading_store::{LogFile, Store};
use steading_types::task::Task;
use steading_types::{AttemptId, Millis, TenantName};
use tokio::sync::{broadcast, mpsc};

use lines::{Flow, Line, Lines, Rest};
use watcher::Watcher;

/// Lines of a page unless asked otherwise, and at most.
const PAGE: u32 = 1000;
/// Lines that are held to be put in order by time.
const HELD: usize = 1_000_000;
/// Longest search pattern, in bytes; the engine's time is linear in the text.
const PATTERN: usize = 4096;

/// Logs on this host.
pub(crate) struct HostLogs {
    exec: Exec,
    store: Store,
    ends: broadcast::Sender<AttemptId>,
    watcher: Watcher,
}

impl HostLogs {
    /// Logs below the data directory of local execution; `ends` names attempts as they end.
    ///
    /// # Errors
    /// When the system refuses to watch files.
    pub(crate) fn open(
        exec: Exec,
        store: Store,
        ends: broadcast::Sender<AttemptId>,
    ) -> std::io::Result<Self> {
        Ok(Self {
            exec,
            store,
            ends,
            watcher: Watcher::open()?,
        })
    }

    fn file(&self, attempt: AttemptId) -> PathBuf {
        path(self.exec.data_dir(), attempt)
    }

    /// Names of an attempt's containers by position: kept in the index once it is over.
    fn containers(&self, tenant: &TenantName, attempt: AttemptId) -> Vec<String> {
        let known = self
            .store
            .read(|snapshot| snapshot.log(tenant, attempt))
            .ok()
            .flatten();
        match known {
            Some(files) => files.into_iter().map(|file| file.container).collect(),
            None => self.running_containers(attempt),
        }
    }

    fn running_containers(&self, attempt: AttemptId) -> Vec<String> {
        let text = std::fs::read_to_string(
            self.exec
                .data_dir()
                .join("tasks")
                .join(attempt.to_string())
                .join("task.json"),
        );
        let task = text
            .ok()
            .and_then(|text| serde_json::from_str::<Task>(&text).ok());
        task.map(|task| {
            task.init
                .into_iter()
                .map(|c| c.name)
                .chain([task.main.name])
                .collect()
        })
        .unwrap_or_else(|| vec!["main".to_owned()])
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
        let filter = Arc::new(Filter::of(query)?);
        let limit = query.limit.unwrap_or(PAGE).max(1) as usize;
        let jobs: Vec<(LogSource, PathBuf, Vec<String>)> = sources
            .iter()
            .map(|source| {
                (
                    source.clone(),
                    self.file(source.attempt),
                    self.containers(tenant, source.attempt),
                )
            })
            .collect();
        let (tail, offset) = (query.tail.map(|n| n as usize), query.offset.unwrap_or(0));
        let read = move || read_page(&jobs, &filter, limit, tail, offset);
        tokio::task::spawn_blocking(read)
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
        let filter = Filter::of(query)?;
        let file = self.file(source.attempt);
        let directory = file.parent().map(Path::to_owned).unwrap_or_default();
        let mut growth = self
            .watcher
            .listen(&directory)
            .map_err(|error| failed(&error))?;
        let mut ends = self.ends.subscribe();
        let mut reader = Lines::default();
        // With a tail only the last old lines are wanted, then every new one.
        let mut tail = query.tail.map(|n| n as usize);
        loop {
            let over = self.over(tenant, source.attempt);
            let names = self.containers(tenant, source.attempt);
            let mut found = VecDeque::new();
            let rest = if over { Rest::Line } else { Rest::Open };
            reader
                .read(&file, rest, &mut |line| {
                    if filter.admits(&line, &names) {
                        found.push_back(shown(&source, line, &names));
                        if tail.is_some_and(|tail| found.len() > tail) {
                            found.pop_front();
                        }
                    }
                    Flow::On
                })
                .map_err(|error| failed(&error))?;
            tail = None;
            for line in found {
                if lines.send(line).await.is_err() {
                    return Ok(());
                }
            }
            if over {
                return Ok(());
            }
            loop {
                tokio::select! {
                    () = growth.grown() => break,
                    end = ends.recv() => match end {
                        Ok(attempt) if attempt != source.attempt => {}
                        _ => break,
                    },
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

/// Reads all sources and puts their lines in order.
fn read_page(
    jobs: &[(LogSource, PathBuf, Vec<String>)],
    filter: &Filter,
    limit: usize,
    tail: Option<usize>,
    offset: u64,
) -> std::io::Result<LogSlice> {
    let mut all: Vec<LogLine> = Vec::new();
    let mut next = None;
    for (source, file, names) in jobs {
        let mut found = VecDeque::new();
        let mut more = None;
        Lines::default().read(file, Rest::Line, &mut |line| {
            if line.offset < offset || !filter.admits(&line, names) {
                return Flow::On;
            }
            if tail.is_none() && found.len() >= limit {
                more = Some(line.offset);
                return Flow::Stop;
            }
            found.push_back(shown(source, line, names));
            if tail.is_some_and(|tail| found.len() > tail) {
                found.pop_front();
            }
            Flow::On
        })?;
        all.extend(found);
        next = more;
        if all.len() > HELD {
            break;
        }
    }
    // Stable: lines of one task keep their order.
    all.sort_by_key(|line| line.time);
    match tail {
        Some(tail) => drop(all.drain(..all.len().saturating_sub(tail))),
        None => all.truncate(limit),
    }
    Ok(LogSlice {
        lines: all,
        next: if jobs.len() == 1 { next } else { None },
    })
}

/// Which lines are wanted.
struct Filter {
    stream: Option<String>,
    container: Option<String>,
    since: Option<Millis>,
    grep: Option<Regex>,
}

impl Filter {
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
        })
    }

    fn admits(&self, line: &Line, names: &[String]) -> bool {
        self.stream
            .as_deref()
            .is_none_or(|stream| stream == word(line.source))
            && self
                .container
                .as_deref()
                .is_none_or(|wanted| container(line, names) == wanted)
            && self.since.is_none_or(|since| line.time >= since)
            && self
                .grep
                .as_ref()
                .is_none_or(|pattern| pattern.is_match(&line.text))
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
        time: line.time,
        stream: word(line.source).to_owned(),
        container: container(&line, names).to_owned(),
        offset: line.offset,
        text: line.text,
    }
}

impl Logs for HostLogs {
    fn index(&self, _tenant: &TenantName, attempt: AttemptId) -> Option<Vec<LogFile>> {
        let file = self.file(attempt);
        let bytes = lines::length(&file);
        if bytes == 0 {
            return None;
        }
        let cut = lines::cut_at(&file);
        let name = format!(
            "{}/{}-{}.log",
            attempt.run, attempt.node.0, attempt.generation
        );
        let files = self.running_containers(attempt).into_iter();
        Some(
            files
                .map(|container| LogFile {
                    container,
                    file: name.clone(),
                    bytes,
                    cut,
                })
                .collect(),
        )
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
