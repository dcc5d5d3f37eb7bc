//! Local execution: one task per attempt key, started once, run apart from the server, reported
//! durably.
//!
//! ```text
//! server ──socket──> spawner ──fork──> supervisor ──fork──> containers        level process
//!            ^ forked by the keeper        └─clone──> init ──fork──> containers  sandbox, image
//! ```
//!
//! The keeper is forked at the first line of `main` ([`early_fork`]); [`Exec`] is the server's side.
//! A supervisor outlives the server: after a restart [`Exec::open`] finds it again by the task's
//! directory. Nothing polls: the end of a supervisor is an event on a process descriptor.

mod artifacts;
mod body;
mod cgroup;
pub mod claims;
mod confine;
mod copy;
mod crew;
pub mod doctor;
mod error;
mod exec;
mod health;
mod hostetc;
pub mod images;
mod init;
mod keeper;
mod link;
pub mod logs;
mod network;
mod output;
mod outputs;
mod plain;
mod probe;
mod program;
mod realm;
mod remove;
mod room;
mod rootfs;
mod spawner;
mod staging;
mod supervisor;
mod sys;
mod taskdir;
mod volumes;
mod wire;
mod within;

pub use artifacts::unpack_to as unpack_artifact;
pub use error::ExecError;
pub use exec::{Egress, Ended, Exec, ImageRoots, Options, Policy, State, Stop};
pub use keeper::{SpawnerSeed, early_fork};
pub use staging::Staging;
