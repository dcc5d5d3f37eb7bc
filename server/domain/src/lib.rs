//! The rules of the site, as pure functions: who may do what, what a token looks like, which objects a
//! selector means. No I/O, no clock, no randomness.

pub mod access;
pub mod selector;
pub mod token;
