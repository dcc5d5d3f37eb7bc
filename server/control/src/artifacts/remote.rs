//! Stores that a run names: opened with the Secrets of its tenant, as far as the site opens the network, and held
//! for the next artifact.

use std::sync::{Arc, Mutex, PoisonError};

use serde_json::Value;
use steading_artifacts::{ArtifactError, ArtifactStore, Location, Network, Repository, Secret};
use steading_types::TenantName;
use steading_types::server_task::SecretKey;

use super::Located;
use crate::Inner;
use crate::error::ControlError;

/// Stores that are held open, the last used ones.
const HELD: usize = 32;

/// The stores that are open, with what they were opened by: a Secret that changes opens another one.
#[derive(Default)]
pub(crate) struct Remote(Mutex<Vec<(Repository, Arc<dyn ArtifactStore>)>>);

impl Remote {
    fn open(
        &self,
        described: Repository,
        network: &Network,
    ) -> Result<Arc<dyn ArtifactStore>, ArtifactError> {
        let mut held = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let found = held.iter().position(|(known, _)| *known == described);
        let (described, store) = match found {
            Some(place) => held.remove(place),
            None => {
                let store = described.open(network)?;
                (described, store)
            }
        };
        held.truncate(HELD.saturating_sub(1));
        held.insert(0, (described, Arc::clone(&store)));
        Ok(store)
    }
}

impl Inner {
    /// The object that Argo's words describe.
    pub(super) fn remote(
        &self,
        tenant: &TenantName,
        words: &Value,
    ) -> Result<Located, ArtifactError> {
        let location = Location::read(words)?;
        let mut values: Vec<(SecretKey, Secret)> = Vec::new();
        for wanted in location.secrets() {
            if let Some(value) = self.lent_secret(tenant, &wanted)? {
                values.push((wanted, value));
            }
        }
        let look_up = |wanted: &SecretKey| {
            let mut values = values.iter();
            let found = values.find(|(known, _)| known == wanted)?;
            Some(found.1.clone())
        };
        let described = location.resolve(&look_up)?;
        let key = location.object()?;
        let store = self.remote.open(described, &self.artifacts.network)?;
        Ok(Located { store, key })
    }

    /// One value of a Secret; nothing when it is not there.
    fn lent_secret(
        &self,
        tenant: &TenantName,
        wanted: &SecretKey,
    ) -> Result<Option<Secret>, ArtifactError> {
        let unusable = |why: String| ArtifactError::Repository { why };
        match self.secret(tenant, wanted) {
            Ok(value) => match std::str::from_utf8(&value) {
                Ok(text) => Ok(Some(Secret::new(text))),
                Err(_) => Err(unusable(format!(
                    "the value {} of the Secret {} is no text",
                    wanted.key, wanted.name
                ))),
            },
            Err(ControlError::NoObject { .. } | ControlError::NoKey { .. }) => Ok(None),
            Err(error) => Err(unusable(error.to_string())),
        }
    }
}
