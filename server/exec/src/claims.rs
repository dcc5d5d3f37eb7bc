//! Claims: directories of tenants that outlive tasks, `DATA/claims/<tenant>/<name>/`. Their owner decides
//! when one is made and removed; everything here may be repeated.
//!
//! Tasks of the tenant write whatever they like below it: no link is followed, and nothing is trusted.

use std::collections::HashSet;
use std::ffi::OsStr;
use std::io::{self, ErrorKind};
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::{Path, PathBuf};

use rustix::fs::{AtFlags, CWD, Dir, FileType, Mode, OFlags, openat, statat};
use rustix::io::Errno;
use steading_types::{ObjectName, TenantName};

use crate::remove::remove_tree;

const DIR: OFlags = OFlags::DIRECTORY
    .union(OFlags::NOFOLLOW)
    .union(OFlags::CLOEXEC);
/// Directories below each other that are measured; each holds a descriptor.
const DEPTH: usize = 128;
/// Bytes of a block of `stat(2)`.
const BLOCK: u64 = 512;

/// The claims below a data directory.
#[derive(Debug, Clone)]
pub struct Claims {
    root: PathBuf,
}

impl Claims {
    /// Those below a data directory.
    pub fn at(data_dir: &Path) -> Self {
        Self {
            root: data_dir.join("claims"),
        }
    }

    /// The directory of a claim, made when absent.
    ///
    /// # Errors
    /// The disk's.
    pub fn provide(&self, tenant: &TenantName, name: &ObjectName) -> io::Result<PathBuf> {
        let above = self.root.join(tenant.as_str());
        // Nobody else of this host comes near: what is below may be open to every user of a container.
        let mut private = std::fs::DirBuilder::new();
        private.recursive(true).mode(0o700).create(&above)?;
        let path = above.join(name.as_str());
        match std::fs::create_dir(&path) {
            Ok(()) => std::fs::set_permissions(&path, PermissionsExt::from_mode(0o777))?,
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
            Err(error) => return Err(error),
        }
        Ok(path)
    }

    /// Bytes on disk that a claim takes; 0 when nothing was ever written. What is too deep to be measured
    /// counts as everything.
    ///
    /// # Errors
    /// The disk's.
    pub fn used(&self, tenant: &TenantName, name: &ObjectName) -> io::Result<u64> {
        let path = self.root.join(tenant.as_str()).join(name.as_str());
        let dir = match openat(CWD, &path, DIR, Mode::empty()) {
            Err(Errno::NOENT) => return Ok(0),
            opened => opened?,
        };
        Ok(Measuring::default().directory(&dir, DEPTH)?)
    }

    /// Removes the directory of a claim and all that is in it.
    ///
    /// # Errors
    /// The disk's; asking again is safe.
    pub fn remove(&self, tenant: &TenantName, name: &ObjectName) -> io::Result<()> {
        let above = openat(CWD, self.root.join(tenant.as_str()), DIR, Mode::empty());
        let removed = above.and_then(|above| remove_tree(&above, OsStr::new(name.as_str())));
        match removed {
            Err(Errno::NOENT) => Ok(()),
            removed => Ok(removed?),
        }
    }
}

#[derive(Default)]
struct Measuring {
    /// Files of several names, each counted once.
    linked: HashSet<u64>,
}

impl Measuring {
    fn directory(&mut self, dir: &OwnedFd, depth: usize) -> rustix::io::Result<u64> {
        let mut sum = 0u64;
        for entry in Dir::read_from(dir)? {
            let entry = entry?;
            let name = entry.file_name();
            if matches!(name.to_bytes(), b"." | b"..") {
                continue;
            }
            let bytes = match self.entry(dir, OsStr::from_bytes(name.to_bytes()), depth) {
                // It went away in this moment.
                Err(Errno::NOENT | Errno::NOTDIR | Errno::LOOP) => 0,
                measured => measured?,
            };
            sum = sum.saturating_add(bytes);
        }
        Ok(sum)
    }

