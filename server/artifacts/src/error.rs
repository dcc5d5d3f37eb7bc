//! Everything that can go wrong with a store. Display is for a person and names the store; the cause stands
//! in `source()` for the log. Neither ever holds a credential: URLs are cut before their query.

use std::error::Error;
use std::sync::Arc;

use crate::key::{Key, KeyError};

/// What lies behind an error, for the log.
pub(crate) type Cause = Arc<dyn Error + Send + Sync>;

/// Whether the same call may succeed later, with nothing changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Again {
    /// The store may recover: wait, and ask again.
    Later,
    /// Somebody has to change something first.
    Never,
}

/// Why a store refused or failed.
#[derive(Debug, Clone, thiserror::Error)]
pub enum ArtifactError {
    /// There is no such object.
    #[error("{store} holds no artifact {key}")]
    NotFound {
        /// The store, for a person.
        store: String,
        /// What was asked for.
        key: String,
    },
    /// The store can not be reached, is overloaded or fails by itself.
    #[error("{store} does not answer as it should: {why}")]
    StoreDown {
        /// The store, for a person.
        store: String,
        /// What was seen.
        why: String,
        /// For the log.
        #[source]
        cause: Option<Cause>,
    },
    /// The credential is missing, wrong, or not allowed to do this.
    #[error("{store} refuses the credential or what it may do: {why}")]
    Denied {
        /// The store, for a person.
        store: String,
        /// What the store said.
        why: String,
    },
    /// The store is perhaps another one than it says.
    #[error("{store} does not prove that it is what it says: {why}")]
    HostKey {
        /// The store, for a person.
        store: String,
        /// What it showed.
        why: String,
    },
    /// The store says that the request is wrong.
    #[error("{store} refuses: {why}")]
    Refused {
        /// The store, for a person.
        store: String,
        /// What the store said.
        why: String,
    },
    /// More bytes than allowed.
    #[error("{what} is larger than the {limit} bytes that are allowed")]
    TooLarge {
        /// Of what.
        what: String,
        /// The limit, bytes.
        limit: u64,
    },
    /// Fewer or other bytes came than were announced.
    #[error("{store} sent something else than what was stored: {why}")]
    Damaged {
        /// The store, for a person.
        store: String,
        /// What differs.
        why: String,
    },
    /// The key can not be used.
    #[error("{0}")]
    Key(#[from] KeyError),
    /// On a disk, an object can not lie below another one.
    #[error("{key} can not be stored: {other}")]
    InTheWay {
        /// The key.
        key: Key,
        /// What is there already.
        other: &'static str,
    },
    /// The description of the store makes no sense.
    #[error("the artifact repository is not set up right: {why}")]
    Repository {
        /// What is wrong.
        why: String,
    },
    /// The bucket or container is not there.
    #[error("{store} is not there")]
    NoRepository {
        /// The store, for a person.
        store: String,
    },
    /// The site does not allow this destination.
    #[error("this site allows no connection to {destination}")]
    Egress {
        /// Host and port, or the address that the name has.
        destination: String,
    },
    /// Nothing can be written there.
    #[error("{store} can only be read")]
    ReadOnly {
        /// The store, for a person.
        store: String,
    },
    /// What came would be dangerous to unpack here.
    #[error("{what} holds something that is not taken over: {why}")]
    Hostile {
        /// Of what.
        what: String,
        /// What was found.
        why: String,
    },
    /// The disk of this host is full.
    #[error("the disk that holds the artifacts is full")]
    DiskFull,
    /// The disk of this host failed.
    #[error("the artifacts on the disk of this host can not be read or written")]
    Disk {
        /// What the system said.
        #[source]
        cause: Cause,
    },
}

impl ArtifactError {
    /// The stable code.
    pub fn code(&self) -> &'static str {
        match self {
            Self::NotFound { .. } => "artifact.not-found",
            Self::StoreDown { .. } => "artifact.store-down",
            Self::Denied { .. } => "artifact.denied",
            Self::HostKey { .. } => "artifact.host-key",
            Self::Refused { .. } => "artifact.refused",
            Self::TooLarge { .. } => "artifact.too-large",
            Self::Damaged { .. } => "artifact.damaged",
            Self::Key(_) | Self::InTheWay { .. } => "artifact.key",
            Self::Repository { .. } | Self::NoRepository { .. } => "artifact.repository",
            Self::Egress { .. } => "artifact.egress",
            Self::ReadOnly { .. } => "artifact.read-only",
            Self::Hostile { .. } => "artifact.hostile",
            Self::DiskFull => "artifact.disk-full",
            Self::Disk { .. } => "artifact.disk",
        }
    }

    pub(crate) fn damaged(store: &str, why: impl Into<String>) -> Self {
        Self::Damaged {
            store: store.to_owned(),
            why: why.into(),
        }
    }

    /// Whether asking again makes sense.
    pub fn again(&self) -> Again {
        match self {
            Self::StoreDown { .. } | Self::Damaged { .. } | Self::DiskFull | Self::Disk { .. } => {
                Again::Later
            }
            _ => Again::Never,
        }
    }

    /// What to do about it, where one sentence helps.
    pub fn fix(&self) -> Option<&'static str> {
        match self {
            Self::StoreDown { .. } => {
                Some("see whether the store runs and can be reached from here")
            }
            Self::Denied { .. } => {
                Some("check the secret that the repository names, and what it may do there")
            }
            Self::HostKey { .. } => Some(
                "compare it with the server's own key; an operator can add that to the site's known hosts",
            ),
            Self::Egress { .. } => Some("an operator can allow it in the site's egress rules"),
            Self::DiskFull => Some("make room on the disk, or shorten how long artifacts are kept"),
            Self::ReadOnly { .. } => Some("name a repository for the outputs of this template"),
            _ => None,
        }
    }

    pub(crate) fn disk(error: std::io::Error) -> Self {
        match error.kind() {
            std::io::ErrorKind::StorageFull | std::io::ErrorKind::QuotaExceeded => Self::DiskFull,
            _ => Self::Disk {
                cause: Arc::new(error),
            },
        }
    }

    pub(crate) fn down(store: &str, why: impl Into<String>) -> Self {
        Self::StoreDown {
            store: store.to_owned(),
            why: why.into(),
            cause: None,
        }
    }
}

impl From<std::io::Error> for ArtifactError {
    fn from(error: std::io::Error) -> Self {
        Self::disk(error)
    }
}

impl From<rustix::io::Errno> for ArtifactError {
    fn from(errno: rustix::io::Errno) -> Self {
        Self::disk(errno.into())
    }
}
