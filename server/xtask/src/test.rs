//! Every test, with everything that they need made first.

use std::process::Command;

use anyhow::Result;

use crate::check::TOOLS;
use crate::progress::Progress;
use crate::setup::{self, Need};
use crate::workspace::Workspace;
use crate::{command, images, program, stores};

/// Steps that [`all`] reports.
pub(crate) const STEPS: usize = setup::STEPS + stores::STEPS + program::STEPS + images::STEPS + 3;

/// Builds everything and runs every test.
///
/// Tests learn where things lie from `STEADING_BIN`, `STEADING_IMAGES` and `STEADING_STORES`, and are told by
/// `STEADING_TEST_STRICT` that a missing tool is a failure.
pub(crate) fn all(workspace: &Workspace, progress: &mut Progress) -> Result<()> {
    setup::install(Need::EVERYTHING, progress)?;
    stores::install(workspace, progress)?;
    let steading = program::build(workspace, progress)?;
    images::make_all(workspace, progress)?;
    images::make_nextflow(workspace, progress)?;
    let cargo_test = || {
        let mut command = Command::new("cargo");
        command
            .arg("test")
            .current_dir(workspace.root())
            .env("STEADING_BIN", &steading)
            .env("STEADING_IMAGES", workspace.target("images"))
            .env("STEADING_STORES", workspace.target("stores"))
            .env("STEADING_TEST_STRICT", "1");
        command
    };
    progress.step("tests of the tools, the SDK and the page", || {
        command::run(cargo_test().args(TOOLS))
    })?;
    progress.step("tests of the program", || {
        command::run(cargo_test().arg("--no-fail-fast"))
    })
}
