//! Local execution as its caller sees it. The test program has its own `main`: spawners are forked
//! before the first thread, as in the real program.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test program"
)]

mod artifacts;
mod confined;
mod harness;
mod pods;
mod process;

fn main() {
    harness::main(&[
        ("process", process::TESTS),
        ("sandbox", confined::SANDBOX),
        ("image", confined::IMAGE),
        ("nobody", confined::NOBODY),
        ("pods-sandbox", pods::SANDBOX),
        ("pods-image", pods::IMAGE),
        ("nobody::pods", pods::NOBODY),
        ("artifacts-process", artifacts::PROCESS),
        ("artifacts-sandbox", artifacts::SANDBOX),
        ("artifacts-image", artifacts::IMAGE),
        ("nobody::artifacts", artifacts::NOBODY),
    ]);
}
