//! Servers of other makes that the artifact stores are tested against, below `target/stores/`, each at one
//! version: moto speaks S3 and Azurite Azure Blob.

use std::path::Path;
use std::process::Command;

use anyhow::Result;

use crate::command;
use crate::progress::Progress;
use crate::workspace::Workspace;

/// Steps that [`install`] reports.
pub(crate) const STEPS: usize = 1;

const MOTO: &str = "moto[server]==5.1.22";
const AZURITE: &str = "azurite@3.35.0";

/// Installs what is missing. What can not be had is named in one line: the tests that need it then fail.
pub(crate) fn install(workspace: &Workspace, progress: &mut Progress) -> Result<()> {
    progress.step(
        "servers that the artifact stores are tested against",
        || {
            for (what, directory, make) in [
                (MOTO, "stores/moto", python as fn(&Path, &str) -> Result<()>),
                (AZURITE, "stores/azurite", node),
            ] {
                let directory = workspace.target(directory);
                let stamp = directory.join("installed");
                if std::fs::read_to_string(&stamp).is_ok_and(|installed| installed == what) {
                    continue;
                }
                std::fs::create_dir_all(&directory)?;
                match make(&directory, what) {
                    Ok(()) => std::fs::write(stamp, what)?,
                    Err(error) => println!("NOT INSTALLED: {what}: {error:#}"),
                }
            }
            Ok(())
        },
    )
}

fn python(directory: &Path, what: &str) -> Result<()> {
    command::output(Command::new("python3").args(["-m", "venv"]).arg(directory))?;
    let mut pip = Command::new(directory.join("bin/python"));
    pip.args(["-m", "pip", "install", "--quiet", what]);
    command::output(&mut pip).map(drop)
}

fn node(directory: &Path, what: &str) -> Result<()> {
    let mut npm = Command::new("npm");
    npm.args(["install", "--no-audit", "--no-fund", "--silent", "--prefix"]);
    command::output(npm.arg(directory).arg(what)).map(drop)
}
