//! Calls that no store makes: the server's own requests on behalf of tenants go through the same client, and so
//! through the same judgement of every address.

use reqwest::{Method, Request, RequestBuilder, Response, Url};
use steading_types::server_task::Certificate;

use crate::error::ArtifactError;
use crate::network::{CallError, Client, Network};

/// A client for requests that are no store's. Follows no redirect and adds no credential.
#[derive(Clone)]
pub struct Outbound(Client);

impl Network {
    /// A client that demands this of the other side's certificate.
    pub fn outbound(&self, certificate: Certificate) -> Result<Outbound, ArtifactError> {
        match certificate {
            Certificate::Verified => self.client(None, None).map(Outbound),
            Certificate::Unverified => self.unverified_client().map(Outbound),
        }
    }
}

impl Outbound {
    /// Begins a request.
    pub fn request(&self, method: Method, url: Url) -> RequestBuilder {
        self.0.request(method, url)
    }

    /// Sends it and answers what came back, a redirect included.
    ///
    /// # Errors
    /// [`OutboundError`]; no error repeats the URL.
    pub async fn send(&self, request: Request) -> Result<Response, OutboundError> {
        self.0.send(request).await.map_err(|error| match error {
            CallError::Forbidden(destination) => OutboundError::Forbidden(destination),
            CallError::Failed(why, _) => OutboundError::Unanswered(why),
        })
    }
}

/// Why a request had no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OutboundError {
    /// The site's policy says no.
    #[error("this site allows no connection to {0}")]
    Forbidden(String),
    /// No connection, or it broke off.
    #[error("{0}")]
    Unanswered(String),
}
