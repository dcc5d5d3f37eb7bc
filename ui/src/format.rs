//! Numbers, times and states as people read them. Pure: the clock and the time zone are the caller's.

use std::collections::BTreeMap;

use steading_types::{Millis, NodePhase, WorkflowPhase};

const SECOND: u64 = 1_000;
const MINUTE: u64 = 60 * SECOND;
const HOUR: u64 = 60 * MINUTE;
const DAY: u64 = 24 * HOUR;

/// A span in its two largest units: `840 ms`, `12.3 s`, `4 m 05 s`, `3 h 20 m`, `2 d 4 h`.
pub fn duration(span: Millis) -> String {
    let ms = span.get();
    match ms {
        0..SECOND => format!("{ms} ms"),
        SECOND..MINUTE => format!("{}.{} s", ms / SECOND, ms % SECOND / 100),
        MINUTE..HOUR => format!("{} m {:02} s", ms / MINUTE, ms % MINUTE / SECOND),
        HOUR..DAY => format!("{} h {:02} m", ms / HOUR, ms % HOUR / MINUTE),
        _ => format!("{} d {} h", ms / DAY, ms % DAY / HOUR),
    }
}

/// How long something took, or has taken up to now; nothing before it started.
pub fn elapsed(started: Option<Millis>, finished: Option<Millis>, now: Millis) -> Option<String> {
    started.map(|start| duration(finished.unwrap_or(now).since(start)))
}

/// A point in time as seen from now: `just now`, `40 s ago`, `3 h ago`, `12 d ago`.
pub fn ago(at: Millis, now: Millis) -> String {
    let ms = now.since(at).get();
    match ms {
        0..2_000 => "just now".to_owned(),
        2_000..MINUTE => format!("{} s ago", ms / SECOND),
        MINUTE..HOUR => format!("{} m ago", ms / MINUTE),
        HOUR..DAY => format!("{} h ago", ms / HOUR),
        _ => format!("{} d ago", ms / DAY),
    }
}

/// Bytes in binary units with three digits: `812 B`, `1.50 MiB`, `23.4 GiB`.
pub fn bytes(count: u64) -> String {
    const UNITS: [&str; 5] = ["KiB", "MiB", "GiB", "TiB", "PiB"];
    if count < 1024 {
        return format!("{count} B");
    }
    let mut value = count as f64 / 1024.0;
    let mut units = UNITS.iter();
    let mut unit = units.next().copied().unwrap_or_default();
    for next in units {
        if value < 1000.0 {
            break;
        }
        value /= 1024.0;
        unit = next;
    }
    let digits = usize::from(value < 100.0) + usize::from(value < 10.0);
    format!("{value:.digits$} {unit}")
}

/// A count with thin groups of three: `10 000`.
pub fn count(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            text.push('\u{202f}');
        }
        text.push(digit);
    }
    text
}

/// A number and its noun: `1 step`, `3 steps`.
pub fn plural(number: u64, noun: &str) -> String {
    let ending = if number == 1 { "" } else { "s" };
    format!("{} {noun}{ending}", count(number))
}

/// How a process ended: `exit code 3`, `killed by signal 9 (SIGKILL)`.
pub fn exit(code: i32) -> String {
    let signal = match code {
        129 => "SIGHUP",
        130 => "SIGINT",
        131 => "SIGQUIT",
        132 => "SIGILL",
        134 => "SIGABRT",
        135 => "SIGBUS",
        136 => "SIGFPE",
        137 => "SIGKILL",
        139 => "SIGSEGV",
        141 => "SIGPIPE",
        143 => "SIGTERM",
        _ => return format!("exit code {code}"),
    };
    format!("exit code {code}: signal {} ({signal})", code - 128)
}

/// The states that the page shows; each has a word, a shape and a colour of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum State {
    /// The work said no.
    Failed,
    /// The machinery did.
    Error,
    /// Waits for a person.
    Suspended,
    /// Under way.
    Running,
    /// Not yet started.
    Pending,
    /// Ended well.
    Succeeded,
    /// Its condition was false.
    Skipped,
    /// What it depends on can not come any more.
    Omitted,
}

