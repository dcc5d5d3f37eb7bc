//! The typed client without a transport: makes requests and reads answers. The command line sends
//! them with an HTTP library, the page with the browser's fetch.

use serde::Serialize;
use thiserror::Error;

use crate::BASE;
use crate::error::ErrorBody;
use crate::operation::{Method, Operation};

/// A request, ready to be sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Prepared {
    /// The method.
    pub method: Method,
    /// Path and query, from the server's root.
    pub path: String,
    /// The JSON body, when the operation has one.
    pub body: Option<String>,
}

/// Why a call gave no answer.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum CallError {
    /// The server refused.
    #[error("{}", .body.message)]
    Refused {
        /// The HTTP status.
        status: u16,
        /// What it said.
        body: Box<ErrorBody>,
    },
    /// The server was not reached.
    #[error("no answer from the server: {0}")]
    Unreachable(String),
    /// What came back was not understood.
    #[error("the answer was not understood: {0}")]
    Malformed(String),
}

/// Makes the request of an operation. `parts` are the values of the path's `{…}` in order.
///
/// # Errors
/// [`CallError::Malformed`] when the query or the body can not be written.
pub fn prepare<O: Operation>(
    parts: &[&str],
    query: &O::Query,
    body: &O::Body,
) -> Result<Prepared, CallError> {
    let mut path = String::from(BASE);
    let mut values = parts.iter();
    for segment in O::ROW.path.split('/').skip(1) {
        path.push('/');
        if segment.starts_with('{') {
            let value = values
                .next()
                .ok_or_else(|| CallError::Malformed(format!("{} needs {segment}", O::ROW.id)))?;
            escape(value, &mut path);
        } else {
            path.push_str(segment);
        }
    }
    append_query(query, &mut path)?;
    let body = serde_json::to_string(body).map_err(|e| CallError::Malformed(e.to_string()))?;
    Ok(Prepared {
        method: O::ROW.method,
        path,
        body: (body != "null").then_some(body),
    })
}

/// Reads the answer of an operation.
///
/// # Errors
/// [`CallError::Refused`] for any status that is no success, [`CallError::Malformed`] when the body is not the operation's answer.
pub fn read<O: Operation>(status: u16, body: &[u8]) -> Result<O::Answer, CallError> {
    if (200..300).contains(&status) {
        return serde_json::from_slice(body).map_err(|e| CallError::Malformed(e.to_string()));
    }
    Err(refusal(status, body))
}

/// Reads the body of a refusal; a body that is none of ours becomes the message.
pub fn refusal(status: u16, body: &[u8]) -> CallError {
    let body = serde_json::from_slice(body).unwrap_or_else(|_| ErrorBody {
        code: "server.unknown".to_owned(),
        message: format!(
            "status {status}: {}",
            String::from_utf8_lossy(body)
                .chars()
                .take(200)
                .collect::<String>()
        ),
        fix: None,
        faults: Vec::new(),
        correlation: None,
    });
    CallError::Refused {
        status,
        body: Box::new(body),
    }
}

fn append_query(query: &impl Serialize, path: &mut String) -> Result<(), CallError> {
    let value = serde_json::to_value(query).map_err(|e| CallError::Malformed(e.to_string()))?;
    let mut separator = '?';
    for (name, value) in value.as_object().into_iter().flatten() {
        let text = match value {
            serde_json::Value::Null => continue,
            serde_json::Value::String(text) => text.clone(),
            other => other.to_string(),
        };
        path.push(separator);
        separator = '&';
        escape(name, path);
        path.push('=');
        escape(&text, path);
    }
    Ok(())
}

/// Percent-encodes everything but RFC 3986's unreserved characters.
pub fn escape(text: &str, into: &mut String) {
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~') {
            into.push(char::from(byte));
        } else {
            into.push_str(&format!("%{byte:02X}"));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::operations::{GetRun, ListRuns, SuspendRun};
    use crate::run::{RunFilter, Why};

    #[test]
    fn a_request_escapes_what_people_typed() {
        let filter = RunFilter {
            labels: Some("a=b,c in (d)".to_owned()),
            limit: Some(5),
            ..RunFilter::default()
        };
        let request = prepare::<ListRuns>(&["te/am"], &filter, &()).unwrap();
        assert_eq!(
            request.path,
            "/api/steading/v1/tenants/te%2Fam/runs?labels=a%3Db%2Cc%20in%20%28d%29&limit=5"
        );
        assert_eq!(request.body, None);
    }

    #[test]
    fn a_missing_path_value_is_an_error_and_not_a_shorter_path() {
        assert!(prepare::<GetRun>(&["default"], &(), &()).is_err());
        assert_eq!(
            prepare::<SuspendRun>(&["default", "x"], &(), &Why::default())
                .unwrap()
                .method,
            Method::Post
        );
    }

    #[test]
    fn a_refusal_that_is_not_ours_still_says_something() {
        let CallError::Refused { status, body } = refusal(502, b"<html>bad gateway") else {
            panic!()
        };
        assert_eq!((status, body.code.as_str()), (502, "server.unknown"));
    }
}
