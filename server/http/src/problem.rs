//! Refusals: one value that each face turns into its own shape. The cause stays here and goes to the log;
//! only the sentence, the code and the fix leave.

use std::fmt;

use axum::Json;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use steading_api::error::{ErrorBody, FaultBody};
use steading_domain::access::Denied;

/// Why a request is refused.
#[derive(Debug, Clone)]
pub struct Problem {
    /// The HTTP status.
    pub status: StatusCode,
    /// What the caller is told.
    pub body: ErrorBody,
}

impl Problem {
    /// A refusal with a status, a stable code and one sentence.
    pub fn new(status: StatusCode, code: &str, message: impl Into<String>) -> Self {
        let body = ErrorBody {
            code: code.to_owned(),
            message: message.into(),
            fix: None,
            faults: Vec::new(),
            correlation: None,
        };
        Self { status, body }
    }

    /// Adds what to do about it.
    #[must_use]
    pub fn fix(mut self, fix: impl Into<String>) -> Self {
        self.body.fix = Some(fix.into());
        self
    }

    /// Adds the problems of a document.
    #[must_use]
    pub fn faults(mut self, faults: Vec<FaultBody>) -> Self {
        self.body.faults = faults;
        self
    }

    /// The request itself is malformed.
    pub fn request(code: &str, message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, code, message)
    }

    /// There is no such object, or the caller may not know of it.
    pub fn not_found(code: &str, message: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, code, message)
    }

    /// Who is asking is not known.
    pub fn unauthenticated() -> Self {
        Self::new(StatusCode::UNAUTHORIZED, "auth.token", "a valid token is needed")
            .fix("send 'Authorization: Bearer <token>'; an operator's token is in the data directory's operator.token")
    }

    /// Our own failure: the cause is logged under a number that the caller is told.
    pub fn internal(cause: &dyn fmt::Display) -> Self {
        let correlation = correlation();
        tracing::error!(correlation, cause = %cause, "a request failed");
        let mut problem = Self::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "server.internal",
            "the server failed; its log says why",
        );
        problem.body.correlation = Some(correlation);
        problem
    }
}

/// A number that ties an answer to a line of the log.
fn correlation() -> String {
    let mut bytes = [0u8; 6];
    // Without randomness the number is merely not unique.
    let _ = getrandom::fill(&mut bytes);
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

impl From<Denied> for Problem {
    fn from(denied: Denied) -> Self {
        let status = match denied {
            Denied::Hidden(_) => StatusCode::NOT_FOUND,
            Denied::Role { .. } | Denied::Operator(_) => StatusCode::FORBIDDEN,
        };
        Self::new(status, denied.code(), denied.to_string())
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        (self.status, Json(self.body)).into_response()
    }
}
