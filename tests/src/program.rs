//! Where the things under test lie, and what to do when one is missing.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

/// The program: `STEADING_BIN`, else the one that Cargo built beside the tests.
///
/// # Errors
/// When there is none; the message says how to build it.
pub fn steading() -> Result<PathBuf> {
    let path = match std::env::var_os("STEADING_BIN") {
        Some(path) => path.into(),
        None => build_directory()?.join("debug/steading"),
    };
    existing(path, "cargo xtask build")
}

/// An image archive by its file's name, e.g. `alpine_3.23.tar`: in `STEADING_IMAGES`, else where
/// `cargo xtask images` leaves them.
///
/// # Errors
/// When it is missing; the message says how to make it.
pub fn image(file: &str) -> Result<PathBuf> {
    let directory = match std::env::var_os("STEADING_IMAGES") {
        Some(path) => path.into(),
        None => build_directory()?.join("images"),
    };
    existing(directory.join(file), "cargo xtask images")
}

/// Whether a tool of the machine is there. Its absence is told in one visible line, and is an error
/// under `cargo xtask test` and in continuous integration.
///
/// # Errors
/// When it is missing and must not be.
pub fn tool(path: &str) -> Result<bool> {
    if Path::new(path).exists() {
        return Ok(true);
    }
    without(path, "cargo xtask setup").map(|()| false)
}

/// Something that tests need is not there: told in one visible line, and an error where it must be.
///
/// # Errors
/// Under `cargo xtask test` and in continuous integration.
pub fn without(what: &str, remedy: &str) -> Result<()> {
    let strict = ["STEADING_TEST_STRICT", "CI"];
    if strict.iter().any(|name| std::env::var_os(name).is_some()) {
        bail!("{what} is missing: {remedy}");
    }
    println!("NOT TESTED: {what} is missing ({remedy})");
    Ok(())
}

fn existing(path: PathBuf, remedy: &str) -> Result<PathBuf> {
    if !path.exists() {
        bail!("{} is missing: {remedy}", path.display());
    }
    Ok(path)
}

/// `target`, from this test's own place `target/debug/deps/…`.
fn build_directory() -> Result<PathBuf> {
    let test = std::env::current_exe()?;
    let directory = test
        .ancestors()
        .nth(3)
        .context("a test lies in target/debug/deps")?;
    Ok(directory.to_owned())
}
