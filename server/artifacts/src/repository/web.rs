//! What a place on a web server is.

use crate::network::Identity;
use crate::secret::Secret;

/// One object at one address, whatever key it is asked for by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Web {
    /// `http://…` or `https://…`, without a credential.
    pub url: String,
    /// Sent with every request; values may be credentials.
    pub headers: Vec<(String, Secret)>,
    /// Who asks.
    pub credential: WebCredential,
    /// Our certificate.
    pub identity: Option<Identity>,
    /// Authorities in PEM that are trusted for this server.
    pub authorities: Option<String>,
}

/// Who asks a web server.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum WebCredential {
    /// Nobody, or who the headers say.
    #[default]
    None,
    /// A name and a password (RFC 7617).
    Basic {
        /// The name.
        user: Secret,
        /// The password.
        password: Secret,
    },
    /// A client that gets itself a token (RFC 6749, 4.4).
    Client(OAuthClient),
}

/// An OAuth 2.0 client.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OAuthClient {
    /// Where tokens are given out.
    pub token_url: Secret,
    /// The client's id.
    pub id: Secret,
    /// Its secret.
    pub secret: Secret,
    /// What the token is for.
    pub scopes: Vec<String>,
    /// Further fields of the request.
    pub parameters: Vec<(String, String)>,
}
