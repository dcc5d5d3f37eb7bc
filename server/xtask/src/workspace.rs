//! Where things lie. The layout below `target/` is a promise: scripts, tests and the build script of
//! the program read it.

use std::collections::BTreeSet;
use std::ffi::OsString;
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

/// Makes `to` hold exactly the files of `from`. What is the same stays untouched, so that Cargo does not
/// build again what embeds it.
pub(crate) fn mirror(from: &Path, to: &Path) -> Result<()> {
    std::fs::create_dir_all(to)?;
    let names = |directory: &Path| -> Result<BTreeSet<OsString>> {
        std::fs::read_dir(directory)?
            .map(|entry| Ok(entry?.file_name()))
            .collect()
    };
    let wanted = names(from)?;
    for name in names(to)?.difference(&wanted) {
        std::fs::remove_file(to.join(name))?;
    }
    for name in &wanted {
        let content = std::fs::read(from.join(name))?;
        let target = to.join(name);
        if std::fs::read(&target).is_ok_and(|present| present == content) {
            continue;
        }
        std::fs::write(&target, content)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mirror_drops_what_is_gone_and_leaves_what_is_the_same() {
        let directory = tempfile::tempdir().unwrap();
        let (from, to) = (directory.path().join("from"), directory.path().join("to"));
        std::fs::create_dir(&from).unwrap();
        std::fs::write(from.join("same"), "1").unwrap();
        mirror(&from, &to).unwrap();
        let first = std::fs::metadata(to.join("same"))
            .unwrap()
            .modified()
            .unwrap();

        std::fs::write(to.join("gone"), "2").unwrap();
        std::fs::write(from.join("same"), "1").unwrap();
        mirror(&from, &to).unwrap();
        assert!(!to.join("gone").exists());
        let second = std::fs::metadata(to.join("same"))
            .unwrap()
            .modified()
            .unwrap();
        assert_eq!(first, second);
    }
}
