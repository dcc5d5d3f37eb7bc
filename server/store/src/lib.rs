//! The store: everything that must survive, in one embedded database with a journal beside it.
//!
//! A caller hands in a [`Batch`] of [`Change`]s and gets an answer when it is on disk; many batches
//! share one sync. Readers take a [`Snapshot`]. Who wants to follow reads the [`Feed`].
//! `docs/store.md` describes the files, each table and key, and what is assumed of the disk.
//!
//! The store knows nothing of HTTP, plugins or processes, and decides nothing: it keeps what the
//! engine and the faces decided, under the tenant that it belongs to.

#[cfg(test)]
extern crate self as steading_store;

mod apply;
mod backup;
mod batch;
mod error;
mod feed;
mod index;
mod journal;
mod key;
mod list;
mod long;
mod open;
mod ops;
mod rows;
mod shared;
mod snapshot;
mod store;
mod tables;
mod tx;
mod writer;

pub use batch::{Batch, Change, Lineage, Owner, Pace, Require, RunRef};
pub use error::{Conflict, StoreError};
pub use feed::Feed;
pub use list::{LabelRule, LabelTerm, NameRule, Page, RunFilter, Tenants};
pub use rows::event::{ChangedNodes, Event, EventItem, RunChange, TemplateChange};
pub use rows::log::LogFile;
pub use rows::memo::{MemoKey, MemoRow};
pub use rows::object::{Lease, ObjectKind, ObjectRow, StoredObject};
pub use rows::outbox::{OutboxRow, OutboxStage, Wanted};
pub use rows::run_event::{Deed, RunEvent};
pub use rows::template::{Template, TemplateKind};
pub use rows::tenant::Tenant;
pub use rows::token::{Token, TokenHash, TokenScope};
pub use snapshot::{Residence, Snapshot};
pub use store::{Commit, Options, Seq, Store};
