//! From what the host knows of a task to what the engine is told.

use steading_plugin::compute::{Phase, Status};
use steading_plugin::exec;

/// Exit codes as a shell reports them: 128 and the signal; 64 and 65 as Argo's executor does.
const SIGNAL_BASE: i32 = 128;
const SIGKILL: i32 = 9;
const NOT_STARTED: i32 = 64;
const UNPREPARED: i32 = 65;

/// The status of one task.
pub(crate) fn of(handle: String, task: exec::Status) -> Status {
    let (phase, exit_code, reason) = verdict(task.state);
    let usage = task
        .finished
        .is_some()
        .then(|| format!(r#"{{"cpuMs":{},"maxRss":{}}}"#, task.cpu_ms, task.max_rss));
    Status {
        reason,
        exit_code,
        started: task.started,
        finished: task.finished,
        usage,
        outputs: task.extra,
        ..Status::new(handle, phase)
    }
}

fn verdict(state: exec::State) -> (Phase, Option<i32>, Option<String>) {
    use exec::State;
    let failed = |code, reason| (Phase::Failed, code, Some(reason));
    match state {
        State::Pending => (Phase::Starting, None, None),
        State::Running => (Phase::Running, None, None),
        State::Exited(0) => (Phase::Succeeded, Some(0), None),
        State::Exited(code) => failed(Some(code), format!("exit code {code}")),
        State::Signaled(signal) => failed(
            Some(SIGNAL_BASE.saturating_add(signal)),
            format!("killed by signal {signal}"),
        ),
        State::Oom => failed(
            Some(SIGNAL_BASE + SIGKILL),
            "killed: it used more memory than its limit".to_owned(),
        ),
        State::TimedOut => failed(None, "ended: its deadline passed".to_owned()),
        State::NotStarted(message) => failed(Some(NOT_STARTED), message),
        State::Unprepared(fault) => failed(
            Some(UNPREPARED),
            format!("{}: {}", fault.code, fault.message),
        ),
        State::Gone => (
            Phase::Lost,
            None,
            Some("this host has no record of how the task ended".to_owned()),
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_end_but_success_says_why() {
        use exec::State;
        let fault = exec::Fault {
            code: "image.missing".to_owned(),
            message: "no image busybox".to_owned(),
        };
        for (state, phase, code, reason) in [
            (State::Exited(0), Phase::Succeeded, Some(0), None),
            (
                State::Exited(3),
                Phase::Failed,
                Some(3),
                Some("exit code 3"),
            ),
            (
                State::Signaled(15),
                Phase::Failed,
                Some(143),
                Some("killed by signal 15"),
            ),
            (
                State::Oom,
                Phase::Failed,
                Some(137),
                Some("killed: it used more memory than its limit"),
            ),
            (
                State::Unprepared(fault),
                Phase::Failed,
                Some(65),
                Some("image.missing: no image busybox"),
            ),
        ] {
            let (got_phase, got_code, got_reason) = verdict(state);
            assert_eq!((got_phase, got_code), (phase, code));
            assert_eq!(got_reason.as_deref(), reason);
        }
    }

    #[test]
    fn what_nobody_knows_is_lost_and_not_failed() {
        assert_eq!(verdict(exec::State::Gone).0, Phase::Lost);
    }
}
