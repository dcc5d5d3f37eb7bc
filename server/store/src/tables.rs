//! The registry of tables. Backup, restore, the journal and the creation of a store iterate over it;
//! a table that is not listed here does not exist.
//!
//! `docs/store.md` describes each key and row.

use redb::TableDefinition;

/// The form of every table: bytes to bytes, ordered as bytes.
pub(crate) type Definition = TableDefinition<'static, &'static [u8], &'static [u8]>;

macro_rules! tables {
    ($($(#[$doc:meta])* $table:ident = $code:literal, $name:literal;)*) => {
        /// A table. Its number stands in the journal and in backups and is never re-used.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[repr(u8)]
        pub(crate) enum Table {
            $($(#[$doc])* $table = $code,)*
        }

        impl Table {
            /// Every table.
            pub(crate) const ALL: &'static [Self] = &[$(Self::$table,)*];

            /// The table with this number.
            pub(crate) fn from_code(code: u8) -> Option<Self> {
                match code {
                    $($code => Some(Self::$table),)*
                    _ => None,
                }
            }

            /// Its name in the database file.
            pub(crate) fn name(self) -> &'static str {
                match self {
                    $(Self::$table => $name,)*
                }
            }
        }
    };
}

tables! {
    /// The store about itself.
    Meta = 0, "meta";
    /// Tenant's name -> its number and row.
    Tenants = 1, "tenants";
    /// Tenant's number -> name.
    TenantNames = 2, "tenant-names";
    /// Runs that may still change.
    Runs = 3, "runs";
    /// What runs were asked to do; never moved.
    Documents = 4, "documents";
    /// Nodes of active runs.
    Nodes = 5, "nodes";
    /// Attempts that a backend has, or must be given.
    Outbox = 6, "outbox";
    /// Timers of active runs.
    Timers = 7, "timers";
    /// Run names of a tenant, active and archived.
    RunNames = 8, "run-names";
    /// Finished runs: what a list shows.
    Archive = 9, "archive";
    /// Finished runs: nodes and log index, compressed.
    ArchiveParts = 10, "archive-parts";
    /// Finished runs by phase, template and schedule.
    ArchiveIndex = 11, "archive-index";
    /// Workflow templates and schedules.
    Templates = 12, "templates";
    /// Tokens by their SHA-256.
    Tokens = 13, "tokens";
    /// Where an attempt's output lies.
    Logs = 14, "logs";
    /// Small values of the site and of tenants.
    Settings = 15, "settings";
    /// What each commit changed, in order.
    Feed = 16, "feed";
    /// ConfigMaps, Secrets and claims.
    Objects = 17, "objects";
    /// Locks that active runs have or wait for.
    Holds = 18, "holds";
    /// Outputs of memoized nodes, by cache and key.
    Memos = 19, "memos";
    /// What people did to runs.
    RunEvents = 20, "run-events";
}

impl Table {
    /// The number in journal and backup.
    pub(crate) fn code(self) -> u8 {
        self as u8
    }

    /// The highest number; some below it may be nobody's.
    pub(crate) fn last_code() -> u8 {
        Self::ALL
            .iter()
            .map(|table| table.code())
            .max()
            .unwrap_or(0)
    }

    /// The table in redb's terms.
    pub(crate) fn definition(self) -> Definition {
        TableDefinition::new(self.name())
    }
}
