//! The stores against servers that others made, and against such that mean no good.
//!
//! The servers of others are programs, started once and ended when the last test has: that is why this program
//! has a `main` of its own.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    missing_docs,
    reason = "a test fails by panicking"
)]

/// Lists the tests of a module: asynchronous functions that need nothing, or are told that a server is missing.
macro_rules! trials {
    ($($name:ident),* $(,)?) => {
        pub(crate) fn trials() -> Vec<libtest_mimic::Trial> {
            let module = module_path!().split("::").last().unwrap_or_default();
            vec![$(crate::trial(format!("{module}::{}", stringify!($name)), || Box::pin($name()))),*]
        }
    };
}

mod azure;
mod contract;
mod fake;
mod git;
mod git_server;
mod git_ssh;
mod hostile;
mod link;
mod programs;
mod s3;
mod s3_faults;
mod s3_server;
mod ssh_server;
mod web;

use std::future::Future;
use std::pin::Pin;
use std::process::ExitCode;

use libtest_mimic::{Arguments, Failed, Trial};

fn main() -> ExitCode {
    let trials = [
        azure::trials,
        git::trials,
        git_ssh::trials,
        hostile::trials,
        s3::trials,
        s3_faults::trials,
        web::trials,
    ];
    let trials = trials.iter().flat_map(|of| of()).collect();
    let conclusion = libtest_mimic::run(&Arguments::from_args(), trials);
    programs::end_all();
    conclusion.exit_code()
}

type Run = Pin<Box<dyn Future<Output = anyhow::Result<()>>>>;

fn trial(name: String, run: fn() -> Run) -> Trial {
    Trial::test(name, move || {
        tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()
            .map_err(Failed::from)?
            .block_on(run())
            .map_err(|error| format!("{error:?}").into())
    })
}
