//! The form: rustfmt, clippy with warnings as errors, licences and sources of dependencies.

use std::process::Command;

use anyhow::Result;

use crate::progress::Progress;
use crate::workspace::Workspace;
use crate::{command, wasm};

/// Steps that [`all`] reports.
pub(crate) const STEPS: usize = 3;

/// Packages that no default build compiles, and that compile natively.
pub(crate) const TOOLS: [&str; 4] = [
    "--package=steading-xtask",
    "--package=steading-bundle",
    "--package=steading-plugin",
    "--package=steading-ui",
];

/// Runs every check.
pub(crate) fn all(workspace: &Workspace, progress: &mut Progress) -> Result<()> {
    let cargo = |arguments: &[&str]| {
        command::run(
            Command::new("cargo")
                .args(arguments)
                .current_dir(workspace.root()),
        )
    };
    progress.step("rustfmt", || cargo(&["fmt", "--all", "--check"]))?;
    progress.step("clippy", || {
        const DENY: [&str; 4] = ["--all-targets", "--", "-D", "warnings"];
        cargo(&[&["clippy"], &DENY[..]].concat())?;
        cargo(&[&["clippy"], &TOOLS[..], &DENY[..]].concat())?;
        if matches!(wasm::Toolchain::find(), Ok(wasm::Toolchain::Rustup)) {
            let page = ["clippy", "--package=steading-ui", "--target", wasm::TARGET];
            cargo(&[&page[..], &["--", "-D", "warnings"]].concat())?;
        }
        Ok(())
    })?;
    progress.step("licences, bans and sources", || {
        if Command::new("cargo-deny")
            .arg("--version")
            .output()
            .is_err()
        {
            println!("  not checked: cargo-deny is not installed (cargo install cargo-deny)");
            return Ok(());
        }
        cargo(&["deny", "--offline", "check", "bans", "licenses", "sources"])
    })
}
