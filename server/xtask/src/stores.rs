//! Servers of other makes that the artifact stores are tested against, below `target/stores/`, each at one
//! version: moto speaks S3, Azurite Azure Blob, and git repositories are asked for at Debian's sshd.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::Result;

use crate::command;
use crate::progress::Progress;
use crate::workspace::Workspace;

/// Steps that [`install`] reports.
pub(crate) const STEPS: usize = 1;

const MOTO: &str = "moto[server]==5.1.22";
const AZURITE: &str = "azurite@3.35.0";
/// Unpacked, not installed: a machine that runs tests shall not listen for ssh from then on.
const SSHD: &str = "openssh-server libwrap0";
/// What the stores are measured beside.
const AWS: &str = "awscli==1.45.11";

/// Installs what is missing. What can not be had is named in one line: the tests that need it then fail.
pub(crate) fn install(workspace: &Workspace, progress: &mut Progress) -> Result<()> {
    progress.step(
        "servers that the artifact stores are tested against",
        || {
            for (what, directory, make) in [
                (MOTO, "stores/moto", python as Make),
                (AZURITE, "stores/azurite", node),
                (SSHD, "stores/sshd", debian),
            ] {
                if let Err(error) = installed(&workspace.target(directory), what, make) {
                    println!("NOT INSTALLED: {what}: {error:#}");
                }
            }
            Ok(())
        },
    )
}

/// The AWS command line, installed where it is missing.
pub(crate) fn aws(workspace: &Workspace, progress: &mut Progress) -> Result<PathBuf> {
    let directory = workspace.target("stores/aws");
    progress.step("the AWS command line", || {
        installed(&directory, AWS, python)
    })?;
    Ok(directory.join("bin/aws"))
}

/// Puts what it is told into a directory.
type Make = fn(&Path, &str) -> Result<()>;

fn installed(directory: &Path, what: &str, make: Make) -> Result<()> {
    let stamp = directory.join("installed");
    if std::fs::read_to_string(&stamp).is_ok_and(|installed| installed == what) {
        return Ok(());
    }
    std::fs::create_dir_all(directory)?;
    make(directory, what)?;
    Ok(std::fs::write(stamp, what)?)
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

fn debian(directory: &Path, what: &str) -> Result<()> {
    let mut apt = Command::new("apt-get");
    apt.arg("download").args(what.split(' '));
    command::output(apt.current_dir(directory))?;
    for entry in std::fs::read_dir(directory)? {
        let package = entry?.path();
        if package.extension().is_some_and(|kind| kind == "deb") {
            let mut dpkg = Command::new("dpkg-deb");
            command::output(dpkg.arg("--extract").arg(&package).arg(directory))?;
            std::fs::remove_file(package)?;
        }
    }
    Ok(())
}
