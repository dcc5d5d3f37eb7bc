//! The program itself: for development, the demo and the tests; and the one file to hand out.

use std::path::PathBuf;
use std::process::Command;

use anyhow::{Result, bail};

use crate::progress::Progress;
use crate::workspace::Workspace;
use crate::{command, page, plugins};

/// Steps that [`build`] and [`dist`] report.
pub(crate) const STEPS: usize = plugins::STEPS + page::STEPS + 1;

/// Bytes of the file to hand out, with plugins, page and documentation inside.
const LIMIT: u64 = 80 * 1024 * 1024;

/// Builds `target/debug/steading` and what it embeds.
pub(crate) fn build(workspace: &Workspace, progress: &mut Progress) -> Result<PathBuf> {
    embed(workspace, progress)?;
    progress.step("the program", || {
        cargo_build(workspace, "dev")?;
        Ok(workspace.target("debug/steading"))
    })
}

/// Builds `target/dist/steading` and what it embeds.
pub(crate) fn dist(workspace: &Workspace, progress: &mut Progress) -> Result<()> {
    embed(workspace, progress)?;
    progress.step("the program, for release", || {
        cargo_build(workspace, "release")?;
        let file = workspace.target("dist/steading");
        std::fs::create_dir_all(workspace.target("dist"))?;
        std::fs::copy(workspace.target("release/steading"), &file)?;
        let size = std::fs::metadata(&file)?.len();
        println!(
            "  {} is {:.1} MB, of {} allowed",
            file.display(),
            megabytes(size),
            megabytes(LIMIT)
        );
        if size > LIMIT {
            bail!("the program is larger than its limit");
        }
        Ok(())
    })
}

fn embed(workspace: &Workspace, progress: &mut Progress) -> Result<()> {
    plugins::build(workspace, progress)?;
    page::build(workspace, progress)
}

/// By the default members, so that the tests find their libraries built.
fn cargo_build(workspace: &Workspace, profile: &str) -> Result<()> {
    command::run(
        Command::new("cargo")
            .args(["build", "--bin", "steading", "--profile", profile])
            .current_dir(workspace.root()),
    )
}

#[allow(clippy::cast_precision_loss, reason = "shown with one decimal")]
fn megabytes(bytes: u64) -> f64 {
    bytes as f64 / (1024.0 * 1024.0)
}
