//! Requests of the server on behalf of tenants, as far as the site opens the network to them.

use std::time::Duration;

use anyhow::{Context, Result};
use reqwest::header::{HeaderName, HeaderValue, LOCATION};
use reqwest::{Method, Response, StatusCode, Url};
use steading_artifacts::{Egress, Network, Outbound, OutboundError, Patience};
use steading_control::backend::Later;
use steading_control::site::SiteError;
use steading_control::web::{Web, WebRequest, WebResponse};
use steading_types::server_task::Certificate;

use crate::host::Options;

/// Redirects that are followed, each judged like the first address (Go's figure, which Argo's clients know).
const REDIRECTS: usize = 10;

/// The network, as far as the site opens it; see `operator.md`.
pub(crate) fn network(options: &Options) -> Result<Network> {
    let rules = options.egress.iter().map(String::as_str);
    let egress = Egress::parse(rules).context("--egress-allow")?;
    let network = Network::new(egress, None, Patience::default())?.with_spool(&options.data);
    match &options.known_hosts {
        None => Ok(network),
        Some(file) => {
            let wrong = || format!("--known-hosts {}", file.display());
            let lines = std::fs::read_to_string(file).with_context(wrong)?;
            network.with_known_hosts(&lines).with_context(wrong)
        }
    }
}

/// Requests over it.
pub(crate) struct HostWeb {
    verified: Outbound,
    unverified: Outbound,
}

impl HostWeb {
    pub(crate) fn new(network: &Network) -> Result<Self> {
        Ok(Self {
            verified: network.outbound(Certificate::Verified)?,
            unverified: network.outbound(Certificate::Unverified)?,
        })
    }

    async fn answer(&self, request: WebRequest) -> Result<WebResponse, SiteError> {
        let longest = Duration::from_millis(request.timeout.get());
        let called = tokio::time::timeout(longest, self.follow(request));
        called.await.unwrap_or_else(|_| {
            let seconds = longest.as_secs();
            Err(unanswered(format!("no answer within {seconds} s")))
        })
    }

    async fn follow(&self, mut request: WebRequest) -> Result<WebResponse, SiteError> {
        let mut method = Method::from_bytes(request.method.as_bytes())
            .map_err(|_| malformed(format!("'{}' is no method of HTTP", request.method)))?;
        let mut url = Url::parse(&request.url)
            .map_err(|error| malformed(format!("the address can not be read: {error}")))?;
        for _ in 0..=REDIRECTS {
            let response = self.send(&request, method.clone(), url.clone()).await?;
            let Some(next) = target(&url, &response)? else {
                return taken(response, request.limit).await;
            };
            if next.origin() != url.origin() {
                request.secret_headers.clear();
            }
            let repeated = [
                StatusCode::TEMPORARY_REDIRECT,
                StatusCode::PERMANENT_REDIRECT,
            ];
            if !repeated.contains(&response.status()) && method != Method::HEAD {
                method = Method::GET;
                request.body.clear();
            }
            url = next;
        }
        Err(unanswered(format!("more than {REDIRECTS} redirects")))
    }

    async fn send(
        &self,
        request: &WebRequest,
        method: Method,
        url: Url,
    ) -> Result<Response, SiteError> {
        if !matches!(url.scheme(), "http" | "https") {
            let message = "only http and https addresses are called";
            return Err(malformed(message.to_owned()));
        }
        let client = match request.certificate {
            Certificate::Verified => &self.verified,
            Certificate::Unverified => &self.unverified,
        };
        let mut call = client.request(method, url).body(request.body.clone());
        for (name, value) in request.headers.iter().chain(&request.secret_headers) {
            let field = HeaderName::from_bytes(name.as_bytes());
            // The value may be a secret: no sentence repeats it.
            let (Ok(field), Ok(value)) = (field, HeaderValue::from_bytes(value)) else {
                let name: String = name.chars().take(80).collect();
                return Err(malformed(format!("the header '{name}' can not be sent")));
            };
            call = call.header(field, value);
        }
        let call = call
            .build()
            .map_err(|error| malformed(error.without_url().to_string()))?;
        client.send(call).await.map_err(|error| match error {
            OutboundError::Forbidden(_) => SiteError {
                code: "http.egress".to_owned(),
                message: error.to_string(),
                fix: Some("an operator can allow it: steading serve --egress-allow".to_owned()),
            },
            OutboundError::Unanswered(why) => unanswered(why),
        })
    }
}

impl Web for HostWeb {
    fn call<'a>(&'a self, request: WebRequest) -> Later<'a, Result<WebResponse, SiteError>> {
        Box::pin(self.answer(request))
    }
}

/// Where a response sends the caller, when it does.
fn target(from: &Url, response: &Response) -> Result<Option<Url>, SiteError> {
    let moved = matches!(response.status().as_u16(), 301 | 302 | 303 | 307 | 308);
    let Some(place) = response.headers().get(LOCATION).filter(|_| moved) else {
        return Ok(None);
    };
    let place = place.to_str().ok().and_then(|text| from.join(text).ok());
    let wrong = || unanswered("it redirects to what is no address".to_owned());
    place.map(Some).ok_or_else(wrong)
}

/// The response, with as much body as is allowed.
async fn taken(mut response: Response, limit: usize) -> Result<WebResponse, SiteError> {
    let headers = response.headers().iter().map(|(name, value)| {
        let value = String::from_utf8_lossy(value.as_bytes()).into_owned();
        (name.as_str().to_owned(), value)
    });
    let (status, headers) = (response.status().as_u16(), headers.collect());
    let mut body = Vec::new();
    loop {
        let part = response.chunk().await;
        let part = part.map_err(|error| unanswered(error.without_url().to_string()))?;
        let Some(part) = part else { break };
        if body.len().saturating_add(part.len()) > limit {
            return Err(SiteError {
                code: "http.answer".to_owned(),
                message: format!("the answer has more than {limit} bytes"),
                fix: None,
            });
        }
        body.extend_from_slice(&part);
    }
    Ok(WebResponse {
        status,
        headers,
        body,
    })
}

fn unanswered(message: String) -> SiteError {
    SiteError {
        code: "http.unanswered".to_owned(),
        message,
        fix: None,
    }
}

fn malformed(message: String) -> SiteError {
    SiteError {
        code: "http.request".to_owned(),
        message,
        fix: None,
    }
}
