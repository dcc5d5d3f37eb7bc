//! What the store promises, through its public face.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "helpers of tests, outside of the test functions themselves"
)]

mod archive;
mod backups;
mod batches;
mod crash;
mod fixtures;
mod following;
mod full;
mod lists;
mod model;
mod recovery;
