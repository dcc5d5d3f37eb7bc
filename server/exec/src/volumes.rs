//! The volumes of a task: made before its containers, and the parts of them that containers mount.

use std::io::{self, Write};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::{Path, PathBuf};

use rustix::fs::{CWD, Mode, OFlags, openat};
use rustix::io::Errno;
use rustix::mount::{MountAttrFlags, OpenTreeFlags, open_tree};
use steading_types::task::{Container, End, FileEntry, Mount, SubPath, Task, Volume, VolumeKind};

use crate::body::unprepared;
use crate::program::{expand, expanded};
use crate::realm::Realm;
use crate::{rootfs, sys};

/// A directory's, opened without following a link.
const DIR: OFlags = OFlags::DIRECTORY
    .union(OFlags::NOFOLLOW)
    .union(OFlags::CLOEXEC);

/// The volumes of a task.
pub(crate) struct Volumes<'a> {
    pub(crate) task: &'a Task,
    /// The task's directory for what its containers write.
    pub(crate) work: &'a Path,
}

/// A part of a volume, and where a container wants it.
pub(crate) struct Place<'a> {
    /// Of the volume, outside.
    dir: PathBuf,
    /// Of the mount, in the container.
    pub(crate) path: String,
    sub: Option<String>,
    read_only: bool,
    group: Option<u32>,
    kind: &'a VolumeKind,
}

impl<'a> Volumes<'a> {
    /// Makes those that are not there, in this process's mount namespace. `memory` is the size of one in
    /// memory that says none.
    pub(crate) fn make(&self, realm: &Realm<'_>, memory: u64) -> io::Result<()> {
        let group = self.task.volume_group;
        for volume in &self.task.volumes {
            let dir = self.dir(volume);
            match &volume.kind {
                VolumeKind::EmptyDir { memory: true, size } => {
                    in_memory(realm, &dir, size.map_or(memory, |size| size.0))?;
                }
                VolumeKind::EmptyDir {
                    memory: false,
                    size: Some(size),
                } => in_memory(realm, &dir, size.0)?,
                VolumeKind::EmptyDir { .. } => {
                    realm.make_dir(&dir, 0o777)?;
                    if group.is_some() {
                        realm.own(openat(CWD, &dir, DIR, Mode::empty())?.as_fd(), group)?;
                    }
                }
                VolumeKind::Files { entries } => {
                    let fs = rootfs::new_fs("tmpfs", &[("mode", "755")], PLAIN)?;
                    for (path, entry) in entries {
                        write(realm, fs.as_fd(), path, entry, group)?;
                    }
                    realm.make_dir(&dir, 0o755)?;
                    rootfs::attach(fs.as_fd(), &dir)?;
                }
                VolumeKind::Directory { .. } => {
                    let dir = openat(CWD, &dir, DIR, Mode::empty())?;
                    realm.own(dir.as_fd(), group)?;
                }
            }
        }
        Ok(())
    }

    /// Where a volume lies; its name may hold anything, so its position names it.
    fn dir(&self, volume: &Volume) -> PathBuf {
        if let VolumeKind::Directory { path, .. } = &volume.kind {
            return PathBuf::from(path);
        }
        let mut volumes = self.task.volumes.iter();
        let position = volumes.position(|other| other.name == volume.name);
        self.work
            .join(format!("volume{}", position.unwrap_or(usize::MAX)))
    }

    /// What a container mounts, in an order in which nothing hides what was mounted before.
    pub(crate) fn places(&self, container: &Container) -> Vec<Place<'a>> {
        let find = |mount: &Mount| self.task.volumes.iter().find(|v| v.name == mount.volume);
        let mut places: Vec<Place<'a>> = container
            .mounts
            .iter()
            .filter_map(|mount| {
                let volume = find(mount)?;
                Some(Place {
                    dir: self.dir(volume),
                    path: mount.path.clone(),
                    sub: mount.sub_path.as_ref().map(|sub| match sub {
                        SubPath::Plain(path) => path.clone(),
                        SubPath::Expanded(path) => expand(path, &expanded(&container.env)),
                    }),
                    read_only: mount.read_only || volume.kind.is_read_only(),
                    group: self.task.volume_group,
                    kind: &volume.kind,
                })
            })
            .collect();
        places.sort_by_key(|place| place.path.split('/').filter(|p| !p.is_empty()).count());
        places
    }
}

const PLAIN: MountAttrFlags =
    MountAttrFlags::MOUNT_ATTR_NOSUID.union(MountAttrFlags::MOUNT_ATTR_NODEV);

/// A directory in memory that holds `size` bytes and no more.
fn in_memory(realm: &Realm<'_>, dir: &Path, size: u64) -> io::Result<()> {
    realm.make_dir(dir, 0o777)?;
    let options = [("mode", "1777"), ("size", &*size.max(1).to_string())];
    rootfs::attach(rootfs::new_fs("tmpfs", &options, PLAIN)?.as_fd(), dir)
}

