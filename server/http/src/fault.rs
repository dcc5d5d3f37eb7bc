//! Errors of the inner crates as refusals: one place decides each status.

use axum::http::StatusCode;
use steading_api::error::{FaultBody, Severity};
use steading_artifacts::ArtifactError;
use steading_control::error::ControlError;
use steading_control::site::SiteError;
use steading_spec::Fault;
use steading_store::StoreError;

use crate::problem::Problem;

impl From<ControlError> for Problem {
    fn from(error: ControlError) -> Self {
        match &error {
            ControlError::NoRun(_)
            | ControlError::NoTemplate(_)
            | ControlError::NoObject { .. }
            | ControlError::NoArtifact
            | ControlError::NoKey { .. } => Self::not_found(error.code(), error.to_string()),
            ControlError::Invalid(faults) => Self::request(error.code(), error.to_string()).faults(
                faults
                    .iter()
                    .map(|fault| body(fault, Severity::Error))
                    .collect(),
            ),
            ControlError::Refused(refusal) => {
                let problem = Self::request(refusal.code(), refusal.to_string());
                match refusal.fix() {
                    Some(fix) => problem.fix(fix),
                    None => problem,
                }
            }
            ControlError::Request { code, message } if code.ends_with(".exists") => {
                Self::new(StatusCode::CONFLICT, code, message)
            }
            ControlError::Request { code, message } => Self::request(code, message),
            ControlError::RunExists(_) => {
                Self::new(StatusCode::CONFLICT, error.code(), error.to_string())
                    .fix("choose another name, or use generateName")
            }
            ControlError::ClaimEnding(_) => {
                Self::new(StatusCode::CONFLICT, error.code(), error.to_string())
                    .fix("it goes when the last task that uses it has ended")
            }
            ControlError::Store(store) => store.clone().into(),
            ControlError::ClaimFull { .. } => Self::request(error.code(), error.to_string())
                .fix("apply it with a larger size, or delete it"),
            ControlError::NotText { .. } | ControlError::Path(_) => {
                Self::request(error.code(), error.to_string())
            }
            ControlError::Sealed(_) | ControlError::ClaimDisk { .. } | ControlError::Damaged(_) => {
                Self::internal(&error)
            }
        }
    }
}

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        let status = match &error {
            StoreError::Conflict(_) => StatusCode::CONFLICT,
            StoreError::Full { .. } => StatusCode::INSUFFICIENT_STORAGE,
            StoreError::Busy => StatusCode::SERVICE_UNAVAILABLE,
            StoreError::TooLarge { .. } => StatusCode::PAYLOAD_TOO_LARGE,
            StoreError::Gone { .. } => StatusCode::GONE,
            _ => return Self::internal(&chain(&error)),
        };
        let problem = Self::new(status, error.code(), error.to_string());
        match error.fix() {
            Some(fix) => problem.fix(fix),
            None => problem,
        }
    }
}

impl From<ArtifactError> for Problem {
    fn from(error: ArtifactError) -> Self {
        let status = match &error {
            // A name that can be none of an object's is as good as one that is not there.
            ArtifactError::NotFound { .. } | ArtifactError::Key(_) => {
                return Self::not_found("artifact.not-found", "there is no such artifact");
            }
            ArtifactError::Disk { .. } => return Self::internal(&chain(&error)),
            ArtifactError::StoreDown { .. } => StatusCode::SERVICE_UNAVAILABLE,
            _ => StatusCode::BAD_GATEWAY,
        };
        let problem = Self::new(status, error.code(), error.to_string());
        match error.fix() {
            Some(fix) => problem.fix(fix),
            None => problem,
        }
    }
}

impl From<SiteError> for Problem {
    fn from(error: SiteError) -> Self {
        let status = match error.code.as_str() {
            "image.missing" => StatusCode::NOT_FOUND,
            "store.full" => StatusCode::INSUFFICIENT_STORAGE,
            _ => StatusCode::BAD_REQUEST,
        };
        let problem = Self::new(status, &error.code, error.message);
        match error.fix {
            Some(fix) => problem.fix(fix),
            None => problem,
        }
    }
}

/// An error with its causes, for the log only.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(&format!(": {error}"));
        cause = error.source();
    }
    text
}

/// A fault on the wire.
pub(crate) fn body(fault: &Fault, severity: Severity) -> FaultBody {
    let message = match &fault.fix {
        Some(fix) => format!("{} ({fix})", fault.message),
        None => fault.message.clone(),
    };
    FaultBody {
        code: fault.code.as_str().to_owned(),
        path: fault.path.clone(),
        line: fault.line.unwrap_or(0),
        column: fault.column.unwrap_or(0),
        message,
        severity,
    }
}

/// Warnings on the wire.
pub(crate) fn warnings(faults: &[Fault]) -> Vec<FaultBody> {
    faults
        .iter()
        .map(|fault| body(fault, Severity::Warning))
        .collect()
}
