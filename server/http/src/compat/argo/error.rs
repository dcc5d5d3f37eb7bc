//! Argo's error body: `{"code": <gRPC code>, "message": …}` with the HTTP status of that code.

use axum::Json;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde_json::json;

use crate::problem::Problem;

/// A refusal in Argo's shape.
#[derive(Debug)]
pub(super) struct ArgoProblem(pub(super) Problem);

impl<P: Into<Problem>> From<P> for ArgoProblem {
    fn from(problem: P) -> Self {
        Self(problem.into())
    }
}

/// The gRPC code that belongs to an HTTP status. Never 0: clients read that as success.
fn grpc_code(status: StatusCode) -> u32 {
    match status.as_u16() {
        400 | 413 | 422 => 3,
        401 => 16,
        403 => 7,
        404 => 5,
        408 => 1,
        409 => 6,
        429 | 507 => 8,
        501 => 12,
        503 => 14,
        504 => 4,
        _ => 13,
    }
}

impl IntoResponse for ArgoProblem {
    fn into_response(self) -> Response {
        let Problem { status, body } = self.0;
        let message = if status == StatusCode::UNAUTHORIZED {
            "token not valid. see https://argo-workflows.readthedocs.io/en/latest/faq/".to_owned()
        } else {
            match body.fix {
                Some(fix) => format!("{} ({fix})", body.message),
                None => body.message,
            }
        };
        (
            status,
            Json(json!({"code": grpc_code(status), "message": message})),
        )
            .into_response()
    }
}
