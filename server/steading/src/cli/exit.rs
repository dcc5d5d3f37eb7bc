//! How the program ends: one sentence, and an exit code that scripts can rely on.

use std::fmt::Display;
use std::process::ExitCode;

use steading_api::client::CallError;
use steading_api::error::{ErrorBody, Severity};

/// The exit codes. 0 is success, 2 (usage) is also clap's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Code {
    /// The run did not succeed.
    RunFailed = 1,
    /// The arguments make no sense.
    Usage = 2,
    /// There is no such object.
    NotFound = 3,
    /// Who asks is not known, or may not.
    Authentication = 4,
    /// The server, or a document's check, said no.
    Refused = 5,
    /// Ended by a person.
    Cancelled = 6,
    /// It took longer than was waited for.
    Timeout = 7,
    /// The server is not there: try again.
    Unavailable = 75,
}

/// An end that is no success.
#[derive(Debug)]
pub(crate) struct Failure {
    code: Code,
    message: String,
}

impl Failure {
    /// An end with a sentence.
    pub(crate) fn new(code: Code, message: impl Into<String>) -> Self {
        Self {
            code,
            message: message.into(),
        }
    }

    /// An end that was explained already.
    pub(crate) fn silent(code: Code) -> Self {
        Self::new(code, "")
    }

    /// A file, the terminal or the system failed.
    pub(crate) fn internal(error: impl Display) -> Self {
        Self::new(Code::RunFailed, format!("{error:#}"))
    }

    /// Says it and gives the code.
    pub(crate) fn report(self) -> ExitCode {
        if !self.message.is_empty() {
            eprintln!("error: {}", self.message);
        }
        ExitCode::from(self.code as u8)
    }
}

impl From<CallError> for Failure {
    fn from(error: CallError) -> Self {
        match error {
            CallError::Refused { status, body } => Self::new(code_of(status), sentence(&body)),
            CallError::Unreachable(_) => Self::new(
                Code::Unavailable,
                format!("{error}; is 'steading serve' running, and STEADING_SERVER right?"),
            ),
            CallError::Malformed(_) => Self::new(Code::Unavailable, error.to_string()),
        }
    }
}

impl From<std::io::Error> for Failure {
    fn from(error: std::io::Error) -> Self {
        Self::internal(error)
    }
}

fn code_of(status: u16) -> Code {
    match status {
        401 | 403 => Code::Authentication,
        404 => Code::NotFound,
        502..=504 => Code::Unavailable,
        _ => Code::Refused,
    }
}

/// Message, every fault on a line of its own, and the fix.
fn sentence(body: &ErrorBody) -> String {
    let mut text = format!("{} [{}]", body.message, body.code);
    if body.faults.len() > 1 {
        for fault in &body.faults {
            text.push_str(&format!("\n  {}", fault_line(fault)));
        }
    } else if let Some(fault) = body.faults.first().filter(|fault| fault.line > 0) {
        text.push_str(&format!(
            "\n  at line {}, column {}",
            fault.line, fault.column
        ));
    }
    if let Some(fix) = &body.fix {
        text.push_str(&format!("\n  fix: {fix}"));
    }
    if let Some(correlation) = &body.correlation {
        text.push_str(&format!("\n  the server's log has it under {correlation}"));
    }
    text
}

/// `3:5: error: spec.entrypoint: … [code]`
pub(crate) fn fault_line(fault: &steading_api::error::FaultBody) -> String {
    let place = if fault.line > 0 {
        format!("{}:{}: ", fault.line, fault.column)
    } else {
        String::new()
    };
    let severity = if fault.severity == Severity::Warning {
        "warning"
    } else {
        "error"
    };
    let path = if fault.path.is_empty() {
        String::new()
    } else {
        format!("{}: ", fault.path)
    };
    format!(
        "{place}{severity}: {path}{} [{}]",
        fault.message, fault.code
    )
}
