//! Everything that can go wrong in the store. Display is for a person and holds no internal text;
//! the cause is in `source()` and belongs in the log.

use std::error::Error;
use std::path::PathBuf;
use std::sync::Arc;

use steading_types::{ObjectName, RunId, TenantName, WorkflowName};

use crate::Seq;

type Cause = Arc<dyn Error + Send + Sync>;

/// Why the store refused or failed. Cheap to clone: one failed commit answers many callers.
#[derive(Debug, Clone, thiserror::Error)]
pub enum StoreError {
    /// A requirement of the batch does not hold; nothing of the batch was kept.
    #[error(transparent)]
    Conflict(#[from] Conflict),
    /// The disk, or the quota on it, is full.
    #[error("the disk that holds the data directory is full: nothing of this change was kept")]
    Full {
        /// What the system said.
        #[source]
        cause: Cause,
    },
    /// The disk failed.
    #[error(
        "the data directory can not be read or written: nothing of this change was acknowledged"
    )]
    Io {
        /// What the system said.
        #[source]
        cause: Cause,
    },
    /// A change that this one builds upon was not kept.
    #[error("an earlier change of the same run was not kept, so this one was not either")]
    Superseded,
    /// Too many batches wait to be written.
    #[error("the store has too many changes waiting to be written")]
    Busy,
    /// One batch is larger than the journal takes.
    #[error("one change of {bytes} bytes is larger than the store takes at once ({limit} bytes)")]
    TooLarge {
        /// Size of the batch's rows.
        bytes: usize,
        /// The limit.
        limit: usize,
    },
    /// Another process has this data directory open.
    #[error("the data directory {} is in use by another steading", dir.display())]
    Locked {
        /// The directory.
        dir: PathBuf,
    },
    /// The file is not a store of ours.
    #[error("{} is not a store of Steading, or its beginning is damaged", path.display())]
    Foreign {
        /// The file.
        path: PathBuf,
        /// What was found instead.
        #[source]
        cause: Cause,
    },
    /// The data were written by a newer program.
    #[error(
        "{what} was written by a newer Steading (version {version}); this one reads up to {known}"
    )]
    Newer {
        /// The store, the journal or the kind of row.
        what: &'static str,
        /// What was found.
        version: u32,
        /// What this program knows.
        known: u32,
    },
    /// Bytes in the store are not what was written.
    #[error("the store is damaged: {what}")]
    Damaged {
        /// Where.
        what: String,
    },
    /// A store lies where one was to be restored.
    #[error("the data directory {} holds a store already", dir.display())]
    Occupied {
        /// The directory.
        dir: PathBuf,
    },
    /// A backup that can not be restored; nothing was.
    #[error("the backup can not be restored: {what}")]
    Backup {
        /// Why.
        what: &'static str,
    },
    /// The feed no longer holds what comes after this point.
    #[error("the change feed begins at {oldest}; what came before was trimmed")]
    Gone {
        /// The oldest sequence number that can still be asked for.
        oldest: Seq,
    },
    /// The store was closed.
    #[error("the store is closed")]
    Closed,
}

/// A requirement that does not hold.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Conflict {
    /// Run names are unique in a tenant.
    #[error("a workflow named '{name}' exists already")]
    RunNameTaken {
        /// Whose.
        tenant: TenantName,
        /// The name.
        name: WorkflowName,
    },
    /// The run is not there (any more).
    #[error("there is no run {run}")]
    RunMissing {
        /// The run.
        run: RunId,
    },
    /// The run is archived, or was expected to be and is not.
    #[error("run {run} is {found}")]
    RunResidence {
        /// The run.
        run: RunId,
        /// How it was found: `active` or `archived`.
        found: &'static str,
    },
    /// A timer of the run was moved or given up.
    #[error("a timer of run {run} was moved or given up")]
    TimerMoved {
        /// The run.
        run: RunId,
    },
    /// A template of that name exists.
    #[error("a template named '{name}' exists already")]
    TemplateExists {
        /// The name.
        name: WorkflowName,
    },
    /// The template was changed by somebody else, or deleted.
    #[error("template '{name}' was changed in the meantime")]
    TemplateChanged {
        /// The name.
        name: WorkflowName,
    },
    /// The object was made, changed or deleted by somebody else.
    #[error("'{name}' was changed in the meantime")]
    ObjectChanged {
        /// The name.
        name: ObjectName,
    },
    /// A tenant of that name exists.
    #[error("a tenant named '{tenant}' exists already")]
    TenantExists {
        /// The name.
        tenant: TenantName,
    },
    /// There is no such tenant.
    #[error("there is no tenant named '{tenant}'")]
    TenantMissing {
        /// The name.
        tenant: TenantName,
    },
}