impl State {
    /// The word on the page.
    pub fn word(self) -> &'static str {
        match self {
            Self::Failed => "Failed",
            Self::Error => "Error",
            Self::Suspended => "Suspended",
            Self::Running => "Running",
            Self::Pending => "Waiting",
            Self::Succeeded => "Succeeded",
            Self::Skipped => "Skipped",
            Self::Omitted => "Not run",
        }
    }

    /// The class in the style sheet.
    pub fn class(self) -> &'static str {
        match self {
            Self::Failed => "failed",
            Self::Error => "error",
            Self::Suspended => "suspended",
            Self::Running => "running",
            Self::Pending => "pending",
            Self::Succeeded => "succeeded",
            Self::Skipped => "skipped",
            Self::Omitted => "omitted",
        }
    }

    /// Failed or Error.
    pub fn bad(self) -> bool {
        matches!(self, Self::Failed | Self::Error)
    }
}

impl From<NodePhase> for State {
    fn from(phase: NodePhase) -> Self {
        match phase {
            NodePhase::Pending => Self::Pending,
            NodePhase::Running => Self::Running,
            NodePhase::Succeeded => Self::Succeeded,
            NodePhase::Skipped => Self::Skipped,
            NodePhase::Failed => Self::Failed,
            NodePhase::Error => Self::Error,
            NodePhase::Omitted => Self::Omitted,
        }
    }
}

/// The state of a run: a suspended one is not said to run.
pub fn run_state(phase: WorkflowPhase, suspended: bool) -> State {
    match phase {
        WorkflowPhase::Pending | WorkflowPhase::Running if suspended => State::Suspended,
        WorkflowPhase::Pending => State::Pending,
        WorkflowPhase::Running => State::Running,
        WorkflowPhase::Succeeded => State::Succeeded,
        WorkflowPhase::Failed => State::Failed,
        WorkflowPhase::Error => State::Error,
    }
}

/// The counts of a run or a fan, worst first: `2 failed, 40 running, 458 succeeded`.
pub fn tally(counts: impl IntoIterator<Item = (State, u32)>) -> String {
    let mut sums: BTreeMap<State, u64> = BTreeMap::new();
    for (state, number) in counts {
        let sum = sums.entry(state).or_default();
        *sum = sum.saturating_add(u64::from(number));
    }
    let parts: Vec<String> = sums
        .into_iter()
        .filter(|(_, number)| *number > 0)
        .map(|(state, number)| format!("{} {}", count(number), state.word().to_lowercase()))
        .collect();
    parts.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_show_two_units_and_never_more() {
        for (ms, text) in [
            (0, "0 ms"),
            (999, "999 ms"),
            (12_345, "12.3 s"),
            (245_000, "4 m 05 s"),
            (12_000_000, "3 h 20 m"),
            (187_200_000, "2 d 4 h"),
        ] {
            assert_eq!(duration(Millis(ms)), text);
        }
        assert_eq!(duration(Millis(u64::MAX)).split(' ').count(), 4);
    }

    #[test]
    fn a_running_node_has_taken_the_time_until_now() {
        let now = Millis(10_000);
        assert_eq!(
            elapsed(Some(Millis(4_000)), None, now).as_deref(),
            Some("6.0 s")
        );
        assert_eq!(elapsed(None, None, now), None);
        assert_eq!(
            elapsed(Some(Millis(20_000)), None, now).as_deref(),
            Some("0 ms")
        );
    }

    #[test]
    fn a_clock_that_is_behind_the_server_never_shows_the_future() {
        assert_eq!(ago(Millis(5_000), Millis(1_000)), "just now");
        assert_eq!(ago(Millis(0), Millis(7_300_000)), "2 h ago");
    }

    #[test]
    fn sizes_keep_three_digits() {
        for (size, text) in [
            (812, "812 B"),
            (1536, "1.50 KiB"),
            (25_165_824, "24.0 MiB"),
            (u64::MAX, "16384 PiB"),
        ] {
            assert_eq!(bytes(size), text);
        }
        assert_eq!(count(10_000), "10\u{202f}000");
        assert_eq!(
            (plural(1, "step"), plural(2, "step")),
            ("1 step".into(), "2 steps".into())
        );
    }

    #[test]
    fn an_exit_code_above_128_names_its_signal() {
        assert_eq!(exit(3), "exit code 3");
        assert_eq!(exit(137), "exit code 137: signal 9 (SIGKILL)");
    }

    #[test]
    fn a_tally_begins_with_what_went_wrong() {
        let counts = [
            (State::Succeeded, 458),
            (State::Failed, 2),
            (State::Running, 0),
        ];
        assert_eq!(tally(counts), "2 failed, 458 succeeded");
    }

    #[test]
    fn a_suspended_run_is_not_said_to_run() {
        assert_eq!(run_state(WorkflowPhase::Running, true).word(), "Suspended");
        assert_eq!(run_state(WorkflowPhase::Failed, true).word(), "Failed");
    }
}
