//! The operations of the native API, sent over the wire like any client's.

use std::net::SocketAddr;

use steading_api::client::{CallError, prepare, read};
use steading_api::operation::{Method, Operation};

/// A principal at a server.
#[derive(Clone)]
pub struct Client {
    http: reqwest::Client,
    root: String,
    token: Option<String>,
}

impl Client {
    /// Speaks for the owner of `token`; without one, for nobody.
    pub fn new(address: SocketAddr, token: Option<&str>) -> Self {
        Self {
            http: reqwest::Client::new(),
            root: format!("http://{address}"),
            token: token.map(str::to_owned),
        }
    }

    /// Calls an operation; `parts` are the values of its path's `{…}` in order.
    ///
    /// # Errors
    /// What the server refused, or why there was no answer.
    pub async fn call<O: Operation>(
        &self,
        parts: &[&str],
        query: &O::Query,
        body: &O::Body,
    ) -> Result<O::Answer, CallError> {
        let prepared = prepare::<O>(parts, query, body)?;
        let mut request = self.request(prepared.method, &prepared.path);
        if let Some(body) = prepared.body {
            request = request
                .header("content-type", "application/json")
                .body(body);
        }
        let unreachable = |error: reqwest::Error| CallError::Unreachable(error.to_string());
        let response = request.send().await.map_err(unreachable)?;
        let status = response.status().as_u16();
        let body = response.bytes().await.map_err(unreachable)?;
        read::<O>(status, &body)
    }

    /// A request of one's own, for what the table does not say: other faces, malformed calls.
    pub fn request(&self, method: Method, path: &str) -> reqwest::RequestBuilder {
        let method = match method {
            Method::Get => reqwest::Method::GET,
            Method::Post => reqwest::Method::POST,
            Method::Put => reqwest::Method::PUT,
            Method::Delete => reqwest::Method::DELETE,
        };
        let request = self.http.request(method, format!("{}{path}", self.root));
        match &self.token {
            Some(token) => request.bearer_auth(token),
            None => request,
        }
    }
}
