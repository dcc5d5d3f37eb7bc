//! `http` templates: one request, and what its answer means.

use serde_json::{Map, Value as Json, json};
use steading_spec::expr::{self, Limits, Value};
use steading_spec::scope::MapScope;
use steading_types::server_task::{HeaderValue, HttpTask, OutputQuery, QuerySource, SecretKey};
use steading_types::task::RESULT_LIMIT;
use steading_types::{AttemptId, TenantName};

use zeroize::Zeroizing;

use super::Outcome;
use crate::Inner;
use crate::clock::now;
use crate::error::ControlError;
use crate::web::{WebRequest, WebResponse};

/// Tells the other side that a request which comes twice is meant once (an IETF draft's name, in wide use).
const IDEMPOTENCY_KEY: &str = "Idempotency-Key";

/// Headers that go to nobody but the host that they were written for.
const CALLERS: [&str; 4] = [
    "authorization",
    "cookie",
    "proxy-authorization",
    "x-api-key",
];

impl Inner {
    /// Makes the request of an attempt.
    pub(super) async fn request(
        &self,
        tenant: &TenantName,
        attempt: AttemptId,
        http: HttpTask,
        outputs: &[OutputQuery],
    ) -> Outcome {
        let request = match web_request(attempt, &http, |key| self.secret(tenant, key)) {
            Ok(request) => request,
            Err(refused) => return refused,
        };
        match self.web.call(request).await {
            Ok(response) => judged(&http, &response, outputs),
            Err(error) if error.code == "http.unanswered" => Outcome::declined(error.message),
            Err(error) => Outcome::failed(error.code, error.message),
        }
    }
}

fn web_request(
    attempt: AttemptId,
    http: &HttpTask,
    secret: impl Fn(&SecretKey) -> Result<Zeroizing<Vec<u8>>, ControlError>,
) -> Result<WebRequest, Outcome> {
    let (mut headers, mut secret_headers) = (Vec::new(), Vec::new());
    let named = |name: &str| {
        http.headers
            .iter()
            .any(|(n, _)| n.eq_ignore_ascii_case(name))
    };
    if !named(IDEMPOTENCY_KEY) {
        let key = attempt.to_string().into_bytes();
        headers.push((IDEMPOTENCY_KEY.to_owned(), key));
    }
    for (name, value) in &http.headers {
        match value {
            HeaderValue::Plain(text) => {
                let of_caller = CALLERS.iter().any(|known| name.eq_ignore_ascii_case(known));
                let list = if of_caller {
                    &mut secret_headers
                } else {
                    &mut headers
                };
                list.push((name.clone(), text.clone().into_bytes()));
            }
            HeaderValue::Secret(wanted) => {
                let value = secret(wanted);
                let value =
                    value.map_err(|error| Outcome::failed(error.code(), error.to_string()))?;
                secret_headers.push((name.clone(), value.to_vec()));
            }
        }
    }
    Ok(WebRequest {
        method: http.method.clone(),
        url: http.url.clone(),
        headers,
        secret_headers,
        body: http.body.clone(),
        timeout: http.timeout,
        certificate: http.certificate,
        limit: RESULT_LIMIT,
    })
}

/// What an answer means for the node.
fn judged(http: &HttpTask, response: &WebResponse, outputs: &[OutputQuery]) -> Outcome {
    let body = String::from_utf8_lossy(&response.body).into_owned();
    let limits = Limits::at(now());
    let scope = match scope(http, response, &body) {
        Ok(scope) => scope,
        Err(error) => return Outcome::failed("http.answer", error.to_string()),
    };
    let mut outcome = match &http.success_condition {
        None if (200..300).contains(&response.status) => Outcome::well(None),
        None => Outcome::declined(format!(
            "received non-2xx response code: {}",
            response.status
        )),
        Some(condition) => match expr::evaluate(condition, &scope, &limits) {
            Ok(Value::Bool(true)) => Outcome::well(None),
            Ok(Value::Bool(false)) => {
                Outcome::declined(format!("successCondition '{condition}' evaluated false"))
            }
            Ok(other) => Outcome::failed(
                "http.condition",
                format!(
                    "successCondition '{condition}' gives a {} instead of true or false",
                    other.type_name()
                ),
            ),
            Err(error) => Outcome::failed(
                "http.condition",
                format!("failed to evaluate successCondition '{condition}': {error}"),
            ),
        },
    };
    for output in outputs {
        let QuerySource::Expression(source) = &output.source else {
            continue;
        };
        let value = expr::evaluate(source, &scope, &limits);
        match value.and_then(|value| value.to_text(&limits)) {
            Ok(text) => drop(outcome.outputs.insert(output.name.clone(), text)),
            Err(error) => drop(
                outcome
                    .missing
                    .insert(output.name.clone(), error.to_string()),
            ),
        }
    }
    outcome.result = Some(body);
    outcome
}

/// `request` and `response`, as Argo names their parts. What was secret in the request is not shown.
fn scope(
    http: &HttpTask,
    response: &WebResponse,
    body: &str,
) -> Result<MapScope<'static>, expr::ExprError> {
    let mut sent: Map<String, Json> = Map::new();
    for (name, value) in &http.headers {
        if let HeaderValue::Plain(text) = value {
            add(&mut sent, name, text);
        }
    }
    let mut received = Map::new();
    for (name, value) in &response.headers {
        add(&mut received, name, value);
    }
    let request = json!({
        "method": http.method,
        "url": http.url,
        "body": String::from_utf8_lossy(&http.body),
        "headers": sent,
    });
    let response = json!({"statusCode": response.status, "body": body, "headers": received});
    let mut scope = MapScope::new();
    scope.set("request", Value::from_json(&request)?);
    scope.set("response", Value::from_json(&response)?);
    Ok(scope)
}

/// Adds a header to those of its name: each name holds a list.
fn add(headers: &mut Map<String, Json>, name: &str, value: &str) {
    let list = headers
        .entry(canonical(name))
        .or_insert_with(|| Json::Array(Vec::new()));
    if let Json::Array(list) = list {
        list.push(json!(value));
    }
}

/// A header's name as Go writes it: `Content-Type`.
fn canonical(name: &str) -> String {
    let mut start = true;
    let letters = name.chars().map(|c| {
        let c = if start {
            c.to_ascii_uppercase()
        } else {
            c.to_ascii_lowercase()
        };
        start = c == '-';
        c
    });
    letters.collect()
}
