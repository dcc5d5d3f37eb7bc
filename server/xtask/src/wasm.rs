//! Compiling for wasm32-unknown-unknown, by rustup's toolchain or, where that has no such target, by
//! Debian's compiler with a standard library built on the spot.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::command;
use crate::workspace::Workspace;

/// The only target of plugins and page.
pub(crate) const TARGET: &str = "wasm32-unknown-unknown";

/// What [`Toolchain::Debian`] needs.
pub(crate) const DEBIAN_PACKAGES: [&str; 3] = ["rustc-web", "cargo-web", "rust-web-src"];

const DEBIAN_RUSTC: &str = "/usr/bin/rustc";
const DEBIAN_CARGO: &str = "/usr/bin/cargo";

/// A compiler for [`TARGET`].
#[derive(Debug)]
pub(crate) enum Toolchain {
    /// The one that builds everything else; its target is installed.
    Rustup,
    /// Debian's, with the library's source and the linker of the first one.
    Debian {
        /// rust-lld.
        linker: PathBuf,
    },
}

impl Toolchain {
    /// The first that can compile.
    pub(crate) fn find() -> Result<Self> {
        if has_standard_library("rustc") {
            return Ok(Self::Rustup);
        }
        let debian = Command::new(DEBIAN_RUSTC);
        if sysroot(debian).is_ok_and(|sysroot| sysroot.join(LIBRARY_SOURCE).exists()) {
            return Ok(Self::Debian { linker: linker()? });
        }
        bail!(
            "no compiler for {TARGET}: run rustup target add {TARGET}, or apt-get install {}",
            DEBIAN_PACKAGES.join(" ")
        )
    }

    /// `cargo build` for the target, ready for more arguments.
    fn cargo_build(&self) -> Command {
        match self {
            Self::Rustup => {
                let mut command = Command::new("cargo");
                command.args(["build", "--target", TARGET]);
                command
            }
            Self::Debian { linker } => {
                let mut command = Command::new(DEBIAN_CARGO);
                command
                    .args([
                        "build",
                        "--target",
                        TARGET,
                        "-Z",
                        "build-std=std,panic_abort",
                    ])
                    .env("RUSTC", DEBIAN_RUSTC)
                    .env("RUSTC_BOOTSTRAP", "1")
                    .env("CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_LINKER", linker);
                command
            }
        }
    }
}

/// Compiles one package and returns the module that it leaves.
pub(crate) fn build(workspace: &Workspace, package: &str, profile: &str) -> Result<PathBuf> {
    command::run(
        Toolchain::find()?
            .cargo_build()
            .args(["--package", package, "--profile", profile])
            .current_dir(workspace.root()),
    )?;
    let file = format!("{}.wasm", package.replace('-', "_"));
    let directory = workspace.target(&format!("{TARGET}/{profile}"));
    // A program keeps the package's name, a library's dashes become underscores.
    for name in [format!("{package}.wasm"), file] {
        let module = directory.join(name);
        if module.exists() {
            return Ok(module);
        }
    }
    bail!("{package} left no module in {}", directory.display())
}

const LIBRARY_SOURCE: &str = "lib/rustlib/src/rust/library/std/Cargo.toml";

fn has_standard_library(rustc: &str) -> bool {
    command::text(Command::new(rustc).args(["--print", "target-libdir", "--target", TARGET]))
        .is_ok_and(|directory| Path::new(directory.trim()).exists())
}

fn sysroot(mut rustc: Command) -> Result<PathBuf> {
    Ok(command::text(rustc.args(["--print", "sysroot"]))?
        .trim()
        .into())
}

/// Debian's compiler brings no linker for wasm; the usual toolchain has one for every target.
fn linker() -> Result<PathBuf> {
    let host = command::text(Command::new("rustc").arg("-vV"))?;
    let host = host
        .lines()
        .find_map(|line| line.strip_prefix("host: "))
        .context("rustc names no host")?;
    let linker = sysroot(Command::new("rustc"))?
        .join("lib/rustlib")
        .join(host)
        .join("bin/rust-lld");
    if !linker.exists() {
        bail!("{} is missing", linker.display());
    }
    Ok(linker)
}
