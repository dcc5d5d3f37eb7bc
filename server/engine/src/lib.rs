//! The run state machine: pure functions from a run's state and a command to changes and actions.
//!
//! `Run::apply(command, now)` alters the run in memory and answers an [`Outcome`]: which rows changed
//! (the caller commits them) and which actions follow (the caller carries them out after the commit).
//! Nothing here does I/O, reads a clock or draws a random number, so a run can be replayed from its
//! rows and tested by the million.

//!
//! The way of a command: [`command`] -> `commands/<command>.rs` -> `turn` (how news travels from node to node)
//! -> `templates/<kind>.rs` (how each kind of node starts, goes on and ends) -> [`outcome`] and [`action`].

pub mod action;
pub mod command;
pub mod document;
pub mod error;
pub mod head;
pub mod lock;
pub mod memo;
pub mod metrics;
pub mod node;
pub mod outcome;
pub mod plan;
mod pod;
pub mod resubmit;
pub mod take_over;
pub mod tree;

mod aggregate;
mod approval;
mod artifacts;
mod call;
mod claims;
mod commands;
mod cut;
mod derive;
mod exit;
mod gate;
mod grant;
mod graph;
mod ids;
mod keep;
mod live;
mod locate;
mod places;
mod ready;
mod run;
mod scope;
mod server_task;
mod task;
mod templates;
mod text;
mod time;
mod turn;
pub mod values;
pub mod wants;

pub use keep::Keep;
pub use run::Run;
pub use server_task::Worker;
pub use task::TaskRequest;
pub use time::rfc3339;
