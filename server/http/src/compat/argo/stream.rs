//! Argo's streams: `{"result": …}` as server-sent events when exactly those are asked for, else one JSON
//! document a line. Clients of the first kind strip exactly `data: ` and know no other field.

use std::convert::Infallible;
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::http::{HeaderMap, header};
use axum::response::Response;
use futures_util::stream;
use serde_json::{Value, json};
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep_until};

use super::info::{COMPATIBLE, VERSION_HEADER};
use crate::problem::Problem;

const KEEP_ALIVE: Duration = Duration::from_secs(15);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    Events,
    Lines,
}

/// Answers with what arrives on a channel. The head goes out at once, or clients look hung.
///
/// # Errors
/// When the head can not be made.
pub(super) fn answer(
    headers: &HeaderMap,
    results: mpsc::Receiver<Value>,
) -> Result<Response, Problem> {
    let events = headers
        .get(header::ACCEPT)
        .is_some_and(|accept| accept == "text/event-stream");
    let (form, media) = if events {
        (Form::Events, "text/event-stream")
    } else {
        (Form::Lines, "application/json")
    };
    let chunks = stream::unfold(
        (results, Instant::now(), true),
        move |(mut results, quiet_since, first)| async move {
            if first {
                // An empty comment makes the head leave; lines have no comments.
                let hello = if form == Form::Events {
                    Bytes::from_static(b":\n")
                } else {
                    Bytes::new()
                };
                return Some((Ok::<_, Infallible>(hello), (results, Instant::now(), false)));
            }
            tokio::select! {
                result = results.recv() => Some((Ok(chunk(form, result?)), (results, Instant::now(), false))),
                () = sleep_until(quiet_since + KEEP_ALIVE) => {
                    let beat = if form == Form::Events { Bytes::from_static(b":\n") } else { Bytes::from_static(b"\n") };
                    Some((Ok(beat), (results, Instant::now(), false)))
                }
            }
        },
    );
    Response::builder()
        .header(header::CONTENT_TYPE, media)
        .header(VERSION_HEADER, COMPATIBLE)
        .body(Body::from_stream(chunks))
        .map_err(|error| Problem::internal(&error))
}

fn chunk(form: Form, result: Value) -> Bytes {
    let document = json!({"result": result});
    match form {
        Form::Events => format!("data: {document} \n\n\n").into(),
        Form::Lines => format!("{document}\n").into(),
    }
}
