//! Microsoft's SDK speaks through our own client: what the site forbids, it can not reach, what a store answers is
//! bounded, and what shows who asks is added last, so that it is in nobody's URL or log.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::SystemTime;

use azure_core::error::ErrorKind;
use azure_core::http::headers::{HeaderName, HeaderValue, Headers};
use azure_core::http::request::Body;
use azure_core::http::{AsyncRawResponse, HttpClient, Request};
use azure_core::time::{OffsetDateTime, to_rfc7231};
use futures_util::StreamExt;
use http_body_util::{BodyExt, Limited};

use super::sign::Credential;
use crate::network::{CallError, Client};
use crate::ranged::ANSWER;

/// The SDK's view of our client.
pub(super) fn client(client: Client, credential: Credential) -> Arc<dyn HttpClient> {
    Arc::new(Wire { client, credential })
}

struct Wire {
    client: Client,
    credential: Credential,
}

impl std::fmt::Debug for Wire {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Wire")
    }
}

#[async_trait::async_trait]
impl HttpClient for Wire {
    async fn execute_request(&self, request: &Request) -> azure_core::Result<AsyncRawResponse> {
        let Body::Bytes(body) = request.body().clone() else {
            let why = "a body that is no bytes";
            return Err(azure_core::Error::with_message(ErrorKind::Other, why));
        };
        let mut headers: BTreeMap<String, String> = request
            .headers()
            .iter()
            .map(|(name, value)| (name.as_str().to_owned(), value.as_str().to_owned()))
            .collect();
        let now = to_rfc7231(&OffsetDateTime::from(SystemTime::now()));
        headers.insert("x-ms-date".to_owned(), now);
        let method = reqwest::Method::from_bytes(request.method().as_str().as_bytes())
            .map_err(|error| failed(ErrorKind::Other, error))?;
        if !body.is_empty() || method == reqwest::Method::PUT {
            headers.insert("content-length".to_owned(), body.len().to_string());
        }
        let mut url = request.url().clone();
        self.credential
            .apply(method.as_str(), &mut url, &mut headers);
        let mut built = self.client.request(method, url).body(body);
        for (name, value) in headers {
            built = built.header(name, value);
        }
        let built = built
            .build()
            .map_err(|error| failed(ErrorKind::Other, error.without_url()))?;
        let answer = self.client.send(built).await.map_err(|error| match error {
            CallError::Forbidden(_) => failed(ErrorKind::Other, error),
            CallError::Failed(..) => failed(ErrorKind::Io, error),
        })?;
        let (status, headers) = (answer.status().as_u16(), headers_of(&answer));
        let limit = usize::try_from(ANSWER).unwrap_or(usize::MAX);
        let body = Limited::new(reqwest::Body::from(answer), limit).into_data_stream();
        let body = body.map(|part| part.map_err(|error| failed(ErrorKind::Io, error)));
        Ok(AsyncRawResponse::new(
            status.into(),
            headers,
            Box::pin(body),
        ))
    }
}

fn failed(
    kind: ErrorKind,
    error: impl Into<Box<dyn std::error::Error + Send + Sync>>,
) -> azure_core::Error {
    azure_core::Error::new(kind, error)
}

fn headers_of(answer: &reqwest::Response) -> Headers {
    let known = answer.headers().iter().filter_map(|(name, value)| {
        let value = HeaderValue::from(value.to_str().ok()?.to_owned());
        Some((HeaderName::from(name.as_str().to_owned()), value))
    });
    Headers::from(known.collect::<HashMap<_, _>>())
}
