//! Commands: one file each, with one handler. A handler first decides whether the command makes sense and
//! refuses it otherwise; only then it alters the run.
//!
//! To add one: a variant of [`Command`], a file here, an arm in [`Turn::obey`], a test in `tests/run`.

mod resume;
mod retry;
mod selector;
mod set_node;
mod skip;
mod start;
mod stop;
mod suspend;
mod timer;

use crate::command::Command;
use crate::error::Refusal;
use crate::turn::Turn;

impl Turn<'_> {
    /// Carries out a command.
    pub(crate) fn obey(&mut self, command: Command) -> Result<(), Refusal> {
        match command {
            Command::Start => self.start_run(),
            Command::Continue => Ok(()),
            Command::AttemptWaiting { attempt, reason } => {
                self.attempt_waiting(attempt, reason);
                Ok(())
            }
            Command::AttemptStarted { attempt, host } => {
                self.attempt_started(attempt, host);
                Ok(())
            }
            Command::AttemptReady { attempt, host } => {
                self.attempt_ready(attempt, host);
                Ok(())
            }
            Command::AttemptEnded { attempt, report } => {
                self.attempt_ended(attempt, &report);
                Ok(())
            }
            Command::TimerFired { timer } => {
                self.timer_fired(timer);
                Ok(())
            }
            Command::LocksGranted { hold } => {
                self.granted(hold);
                Ok(())
            }
            Command::LocksBusy { hold } => {
                self.locks_busy(hold);
                Ok(())
            }
            Command::LocksRefused { hold, reason } => {
                self.turned_away(hold, reason);
                Ok(())
            }
            Command::Suspend => self.suspend_run(),
            Command::Resume { selector, by } => self.resume_run(selector.as_ref(), &by),
            Command::Stop { selector, message } => {
                self.stop_run(selector.as_ref(), message.as_deref())
            }
            Command::Terminate => self.terminate_run(),
            Command::SetNode {
                selector,
                phase,
                message,
                outputs,
                by,
            } => self.set_node(&selector, phase, message.as_deref(), &outputs, &by),
            Command::Skip {
                selector,
                outputs,
                by,
                why,
            } => self.skip_nodes(&selector, &outputs, &by, why.as_deref()),
            Command::Retry {
                restart_successful,
                selector,
                parameters,
            } => self.retry_run(restart_successful, selector.as_ref(), parameters),
        }
    }
}
