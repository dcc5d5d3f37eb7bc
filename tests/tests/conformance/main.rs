//! Conformance of the real program: Argo's examples, its API and its own client, the access matrix, hostile
//! input, the command line, the three levels of isolation.
//!
//! The tests share one server a level, with two tenants, and run side by side; that is why this program has
//! its own `main`: it ends the servers when the last test has, and looks for what they left behind.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test fails by panicking"
)]

/// Lists the tests of a module: asynchronous functions that take the world.
macro_rules! trials {
    ($($name:ident),* $(,)?) => {
        pub(crate) fn trials(world: &crate::world::World) -> Vec<libtest_mimic::Trial> {
            let module = module_path!().split("::").last().unwrap_or_default();
            vec![$(world.trial(format!("{module}::{}", stringify!($name)), |world| Box::pin(async move { $name(&world).await }))),*]
        }
    };
}

mod access;
mod advisories;
mod argo;
mod argo_client;
mod argo_rest;
mod argo_templates;
mod artifacts;
mod claims;
mod command_line;
mod examples;
mod hostile;
mod http_template;
mod levels;
mod objects;
mod pods;
mod resource;
#[path = "../../../server/artifacts/tests/stores/s3_server.rs"]
mod s3_server;
mod stores;
mod verbs;
mod world;

use std::process::ExitCode;

use libtest_mimic::Arguments;
use world::World;

fn main() -> ExitCode {
    let world = World::default();
    let trials = [
        examples::trials,
        argo_client::trials,
        artifacts::trials,
        access::trials,
        advisories::trials,
        argo_rest::trials,
        argo_templates::trials,
        command_line::trials,
        hostile::trials,
        http_template::trials,
        levels::trials,
        claims::trials,
        objects::trials,
        pods::trials,
        resource::trials,
        stores::trials,
        verbs::trials,
    ];
    let trials = trials.iter().flat_map(|of| of(&world)).collect();
    let conclusion = libtest_mimic::run(&Arguments::from_args(), trials);
    if let Err(error) = world.close() {
        eprintln!("{error:?}");
        return ExitCode::FAILURE;
    }
    conclusion.exit_code()
}
