//! Logs of a workflow or of one of its pods, as a stream of lines.

use axum::extract::{Path, Query};
use axum::http::HeaderMap;
use axum::response::Response;
use serde_json::{Value, json};
use steading_api::access::Verb;
use steading_api::log::{LogLine, LogQuery};
use steading_control::clock::now;
use steading_control::site::LogSource;
use steading_store::RunRef;
use steading_types::Millis;
use tokio::sync::mpsc;

use super::error::ArgoProblem;
use super::list::Pairs;
use super::request::Asking;
use super::stream;
use super::workflows::find;
use crate::follow::{Followed, follow};
use crate::live::StillAllowed;
use crate::logs::sources;
use crate::problem::Problem;

type Answer = Result<Response, ArgoProblem>;

/// Longest line that is sent as one: clients read with a buffer of this size.
const LINE: usize = 1024 * 1024;
/// Lines of one answer that does not follow.
const LINES: u32 = 1_000_000;
const BUFFER: usize = 256;

pub(super) async fn workflow(
    asking: Asking,
    Path((namespace, name)): Path<(String, String)>,
    Query(pairs): Query<Pairs>,
    headers: HeaderMap,
) -> Answer {
    let pod = pairs.get("podName").cloned().unwrap_or_default();
    lines(&asking, &namespace, &name, &pod, &pairs, &headers).await
}

pub(super) async fn pod(
    asking: Asking,
    Path((namespace, name, pod)): Path<(String, String, String)>,
    Query(pairs): Query<Pairs>,
    headers: HeaderMap,
) -> Answer {
    lines(&asking, &namespace, &name, &pod, &pairs, &headers).await
}

async fn lines(
    asking: &Asking,
    namespace: &str,
    name: &str,
    pod: &str,
    pairs: &Pairs,
    headers: &HeaderMap,
) -> Answer {
    let run = find(asking, namespace, name, Verb::Read)?;
    let get = |name: &str| {
        pairs
            .get(&format!("logOptions.{name}"))
            .map(String::as_str)
            .filter(|text| !text.is_empty())
    };
    let query = query(pairs, get)?;
    let stamp = get("timestamps") == Some("true");
    let (results, receiver) = mpsc::channel(BUFFER);
    let chosen = chosen(asking, &run, pod)?;
    if get("follow") == Some("true") {
        let allowed = StillAllowed::of(&asking.app, &asking.caller.token, &asking.caller.principal);
        let only = if pod.is_empty() {
            None
        } else {
            chosen.first().map(|source| source.attempt.node.0)
        };
        let lines = follow(
            asking.app.control().clone(),
            Followed {
                run,
                query: LogQuery {
                    node: only,
                    ..query
                },
            },
            allowed,
        );
        tokio::spawn(pass_on(lines, results, stamp));
    } else {
        let slice = asking
            .app
            .control()
            .logs()
            .read(&run.tenant, &chosen, &query)
            .await
            .map_err(Problem::from)?;
        tokio::spawn(async move {
            for line in slice.lines {
                if send(&results, line, stamp).await.is_err() {
                    return;
                }
            }
        });
    }
    Ok(stream::answer(headers, receiver)?)
}

async fn pass_on(mut lines: mpsc::Receiver<LogLine>, results: mpsc::Sender<Value>, stamp: bool) {
    while let Some(line) = lines.recv().await {
        if send(&results, line, stamp).await.is_err() {
            return;
        }
    }
}

async fn send(
    results: &mpsc::Sender<Value>,
    line: LogLine,
    stamp: bool,
) -> Result<(), mpsc::error::SendError<Value>> {
    let mut text = line.text.as_str();
    loop {
        let end = if text.len() <= LINE {
            text.len()
        } else {
            text.floor_char_boundary(LINE)
        };
        let (part, rest) = text.split_at(end);
        let content = if stamp {
            format!("{} {part}", stamp_of(line.time))
        } else {
            part.to_owned()
        };
        results
            .send(json!({"content": content, "podName": line.pod}))
            .await?;
        if rest.is_empty() {
            return Ok(());
        }
        text = rest;
    }
}

/// RFC 3339 with nanoseconds, as the container runtime writes it.
fn stamp_of(at: Millis) -> String {
    let time = i64::try_from(at.get())
        .ok()
        .and_then(|ms| jiff::Timestamp::from_millisecond(ms).ok());
    time.map(|t| t.strftime("%Y-%m-%dT%H:%M:%S%.9fZ").to_string())
        .unwrap_or_default()
}

fn query<'p>(pairs: &Pairs, get: impl Fn(&str) -> Option<&'p str>) -> Result<LogQuery, Problem> {
    let seconds = get("sinceSeconds")
        .and_then(|text| text.parse::<u64>().ok())
        .map(|s| now().since(Millis(s.saturating_mul(1000))));
    let since = get("sinceTime").or_else(|| get("sinceTime.seconds"));
    let since = match since {
        Some(text) => Some(match text.parse::<u64>() {
            Ok(seconds) => Millis(seconds.saturating_mul(1000)),
            Err(_) => text
                .parse::<jiff::Timestamp>()
                .ok()
                .and_then(|t| u64::try_from(t.as_millisecond()).ok())
                .map(Millis)
                .ok_or_else(|| {
                    Problem::request(
                        "request.filter",
                        "logOptions.sinceTime takes an RFC 3339 time",
                    )
                })?,
        }),
        None => None,
    };
    Ok(LogQuery {
        container: Some(get("container").unwrap_or("main").to_owned()),
        grep: pairs.get("grep").filter(|text| !text.is_empty()).cloned(),
        since: since.or(seconds),
        tail: get("tailLines").and_then(|text| text.parse().ok()),
        limit: Some(LINES),
        ..LogQuery::default()
    })
}

/// The attempts of the run, or of the pod: by its name, or by its node's id.
fn chosen(asking: &Asking, run: &RunRef, pod: &str) -> Result<Vec<LogSource>, Problem> {
    let missing = || {
        Problem::not_found(
            "run.not-found",
            format!("workflows.argoproj.io \"{}\" not found", run.id),
        )
    };
    let (_, mut sources) = sources(asking.app.control().store(), run, None)?.ok_or_else(missing)?;
    if !pod.is_empty() {
        // Both end in the hash of the node's name.
        let hash = |text: &str| {
            text.rsplit_once('-')
                .map_or_else(|| text.to_owned(), |(_, hash)| hash.to_owned())
        };
        sources.retain(|source| source.pod == pod || hash(&source.pod) == hash(pod));
    }
    Ok(sources)
}
