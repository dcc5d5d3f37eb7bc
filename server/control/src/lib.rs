//! The loops that carry out what the engine decides: submit, schedule, hand to a backend, observe, commit.
//!
//! The engine is pure and says what follows; this crate commits it and then acts, in that order. It knows
//! backends only as a trait and HTTP not at all.

pub mod backend;
pub mod scheduler;
