//! What callers ask the store to write: one batch is all or nothing.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::Value;
use steading_engine::command::Timer;
use steading_engine::document::Document;
use steading_engine::head::Head;
use steading_engine::lock::{Hold, Holder};
use steading_engine::node::Node;
use steading_types::{AttemptId, Millis, NodeIx, ObjectName, RunId, TenantName, WorkflowName};

use crate::Seq;
use crate::rows::log::LogFile;
use crate::rows::memo::{MemoKey, MemoRow};
use crate::rows::object::{ObjectKind, ObjectRow};
use crate::rows::outbox::OutboxRow;
use crate::rows::run_event::RunEvent;
use crate::rows::template::TemplateKind;
use crate::rows::tenant::Tenant;
use crate::rows::token::{Token, TokenHash};

/// A run together with whose it is: no run is ever reached without its tenant.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RunRef {
    /// Whose it is.
    pub tenant: TenantName,
    /// The run.
    pub id: RunId,
}

/// The owner of a setting or template.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Owner {
    /// The installation.
    Site,
    /// One tenant.
    Tenant(TenantName),
}

/// Changes that are kept together or not at all, under requirements that are checked when it is
/// their turn.
#[derive(Debug, Clone, Default)]
pub struct Batch {
    /// What must hold.
    pub requires: Vec<Require>,
    /// What to write, in this order.
    pub changes: Vec<Change>,
    /// The batches that this one builds upon.
    pub lineage: Option<Lineage>,
}

/// Batches of which each builds upon the ones before, such as the steps of one run held in memory. When
/// one is not kept, those after it that wait already are refused too: they would write half a story.
#[derive(Debug, Clone, Default)]
pub struct Lineage(Arc<AtomicBool>);

impl Lineage {
    /// A batch was not kept.
    pub(crate) fn end(&self) {
        self.0.store(true, Ordering::Release);
    }

    /// Whether a batch was not kept.
    pub fn ended(&self) -> bool {
        self.0.load(Ordering::Acquire)
    }
}

impl Batch {
    /// An empty batch.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a requirement.
    #[must_use]
    pub fn require(mut self, require: Require) -> Self {
        self.requires.push(require);
        self
    }

    /// Says what the batch builds upon.
    #[must_use]
    pub fn upon(mut self, lineage: &Lineage) -> Self {
        self.lineage = Some(lineage.clone());
        self
    }

    /// Adds a change.
    #[must_use]
    pub fn change(mut self, change: Change) -> Self {
        self.changes.push(change);
        self
    }
}

/// How soon a batch must be on disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pace {
    /// Somebody waits for it.
    Now,
    /// It may wait a little ([`crate::Options::lazy_wait`]) for others to share the disk's time.
    Lazy,
}

/// A condition on the state that a batch meets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Require {
    /// No run of the tenant has this name.
    RunNameFree(TenantName, WorkflowName),
    /// The run is there, active or archived.
    RunExists(RunRef),
    /// The run is there and not archived.
    RunActive(RunRef),
    /// This timer of the run is set, to this time.
    TimerIs(RunRef, Timer, Millis),
    /// The template is as it was when this commit had written it.
    TemplateVersion(Owner, TemplateKind, WorkflowName, Seq),
    /// No such template.
    TemplateAbsent(Owner, TemplateKind, WorkflowName),
    /// The object is as it was when this commit had written it; nothing: there is no such object.
    ObjectIs(TenantName, ObjectKind, ObjectName, Option<Seq>),
    /// No such tenant.
    TenantAbsent(TenantName),
}

/// One thing to write.
#[derive(Debug, Clone)]
pub enum Change {
    /// Makes a tenant, or writes its row anew.
    PutTenant(Tenant),
    /// A run's own row. The first one claims the run's name in its tenant.
    PutRun(Box<Head>),
    /// What the run was asked to do: once, at submission.
    PutDocument(RunRef, Arc<Document>),
    /// New or changed nodes of an active run.
    PutNodes(RunRef, Vec<Node>),
    /// Nodes that ceased to exist.
    RemoveNodes(RunRef, Vec<NodeIx>),
    /// What a part of an active run has or waits for.
    PutHold(RunRef, Holder, Hold),
    /// It has no need of locks any more; none there is fine.
    RemoveHold(RunRef, Holder),
    /// The state of carrying out an attempt.
    PutOutbox(TenantName, AttemptId, OutboxRow),
    /// Nothing is to be done for this attempt any more.
    RemoveOutbox(TenantName, AttemptId),
    /// Sets or moves a timer.
    SetTimer(RunRef, Timer, Millis),
    /// Removes a timer; none there is fine.
    ClearTimer(RunRef, Timer),
    /// Where the attempt's output lies.
    PutLogIndex(TenantName, AttemptId, Vec<LogFile>),
    /// Removes a run with all that it owns, active or archived; its files are the caller's.
    DeleteRun(RunRef),
    /// Moves a finished run to the archive; its outbox rows and timers go, but for that of its expiry.
    Archive(RunRef),
    /// Brings a run back from the archive.
    Unarchive(RunRef),
    /// Writes a template. Its version becomes this commit's sequence number; `created` counts for a new one only.
    PutTemplate {
        /// Whose.
        owner: Owner,
        /// What it is.
        kind: TemplateKind,
        /// Its name.
        name: WorkflowName,
        /// When it is first written.
        created: Millis,
        /// The object.
        object: Arc<Value>,
    },
    /// Removes a template; none there is fine.
    DeleteTemplate(Owner, TemplateKind, WorkflowName),
    /// Writes an object. Its version becomes this commit's sequence number.
    PutObject(TenantName, ObjectKind, ObjectName, ObjectRow),
    /// Removes an object; none there is fine.
    DeleteObject(TenantName, ObjectKind, ObjectName),
    /// Notes what somebody did to a run; one for each run and batch. A run that is gone has no events.
    PutRunEvent(RunRef, Box<RunEvent>),
    /// Remembers the outputs of a memoized node; an entry with that key is replaced.
    PutMemo(TenantName, MemoKey, MemoRow),
    /// Forgets entries of caches; none there is fine.
    DeleteMemos(TenantName, Vec<MemoKey>),
    /// Makes a token, or writes what is known of it anew.
    PutToken(TokenHash, Token),
    /// Revokes a token from this time on; it stays in the list. An unknown one is fine.
    RevokeToken(TokenHash, Millis),
    /// Writes a small value.
    PutSetting(Owner, String, Vec<u8>),
    /// Removes a value; none there is fine.
    DeleteSetting(Owner, String),
}
