//! Artifacts on their way between a repository and a task: fetched before an attempt is handed over, put away
//! before its end is committed. Only this talks to stores; no task and no plugin learns where anything lies.
//!
//! Both ways are repeated after a crash: a key follows from the attempt, and putting it again changes nothing.

mod fetch;
mod keep;
mod pull;
mod read;
mod remote;
mod repository;
mod tree;
mod unpacked;

use std::fs::File;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use steading_artifacts::{Again, ArtifactError, ArtifactStore, Key, Network};
use steading_engine::command::Command;
use steading_types::artifact::Place;
use steading_types::{AttemptId, TenantName};

pub use read::{Found, Wanted, of_node};
pub(crate) use remote::Remote;

use crate::Inner;

/// Between two tries of a store that may recover.
const PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_secs(30);
/// How long a store may be away before its attempt fails.
const PATIENCE: Duration = Duration::from_secs(600);

/// Where the contents of an attempt's artifacts lie while it has them.
pub trait Staging: Send + Sync + 'static {
    /// An empty file for input artifact `number`.
    ///
    /// # Errors
    /// Of the disk.
    fn input(&self, attempt: AttemptId, number: usize) -> io::Result<File>;
    /// That file is complete.
    ///
    /// # Errors
    /// Of the disk.
    fn ready(&self, attempt: AttemptId, number: usize) -> io::Result<()>;
    /// What the task left as output artifact `number`.
    ///
    /// # Errors
    /// Of the disk.
    fn output(&self, attempt: AttemptId, number: usize) -> io::Result<File>;
}

/// What the program gives.
#[derive(Clone)]
pub struct Artifacts {
    /// Beside the tasks.
    pub staging: Arc<dyn Staging>,
    /// The repository of runs that name none.
    pub site: Arc<dyn ArtifactStore>,
    /// The way to the stores that runs name.
    pub network: Network,
}

/// An object of a tenant.
pub(crate) struct Located {
    pub(crate) store: Arc<dyn ArtifactStore>,
    pub(crate) key: Key,
}

impl Inner {
    /// The store and the key of a place. Every key of the site's repository is looked at here, and nowhere else: it
    /// must lie below the tenant's own name.
    pub(crate) fn locate(
        &self,
        tenant: &TenantName,
        place: &Place,
    ) -> Result<Located, ArtifactError> {
        match place {
            Place::Repository { key } => Ok(Located {
                store: Arc::clone(&self.artifacts.site),
                key: own_key(tenant, key)?,
            }),
            Place::Store { location } => self.remote(tenant, location),
            Place::Raw { .. } => Err(ArtifactError::Repository {
                why: "a content that stands in the document lies in no store".to_owned(),
            }),
        }
    }

    /// Whether to ask a store again that did not do what it should. Says meanwhile what is waited for.
    pub(crate) async fn waits(
        self: &Arc<Self>,
        tenant: &TenantName,
        attempt: AttemptId,
        error: &ArtifactError,
        patience: &mut Patience,
    ) -> bool {
        if error.again() != Again::Later || patience.waited >= PATIENCE {
            return false;
        }
        tracing::warn!(%attempt, %error, "an artifact can not be moved now; trying again");
        let reason = format!("waits for the artifact repository: {error}");
        let command = Command::AttemptWaiting { attempt, reason };
        self.note(tenant, command, Vec::new()).await;
        if self.unwanted(attempt) {
            return false;
        }
        tokio::time::sleep(patience.pause).await;
        patience.waited = patience.waited.saturating_add(patience.pause);
        patience.pause = patience.pause.saturating_mul(2).min(LONGEST_PAUSE);
        true
    }
}

/// How long a store was waited for, and how long it will be next time.
pub(crate) struct Patience {
    pause: Duration,
    waited: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Self {
            pause: PAUSE,
            waited: Duration::ZERO,
        }
    }
}

/// A key that is the tenant's. One of another tenant is as good as none.
fn own_key(tenant: &TenantName, key: &str) -> Result<Key, ArtifactError> {
    let parsed = Key::parse(key)?;
    let below = key.strip_prefix(tenant.as_str());
    if below.is_some_and(|below| below.starts_with('/')) {
        Ok(parsed)
    } else {
        Err(ArtifactError::NotFound {
            store: "the artifact repository".to_owned(),
            key: key.to_owned(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// security.md F03, A02: whatever a row or a text says, a tenant reaches its own objects alone.
    #[test]
    fn f03_a_key_of_another_tenant_is_none() {
        let tenant: TenantName = "lab".parse().unwrap();
        assert!(own_key(&tenant, "lab/a").is_ok());
        for wrong in [
            "other/a",
            "lab",
            "laboratory/a",
            "lab/../other/a",
            "/lab/a",
            "lab//a",
            "",
            "lab/a\n",
        ] {
            assert!(own_key(&tenant, wrong).is_err(), "{wrong:?}");
        }
    }
}
