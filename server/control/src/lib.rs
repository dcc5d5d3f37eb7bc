//! The loops that carry out what the engine decides: submit, schedule, hand to a backend, observe, commit.
//!
//! The engine is pure and says what follows; this crate commits it and then acts, in that order. It knows
//! backends only as a trait and HTTP not at all.

pub mod apply;
mod archive;
pub mod artifacts;
mod attempts;
pub mod backend;
pub mod claims;
pub mod clock;
mod coordinate;
mod delete;
pub mod error;
pub mod history;
pub mod identity;
pub mod lent;
mod library;
mod limits;
pub mod locks;
mod memos;
pub mod metrics;
mod objects;
mod recover;
mod registry;
mod release;
mod resubmit;
pub mod scheduler;
pub mod secrets;
mod served;
pub mod site;
mod step;
pub mod submit;
pub mod templates;
mod timers;
pub mod verbs;
pub mod view;
pub mod web;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use steading_store::Store;

use crate::artifacts::{Artifacts, Remote};
use crate::attempts::Attempts;
use crate::backend::Backend;
use crate::claims::Claims;
use crate::coordinate::Queues;
use crate::error::ControlError;
use crate::identity::Links;
use crate::metrics::Metrics;
use crate::registry::Registry;
use crate::scheduler::Scheduler;
use crate::secrets::Keyring;
use crate::served::{Served, Watched};
use crate::site::{Doctor, Images, Logs};
use crate::timers::Timers;
use crate::web::Web;

/// The name of the compute environment that this version has.
pub(crate) const ENVIRONMENT: &str = "local";

/// The server's middle: every request and every event goes through it. Cheap to clone.
#[derive(Clone)]
pub struct Control(Arc<Inner>);

/// What the program gives.
pub struct Parts {
    /// The store, open.
    pub store: Store,
    /// The compute environment.
    pub backend: Arc<dyn Backend>,
    /// Output of attempts.
    pub logs: Arc<dyn Logs>,
    /// Images of the site.
    pub images: Arc<dyn Images>,
    /// Directories of claims.
    pub claims: Arc<dyn site::Claims>,
    /// The host.
    pub doctor: Arc<dyn Doctor>,
    /// Other hosts.
    pub web: Arc<dyn Web>,
    /// The keys of Secrets.
    pub keyring: Keyring,
    /// Where artifacts lie.
    pub artifacts: Artifacts,
    /// Attempts that run at once.
    pub slots: usize,
}

pub(crate) struct Inner {
    store: Store,
    backend: Arc<dyn Backend>,
    /// The backend's.
    epoch: Arc<[u8]>,
    logs: Arc<dyn Logs>,
    images: Arc<dyn Images>,
    claims: Claims,
    doctor: Arc<dyn Doctor>,
    web: Arc<dyn Web>,
    keyring: Keyring,
    artifacts: Artifacts,
    remote: Remote,
    registry: Registry,
    attempts: Attempts,
    served: Served,
    watched: Watched,
    timers: Timers,
    metrics: Metrics,
    links: Links,
    queues: Queues,
    scheduler: Mutex<Scheduler>,
    /// Held while a tenant is made.
    naming: tokio::sync::Mutex<()>,
}

impl Inner {
    fn scheduler(&self) -> MutexGuard<'_, Scheduler> {
        self.scheduler
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

impl Control {
    /// Starts the loops and takes up what was left when the program last ended. Must be called within a
    /// tokio runtime.
    ///
    /// # Errors
    /// When the store can not be read.
    pub async fn start(parts: Parts) -> Result<Self, ControlError> {
        let inner = Arc::new(Inner {
            store: parts.store,
            epoch: parts.backend.epoch().into(),
            backend: parts.backend,
            logs: parts.logs,
            images: parts.images,
            claims: Claims::new(parts.claims),
            doctor: parts.doctor,
            web: parts.web,
            keyring: parts.keyring,
            artifacts: parts.artifacts,
            remote: Remote::default(),
            registry: Registry::default(),
            attempts: Attempts::default(),
            served: Served::default(),
            watched: Watched::default(),
            timers: Timers::default(),
            metrics: Metrics::default(),
            links: Links::default(),
            queues: Queues::default(),
            scheduler: Mutex::new(Scheduler::new(parts.slots)),
            naming: tokio::sync::Mutex::new(()),
        });
        inner.recover().await?;
        tokio::spawn(Arc::clone(&inner).observe());
        tokio::spawn(Arc::clone(&inner).fire_timers());
        tokio::spawn(Arc::clone(&inner).watch_claims());
        tokio::spawn(Arc::clone(&inner).sweep_memos());
        Ok(Self(inner))
    }

    /// The store, for reading.
    pub fn store(&self) -> &Store {
        &self.0.store
    }

    /// Output of attempts.
    pub fn logs(&self) -> &Arc<dyn Logs> {
        &self.0.logs
    }

    /// Images of the site.
    pub fn images(&self) -> &Arc<dyn Images> {
        &self.0.images
    }

    /// The host.
    pub fn doctor(&self) -> &Arc<dyn Doctor> {
        &self.0.doctor
    }
}
