//! A root file system in memory. Building it needs no privileges, leaves nothing on disk, and its
//! archive depends on its contents alone: entries are sorted, owned by root and dated alike.

use std::collections::BTreeMap;
use std::fs::Permissions;
use std::io::Read;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use anyhow::{Context, Result, bail};
use tar::{Archive, Builder, EntryType, Header};

/// 2026-01-01T00:00:00Z, the date of every file.
pub(crate) const DATE: u64 = 1_767_225_600;

/// Files by their path, without a leading slash.
#[derive(Default)]
pub(crate) struct Tree {
    entries: BTreeMap<String, Entry>,
}

struct Entry {
    mode: u32,
    kind: Kind,
}

enum Kind {
    Directory,
    File(Vec<u8>),
    Symlink(String),
}

impl Tree {
    /// What every root has: `/usr` merged, the mount points, and a root user and nobody.
    pub(crate) fn skeleton(description: &str) -> Self {
        let mut tree = Self::default();
        for top in MERGED {
            tree.directory(&format!("usr/{top}"), 0o755);
            tree.symlink_at(top.to_string(), format!("usr/{top}"));
        }
        for path in [
            "dev", "etc", "home", "media", "mnt", "opt", "proc", "run", "srv", "sys", "usr", "var",
        ] {
            tree.directory(path, 0o755);
        }
        tree.directory("root", 0o700);
        tree.directory("tmp", 0o1777);
        tree.directory("var/tmp", 0o1777);
        tree.file(
            "etc/passwd",
            0o644,
            "root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/:/bin/false\n",
        );
        tree.file("etc/group", 0o644, "root:x:0:\nnogroup:x:65534:\n");
        tree.file("etc/image-description", 0o644, format!("{description}\n"));
        tree
    }

    /// Adds or replaces a directory.
    pub(crate) fn directory(&mut self, path: &str, mode: u32) {
        self.put(path, mode, Kind::Directory);
    }

    /// Adds or replaces a file.
    pub(crate) fn file(&mut self, path: &str, mode: u32, contents: impl Into<Vec<u8>>) {
        self.put(path, mode, Kind::File(contents.into()));
    }

    /// Adds a symbolic link where nothing lies yet.
    pub(crate) fn symlink(&mut self, path: &str, target: &str) {
        self.symlink_at(merged(path), target.to_owned());
    }

    /// Whether something lies there.
    pub(crate) fn has(&self, path: &str) -> bool {
        self.entries.contains_key(&merged(path))
    }

    /// The contents of a file.
    pub(crate) fn contents(&self, path: &str) -> Option<&[u8]> {
        match &self.entries.get(&merged(path))?.kind {
            Kind::File(contents) => Some(contents),
            Kind::Directory | Kind::Symlink(_) => None,
        }
    }

    /// Keeps the paths that `keep` wants.
    pub(crate) fn retain(&mut self, keep: impl Fn(&str) -> bool) {
        self.entries.retain(|path, _| keep(path));
    }

    /// The paths of all files.
    pub(crate) fn files(&self) -> impl Iterator<Item = &str> {
        self.entries
            .iter()
            .filter(|(_, entry)| matches!(entry.kind, Kind::File(_)))
            .map(|(path, _)| path.as_str())
    }

    /// Writes everything below a directory, owned by whoever runs this. Absolute links are left out:
    /// outside a container they would point at the host.
    pub(crate) fn write_to(&self, root: &Path) -> Result<()> {
        for (path, entry) in &self.entries {
            let target = root.join(path);
            if let Some(parent) = target.parent() {
                std::fs::create_dir_all(parent)?;
            }
            match &entry.kind {
                Kind::Directory => std::fs::create_dir_all(&target)?,
                Kind::File(contents) => {
                    std::fs::write(&target, contents)?;
                    std::fs::set_permissions(&target, Permissions::from_mode(entry.mode))?;
                }
                Kind::Symlink(to) if to.starts_with('/') => {}
                Kind::Symlink(to) => std::os::unix::fs::symlink(to, &target)?,
            }
        }
        Ok(())
    }

