//! Runs plugins: WebAssembly components of the contract in `plugin-sdk/wit`.
//!
//! A plugin is not trusted. It runs in a fresh instance for each call, under limits on memory,
//! time, host calls, log bytes and the size of its answer; it reaches only what its signed manifest
//! asks for **and** the operator granted; and whatever it does ends that one call, never another.
//!
//! [`PluginHost::load`] checks signature and hash at every load and answers a [`Plugin`], whose
//! methods are the functions of the contract. This crate holds no state of a plugin: the caller
//! keeps handles and continuation states, and the traits in [`capability`] are how the caller lends
//! a plugin its powers.
//!
//! Nothing here retries, logs in to anything or opens a socket.

pub mod authoring;
mod bindings;
mod cache;
mod call;
pub mod capability;
pub mod compile;
pub mod compute;
mod engine;
mod error;
pub mod exec;
mod host;
mod limits;
pub mod manifest;
mod package;
mod plugin;
mod ticker;
pub mod trust;

pub use cache::CacheOptions;
pub use compile::Compiler;
pub use error::PluginError;
pub use host::{Grants, LoadSource, Options, PluginHost};
pub use limits::Limits;
pub use plugin::{CallContext, Depth, Plugin, Stop};
