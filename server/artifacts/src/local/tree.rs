//! Files below one directory, reached without following a single link: a key is resolved by the kernel
//! (`openat2`, beneath the directory, no symbolic links), so neither a key nor a link that somebody managed to
//! place leads out.

use std::fs::File;
use std::os::fd::{AsFd, OwnedFd};
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};

use rustix::fs::{
    AtFlags, CWD, Dir, FileType, Mode, OFlags, ResolveFlags, fsync, mkdirat, openat, openat2,
    renameat, unlinkat,
};
use rustix::io::Errno;

use crate::error::ArtifactError;
use crate::key::Key;

/// Where contents are written before they have their key; no key begins with it.
const INCOMING: &str = ".incoming";
/// How often a parent is made again that a removal beside us took away.
const TRIES: u32 = 8;

pub(super) struct Tree {
    root: OwnedFd,
    incoming: OwnedFd,
    next: AtomicU64,
}

impl Tree {
    pub(super) fn open(root: &Path) -> Result<Self, ArtifactError> {
        std::fs::create_dir_all(root)?;
        let root = openat(CWD, root, directory(), Mode::empty())?;
        match mkdirat(&root, INCOMING, Mode::RWXU) {
            Ok(()) | Err(Errno::EXIST) => {}
            Err(error) => return Err(error.into()),
        }
        let incoming = openat(
            &root,
            INCOMING,
            directory() | OFlags::NOFOLLOW,
            Mode::empty(),
        )?;
        for entry in Dir::read_from(&incoming)? {
            let entry = entry?;
            if entry.file_type() != FileType::Directory {
                unlinkat(&incoming, entry.file_name(), AtFlags::empty())?;
            }
        }
        Ok(Self {
            root,
            incoming,
            next: AtomicU64::new(0),
        })
    }

    /// Lets `fill` write a new file and gives it the key when that went well.
    pub(super) fn write<T>(
        &self,
        key: &Key,
        fill: impl FnOnce(&mut File) -> Result<T, ArtifactError>,
    ) -> Result<T, ArtifactError> {
        self.own(key)?;
        let name = self.next.fetch_add(1, Ordering::Relaxed).to_string();
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::CLOEXEC;
        let mut file: File = openat(&self.incoming, &name, flags, Mode::RUSR | Mode::WUSR)?.into();
        let kept = fill(&mut file).and_then(|filled| {
            file.sync_all()?;
            self.publish(&name, key)?;
            Ok(filled)
        });
        if kept.is_err() {
            // What stays in spite of this goes at the next start.
            let _ = unlinkat(&self.incoming, &name, AtFlags::empty());
        }
        kept
    }

    /// The file of a key, open for reading.
    pub(super) fn read(&self, key: &Key) -> Result<File, ArtifactError> {
        self.own(key)?;
        let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
        let missing = || ArtifactError::NotFound {
            store: "the local disk".to_owned(),
            key: key.to_string(),
        };
        let file: File = match self.resolve(key.as_str(), flags) {
            Ok(fd) => fd.into(),
            Err(Errno::NOENT | Errno::NOTDIR | Errno::LOOP | Errno::XDEV) => return Err(missing()),
            Err(error) => return Err(error.into()),
        };
        if file.metadata()?.is_file() {
            Ok(file)
        } else {
            Err(missing())
        }
    }

    /// Removes the file of a key, and the directories that hold nothing else.
    pub(super) fn remove(&self, key: &Key) -> Result<(), ArtifactError> {
        self.own(key)?;
        let (parent, name) = key.split();
        let Some(dir) = self.parent(parent)? else {
            return Ok(());
        };
        match unlinkat(&dir, name, AtFlags::empty()) {
            Ok(()) => fsync(&dir)?,
            // The key of a directory is no object.
            Err(Errno::NOENT | Errno::ISDIR | Errno::PERM) => return Ok(()),
            Err(error) => return Err(error.into()),
        }
        let mut empty = parent;
        while let Some(path) = empty {
            let (above, name) = split(path);
            let Some(dir) = self.parent(above)? else {
                break;
            };
            if unlinkat(&dir, name, AtFlags::REMOVEDIR).is_err() {
                break;
            }
            empty = above;
        }
        Ok(())
    }

    /// A directory below the root, for reading its names; nothing when there is none.
    pub(super) fn directory(&self, path: &str) -> Result<Option<OwnedFd>, ArtifactError> {
        match self.resolve(path, directory()) {
            Ok(fd) => Ok(Some(fd)),
            Err(Errno::NOENT | Errno::NOTDIR | Errno::LOOP | Errno::XDEV) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    fn publish(&self, name: &str, key: &Key) -> Result<(), ArtifactError> {
        let (parent, base) = key.split();
        for _ in 0..TRIES {
            let made = match parent {
                Some(path) => self.make(path, key)?,
                None => self.root.try_clone()?,
            };
            match renameat(&self.incoming, name, &made, base) {
                Ok(()) => return Ok(fsync(&made)?),
                // The last object beside it was removed, and the directory with it: make it again.
                Err(Errno::NOENT) => {}
                Err(Errno::ISDIR | Errno::NOTEMPTY | Errno::EXIST) => {
                    return Err(in_the_way(key, "there are artifacts below it"));
                }
                Err(error) => return Err(error.into()),
            }
        }
        Err(ArtifactError::from(Errno::NOENT))
    }

    /// The directory of a path, made part by part; each new name is synced into its parent.
    fn make(&self, path: &str, key: &Key) -> Result<OwnedFd, ArtifactError> {
        if let Some(fd) = self.directory(path)? {
            return Ok(fd);
        }
        let mut at = self.root.try_clone()?;
        for part in path.split('/') {
            match mkdirat(&at, part, Mode::RWXU) {
                Ok(()) => fsync(&at)?,
                Err(Errno::EXIST) => {}
                Err(error) => return Err(error.into()),
            }
            at = match openat(&at, part, directory() | OFlags::NOFOLLOW, Mode::empty()) {
                Ok(next) => next,
                Err(Errno::NOTDIR | Errno::LOOP) => {
                    return Err(in_the_way(key, "an artifact has the name of its directory"));
                }
                Err(error) => return Err(error.into()),
            };
        }
        Ok(at)
    }

    fn parent(&self, path: Option<&str>) -> Result<Option<OwnedFd>, ArtifactError> {
        match path {
            Some(path) => self.directory(path),
            None => Ok(Some(self.root.try_clone()?)),
        }
    }

    fn resolve(&self, path: &str, flags: OFlags) -> Result<OwnedFd, Errno> {
        let beneath =
            ResolveFlags::BENEATH | ResolveFlags::NO_SYMLINKS | ResolveFlags::NO_MAGICLINKS;
        loop {
            match openat2(self.root.as_fd(), path, flags, Mode::empty(), beneath) {
                // A rename beside us: the kernel asks to look again.
                Err(Errno::AGAIN | Errno::INTR) => {}
                answer => return answer,
            }
        }
    }

    /// Refuses the one name that is ours.
    fn own(&self, key: &Key) -> Result<(), ArtifactError> {
        if key.as_str().split('/').next() == Some(INCOMING) {
            return Err(in_the_way(key, "this name is kept for unfinished ones"));
        }
        Ok(())
    }
}

fn directory() -> OFlags {
    OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC
}

fn split(path: &str) -> (Option<&str>, &str) {
    match path.rsplit_once('/') {
        Some((parent, name)) => (Some(parent), name),
        None => (None, path),
    }
}

fn in_the_way(key: &Key, other: &'static str) -> ArtifactError {
    ArtifactError::InTheWay {
        key: key.clone(),
        other,
    }
}
