//! The run state machine: pure functions from a run's state and a command to changes and actions.
//!
//! `Run::apply(command, now)` alters the run in memory and answers an [`Outcome`]: which rows changed
//! (the caller commits them) and which actions follow (the caller carries them out after the commit).
//! Nothing here does I/O, reads a clock or draws a random number, so a run can be replayed from its
//! rows and tested by the million.

pub mod action;
pub mod command;
pub mod document;
pub mod head;
pub mod node;
pub mod outcome;