impl Conflict {
    /// The stable code.
    pub fn code(&self) -> &'static str {
        match self {
            Self::RunNameTaken { .. } => "run.name-taken",
            Self::RunMissing { .. } => "run.missing",
            Self::RunResidence { .. } => "run.residence",
            Self::TimerMoved { .. } => "run.timer-moved",
            Self::TemplateExists { .. } => "template.exists",
            Self::TemplateChanged { .. } => "template.changed",
            Self::ObjectChanged { .. } => "object.changed",
            Self::TenantExists { .. } => "tenant.exists",
            Self::TenantMissing { .. } => "tenant.missing",
        }
    }
}

impl StoreError {
    /// The stable code.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Conflict(conflict) => conflict.code(),
            Self::Full { .. } => "store.full",
            Self::Io { .. } => "store.io",
            Self::Superseded => "store.superseded",
            Self::Busy => "store.busy",
            Self::TooLarge { .. } => "store.too-large",
            Self::Locked { .. } => "store.locked",
            Self::Foreign { .. } => "store.foreign",
            Self::Newer { .. } => "store.newer",
            Self::Damaged { .. } => "store.damaged",
            Self::Occupied { .. } => "store.occupied",
            Self::Backup { .. } => "backup.damaged",
            Self::Gone { .. } => "feed.gone",
            Self::Closed => "store.closed",
        }
    }

    /// What to do about it, where something can be done.
    pub fn fix(&self) -> Option<String> {
        match self {
            Self::Full { .. } => {
                Some("free space on that disk; the server goes on by itself".into())
            }
            Self::Io { .. } => {
                Some("check the disk and the system's log, then restart the server".into())
            }
            Self::Busy | Self::Superseded => Some("try again in a moment".into()),
            Self::Locked { .. } => {
                Some("stop the other server, or choose another directory with --data".into())
            }
            Self::Foreign { path, .. } => Some(format!(
                "choose another directory with --data, or move {} away and restore a backup",
                path.display()
            )),
            Self::Newer { .. } => {
                Some("run the newer program, or restore a backup made by this one".into())
            }
            Self::Damaged { .. } => Some("restore the last good backup".into()),
            Self::Occupied { .. } => Some("choose an empty directory with --data".into()),
            Self::Backup { .. } => Some("use another copy of the backup, or an earlier one".into()),
            Self::Gone { .. } => Some("read the current state, then follow from now".into()),
            Self::Conflict(_) | Self::TooLarge { .. } | Self::Closed => None,
        }
    }

    pub(crate) fn damaged(what: impl Into<String>) -> Self {
        Self::Damaged { what: what.into() }
    }

    /// True when the failure is the disk's and not the batch's.
    pub(crate) fn is_storage(&self) -> bool {
        matches!(
            self,
            Self::Full { .. } | Self::Io { .. } | Self::Damaged { .. }
        )
    }
}

impl From<std::io::Error> for StoreError {
    fn from(error: std::io::Error) -> Self {
        use std::io::ErrorKind::{QuotaExceeded, StorageFull};
        let full = matches!(error.kind(), StorageFull | QuotaExceeded);
        let cause: Cause = Arc::new(error);
        if full {
            Self::Full { cause }
        } else {
            Self::Io { cause }
        }
    }
}

impl From<redb::StorageError> for StoreError {
    fn from(error: redb::StorageError) -> Self {
        match error {
            redb::StorageError::Io(error) => error.into(),
            redb::StorageError::Corrupted(what) => Self::Damaged { what },
            other => Self::Io {
                cause: Arc::new(other),
            },
        }
    }
}

macro_rules! through_redb {
    ($($error:ty),*) => {$(
        impl From<$error> for StoreError {
            fn from(error: $error) -> Self {
                match redb::Error::from(error) {
                    redb::Error::Io(error) => error.into(),
                    redb::Error::Corrupted(what) => Self::Damaged { what },
                    other => Self::Io { cause: Arc::new(other) },
                }
            }
        }
    )*};
}
through_redb!(
    redb::TransactionError,
    redb::TableError,
    redb::CommitError,
    redb::SetDurabilityError
);
