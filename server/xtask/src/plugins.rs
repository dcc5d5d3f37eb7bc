//! The WASM plugins that the program carries: compiled, made components, compiled ahead of time.

use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result};

use crate::command;
use crate::progress::Progress;
use crate::wasm;
use crate::workspace::Workspace;

/// Steps that [`build`] reports.
pub(crate) const STEPS: usize = 2;

/// Builds each folder of `plugins/` into `target/embed/plugins/`.
pub(crate) fn build(workspace: &Workspace, progress: &mut Progress) -> Result<()> {
    let plugins = folders(&workspace.root().join("plugins"))?;
    let modules = progress.step("plugins, compiled for wasm", || {
        plugins
            .iter()
            .map(|plugin| Ok((plugin, wasm::build(workspace, plugin, "guest")?)))
            .collect::<Result<Vec<_>>>()
    })?;
    progress.step(
        "plugins, made components and compiled ahead of time",
        || {
            let out = workspace.target("embed/plugins");
            std::fs::create_dir_all(&out)?;
            for (plugin, module) in &modules {
                command::run(
                    // By the default members, so that the libraries are those of the program's own build.
                    Command::new("cargo")
                        .args(["run", "--bin", "steading-plugin-build", "--", "embed"])
                        .arg(module)
                        .arg(
                            workspace
                                .root()
                                .join("plugins")
                                .join(plugin)
                                .join("manifest.json"),
                        )
                        .arg(&out)
                        .current_dir(workspace.root()),
                )?;
            }
            Ok(())
        },
    )
}

/// The names of the folders in a directory, sorted.
fn folders(directory: &Path) -> Result<Vec<String>> {
    let mut names = Vec::new();
    for entry in std::fs::read_dir(directory)
        .with_context(|| format!("can not read {}", directory.display()))?
    {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            names.push(entry.file_name().to_string_lossy().into_owned());
        }
    }
    names.sort();
    Ok(names)
}
