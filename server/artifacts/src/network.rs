//! The one way from this crate to other hosts: no store brings a client of its own. Names are resolved here
//! and their addresses judged, no redirect is followed by itself, no proxy and no credential is picked up from
//! the environment, and whoever keeps us waiting is left.

mod socket;
mod tls;
mod unverified;

use std::error::Error;
use std::fs::File;
use std::net::{IpAddr, SocketAddr};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use reqwest::Url;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};

use crate::egress::Egress;
use crate::error::ArtifactError;
use crate::known_hosts::KnownHosts;
pub use tls::Identity;

/// How long a store may keep us waiting.
#[derive(Debug, Clone, Copy)]
pub struct Patience {
    /// Until it took the connection.
    pub connect: Duration,
    /// Between two signs of life.
    pub silence: Duration,
    /// How often a call is tried in all.
    pub tries: u32,
}

impl Default for Patience {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(10),
            silence: Duration::from_secs(60),
            tries: 4,
        }
    }
}

/// What all connections of a site have in common. Cheap to clone.
#[derive(Clone)]
pub struct Network {
    egress: Arc<Egress>,
    trust: Arc<rustls::RootCertStore>,
    patience: Patience,
    spool: Arc<Path>,
    known_hosts: Arc<KnownHosts>,
}

impl Network {
    /// `authorities`: certificates in PEM that are trusted beside the host's own. Reads the host's; blocks.
    pub fn new(
        egress: Egress,
        authorities: Option<&str>,
        patience: Patience,
    ) -> Result<Self, ArtifactError> {
        Ok(Self {
            egress: Arc::new(egress),
            trust: Arc::new(tls::trust(authorities)?),
            patience,
            spool: std::env::temp_dir().into(),
            known_hosts: Arc::default(),
        })
    }

    /// The directory for what has to lie on a disk on its way, in place of the system's own.
    #[must_use]
    pub fn with_spool(self, directory: &Path) -> Self {
        Self {
            spool: directory.into(),
            ..self
        }
    }

    /// A file without a name: it goes with its last user.
    pub(crate) fn spool(&self) -> Result<File, ArtifactError> {
        Ok(tempfile::tempfile_in(&self.spool)?)
    }

    /// A directory that goes with its holder.
    pub(crate) fn spool_directory(&self) -> Result<tempfile::TempDir, ArtifactError> {
        Ok(tempfile::tempdir_in(&self.spool)?)
    }

    pub(crate) fn patience(&self) -> Patience {
        self.patience
    }

    /// A client that trusts these authorities too, and shows this certificate.
    pub(crate) fn client(
        &self,
        authorities: Option<&str>,
        identity: Option<&Identity>,
    ) -> Result<Client, ArtifactError> {
        let tls = tls::config(&self.trust, authorities, identity)?;
        self.client_with(tls, Silence::Left)
    }

    /// The same for requests that may take long to send: whoever uses it watches over silence.
    pub(crate) fn sender(
        &self,
        authorities: Option<&str>,
        identity: Option<&Identity>,
    ) -> Result<Client, ArtifactError> {
        let tls = tls::config(&self.trust, authorities, identity)?;
        self.client_with(tls, Silence::Borne)
    }

    fn client_with(
        &self,
        tls: rustls::ClientConfig,
        silence: Silence,
    ) -> Result<Client, ArtifactError> {
        let mut builder = reqwest::Client::builder();
        if silence == Silence::Left {
            builder = builder.read_timeout(self.patience.silence);
        }
        let inner = builder
            .use_preconfigured_tls(tls)
            .dns_resolver(Arc::new(Resolver(self.egress.clone())))
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .connect_timeout(self.patience.connect)
            .http1_only()
            .build()
            .map_err(|error| ArtifactError::Repository {
                why: format!("its connection can not be prepared: {error}"),
            })?;
        Ok(Client {
            inner,
            egress: self.egress.clone(),
        })
    }
}

/// What becomes of a server that says nothing.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Silence {
    Left,
    Borne,
}

/// A client that calls only whom the site allows.
#[derive(Clone)]
pub(crate) struct Client {
    inner: reqwest::Client,
    egress: Arc<Egress>,
}

