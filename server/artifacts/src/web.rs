//! An object on a web server: GET takes it, PUT leaves it. Whoever answers is a stranger: a redirect is followed
//! a few times, each time as far as the site allows, and what shows who asks goes to nobody but the server
//! that it was given for.

mod get;
mod login;
mod put;

use std::ops::Range;
use std::sync::Arc;

use futures_util::{StreamExt, stream};
use reqwest::header::{HeaderName, HeaderValue};
use reqwest::{RequestBuilder, StatusCode, Url};

use crate::digest::Stored;
use crate::error::ArtifactError;
use crate::key::Key;
use crate::network::{Client, Network, Patience, destination};
use crate::repository::{Web, address};
use crate::source::Source;
use crate::store::{ArtifactStore, Content, Entries, Later};

/// One address. Cheap to clone.
#[derive(Clone)]
pub struct WebStore {
    client: Client,
    sender: Client,
    /// For whom our certificate and headers are not.
    strangers: Client,
    described: Arc<Web>,
    url: Url,
    network: Network,
    name: Arc<str>,
}

impl WebStore {
    /// The address as described. Asks nothing of it yet.
    ///
    /// # Errors
    /// [`ArtifactError::Repository`], when the description makes no sense.
    pub fn open(described: &Web, network: &Network) -> Result<Self, ArtifactError> {
        let url = address(&described.url)?;
        let authorities = described.authorities.as_deref();
        for (name, value) in &described.headers {
            let fits =
                HeaderName::try_from(name).is_ok() && HeaderValue::try_from(value.expose()).is_ok();
            if !fits {
                return Err(ArtifactError::Repository {
                    why: "a header is none: control characters, or no name".to_owned(),
                });
            }
        }
        Ok(Self {
            client: network.client(authorities, described.identity.as_ref())?,
            sender: network.sender(authorities, described.identity.as_ref())?,
            strangers: network.client(None, None)?,
            described: Arc::new(described.clone()),
            // Signed addresses carry their credential behind the path.
            name: format!("the web server {}", destination(&url)).into(),
            url,
            network: network.clone(),
        })
    }

    fn patience(&self) -> Patience {
        self.network.patience()
    }

    /// Adds the headers of the description.
    fn with_headers(&self, mut request: RequestBuilder) -> RequestBuilder {
        for (name, value) in &self.described.headers {
            request = request.header(name, value.expose());
        }
        request
    }

    fn damaged(&self, why: impl Into<String>) -> ArtifactError {
        ArtifactError::damaged(&self.name, why)
    }

    /// What a status that is no success means.
    fn refusal(&self, status: StatusCode) -> ArtifactError {
        let (store, why) = (
            self.name.to_string(),
            format!("it answered {}", status.as_u16()),
        );
        match status.as_u16() {
            404 | 410 => ArtifactError::NotFound {
                store,
                key: self.url.path().to_owned(),
            },
            401 | 403 | 407 => ArtifactError::Denied { store, why },
            408 | 425 | 429 | 500 | 502..=504 => ArtifactError::down(&store, why),
            _ => ArtifactError::Refused { store, why },
        }
    }
}

impl ArtifactStore for WebStore {
    fn put<'a>(&'a self, _: &'a Key, source: Source) -> Later<'a, Stored> {
        Box::pin(async move { self.write(&source).await })
    }

    fn get<'a>(&'a self, _: &'a Key, range: Option<Range<u64>>) -> Later<'a, Content> {
        Box::pin(self.read(range))
    }

    fn stat<'a>(&'a self, _: &'a Key) -> Later<'a, u64> {
        Box::pin(async { Ok(self.read(None).await?.size) })
    }

    /// A web server tells no list.
    fn list<'a>(&'a self, _: &'a Key) -> Entries<'a> {
        stream::empty().boxed()
    }

    fn delete<'a>(&'a self, _: &'a Key) -> Later<'a, ()> {
        Box::pin(async {
            Err(ArtifactError::Refused {
                store: self.name.to_string(),
                why: "what was put on a web server is not taken away again".to_owned(),
            })
        })
    }
}
