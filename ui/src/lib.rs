//! The page: a client of the native API like any other, drawn in the browser by Leptos.
//!
//! The modules that decide what is shown are pure and tested natively; those that touch the browser
//! exist on wasm32 only. Routes fetch and own what they show, components take only props, and no
//! address of the server is written anywhere but in `steading-api`.

pub mod format;
pub mod graph;
pub mod history;
pub mod layers;
pub mod log;
pub mod nodes;
pub mod route;
pub mod sse;
pub mod tree;
pub mod verbs;

#[cfg(target_arch = "wasm32")]
mod api;
#[cfg(target_arch = "wasm32")]
#[allow(
    unreachable_pub,
    reason = "the macro of a component writes `pub` by itself"
)]
mod app;
#[cfg(target_arch = "wasm32")]
mod browser;
#[cfg(target_arch = "wasm32")]
#[allow(
    unreachable_pub,
    reason = "the macro of a component writes `pub` by itself"
)]
mod components;
#[cfg(target_arch = "wasm32")]
mod keys;
#[cfg(target_arch = "wasm32")]
mod live;
#[cfg(target_arch = "wasm32")]
#[allow(
    unreachable_pub,
    reason = "the macro of a component writes `pub` by itself"
)]
mod routes;
#[cfg(target_arch = "wasm32")]
mod shell;
