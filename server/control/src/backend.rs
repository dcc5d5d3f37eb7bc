//! What the loops need of a compute environment. A plugin stands behind it; here it is only a trait, so
//! that the loops can be tested with a scripted one.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use steading_types::task::{Task, TaskReport};
use steading_types::{AttemptId, TenantName};

use crate::lent::Lent;

/// A future that a trait object can answer.
pub type Later<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// A compute environment. Every call is keyed by the attempt and may be repeated.
pub trait Backend: Send + Sync + 'static {
    /// Names the time in which the backend surely remembers every attempt that it was given. It is kept
    /// with an attempt before the attempt is handed over. Empty for a backend that never forgets one.
    fn epoch(&self) -> Vec<u8> {
        Vec::new()
    }
    /// Hands the work over; an attempt that exists already under this id is adopted, never started again.
    fn submit<'a>(&'a self, order: Order) -> Later<'a, Result<Accepted, BackendError>>;
    /// Goes on watching an attempt that was handed over before a restart.
    fn adopt<'a>(&'a self, known: Known) -> Later<'a, ()>;
    /// Waits until something was observed. Never answers an empty list, never answers twice the same end
    /// unless the attempt was adopted again.
    fn observe<'a>(&'a self) -> Later<'a, Vec<Observed>>;
    /// Ends attempts: politely first, by force after their grace period.
    fn cancel<'a>(&'a self, attempts: Vec<AttemptId>) -> Later<'a, ()>;
    /// The end of the attempt is on disk: what the backend kept for it may go. Logs stay.
    fn release<'a>(&'a self, tenant: TenantName, attempt: AttemptId) -> Later<'a, ()>;
}

/// One attempt's work for a backend.
#[derive(Debug, Clone)]
pub struct Order {
    /// Whose.
    pub tenant: TenantName,
    /// The idempotency key.
    pub attempt: AttemptId,
    /// For people: the node's name.
    pub name: String,
    /// The work, with an empty place for each value that is lent.
    pub task: Task,
    /// Values that no plugin sees, or why there are none: work that exists already needs none.
    pub lent: Result<Arc<Lent>, BackendError>,
    /// Whether an earlier epoch of the backend may have had it.
    pub epoch: Epoch,
}

/// When an attempt was first handed over, if it ever was.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Epoch {
    /// In this epoch of the backend, which knows it then.
    This,
    /// In an earlier one: without a trace of it, it is lost. It must not be started.
    Earlier,
}

/// An attempt that a backend has had since before a restart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Known {
    /// Whose.
    pub tenant: TenantName,
    /// The idempotency key.
    pub attempt: AttemptId,
    /// How the backend calls it.
    pub handle: String,
    /// Names of its containers by position; empty when its run is gone.
    pub containers: Vec<String>,
}

/// The backend took the work.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Accepted {
    /// How the backend calls it.
    pub handle: String,
    /// Whether its work began at once.
    pub stage: Stage,
    /// Which host.
    pub host: Option<String>,
}

/// How far an accepted attempt is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Stage {
    /// It waits at the backend; the reason is for a person.
    Waiting(String),
    /// Its work began.
    Running,
}

/// Something a backend saw.
#[derive(Debug, Clone, PartialEq)]
pub struct Observed {
    /// Of which attempt.
    pub attempt: AttemptId,
    /// What.
    pub what: Seen,
}

/// What was seen of an attempt.
#[derive(Debug, Clone, PartialEq)]
pub enum Seen {
    /// It waits; the reason is for a person.
    Waiting(String),
    /// Its work began, on this host.
    Started(Option<String>),
    /// It is a daemon, on this host, and can be used.
    Ready(Option<String>),
    /// It is over.
    Ended(Box<TaskReport>),
}

/// Why a backend did not take the work.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct BackendError {
    /// Stable and dotted.
    pub code: String,
    /// One sentence.
    pub message: String,
    /// Whether the same call may succeed later.
    pub hope: Hope,
}

/// Whether to try again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hope {
    /// Again after a pause.
    Later,
    /// It stays refused: the attempt has failed.
    None,
}
