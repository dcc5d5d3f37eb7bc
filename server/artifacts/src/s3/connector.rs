//! Amazon's SDK speaks through our own client: what the site forbids, it can not reach, and what a store
//! answers is bounded.

use std::sync::Arc;

use aws_smithy_runtime_api::client::http::{
    HttpConnector, HttpConnectorFuture, SharedHttpClient, SharedHttpConnector, http_client_fn,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_types::body::SdkBody;
use http_body_util::Limited;

use crate::network::{CallError, Client};
use crate::ranged::ANSWER;

/// The SDK's view of our client.
pub(super) fn client(client: Client) -> SharedHttpClient {
    let connector = SharedHttpConnector::new(Connector(Arc::new(client)));
    http_client_fn(move |_, _| connector.clone())
}

struct Connector(Arc<Client>);

impl std::fmt::Debug for Connector {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Connector")
    }
}

impl HttpConnector for Connector {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let client = self.0.clone();
        HttpConnectorFuture::new(async move {
            let wrong = |error| ConnectorError::user(error);
            let request = request
                .try_into_http1x()
                .map_err(|error| wrong(error.into()))?
                .map(reqwest::Body::wrap);
            let request =
                reqwest::Request::try_from(request).map_err(|error| wrong(error.into()))?;
            let answer = client.send(request).await.map_err(|error| match error {
                CallError::Forbidden(_) => wrong(error.into()),
                CallError::Failed(_, ref inner) if inner.is_timeout() => {
                    ConnectorError::timeout(error.into())
                }
                CallError::Failed(..) => ConnectorError::io(error.into()),
            })?;
            let limit = usize::try_from(ANSWER).unwrap_or(usize::MAX);
            let answer = http::Response::<reqwest::Body>::from(answer)
                .map(|body| SdkBody::from_body_1_x(Limited::new(body, limit)));
            HttpResponse::try_from(answer)
                .map_err(|error| ConnectorError::other(error.into(), None))
        })
    }
}
