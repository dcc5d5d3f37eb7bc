//! The records of the `exec` capability, as `plugin.wit` documents them, and the way from a task's
//! report to them.

use steading_types::task::{End, TaskReport};

pub use crate::bindings::steading::plugin::exec::{
    Fault, Isolation, Limits, Mount, Spec, State, Status,
};

/// One of a task's output streams.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogStream {
    /// Both, in the order of writing.
    Both,
    /// Standard output.
    Stdout,
    /// Standard error.
    Stderr,
}

impl Status {
    /// A task that has not ended; `started` in Unix milliseconds, none while it waits.
    pub fn under_way(started: Option<u64>) -> Self {
        Self {
            state: match started {
                Some(_) => State::Running,
                None => State::Pending,
            },
            started,
            finished: None,
            cpu_ms: 0,
            max_rss: 0,
            extra: None,
        }
    }

    /// A service that can be used.
    pub fn serving(started: Option<u64>) -> Self {
        Self {
            extra: Some(SERVING.to_owned()),
            ..Self::under_way(started)
        }
    }

    /// A task that the host does not know.
    pub fn gone() -> Self {
        Self {
            state: State::Gone,
            ..Self::under_way(None)
        }
    }

    /// An ended task. The whole report travels along as JSON.
    pub fn ended(report: &TaskReport) -> Self {
        Self {
            state: state(&report.end),
            started: report.started.map(|at| at.get()),
            finished: Some(report.finished.get()),
            cpu_ms: report.cpu_ms,
            max_rss: report.max_rss,
            extra: serde_json::to_string(report).ok(),
        }
    }
}

/// What travels along with the status of a service that can be used.
pub const SERVING: &str = r#"{"serving":true}"#;

fn state(end: &End) -> State {
    match end {
        End::Exited { code, .. } => State::Exited(*code),
        End::Signaled { signal, .. } => State::Signaled(*signal),
        // A probe's failures end a container politely.
        End::Unhealthy { .. } => State::Signaled(15),
        End::OutOfMemory { .. } => State::Oom,
        End::DeadlineExceeded => State::TimedOut,
        // The latter is said of the server's own work, which no task is.
        End::NotStarted { message } | End::Declined { message } => {
            State::NotStarted(message.clone())
        }
        End::Unprepared { code, message } => State::Unprepared(Fault {
            code: code.clone(),
            message: message.clone(),
        }),
        End::Lost => State::Gone,
    }
}