    fn entry(&mut self, dir: &OwnedFd, name: &OsStr, depth: usize) -> rustix::io::Result<u64> {
        let stat = statat(dir, name, AtFlags::SYMLINK_NOFOLLOW)?;
        if stat.st_nlink > 1
            && FileType::from_raw_mode(stat.st_mode) != FileType::Directory
            && !self.linked.insert(stat.st_ino)
        {
            return Ok(0);
        }
        let own = u64::try_from(stat.st_blocks)
            .unwrap_or(0)
            .saturating_mul(BLOCK);
        if FileType::from_raw_mode(stat.st_mode) != FileType::Directory {
            return Ok(own);
        }
        let Some(depth) = depth.checked_sub(1) else {
            return Ok(u64::MAX);
        };
        let inner = openat(dir, name, DIR, Mode::empty())?;
        Ok(own.saturating_add(self.directory(&inner, depth)?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn claims() -> (tempfile::TempDir, Claims, TenantName, ObjectName) {
        let dir = tempfile::tempdir().unwrap();
        let claims = Claims::at(dir.path());
        (dir, claims, "red".parse().unwrap(), "data".parse().unwrap())
    }

    #[test]
    fn a_claim_is_made_measured_and_removed_any_number_of_times() {
        let (_dir, claims, tenant, name) = claims();
        assert_eq!(claims.used(&tenant, &name).unwrap(), 0);
        claims.remove(&tenant, &name).unwrap();
        let path = claims.provide(&tenant, &name).unwrap();
        assert_eq!(claims.provide(&tenant, &name).unwrap(), path);
        std::fs::create_dir(path.join("below")).unwrap();
        std::fs::write(path.join("below/file"), vec![1; 1 << 20]).unwrap();
        let used = claims.used(&tenant, &name).unwrap();
        assert!((1 << 20..2 << 20).contains(&used), "{used}");
        std::fs::hard_link(path.join("below/file"), path.join("again")).unwrap();
        assert_eq!(claims.used(&tenant, &name).unwrap(), used);
        claims.remove(&tenant, &name).unwrap();
        claims.remove(&tenant, &name).unwrap();
        assert!(!path.exists());
    }

    #[test]
    fn f03_links_in_a_claim_lead_nowhere() {
        let (dir, claims, tenant, name) = claims();
        let outside = dir.path().join("outside");
        std::fs::create_dir(&outside).unwrap();
        std::fs::write(outside.join("kept"), vec![1; 1 << 20]).unwrap();
        let path = claims.provide(&tenant, &name).unwrap();
        std::os::unix::fs::symlink(&outside, path.join("link")).unwrap();
        assert!(claims.used(&tenant, &name).unwrap() < 1 << 20);
        claims.remove(&tenant, &name).unwrap();
        assert!(outside.join("kept").exists());
    }

    #[test]
    fn what_is_hidden_deep_counts_as_everything() {
        let (_dir, claims, tenant, name) = claims();
        let path = claims.provide(&tenant, &name).unwrap();
        std::fs::create_dir_all(path.join("d/".repeat(DEPTH + 1))).unwrap();
        assert_eq!(claims.used(&tenant, &name).unwrap(), u64::MAX);
    }

    #[test]
    fn a_tree_that_is_deeper_than_any_path_is_removed() {
        let (_dir, claims, tenant, name) = claims();
        let path = claims.provide(&tenant, &name).unwrap();
        std::fs::write(path.join("deep1"), "in the way").unwrap();
        let mut inner = openat(CWD, &path, DIR, Mode::empty()).unwrap();
        for _ in 0..5_000 {
            rustix::fs::mkdirat(&inner, "d", Mode::RWXU).unwrap();
            inner = openat(&inner, "d", DIR, Mode::empty()).unwrap();
        }
        drop(inner);
        claims.remove(&tenant, &name).unwrap();
        assert!(!path.exists());
    }
}
