//! Files from Debian packages, without installing them: apt resolves and verifies, nothing on the
//! host changes, and no privileges are needed.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};

use super::tree::Tree;
use crate::command;

/// A directory of downloaded packages.
pub(crate) struct Packages {
    cache: PathBuf,
}

/// One package file, as apt names it: `name_version_architecture.deb`.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Package {
    file: String,
    size: u64,
}

impl Package {
    /// The file's name, which also tells the version.
    pub(crate) fn file(&self) -> &str {
        &self.file
    }

    fn name(&self) -> &str {
        self.file.split('_').next().unwrap_or_default()
    }

    /// `name=version`, as `apt-get download` takes it.
    fn pinned(&self) -> String {
        let version = self.file.split('_').nth(1).unwrap_or_default();
        format!("{}={}", self.name(), version.replace("%3a", ":"))
    }
}

impl Packages {
    /// Downloads are kept in `cache`.
    pub(crate) fn cached_in(cache: PathBuf) -> Result<Self> {
        std::fs::create_dir_all(&cache)?;
        std::fs::write(cache.join("status"), "")?;
        Ok(Self { cache })
    }

    /// The packages and everything that they depend on, as if nothing were installed, without those
    /// that only their installation scripts need.
    pub(crate) fn closure(&self, names: &[&str], without: &[&str]) -> Result<Vec<Package>> {
        let listing = command::text(
            Command::new("apt-get")
                .args(["install", "--print-uris", "--yes", "-qq"])
                .arg("--no-install-recommends")
                .args(["-o", "Debug::NoLocking=1", "-o"])
                .arg(format!(
                    "Dir::State::status={}",
                    self.cache.join("status").display()
                ))
                .args(names),
        )
        .context("images are made from Debian packages: apt-get must know them (apt-get update)")?;
        let mut packages = Vec::new();
        for line in listing.lines() {
            let package = parse(line).with_context(|| format!("apt-get printed {line:?}"))?;
            if !without.contains(&package.name()) {
                packages.push(package);
            }
        }
        Ok(packages)
    }

    /// Downloads what is not in the cache yet; apt checks the archive's signature and hashes.
    pub(crate) fn download(&self, packages: &[Package]) -> Result<()> {
        let missing: Vec<String> = packages
            .iter()
            .filter(|package| {
                std::fs::metadata(self.cache.join(&package.file))
                    .map_or(true, |file| file.len() != package.size)
            })
            .map(Package::pinned)
            .collect();
        if missing.is_empty() {
            return Ok(());
        }
        command::output(
            Command::new("apt-get")
                .args(["download", "-qq", "-o", "APT::Sandbox::User="])
                .args(missing)
                .current_dir(&self.cache),
        )
        .context("a package can not be downloaded; if apt's lists are old: apt-get update")?;
        Ok(())
    }

    /// Adds a downloaded package's files to a root.
    pub(crate) fn unpack(&self, package: &Package, tree: &mut Tree) -> Result<()> {
        let file = self.cache.join(&package.file);
        unpack(&file, tree).with_context(|| format!("unpacking {}", file.display()))
    }
}

fn unpack(file: &Path, tree: &mut Tree) -> Result<()> {
    let mut dpkg = Command::new("dpkg-deb")
        .arg("--fsys-tarfile")
        .arg(file)
        .stdout(Stdio::piped())
        .spawn()?;
    let data = dpkg.stdout.take().context("dpkg-deb has no output")?;
    let unpacked = tree.unpack(std::io::BufReader::new(data));
    let status = dpkg.wait()?;
    unpacked?;
    if !status.success() {
        bail!("dpkg-deb ended with {status}");
    }
    Ok(())
}

/// One line of `--print-uris`: `'URI' FILE SIZE [HASH]`.
fn parse(line: &str) -> Option<Package> {
    let mut words = line.split_whitespace().skip(1);
    let file = words.next()?.to_owned();
    let size = words.next()?.parse().ok()?;
    Some(Package { file, size })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_epoch_in_a_file_name_is_part_of_the_version() {
        let line =
            "'http://mirror/busybox.deb' busybox-static_1%3a1.35.0-4+b1_amd64.deb 928188 SHA256:ab";
        let package = parse(line).unwrap();
        assert_eq!(package.name(), "busybox-static");
        assert_eq!(package.pinned(), "busybox-static=1:1.35.0-4+b1");
        assert_eq!(package.size, 928_188);
    }
}
