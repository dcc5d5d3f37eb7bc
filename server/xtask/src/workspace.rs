//! Where things lie. The layout below `target/` is a promise: scripts, tests and the build script of
//! the program read it.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

/// The checkout and its build directory.
pub(crate) struct Workspace {
    root: PathBuf,
    target: PathBuf,
}

impl Workspace {
    /// The checkout that this tool was built from, and the build directory that it runs out of.
    pub(crate) fn locate() -> Result<Self> {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"))
            .ancestors()
            .nth(2)
            .context("the tool lies two folders below the root")?
            .to_owned();
        let target = match std::env::var_os("CARGO_TARGET_DIR") {
            Some(directory) => root.join(directory),
            None => root.join("target"),
        };
        Ok(Self { root, target })
    }

    /// The top of the checkout.
    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    /// A path below the build directory.
    pub(crate) fn target(&self, path: &str) -> PathBuf {
        self.target.join(path)
    }
}
