//! The page that the program carries: the `ui` crate, its glue, hashed and compressed.

use std::process::Command;

use anyhow::Result;

use crate::command;
use crate::progress::Progress;
use crate::wasm;
use crate::workspace::{Workspace, mirror};

/// Steps that [`build`] reports.
pub(crate) const STEPS: usize = 2;

/// The whole page after gzip, in bytes.
const LIMIT: usize = 500 * 1024;

/// Builds `ui/` into `target/embed/page/`.
pub(crate) fn build(workspace: &Workspace, progress: &mut Progress) -> Result<()> {
    let sources = workspace.root().join("ui");
    if !sources.join("index.html").exists() {
        println!("no page: {} has no index.html", sources.display());
        return Ok(());
    }
    let module = progress.step("page, compiled for wasm", || {
        wasm::build(workspace, "steading-ui", "page")
    })?;
    progress.step("page bundle", || {
        let made = workspace.target("cache/page");
        command::run(
            Command::new("cargo")
                .args(["run", "--package", "steading-bundle", "--", "--wasm"])
                .arg(module)
                .arg("--sources")
                .arg(sources)
                .arg("--out")
                .arg(&made)
                .args(["--limit", &LIMIT.to_string()])
                .current_dir(workspace.root()),
        )?;
        mirror(&made, &workspace.target("embed/page"))
    })
}
