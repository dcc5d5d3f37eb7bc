//! What the server's own requests need of the network: a trait here, implemented by the program with the
//! site's policy, so that the loops can be tested without a network.

use steading_types::Millis;
use steading_types::server_task::Certificate;

use crate::backend::Later;
use crate::site::SiteError;

/// Other hosts, as far as the site lets its tenants reach them.
pub trait Web: Send + Sync + 'static {
    /// Makes a request and answers what came back. Every address, also of a redirect, is judged by the
    /// site's policy; whatever names a caller (`Authorization`, cookies, secret headers) stays with the host
    /// that it was meant for.
    fn call<'a>(&'a self, request: WebRequest) -> Later<'a, Result<WebResponse, SiteError>>;
}

/// A request to another host.
#[derive(Clone)]
pub struct WebRequest {
    /// `GET`, `POST` …
    pub method: String,
    /// Absolute.
    pub url: String,
    /// In order.
    pub headers: Vec<(String, Vec<u8>)>,
    /// Headers that only the host of `url` may see.
    pub secret_headers: Vec<(String, Vec<u8>)>,
    /// Sent as it is.
    pub body: Vec<u8>,
    /// For everything together.
    pub timeout: Millis,
    /// What the other side must prove.
    pub certificate: Certificate,
    /// Bytes of the response's body that are taken; more is an error.
    pub limit: usize,
}

/// What another host answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WebResponse {
    /// The status code.
    pub status: u16,
    /// By name, in lower case; a name may come several times.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Vec<u8>,
}
