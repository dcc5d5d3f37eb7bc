//! A checkout of a git repository, without a git program: a store of one object, the packed tree, whatever key it is
//! asked for by. Whoever wrote the repository is a stranger: no hook, filter, helper or configuration of it or of
//! this host runs, only http(s) and ssh are spoken, and how large it may become is known.

mod address;
mod call;
mod checkout;
mod fetch;
mod pack;
mod ssh;
mod submodules;
mod weigh;
mod wire;

use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use futures_util::{StreamExt, stream};
use steading_types::server_task::Certificate;
use tokio::runtime::Handle;

use crate::digest::Stored;
use crate::error::ArtifactError;
use crate::key::Key;
use crate::network::{Client, Network};
use crate::ranged::patiently;
use crate::repository::{Git, GitCredential};
use crate::source::{Source, blocking};
use crate::store::{ArtifactStore, Content, Entries, Later};
use crate::text::line;
use address::Address;
use fetch::Remote;

/// A repository at one revision. Cheap to clone.
#[derive(Clone)]
pub struct GitStore {
    described: Arc<Git>,
    address: Address,
    client: Client,
    network: Network,
    name: Arc<str>,
}

impl GitStore {
    /// The repository as described. Asks nothing of it yet.
    ///
    /// # Errors
    /// [`ArtifactError::Repository`], when the description makes no sense.
    pub fn open(described: &Git, network: &Network) -> Result<Self, ArtifactError> {
        let address = Address::parse(&described.url)?;
        let wrong = |why: &str| {
            let why = why.to_owned();
            Err(ArtifactError::Repository { why })
        };
        match (&address, &described.credential) {
            (Address::Web(_), GitCredential::Key(_)) => {
                return wrong("a private key opens nothing over http: give the address for ssh");
            }
            (Address::Ssh(_), GitCredential::Login { .. } | GitCredential::None) => {
                return wrong("ssh needs a private key: sshPrivateKeySecret");
            }
            _ => {}
        }
        let client = match described.certificate {
            Certificate::Verified => network.client(None, None)?,
            Certificate::Unverified => network.unverified_client()?,
        };
        Ok(Self {
            described: Arc::new(described.clone()),
            name: format!("the git repository {address}").into(),
            address,
            client,
            network: network.clone(),
        })
    }

    /// Fetches, checks out and packs.
    async fn packed(&self) -> Result<Source, ArtifactError> {
        let (store, handle) = (self.clone(), Handle::current());
        let interrupted = Arc::new(AtomicBool::new(false));
        let guard = Interrupt(interrupted.clone());
        let packed = blocking(move || store.pack(&handle, &interrupted)).await;
        drop(guard);
        packed
    }

    fn pack(&self, handle: &Handle, interrupted: &AtomicBool) -> Result<Source, ArtifactError> {
        let directory = self.network.spool_directory()?;
        let remote = Remote {
            address: self.address.clone(),
            credential: self.described.credential.clone(),
            host_key: self.described.host_key,
            client: self.client.clone(),
            network: self.network.clone(),
            handle: handle.clone(),
            name: self.name.clone(),
        };
        let place = directory.path().join("checkout");
        checkout::checkout(&self.described, &remote, &place, interrupted)?;
        let file = self.network.spool()?;
        pack::pack(&place, file)
    }
}

/// Stops what works on a thread of its own when nobody waits for it any more.
struct Interrupt(Arc<AtomicBool>);

impl Drop for Interrupt {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// What git says of a repository that makes no sense to it.
fn refused(name: &str, error: impl std::fmt::Display) -> ArtifactError {
    ArtifactError::Refused {
        store: name.to_owned(),
        why: line(&error.to_string()),
    }
}

/// The same, of all that went wrong what is the reason of the rest.
fn failed(name: &str, error: gix::Error) -> ArtifactError {
    match error.classify().is_resource_exhausted() {
        true => ArtifactError::TooLarge {
            what: format!("an object of {name}"),
            limit: fetch::OBJECT,
        },
        false => refused(name, error.probable_cause()),
    }
}

impl ArtifactStore for GitStore {
    fn put<'a>(&'a self, _: &'a Key, _: Source) -> Later<'a, Stored> {
        Box::pin(async { self.read_only() })
    }

    fn get<'a>(&'a self, _: &'a Key, range: Option<Range<u64>>) -> Later<'a, Content> {
        Box::pin(async move {
            let packed = patiently(self.network.patience().tries, || self.packed()).await?;
            Ok(packed.content(range))
        })
    }

    fn stat<'a>(&'a self, key: &'a Key) -> Later<'a, u64> {
        Box::pin(async move { Ok(self.get(key, None).await?.size) })
    }

    fn list<'a>(&'a self, _: &'a Key) -> Entries<'a> {
        stream::empty().boxed()
    }

    fn delete<'a>(&'a self, _: &'a Key) -> Later<'a, ()> {
        Box::pin(async { self.read_only() })
    }
}

impl GitStore {
    fn read_only<T>(&self) -> Result<T, ArtifactError> {
        Err(ArtifactError::ReadOnly {
            store: self.name.to_string(),
        })
    }
}
