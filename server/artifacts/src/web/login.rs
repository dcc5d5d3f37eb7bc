//! What a web server is shown of who asks.

use reqwest::header::{CONTENT_TYPE, HeaderValue};
use reqwest::{Method, RequestBuilder, Url};
use serde::Deserialize;

use super::WebStore;
use crate::error::ArtifactError;
use crate::ranged::at_most;
use crate::repository::{OAuthClient, WebCredential, endpoint};

/// The largest answer of a token server, bytes.
const ANSWER: u64 = 1 << 20;

#[derive(Deserialize)]
struct Token {
    access_token: String,
}

impl WebStore {
    /// The token of an OAuth client; nothing where there is none.
    pub(super) async fn token(&self) -> Result<Option<String>, ArtifactError> {
        match &self.described.credential {
            WebCredential::Client(client) => self.granted(client).await.map(Some),
            _ => Ok(None),
        }
    }

    pub(super) fn signed(&self, request: RequestBuilder, token: Option<&str>) -> RequestBuilder {
        match (&self.described.credential, token) {
            (WebCredential::Basic { user, password }, _) => {
                request.basic_auth(user.expose(), Some(password.expose()))
            }
            (_, Some(token)) => request.bearer_auth(token),
            (_, None) => request,
        }
    }

    /// RFC 6749, 4.4: the client shows its secret and gets a token.
    async fn granted(&self, client: &OAuthClient) -> Result<String, ArtifactError> {
        let url = endpoint(client.token_url.expose())?;
        let mut form = Url::parse("form:").map_err(|error| self.damaged(error.to_string()))?;
        form.query_pairs_mut()
            .append_pair("grant_type", "client_credentials")
            .append_pair("scope", &client.scopes.join(" "))
            .extend_pairs(&client.parameters);
        let kind = HeaderValue::from_static("application/x-www-form-urlencoded");
        let request = self
            .strangers
            .request(Method::POST, url)
            .basic_auth(client.id.expose(), Some(client.secret.expose()))
            .header(CONTENT_TYPE, kind)
            .body(form.query().unwrap_or_default().to_owned())
            .build()
            .map_err(|error| self.damaged(error.without_url().to_string()))?;
        let answer = self.strangers.send(request).await;
        let answer = answer.map_err(|error| error.into_error("the token server"))?;
        if !answer.status().is_success() {
            let status = answer.status().as_u16();
            let (store, why) = (
                "the token server".to_owned(),
                format!("it answered {status}"),
            );
            return Err(match status {
                400..=403 => ArtifactError::Denied { store, why },
                _ => ArtifactError::down(&store, why),
            });
        }
        let body = at_most(ANSWER, "the token server", answer.bytes_stream()).await?;
        let token: Token = serde_json::from_slice(&body)
            .map_err(|_| self.damaged("the token server answered no token"))?;
        Ok(token.access_token)
    }
}
