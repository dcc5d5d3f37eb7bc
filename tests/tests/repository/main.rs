//! Rules of this repository that no compiler checks: which crate may know which, how long a file may
//! grow, what a line of production code may not hold.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::string_slice,
    clippy::unwrap_used,
    reason = "a test fails by panicking"
)]

mod dependencies;
mod errors;
mod manifests;
mod sources;

use std::path::{Path, PathBuf};

/// The top of the checkout.
fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .unwrap()
        .to_owned()
}
