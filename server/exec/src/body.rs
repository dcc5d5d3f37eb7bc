//! What a supervisor needs from whatever runs a task's containers, at any level.

use std::collections::BTreeMap;
use std::os::fd::BorrowedFd;

use serde::{Deserialize, Serialize};
use steading_types::Millis;
use steading_types::task::{End, Gathered, MemberReport};

use crate::output::Output;
use crate::program::LaunchError;

/// The running part of a task.
pub(crate) trait Body {
    /// A descriptor that becomes readable when there is something to do in [`Body::step`].
    fn control(&self) -> Option<BorrowedFd<'_>>;
    /// Goes on with what can be done now; answers when the task has ended and no process is left.
    fn step(&mut self, child_ended: bool, output: &mut Output) -> Option<Finished>;
    /// Asks the running container to end.
    fn terminate(&mut self);
    /// Ends everything by force.
    fn kill(&mut self);
}

/// A task that has ended, before the supervisor adds what it knows.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Finished {
    pub(crate) end: End,
    pub(crate) started: Option<Millis>,
    pub(crate) outputs: BTreeMap<String, String>,
    pub(crate) refused: BTreeMap<String, String>,
    pub(crate) artifacts: BTreeMap<String, Gathered>,
    pub(crate) result: Option<String>,
    pub(crate) members: BTreeMap<String, MemberReport>,
    pub(crate) isolation: String,
}

impl Finished {
    pub(crate) fn new(end: End) -> Self {
        Self {
            end,
            started: None,
            outputs: BTreeMap::new(),
            refused: BTreeMap::new(),
            artifacts: BTreeMap::new(),
            result: None,
            members: BTreeMap::new(),
            isolation: String::new(),
        }
    }
}

/// The end of a task for which something failed before a container ran.
pub(crate) fn unprepared(code: &str, why: impl ToString) -> End {
    End::Unprepared {
        code: code.to_owned(),
        message: why.to_string(),
    }
}

impl From<LaunchError> for End {
    fn from(error: LaunchError) -> Self {
        match error {
            LaunchError::NotStarted(message) => Self::NotStarted { message },
            LaunchError::Io(error) => unprepared("exec.launch", error),
        }
    }
}