/// Writes a file of a volume that is mounted nowhere yet.
fn write(
    realm: &Realm<'_>,
    fs: BorrowedFd<'_>,
    path: &str,
    entry: &FileEntry,
    group: Option<u32>,
) -> io::Result<()> {
    let (above, name) = path.rsplit_once('/').unwrap_or(("", path));
    let mut dir = openat(fs, ".", DIR, Mode::empty())?;
    for part in parts(above)? {
        dir = descend(realm, &dir, part, 0o755, None)?;
    }
    parts(name)?;
    let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::CLOEXEC;
    let file = openat(&dir, name, flags, Mode::from_raw_mode(0o600))?;
    realm.own(file.as_fd(), group)?;
    let mut file = std::fs::File::from(file);
    file.write_all(entry.content.as_bytes())?;
    let mode = Mode::from_raw_mode(entry.mode & 0o777);
    Ok(rustix::fs::fchmod(&file, mode)?)
}

/// A directory below another, made when it is missing. An earlier container may have put a link there:
/// none is followed.
fn descend(
    realm: &Realm<'_>,
    dir: &OwnedFd,
    name: &str,
    mode: u32,
    group: Option<u32>,
) -> io::Result<OwnedFd> {
    let mode = Mode::from_raw_mode(mode);
    if rustix::fs::mkdirat(dir, name, mode).is_ok() {
        let inner = openat(dir, name, DIR, Mode::empty())?;
        rustix::fs::fchmod(&inner, mode)?;
        realm.own(inner.as_fd(), group)?;
        return Ok(inner);
    }
    Ok(openat(dir, name, DIR, Mode::empty())?)
}

/// The parts of a relative path.
fn parts(path: &str) -> io::Result<Vec<&str>> {
    if !inside(path) {
        let what = "a path in a volume must be relative, without '..'";
        return Err(io::Error::new(io::ErrorKind::InvalidInput, what));
    }
    let parts = path.split('/').filter(|part| !matches!(*part, "" | "."));
    Ok(parts.collect())
}

fn inside(path: &str) -> bool {
    !path.starts_with('/') && !path.split('/').any(|part| part == "..")
}

impl Place<'_> {
    /// The part as a mount that is nowhere yet, and whether it is a file.
    pub(crate) fn open(&self, realm: &Realm<'_>) -> io::Result<(OwnedFd, bool)> {
        let (part, file) = self.part(realm)?;
        let flags = OpenTreeFlags::OPEN_TREE_CLONE
            | OpenTreeFlags::OPEN_TREE_CLOEXEC
            | OpenTreeFlags::AT_EMPTY_PATH;
        let tree = open_tree(part, c"", flags)?;
        if self.read_only || matches!(self.kind, VolumeKind::Files { .. }) {
            sys::read_only(tree.as_fd())?;
        } else {
            sys::no_privileges(tree.as_fd())?;
        }
        Ok((tree, file))
    }

    /// The sub path inside the volume; a directory is made where there is nothing.
    fn part(&self, realm: &Realm<'_>) -> io::Result<(OwnedFd, bool)> {
        let mut dir = openat(CWD, &self.dir, DIR, Mode::empty())?;
        let Some(sub) = &self.sub else {
            return Ok((dir, false));
        };
        let parts = parts(sub)?;
        let Some((last, above)) = parts.split_last() else {
            return Ok((dir, false));
        };
        for part in above {
            dir = descend(realm, &dir, part, 0o777, self.group)?;
        }
        match descend(realm, &dir, last, 0o777, self.group) {
            Err(error) if error.raw_os_error() == Some(Errno::NOTDIR.raw_os_error()) => {
                let flags = OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC;
                let file = openat(&dir, *last, flags, Mode::empty())?;
                let kind = rustix::fs::FileType::from_raw_mode(rustix::fs::fstat(&file)?.st_mode);
                if kind != rustix::fs::FileType::RegularFile {
                    let what = "a sub path must lead to a directory or a regular file";
                    return Err(io::Error::new(io::ErrorKind::InvalidInput, what));
                }
                Ok((file, true))
            }
            made => Ok((made?, false)),
        }
    }
}

/// Whether every volume that a task mounts is there, and every path is one.
pub(crate) fn check(task: &Task) -> Result<(), End> {
    for volume in &task.volumes {
        if let VolumeKind::Files { entries } = &volume.kind
            && let Some(path) = entries.keys().find(|path| path.is_empty() || !inside(path))
        {
            let text = format!(
                "volume '{}': the path '{path}' must be relative, without '..'",
                volume.name
            );
            return Err(unprepared("isolation.volume", text));
        }
    }
    for container in task.containers() {
        for mount in &container.mounts {
            let wrong = |what: &str| {
                let text = format!(
                    "container '{}', volume '{}': {what}",
                    container.name, mount.volume
                );
                Err(unprepared("isolation.volume", text))
            };
            if !task.volumes.iter().any(|v| v.name == mount.volume) {
                return wrong("the task has no such volume");
            }
            let plain = |path: &str| !path.split('/').any(|part| part == "..");
            if !mount.path.starts_with('/') || !plain(&mount.path) || mount.path.len() < 2 {
                return wrong("the mount path must be absolute, without '..'");
            }
            let sub = mount.sub_path.as_ref();
            let sub = sub.map(|(SubPath::Plain(path) | SubPath::Expanded(path))| path);
            if sub.is_some_and(|sub| !inside(sub)) {
                return wrong("the sub path must be relative, without '..'");
            }
        }
    }
    Ok(())
}
