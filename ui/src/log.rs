//! The lines of a log as the page holds them: in batches, so that a new line touches one batch only,
//! and bounded, so that a task that prints for ever does not eat the browser.

use std::collections::VecDeque;
use std::sync::Arc;

use steading_api::log::LogLine;
use steading_types::Millis;

/// Lines that are kept; older ones give way.
const KEPT: usize = 20_000;
/// Lines of a batch.
const BATCH: usize = 200;

/// Lines that never change again.
#[derive(Debug, Clone, PartialEq)]
pub struct Batch {
    /// Grows; the key of the batch in the document.
    pub number: u64,
    /// Its lines.
    pub lines: Arc<Vec<Entry>>,
}

/// One row of the log.
#[derive(Debug, Clone, PartialEq)]
pub enum Entry {
    /// What a task printed.
    Line(LogLine),
    /// Something of ours: a cut, a gap.
    Mark(String),
}

/// The log so far.
#[derive(Debug, Clone, Default)]
pub struct Log {
    batches: VecDeque<Batch>,
    next: u64,
    held: usize,
    dropped: usize,
    latest: Option<(u32, u64, Millis)>,
    at_latest: Vec<(u32, u64)>,
}

impl Log {
    /// Takes over lines in their order; lines that were seen before a lost connection are left out.
    pub fn push(&mut self, lines: Vec<LogLine>) {
        let fresh: Vec<Entry> = lines
            .into_iter()
            .filter(|line| self.is_new(line))
            .map(entry)
            .collect();
        self.append(fresh);
    }

    /// Puts a mark at the end.
    pub fn mark(&mut self, text: &str) {
        self.append(vec![Entry::Mark(text.to_owned())]);
    }

    /// The batches from the oldest to the newest.
    pub fn batches(&self) -> impl Iterator<Item = &Batch> {
        self.batches.iter()
    }

    /// True while there is nothing to show.
    pub fn is_empty(&self) -> bool {
        self.held == 0
    }

    /// Lines that gave way to newer ones.
    pub fn dropped(&self) -> usize {
        self.dropped
    }

    /// Where to go on after a lost connection: byte offset of the last line within its node's log, and its time.
    pub fn latest(&self) -> Option<(u64, Millis)> {
        self.latest.map(|(_, offset, time)| (offset, time))
    }

    fn is_new(&mut self, line: &LogLine) -> bool {
        let key = (line.node, line.offset);
        if self.latest.is_some_and(|(_, _, time)| time == line.time) {
            if self.at_latest.contains(&key) {
                return false;
            }
        } else {
            self.at_latest.clear();
        }
        self.at_latest.push(key);
        self.latest = Some((line.node, line.offset, line.time));
        true
    }

    fn append(&mut self, entries: Vec<Entry>) {
        let mut entries = entries.into_iter().peekable();
        while entries.peek().is_some() {
            let lines: Vec<Entry> = entries.by_ref().take(BATCH).collect();
            self.held = self.held.saturating_add(lines.len());
            self.batches.push_back(Batch {
                number: self.next,
                lines: Arc::new(lines),
            });
            self.next = self.next.saturating_add(1);
        }
        while self.held > KEPT {
            let Some(batch) = self.batches.pop_front() else {
                break;
            };
            self.held = self.held.saturating_sub(batch.lines.len());
            self.dropped = self.dropped.saturating_add(batch.lines.len());
        }
    }
}

fn entry(line: LogLine) -> Entry {
    if line.stream == "steading" {
        Entry::Mark(line.text)
    } else {
        Entry::Line(line)
    }
}

/// A line without what only a terminal understands: colours, cursor moves, other control characters.
pub fn plain(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '\u{1b}' if chars.peek() == Some(&'[') => {
                chars.next();
                // A sequence ends with its first character from '@' to '~'.
                while chars.next().is_some_and(|c| !('@'..='~').contains(&c)) {}
            }
            '\t' => plain.push(c),
            c if c.is_control() => {}
            c => plain.push(c),
        }
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(offset: u64, time: u64) -> LogLine {
        LogLine {
            node: 3,
            pod: "wf-3".into(),
            time: Millis(time),
            stream: "stdout".into(),
            container: "main".into(),
            offset,
            text: format!("line at {offset}"),
        }
    }

    fn texts(log: &Log) -> Vec<String> {
        let entries = log.batches().flat_map(|batch| batch.lines.iter());
        entries
            .map(|entry| match entry {
                Entry::Line(line) => line.offset.to_string(),
                Entry::Mark(text) => format!("-- {text}"),
            })
            .collect()
    }

    #[test]
    fn lines_that_come_again_after_a_lost_connection_are_shown_once() {
        let mut log = Log::default();
        log.push(vec![line(0, 1), line(10, 5), line(20, 5)]);
        assert_eq!(log.latest(), Some((20, Millis(5))));
        log.mark("connection lost");
        log.push(vec![line(10, 5), line(20, 5), line(30, 5), line(40, 6)]);
        assert_eq!(
            texts(&log),
            ["0", "10", "20", "-- connection lost", "30", "40"]
        );
    }

    #[test]
    fn an_endless_log_keeps_its_end_and_says_how_much_is_gone() {
        let mut log = Log::default();
        for i in 0..30 {
            log.push(
                (0..1_000)
                    .map(|j| line(i * 1_000 + j, i * 1_000 + j))
                    .collect(),
            );
        }
        assert_eq!((log.held, log.dropped()), (20_000, 10_000));
        assert_eq!(texts(&log).last().map(String::as_str), Some("29999"));
    }

    #[test]
    fn a_mark_of_the_server_is_no_output_of_the_task() {
        let mut log = Log::default();
        log.push(vec![LogLine {
            stream: "steading".into(),
            text: "cut at 10 MiB".into(),
            ..line(0, 1)
        }]);
        assert_eq!(texts(&log), ["-- cut at 10 MiB"]);
    }

    #[test]
    fn colours_and_cursor_moves_of_a_terminal_are_left_out() {
        assert_eq!(plain("\u{1b}[1;31mred\u{1b}[0m\tok\r"), "red\tok");
        assert_eq!(plain("\u{1b}[31"), "");
        assert_eq!(plain("a\u{0}b\u{1b}"), "ab");
    }
}
