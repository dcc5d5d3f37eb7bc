//! The WASM plugins that the program carries: compiled, made components, compiled ahead of time.

use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result};

use crate::command;
use crate::progress::Progress;
use crate::wasm;
use crate::workspace::{Workspace, mirror};

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
    progress.step("plugins, compiled ahead of time", || {
        let made = workspace.target("cache/plugins");
        if made.exists() {
            std::fs::remove_dir_all(&made)?;
        }
        for (plugin, module) in &modules {
            embed(workspace, plugin, module, &made)?;
        }
        mirror(&made, &workspace.target("embed/plugins"))
    })
}

/// Makes a module a component and compiles it, with the plugin host's own engine.
fn embed(workspace: &Workspace, plugin: &str, module: &Path, out: &Path) -> Result<()> {
    let folder = workspace.root().join("plugins").join(plugin);
    command::run(
        // By the default members, so that the libraries are those of the program's own build.
        Command::new("cargo")
            .args(["run", "--bin", "steading-plugin-build", "--", "embed"])
            .arg(module)
            .arg(folder.join("manifest.json"))
            .arg(out)
            .current_dir(workspace.root()),
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
