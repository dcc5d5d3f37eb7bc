//! Trials that take longer than a test: the crash harness and the benchmark, of the same program that
//! is handed out or tested.

use std::process::Command;

use anyhow::Result;

use crate::progress::Progress;
use crate::setup::{self, Need};
use crate::workspace::Workspace;
use crate::{command, images, program, stores};

/// Steps that [`faults`] reports.
pub(crate) const FAULTS: usize = setup::STEPS + program::STEPS + 1;
/// Steps that [`bench_stores`] reports.
pub(crate) const BENCH_STORES: usize = 2;
/// Steps that [`bench`] reports.
pub(crate) const BENCH: usize = setup::STEPS + program::STEPS + images::STEPS + 1;

/// Kills the program that often and compares the accounts.
pub(crate) fn faults(workspace: &Workspace, progress: &mut Progress, kills: u64) -> Result<()> {
    setup::install(&[Need::Wasm], progress)?;
    let steading = program::build(workspace, progress)?;
    progress.step("kills", || {
        command::run(
            Command::new("cargo")
                .args(["test", "--package", "steading-tests", "--test", "faults"])
                .args([
                    "--",
                    "--nocapture",
                    "--test-threads=1",
                    "however_often_we_kill",
                ])
                .current_dir(workspace.root())
                .env("STEADING_BIN", steading)
                .env("STEADING_KILLS", kills.to_string()),
        )
    })
}

/// Measures the artifact stores.
pub(crate) fn bench_stores(
    workspace: &Workspace,
    progress: &mut Progress,
    arguments: &[String],
) -> Result<()> {
    let aws = stores::aws(workspace, progress)?;
    progress.step("measurements", || {
        let mut cargo = Command::new("cargo");
        cargo.args(["run", "--quiet", "--release"]);
        cargo.args(["--package", "steading-artifacts"]);
        cargo.args(["--example", "stores", "--"]).args(arguments);
        command::run(cargo.current_dir(workspace.root()).env("STEADING_AWS", aws))
    })
}

/// Measures the program to hand out.
pub(crate) fn bench(
    workspace: &Workspace,
    progress: &mut Progress,
    arguments: &[String],
) -> Result<()> {
    setup::install(&[Need::Wasm, Need::Debian], progress)?;
    program::dist(workspace, progress)?;
    images::make_all(workspace, progress)?;
    progress.step("measurements", || {
        command::run(
            Command::new("cargo")
                .args([
                    "run",
                    "--quiet",
                    "--package",
                    "steading-tests",
                    "--bin",
                    "bench",
                    "--",
                ])
                .args(arguments)
                .current_dir(workspace.root())
                .env("STEADING_BIN", workspace.target("dist/steading"))
                .env("STEADING_IMAGES", workspace.target("images")),
        )
    })
}
