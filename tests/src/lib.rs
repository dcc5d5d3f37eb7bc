//! The harness of the tests that run the real program: a server of its own for each test, a typed client,
//! a real browser. It waits for states; it never sleeps for a time that should be enough.

pub mod browser;
pub mod client;
pub mod crash;
pub mod examples;
pub mod program;
pub mod server;
pub mod wait;

pub use browser::Browser;
pub use client::Client;
pub use server::{Level, Server};
