//! The workflow language: reading documents, checking them, and making a run self-contained.
//!
//! Pure: no I/O, no clock, no randomness. Every input is hostile and every bound is explicit.
//!
//! The way of a document: [`parse`] (text -> typed objects) -> [`check`] (rules, references, what this
//! version can not run) -> [`resolve::Resolved`], which is stored with the run and is all that the engine
//! reads.

mod check;
pub mod depends;
pub mod expr;
pub mod fault;
pub mod inventory;
pub mod model;
pub mod objects;
mod parse;
mod path;
pub mod pod;
pub mod repository;
pub mod resolve;
pub mod resource;
pub mod scope;
pub mod sequence;
pub mod template;
mod unsupported;
mod validate;
pub mod when;
mod yaml;

pub use check::{Checked, check, check_template};
pub use fault::{Code, Fault};
pub use parse::{Document, Kind, Mode, Object, from_json, parse};
pub use yaml::{Limits, locate};
