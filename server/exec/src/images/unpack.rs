//! Unpacking layers into a directory. Every path is resolved by the kernel below that directory
//! (`openat2`, `RESOLVE_IN_ROOT`), so no link, however placed, leads out of it. Devices, pipes and
//! setuid bits are left out: tasks never gain privileges.

use std::collections::HashSet;
use std::ffi::OsStr;
use std::fs::File;
use std::io::{self, Read};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use rustix::fs::{
    AtFlags, CWD, FileType, Gid, Mode, OFlags, ResolveFlags, Timespec, Timestamps, Uid, chownat,
    fchmod, futimens, linkat, mkdirat, openat, statat, symlinkat,
};
use rustix::io::Errno;
use tar::EntryType;

use crate::remove::remove_tree;
use crate::within::{self, names};

use super::ImageError;
use super::archive::{Budget, Entry, each_entry};

/// Components of one path.
const DEPTH: usize = 128;
/// User and group ids beyond this belong to nobody in a task.
const IDS: u64 = 65_536;

/// A root file system in the making.
pub(super) struct Unpacker {
    root: OwnedFd,
    /// Files keep their owners: only root can give them.
    owners: bool,
    /// Of the current layer: a whiteout removes what lower layers brought, not these.
    fresh: HashSet<PathBuf>,
    /// The directory of the last entry.
    last: Option<(PathBuf, OwnedFd)>,
    /// Applied when everything is in place.
    modes: Vec<(PathBuf, u32)>,
}

impl Unpacker {
    pub(super) fn new(root: &Path) -> io::Result<Self> {
        let flags = OFlags::DIRECTORY | OFlags::CLOEXEC;
        Ok(Self {
            root: openat(CWD, root, flags, Mode::empty())?,
            owners: rustix::process::geteuid().is_root(),
            fresh: HashSet::new(),
            last: None,
            modes: Vec::new(),
        })
    }

    /// Puts one layer over what is there.
    pub(super) fn layer<R: Read>(&mut self, tar: R, budget: &mut Budget) -> Result<(), ImageError> {
        self.fresh.clear();
        each_entry(tar, |mut entry| {
            budget.entry(entry.size)?;
            self.entry(&mut entry)
        })
    }

