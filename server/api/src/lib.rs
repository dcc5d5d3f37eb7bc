//! The native API: wire types and one table of operations. The router, the typed client of the
//! command line and the page, the OpenAPI document and the access test are all made from the table.
//!
//! Builds for wasm32; does no I/O: a transport sends what [`client::prepare`] makes.

pub mod access;
pub mod artifact;
pub mod change;
pub mod client;
pub mod error;
pub mod history;
pub mod image;
pub mod lock;
pub mod log;
pub mod memo;
pub mod node;
pub mod object;
pub mod operation;
pub mod operations;
pub mod run;
pub mod session;
pub mod site;
pub mod template;

/// Every native path begins with this.
pub const BASE: &str = "/api/steading/v1";
