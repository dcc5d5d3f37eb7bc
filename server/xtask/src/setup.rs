//! What a machine must have: installed where that is allowed, else named in one line.

use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::command;
use crate::progress::Progress;
use crate::wasm;

/// Steps that [`install`] reports.
pub(crate) const STEPS: usize = 1;

/// Something outside the checkout.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Need {
    /// A compiler for wasm32-unknown-unknown.
    Wasm,
    /// apt's lists and dpkg-deb, for the images.
    Debian,
    /// A browser that a program can drive.
    Browser,
    /// A static busybox on the host, for tests that make an image of their own.
    Busybox,
}

impl Need {
    /// All of them.
    pub(crate) const EVERYTHING: &[Self] =
        &[Self::Wasm, Self::Debian, Self::Browser, Self::Busybox];
}

/// Installs what is missing of `needs`.
pub(crate) fn install(needs: &[Need], progress: &mut Progress) -> Result<()> {
    progress.step("what the machine must have", || {
        // Debian first: the others may need its lists.
        if needs.contains(&Need::Debian) {
            debian_lists()?;
        }
        if needs.contains(&Need::Wasm) {
            wasm_target()?;
        }
        let mut packages = Vec::new();
        if needs.contains(&Need::Browser) {
            packages.extend(missing("/usr/bin/chromium", "chromium"));
            packages.extend(missing("/usr/bin/chromedriver", "chromium-driver"));
        }
        if needs.contains(&Need::Busybox) {
            packages.extend(missing("/bin/busybox", "busybox-static"));
        }
        debian_packages(&packages)
    })
}

fn missing(program: &str, package: &'static str) -> Option<&'static str> {
    (!Path::new(program).exists()).then_some(package)
}

fn debian_lists() -> Result<()> {
    let known = command::text(Command::new("apt-cache").args(["policy", "busybox-static"]))
        .context("images are made from Debian packages: this takes a Debian or Ubuntu host")?;
    if known.contains("Candidate: ") && !known.contains("Candidate: (none)") {
        return Ok(());
    }
    privileged("apt-get", &["update", "-qq"])
}

/// rustup's target, else Debian's compiler with the library's source.
fn wasm_target() -> Result<()> {
    if wasm::Toolchain::find().is_ok() {
        return Ok(());
    }
    let added = Command::new("rustup")
        .args(["target", "add", wasm::TARGET])
        .status()
        .is_ok_and(|status| status.success());
    if added && wasm::Toolchain::find().is_ok() {
        return Ok(());
    }
    println!(
        "rustup has no {} here: taking Debian's compiler",
        wasm::TARGET
    );
    debian_lists()?;
    debian_packages(&wasm::DEBIAN_PACKAGES)?;
    wasm::Toolchain::find().map(drop)
}

fn debian_packages(packages: &[&str]) -> Result<()> {
    if packages.is_empty() {
        return Ok(());
    }
    println!("installing {}", packages.join(" "));
    let mut arguments = vec!["install", "-qq", "--yes", "--no-install-recommends"];
    arguments.extend(packages);
    privileged("apt-get", &arguments)
}

/// As root, or by sudo where it asks for no password.
fn privileged(program: &str, arguments: &[&str]) -> Result<()> {
    let by_hand = format!("run this first: sudo {program} {}", arguments.join(" "));
    let mut command = if is_root()? {
        Command::new(program)
    } else if Command::new("sudo")
        .args(["-n", "true"])
        .output()
        .is_ok_and(|output| output.status.success())
    {
        let mut sudo = Command::new("sudo");
        sudo.args(["-n", program]);
        sudo
    } else {
        bail!("{by_hand}");
    };
    command
        .args(arguments)
        .env("DEBIAN_FRONTEND", "noninteractive");
    command::output(&mut command).context(by_hand)?;
    Ok(())
}

fn is_root() -> Result<bool> {
    Ok(command::text(Command::new("id").arg("-u"))?.trim() == "0")
}