impl Client {
    pub(crate) fn request(&self, method: reqwest::Method, url: Url) -> reqwest::RequestBuilder {
        self.inner.request(method, url)
    }

    /// Sends a request and answers what came back, a redirect included.
    pub(crate) async fn send(
        &self,
        request: reqwest::Request,
    ) -> Result<reqwest::Response, CallError> {
        self.check(request.url())?;
        self.inner.execute(request).await.map_err(CallError::from)
    }

    /// Addresses that stand in the URL itself never reach the resolver.
    fn check(&self, url: &Url) -> Result<(), CallError> {
        let forbidden = || CallError::Forbidden(destination(url));
        if !matches!(url.scheme(), "http" | "https") {
            return Err(forbidden());
        }
        let host = url.host_str().unwrap_or_default();
        let bare = host.trim_start_matches('[').trim_end_matches(']');
        match bare.parse::<IpAddr>() {
            Ok(address) if !self.egress.allows(bare, address) => Err(forbidden()),
            _ => Ok(()),
        }
    }
}

/// Host and port of a URL, for a person.
pub(crate) fn destination(url: &Url) -> String {
    let host = url.host_str().unwrap_or("nobody");
    match url.port_or_known_default() {
        Some(port) => format!("{host}:{port}"),
        None => format!("{}: of {host}", url.scheme()),
    }
}

/// Why a call had no answer.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CallError {
    /// The site does not allow it.
    #[error("no connection to {0} is allowed")]
    Forbidden(String),
    /// It went wrong; the URL is not part of the text.
    #[error("{0}")]
    Failed(String, #[source] reqwest::Error),
}

impl From<reqwest::Error> for CallError {
    fn from(error: reqwest::Error) -> Self {
        let error = error.without_url();
        match forbidden(&error) {
            Some(destination) => Self::Forbidden(destination),
            None => Self::Failed(deepest(&error), error),
        }
    }
}

impl CallError {
    pub(crate) fn into_error(self, store: &str) -> ArtifactError {
        match self {
            Self::Forbidden(destination) => ArtifactError::Egress { destination },
            Self::Failed(why, error) => ArtifactError::StoreDown {
                store: store.to_owned(),
                why,
                cause: Some(Arc::new(error)),
            },
        }
    }
}

/// The destination, when it was our resolver that said no.
pub(crate) fn forbidden(error: &(dyn Error + 'static)) -> Option<String> {
    let mut at = Some(error);
    while let Some(error) = at {
        if let Some(Forbidden(destination)) = error.downcast_ref() {
            return Some(destination.clone());
        }
        if let Some(CallError::Forbidden(destination)) = error.downcast_ref() {
            return Some(destination.clone());
        }
        at = error.source();
    }
    None
}

/// The innermost reason: the one that a person understands.
pub(crate) fn deepest(error: &(dyn Error + 'static)) -> String {
    let mut at = error;
    while let Some(inner) = at.source() {
        at = inner;
    }
    at.to_string()
}

#[derive(Debug, thiserror::Error)]
#[error("no connection to {0} is allowed")]
struct Forbidden(String);

/// Resolves names and keeps the addresses that are allowed.
struct Resolver(Arc<Egress>);

impl Resolve for Resolver {
    fn resolve(&self, name: Name) -> Resolving {
        let egress = self.0.clone();
        Box::pin(async move {
            let allowed = resolve(&egress, name.as_str(), 0).await?;
            Ok(Box::new(allowed.into_iter()) as Addrs)
        })
    }
}

/// The addresses of a host that may be called.
pub(crate) async fn resolve(
    egress: &Egress,
    host: &str,
    port: u16,
) -> Result<Vec<SocketAddr>, Box<dyn Error + Send + Sync>> {
    let found: Vec<SocketAddr> = tokio::net::lookup_host((host, port)).await?.collect();
    let allowed: Vec<SocketAddr> = found
        .iter()
        .filter(|address| egress.allows(host, address.ip()))
        .copied()
        .collect();
    match (allowed.is_empty(), found.first()) {
        (true, Some(address)) => Err(Forbidden(format!("{host} ({})", address.ip())).into()),
        _ => Ok(allowed),
    }
}
