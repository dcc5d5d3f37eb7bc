//! Write a Steading plugin in Rust.
//!
//! A plugin is a WebAssembly component that Steading calls step by step. It holds nothing between
//! two calls: the host keeps the state and makes a fresh instance for each call, so a plugin
//! survives restarts, can be upgraded while jobs run, and leaks nothing between tenants.
//!
//! ```
//! use steading_plugin::compute::{Compute, Context, Descriptor, Error, Features, Job, Phase};
//! use steading_plugin::compute::{Status, SubmitStep};
//!
//! struct Queue;
//!
//! impl Compute for Queue {
//!     fn describe() -> Descriptor {
//!         Descriptor {
//!             id: "queue".into(),
//!             title: "The lab's queue".into(),
//!             config_schema: r#"{"type":"object"}"#.into(),
//!             ui_schema: "{}".into(),
//!             defaults: "{}".into(),
//!             features: Features::CANCEL,
//!             egress: vec![],
//!         }
//!     }
//!
//!     fn submit(_: Context, job: Job, _: Option<Vec<u8>>) -> SubmitStep {
//!         // The external name derives from `job.key`, so a repeated call finds the same job.
//!         SubmitStep::accepted(format!("queue-{}", job.key))
//!     }
//!
//!     fn poll(_: Context, handles: Vec<String>) -> Result<Vec<Status>, Error> {
//!         Ok(handles.into_iter().map(|h| Status::new(h, Phase::Running)).collect())
//!     }
//! }
//!
//! # #[cfg(target_family = "wasm")]
//! steading_plugin::export_compute!(Queue);
//! ```
//!
//! # Building
//! A crate of type `cdylib`, built for `wasm32-unknown-unknown`, is a core module;
//! `steading-plugin-build pack` makes it a component, writes its manifest with the component's
//! hash, and signs it with your key. The operator trusts the public half of that key, and grants
//! the capabilities that the manifest asks for.
//!
//! # What the host gives
//! [`log`], [`clock`] and [`random`] are always there. [`exec`], [`http`], [`secrets`] and [`kv`]
//! exist only when the manifest asks **and** the operator granted: a plugin that calls one of them
//! without that is refused when it is loaded, with the name of what is missing. Nothing else of
//! the host can be reached; memory, time, log bytes and the size of an answer are limited.
//!
//! A panic ends the call and nothing more; its text reaches the operator's log.

#[doc(hidden)]
pub mod bindings;
pub mod compute;
mod export;
mod panic;

pub use bindings::steading::plugin::{clock, exec, http, kv, log, random, secrets};

#[doc(hidden)]
pub use export::Adapter as __Adapter;
