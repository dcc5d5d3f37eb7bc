//! What a run promises, told by workflows on a backend that does what the test says.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test stops at the first surprise"
)]

mod artifacts;
mod backend;
mod ending;
mod examples;
mod flow;
mod locks;
mod memo;
mod people;
mod pods;
mod random;
mod retries;
mod values;
mod verbs;
mod view;
mod waiting;