    /// Adds the files of a package, given as the tar stream of its data.
    pub(crate) fn unpack(&mut self, data: impl Read) -> Result<()> {
        for entry in Archive::new(data).entries()? {
            let mut entry = entry?;
            let path = entry.path()?.to_string_lossy().into_owned();
            let path = path.trim_start_matches("./").trim_end_matches('/');
            if path.is_empty() {
                continue;
            }
            // Tasks never gain privileges, so set-user-id bits would only mislead.
            let mode = entry.header().mode()? & 0o1777;
            let target = entry
                .link_name()?
                .map(|to| to.to_string_lossy().into_owned());
            match entry.header().entry_type() {
                EntryType::Directory => self.put_new(path, mode, Kind::Directory),
                EntryType::Regular => {
                    let mut contents = Vec::new();
                    entry.read_to_end(&mut contents)?;
                    self.put(path, mode, Kind::File(contents));
                }
                EntryType::Symlink => {
                    self.symlink(path, &target.context("a link without a target")?);
                }
                EntryType::Link => {
                    let target = target.context("a link without a target")?;
                    let contents = self
                        .contents(target.trim_start_matches("./"))
                        .with_context(|| format!("{path} links to {target}, which is not there"))?;
                    self.put(path, mode, Kind::File(contents.to_vec()));
                }
                other => bail!("{path} is of the unexpected kind {other:?}"),
            }
        }
        Ok(())
    }

    /// The layer: an uncompressed tar stream.
    pub(crate) fn to_tar(&self) -> Result<Vec<u8>> {
        let mut layer = Builder::new(Vec::new());
        for (path, entry) in &self.entries {
            let mut header = Header::new_gnu();
            header.set_mode(entry.mode);
            header.set_uid(0);
            header.set_gid(0);
            header.set_mtime(DATE);
            header.set_size(0);
            match &entry.kind {
                Kind::Directory => {
                    header.set_entry_type(EntryType::Directory);
                    layer.append_data(&mut header, format!("{path}/"), std::io::empty())?;
                }
                Kind::File(contents) => {
                    header.set_entry_type(EntryType::Regular);
                    header.set_size(contents.len() as u64);
                    layer.append_data(&mut header, path, contents.as_slice())?;
                }
                Kind::Symlink(target) => {
                    header.set_entry_type(EntryType::Symlink);
                    layer.append_link(&mut header, path, target)?;
                }
            }
        }
        Ok(layer.into_inner()?)
    }

    fn symlink_at(&mut self, path: String, target: String) {
        self.entries.entry(path).or_insert(Entry {
            mode: 0o777,
            kind: Kind::Symlink(target),
        });
    }

    fn put(&mut self, path: &str, mode: u32, kind: Kind) {
        self.entries.insert(merged(path), Entry { mode, kind });
    }

    fn put_new(&mut self, path: &str, mode: u32, kind: Kind) {
        self.entries
            .entry(merged(path))
            .or_insert(Entry { mode, kind });
    }
}

/// Directories that are links into `/usr`, so that a package may use either spelling.
const MERGED: [&str; 4] = ["bin", "lib", "lib64", "sbin"];

/// The one place of a path under merged `/usr`.
fn merged(path: &str) -> String {
    let first = path.split('/').next().unwrap_or_default();
    if MERGED.contains(&first) {
        format!("usr/{path}")
    } else {
        path.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn package(path: &str, contents: &str) -> Vec<u8> {
        let mut builder = Builder::new(Vec::new());
        let mut header = Header::new_gnu();
        header.set_mode(0o4755);
        header.set_size(contents.len() as u64);
        builder
            .append_data(&mut header, path, contents.as_bytes())
            .unwrap();
        builder.into_inner().unwrap()
    }

    #[test]
    fn a_package_may_spell_a_merged_directory_either_way() {
        let mut tree = Tree::skeleton("test");
        tree.unpack(package("./bin/one", "1").as_slice()).unwrap();
        tree.unpack(package("./usr/bin/two", "2").as_slice())
            .unwrap();
        assert_eq!(tree.contents("usr/bin/one"), Some(&b"1"[..]));
        assert_eq!(tree.contents("bin/two"), Some(&b"2"[..]));
    }

    #[test]
    fn the_layer_depends_on_contents_alone_and_drops_set_user_id() {
        let layer = || {
            let mut tree = Tree::skeleton("test");
            tree.unpack(package("./bin/su", "su").as_slice()).unwrap();
            tree.to_tar().unwrap()
        };
        assert_eq!(layer(), layer());
        for entry in Archive::new(layer().as_slice()).entries().unwrap() {
            let entry = entry.unwrap();
            assert_eq!(entry.header().mode().unwrap() & 0o6000, 0);
            assert_eq!(entry.header().mtime().unwrap(), DATE);
        }
    }
}