    /// Gives directories their modes, when nothing is written into them any more.
    pub(super) fn finish(mut self) -> Result<(), ImageError> {
        for (path, mode) in std::mem::take(&mut self.modes) {
            let flags = OFlags::DIRECTORY | OFlags::CLOEXEC;
            match within::open(&self.root, path.as_path(), flags, ResolveFlags::NO_SYMLINKS) {
                // The owner can always enter: removal and unprivileged users need it.
                Ok(fd) => fchmod(fd, Mode::from_raw_mode((mode & 0o1777) | 0o700))?,
                // A later layer removed or replaced it.
                Err(Errno::NOENT | Errno::NOTDIR | Errno::LOOP) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }

    fn entry(&mut self, entry: &mut Entry<'_>) -> Result<(), ImageError> {
        let path = plain(&entry.name)?;
        let (Some(parent), Some(name)) = (path.parent(), path.file_name()) else {
            return Ok(());
        };
        let dir = self.parent(parent)?;
        if let Some(hidden) = name.as_bytes().strip_prefix(b".wh.") {
            return self.whiteout(&dir, parent, hidden);
        }
        self.make_room(&dir, &path, name, entry.kind)?;
        match entry.kind {
            EntryType::Directory => match mkdirat(&dir, name, Mode::RWXU) {
                Ok(()) | Err(Errno::EXIST) => self.modes.push((path.clone(), entry.mode)),
                Err(error) => return Err(error.into()),
            },
            EntryType::Regular | EntryType::Continuous => file(&dir, name, entry)?,
            EntryType::Symlink => {
                let target = entry.link.as_deref().unwrap_or_default();
                symlinkat(target, &dir, name)?;
            }
            EntryType::Link => {
                let target = plain(entry.link.as_deref().unwrap_or_default())?;
                let (Some(from), Some(base)) = (target.parent(), target.file_name()) else {
                    return Err(ImageError::archive("a hard link has no target"));
                };
                let from = self.parent(from)?;
                linkat(&from, base, &dir, name, AtFlags::empty()).map_err(|_| {
                    ImageError::archive(format!("the hard link {} has no target", path.display()))
                })?;
                self.last = None;
            }
            // Devices and pipes: a task has its own /dev, and an image needs no other.
            _ => return Ok(()),
        }
        if self.owners && entry.kind != EntryType::Link {
            let id = |id: u64| if id < IDS { id as u32 } else { 0 };
            let (uid, gid) = (Uid::from_raw(id(entry.uid)), Gid::from_raw(id(entry.gid)));
            chownat(&dir, name, Some(uid), Some(gid), AtFlags::SYMLINK_NOFOLLOW)?;
        }
        self.last = Some((parent.to_owned(), dir));
        self.fresh.insert(path);
        Ok(())
    }

    /// The directory `path`, resolved below the root and made where it is missing.
    fn parent(&mut self, path: &Path) -> Result<OwnedFd, ImageError> {
        if let Some((last, fd)) = self.last.take()
            && last == path
        {
            return Ok(fd);
        }
        match self.open_dir(path) {
            Ok(fd) => Ok(fd),
            Err(Errno::NOENT) => {
                let (Some(above), Some(name)) = (path.parent(), path.file_name()) else {
                    return Err(Errno::NOENT.into());
                };
                let above = self.parent(above)?;
                match mkdirat(&above, name, Mode::from_raw_mode(0o755)) {
                    Ok(()) => Ok(self.open_dir(path)?),
                    // A link to nowhere stands there.
                    Err(_) => Err(ImageError::archive("a directory in it is a broken link")),
                }
            }
            Err(error) => Err(ImageError::archive(format!(
                "{} is not a directory in it ({error})",
                path.display()
            ))),
        }
    }

    fn open_dir(&self, path: &Path) -> rustix::io::Result<OwnedFd> {
        let path = if path.as_os_str().is_empty() {
            Path::new(".")
        } else {
            path
        };
        let flags = OFlags::DIRECTORY | OFlags::CLOEXEC;
        within::open(&self.root, path, flags, ResolveFlags::NO_MAGICLINKS)
    }

    /// Removes what stands where an entry goes, unless both are directories.
    fn make_room(
        &mut self,
        dir: &OwnedFd,
        path: &Path,
        name: &OsStr,
        kind: EntryType,
    ) -> Result<(), ImageError> {
        match statat(dir, name, AtFlags::SYMLINK_NOFOLLOW) {
            Err(Errno::NOENT) => Ok(()),
            Err(error) => Err(error.into()),
            Ok(stat) => {
                let is_dir = FileType::from_raw_mode(stat.st_mode) == FileType::Directory;
                if is_dir && kind == EntryType::Directory {
                    return Ok(());
                }
                self.fresh.remove(path);
                self.last = None;
                Ok(remove_tree(dir, name)?)
            }
        }
    }

    /// `.wh.<name>` removes a name of lower layers, `.wh..wh..opq` all names of a directory.
    fn whiteout(&mut self, dir: &OwnedFd, path: &Path, hidden: &[u8]) -> Result<(), ImageError> {
        if hidden == b".wh..opq" {
            return self.clear(dir, path, DEPTH);
        }
        let name = OsStr::from_bytes(hidden);
        if hidden.is_empty() || name == "." || name == ".." {
            return Err(ImageError::archive("a whiteout in it has no name"));
        }
        if !self.fresh.contains(&path.join(name)) {
            self.last = None;
            match remove_tree(dir, name) {
                Ok(()) | Err(Errno::NOENT) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }

    fn clear(&mut self, dir: &OwnedFd, path: &Path, depth: usize) -> Result<(), ImageError> {
        self.last = None;
        for name in names(dir)? {
            let below = path.join(&name);
            if !self.fresh.contains(&below) {
                remove_tree(dir, &name)?;
            } else if depth > 0
                && let Ok(inner) = open_below(dir, &name)
            {
                self.clear(&inner, &below, depth - 1)?;
            }
        }
        Ok(())
    }
}

fn file(dir: &OwnedFd, name: &OsStr, entry: &mut Entry<'_>) -> Result<(), ImageError> {
    let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let mut file = File::from(openat(dir, name, flags, Mode::RUSR | Mode::WUSR)?);
    let copied = io::copy(&mut entry.data, &mut file)?;
    if copied != entry.size {
        return Err(ImageError::archive("it ends in the middle of a file"));
    }
    fchmod(&file, Mode::from_raw_mode(entry.mode & 0o777))?;
    let time = Timespec {
        tv_sec: i64::try_from(entry.mtime).unwrap_or(0),
        tv_nsec: 0,
    };
    futimens(
        file.as_fd(),
        &Timestamps {
            last_access: time,
            last_modification: time,
        },
    )?;
    Ok(())
}

/// A name of the archive as a relative path of plain components.
fn plain(name: &[u8]) -> Result<PathBuf, ImageError> {
    let mut path = PathBuf::new();
    let mut depth = 0;
    for part in name.split(|b| *b == b'/') {
        match part {
            b"" | b"." => {}
            b".." => return Err(ImageError::archive("a name in it contains '..'")),
            part if part.len() > 255 || part.contains(&0) => {
                return Err(ImageError::archive("a name in it can not be a file's name"));
            }
            part => path.push(OsStr::from_bytes(part)),
        }
        depth += 1;
        if depth > DEPTH {
            return Err(ImageError::archive("a name in it is too deep"));
        }
    }
    Ok(path)
}

fn open_below(dir: &OwnedFd, name: &OsStr) -> rustix::io::Result<OwnedFd> {
    let flags = OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    openat(dir, name, flags, Mode::empty())
}
