//! Locks: what a run or a node must hold before it goes on. Which of those who ask gets a lock is decided
//! outside, over all runs of a tenant; what a run asked for and got is part of its own state.

use std::collections::BTreeSet;
use std::fmt;

use steading_types::{Millis, NodeIx, RunId};

/// A lock of a tenant, as workflows name it. Shown in Argo's form: `<namespace>/Mutex/<name>`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LockName {
    /// The tenant's own namespace unless the workflow writes another. It only tells apart locks of one
    /// tenant: no name reaches a lock of another one.
    pub namespace: String,
    /// What it is, and where its limit comes from.
    pub kind: LockKind,
}

/// The kinds of locks.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum LockKind {
    /// One at a time.
    Mutex(String),
    /// As many as a key of a ConfigMap says.
    ConfigMap {
        /// The ConfigMap.
        name: String,
        /// Its key.
        key: String,
    },
    /// As many as the tenant's limit of this name says.
    Database(String),
}

impl fmt::Display for LockName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let namespace = &self.namespace;
        match &self.kind {
            LockKind::Mutex(name) => write!(f, "{namespace}/Mutex/{name}"),
            LockKind::ConfigMap { name, key } => write!(f, "{namespace}/ConfigMap/{name}/{key}"),
            LockKind::Database(key) => write!(f, "{namespace}/Database/{key}"),
        }
    }
}

/// Who asks for locks within a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Holder {
    /// The run as a whole.
    Run,
    /// One node; a retry node for all its tries.
    Node(NodeIx),
}

/// One request for locks, unlike every other one of all runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct HoldId {
    /// Whose.
    pub run: RunId,
    /// Which part of the run.
    pub holder: Holder,
    /// Which of its requests.
    pub request: Request,
}

/// Tells a holder's requests apart: answers to an earlier one mean nothing for a later one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Request {
    /// The run's generation.
    pub generation: u32,
    /// How many times it asked before in this generation.
    pub number: u32,
}

/// What a holder asked for, all or none, and whether it has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hold {
    /// The locks.
    pub locks: BTreeSet<LockName>,
    /// Whether it has them.
    pub stage: HoldStage,
    /// Since when it waits for them or has them.
    pub since: Millis,
    /// Its latest request.
    pub request: Request,
    /// Its place among those who wait.
    pub rank: Rank,
    /// Who it is, in Argo's form: `<namespace>/<workflow>[/<node id>]`.
    pub who: String,
}

/// How far a holder is. Parallelism counts those who have their locks, and those who have a place for the
/// moment in which they ask; who waits for others fills no place that those may need to go on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HoldStage {
    /// It asked, and has no place.
    Waiting,
    /// It asked, and has a place until it hears whether it gets the locks at once.
    Placed,
    /// It could have had the locks but no place: it asks again when there is one.
    Postponed,
    /// It has the locks, until it is over.
    Held,
}

impl HoldStage {
    /// Whether an answer is to come.
    pub fn asks(self) -> bool {
        matches!(self, Self::Waiting | Self::Placed)
    }
}

/// Who goes first: the higher priority, then the older run, then whoever asked first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Rank {
    /// Higher goes first.
    pub priority: std::cmp::Reverse<i32>,
    /// When its run was accepted.
    pub created: Millis,
    /// When it asked.
    pub asked: Millis,
}

impl Hold {
    /// Argo's sentence for who waits, without what only the outside knows.
    pub fn waiting_message(&self) -> String {
        let names: Vec<String> = self.locks.iter().map(ToString::to_string).collect();
        let names = names.join(", ");
        match self.stage {
            HoldStage::Postponed => {
                format!("Waiting for a place among those that run, then for {names} lock")
            }
            _ => format!("Waiting for {names} lock"),
        }
    }
}
