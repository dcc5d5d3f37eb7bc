//! Fetching from a server into a new repository.

use std::num::NonZero;
use std::path::Path;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, PoisonError};

use gix::progress::Discard;
use gix::remote::fetch::{Shallow, Tags};
use gix::remote::{Connection, Direction};
use gix::{Repository, ThreadSafeRepository, create, open};
use gix_transport::Protocol;
use gix_transport::client::blocking_io::{self, http::Transport};
use reqwest::Url;
use tokio::runtime::Handle;

use super::address::Address;
use super::call::Fault;
use super::wire::Wire;
use super::{failed, ssh};
use crate::error::ArtifactError;
use crate::network::{Client, Network};
use crate::repository::{GitCredential, HostKey};
use crate::secret::Secret;

/// The most bytes of one object: it is held in memory.
pub(super) const OBJECT: u64 = 128 << 20;
/// Objects that are unpacked at once.
const UNPACKING: u32 = 2;

/// Where a repository comes from.
#[derive(Clone)]
pub(super) struct Remote {
    pub(super) address: Address,
    /// For the server of this address.
    pub(super) credential: GitCredential,
    pub(super) host_key: HostKey,
    pub(super) client: Client,
    pub(super) network: Network,
    pub(super) handle: Handle,
    pub(super) name: Arc<str>,
}

impl Remote {
    /// The login, where it belongs.
    pub(super) fn login_for(&self, url: &Url) -> Option<(&Secret, &Secret)> {
        let GitCredential::Login { user, password } = &self.credential else {
            return None;
        };
        let there = Address::Web(url.clone());
        self.address.same_server(&there).then_some((user, password))
    }

    /// Another repository that this one names; it is shown the credential where that belongs.
    pub(super) fn inside(&self, address: Address, name: &str) -> Self {
        Self {
            name: format!("the submodule {name} of {}", self.name).into(),
            credential: match self.address.same_server(&address) {
                true => self.credential.clone(),
                false => GitCredential::None,
            },
            address,
            ..self.clone()
        }
    }

    pub(super) fn refusal(&self, status: u16) -> ArtifactError {
        let (store, why) = (self.name.to_string(), format!("it answered {status}"));
        match status {
            404 | 410 => ArtifactError::NoRepository { store },
            401 | 403 => ArtifactError::Denied { store, why },
            408 | 429 | 500 | 502..=504 => ArtifactError::down(&store, why),
            _ => ArtifactError::Refused { store, why },
        }
    }
}

/// What is fetched.
pub(super) struct Wanted {
    /// Refspecs, whose targets lie below `refs/`.
    pub(super) specs: Vec<String>,
    /// How many commits of history; none for all.
    pub(super) depth: Option<NonZero<u32>>,
    pub(super) tags: Tags,
}

/// A new repository at `place` with what is wanted.
pub(super) fn fetch(
    remote: &Remote,
    wanted: &Wanted,
    place: &Path,
    interrupted: &AtomicBool,
) -> Result<Repository, ArtifactError> {
    let repository = created(place).map_err(|error| failed(&remote.name, error))?;
    fetch_into(&repository, remote, wanted, interrupted)?;
    Ok(repository)
}

/// Adds what is wanted to a repository.
pub(super) fn fetch_into(
    repository: &Repository,
    remote: &Remote,
    wanted: &Wanted,
    interrupted: &AtomicBool,
) -> Result<(), ArtifactError> {
    let fault = Fault::default();
    try_fetch(repository, remote, wanted, interrupted, &fault).map_err(|error| {
        let noted = fault.lock().unwrap_or_else(PoisonError::into_inner).take();
        noted.unwrap_or_else(|| failed(&remote.name, error))
    })
}

fn created(place: &Path) -> gix::Result<Repository> {
    let kind = create::Kind::WithWorktree;
    // Nothing of this host's configuration, environment or attributes.
    let isolated = open::Options::isolated();
    let isolated = isolated.config_overrides([
        // Nor a journal of who changed which reference when.
        "core.logAllRefUpdates=false".to_owned(),
        // A few bytes of a pack can mean an object of any size.
        format!("gitoxide.objects.allocLimit={OBJECT}"),
        format!("pack.threads={UNPACKING}"),
    ]);
    let repository =
        ThreadSafeRepository::init_opts(place, kind, create::Options::default(), isolated)?;
    let mut repository = repository.to_thread_local();
    repository.committer_or_set_generic_fallback()?;
    Ok(repository)
}

fn try_fetch(
    repository: &Repository,
    remote: &Remote,
    wanted: &Wanted,
    interrupted: &AtomicBool,
    fault: &Fault,
) -> gix::Result<()> {
    let text = remote.address.text();
    let url = gix::url::parse(text.as_str())?;
    let specs = wanted.specs.iter().map(String::as_str);
    let from = repository
        .remote_at_without_url_rewrite(url.clone())?
        .with_refspecs(specs, Direction::Fetch)?
        .with_fetch_tags(wanted.tags);
    match &remote.address {
        Address::Web(_) => {
            let wire = Wire::new(remote.clone(), fault.clone());
            let transport = Transport::new_http(wire, url, Protocol::V2, false);
            let connection = from.to_connection_with_transport(transport);
            receive(connection, wanted, interrupted)
        }
        Address::Ssh(at) => {
            let transport = ssh::connect(remote, at, fault).map_err(gix::Error::from_error)?;
            let connection = from.to_connection_with_transport(transport);
            receive(connection, wanted, interrupted)
        }
    }
}

fn receive(
    connection: Connection<'_, '_, '_, impl blocking_io::Transport>,
    wanted: &Wanted,
    interrupted: &AtomicBool,
) -> gix::Result<()> {
    let shallow = wanted
        .depth
        .map_or(Shallow::NoChange, Shallow::DepthAtRemote);
    connection
        .prepare_fetch(Discard, Default::default())?
        .with_shallow(shallow)
        .receive(Discard, interrupted)?;
    Ok(())
}
