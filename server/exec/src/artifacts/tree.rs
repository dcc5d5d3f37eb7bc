//! A directory that an archive is unpacked in. Names are resolved by the kernel, below that directory and through
//! no link, so an entry lands where its name says or nowhere.

use std::ffi::OsStr;
use std::fs::File;
use std::io::{self, Read};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use rustix::fs::{
    AtFlags, FileType, Mode, OFlags, ResolveFlags, Timespec, Timestamps, fchmod, futimens, linkat,
    mkdirat, openat, statat, symlinkat, unlinkat,
};
use rustix::io::Errno;

use super::{DEPTH, Fault, links};
use crate::within;

/// What an archive may unfold to.
pub(super) struct Budget {
    /// The site's limit, bytes.
    pub(super) limit: u64,
    bytes: u64,
    entries: u64,
}

impl Budget {
    /// For an archive of `packed` bytes. No honest file shrinks by much more than the hundredth part, and none
    /// costs its archive less than a few bytes.
    pub(super) fn of(packed: u64, limit: u64) -> Self {
        Self {
            limit,
            bytes: packed
                .saturating_mul(200)
                .saturating_add(1 << 30)
                .min(limit),
            entries: (packed / 16).saturating_add(50_000),
        }
    }

    fn entry(&mut self, size: u64) -> Result<(), Fault> {
        self.entries = self.entries.checked_sub(1).ok_or(Fault::Bomb)?;
        self.bytes = match self.bytes.checked_sub(size) {
            Some(left) => left,
            None if size > self.limit => return Err(Fault::TooLarge(self.limit)),
            None => return Err(Fault::Bomb),
        };
        Ok(())
    }
}

/// The directory, being filled.
pub(super) struct Tree {
    top: OwnedFd,
    budget: Budget,
    /// Applied when everything is in place.
    modes: Vec<(PathBuf, u32)>,
    /// A link that leads just up to the top: it would leave when the only entry becomes the artifact.
    climber: Option<String>,
}

impl Tree {
    pub(super) fn new(top: OwnedFd, budget: Budget) -> Self {
        Self {
            top,
            budget,
            modes: Vec::new(),
            climber: None,
        }
    }

    /// A directory.
    pub(super) fn directory(&mut self, name: &[u8], mode: u32) -> Result<(), Fault> {
        self.budget.entry(0)?;
        let path = plain(name)?;
        self.open(&path)?;
        self.modes.push((path, mode));
        Ok(())
    }

    /// A file of `size` bytes.
    pub(super) fn file(
        &mut self,
        name: &[u8],
        (mode, time, size): (u32, u64, u64),
        data: &mut dyn Read,
    ) -> Result<(), Fault> {
        self.budget.entry(size)?;
        let (dir, last) = self.free(name)?;
        let flags =
            OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let mut file = File::from(openat(&dir, &last, flags, Mode::RUSR | Mode::WUSR)?);
        // One byte more than announced is one too many.
        let copied = io::copy(&mut data.take(size.saturating_add(1)), &mut file)?;
        if copied != size {
            return Err(Fault::hostile("a file in it has another size than it says"));
        }
        fchmod(&file, Mode::from_raw_mode(mode & 0o777))?;
        let time = Timespec {
            tv_sec: i64::try_from(time).unwrap_or(0),
            tv_nsec: 0,
        };
        let times = Timestamps {
            last_access: time,
            last_modification: time,
        };
        Ok(futimens(file.as_fd(), &times)?)
    }

    /// A symbolic link.
    pub(super) fn link(&mut self, name: &[u8], target: &[u8]) -> Result<(), Fault> {
        self.budget.entry(0)?;
        let depth = plain(name)?.components().count().saturating_sub(1);
        let shown = String::from_utf8_lossy(name);
        links::stays(&shown, target, depth)?;
        if links::climbs(&shown, target)? == depth {
            self.climber.get_or_insert_with(|| shown.into_owned());
        }
        let (dir, last) = self.free(name)?;
        Ok(symlinkat(OsStr::from_bytes(target), &dir, &last)?)
    }

    /// Another name of a file that came before.
    pub(super) fn hard_link(&mut self, name: &[u8], of: &[u8]) -> Result<(), Fault> {
        self.budget.entry(0)?;
        let (from, base) = self.parent(of)?;
        let stat = statat(&from, &base, AtFlags::SYMLINK_NOFOLLOW)?;
        if FileType::from_raw_mode(stat.st_mode) != FileType::RegularFile {
            return Err(Fault::hostile("a hard link in it has no file"));
        }
        let (dir, last) = self.free(name)?;
        Ok(linkat(&from, &base, &dir, &last, AtFlags::empty())?)
    }

    /// Applies the modes of directories. Answers the names at the top, and a link that leads up to it.
    pub(super) fn finish(self) -> Result<(Vec<PathBuf>, Option<String>), Fault> {
        for (path, mode) in self.modes.iter().rev() {
            let dir = open(&self.top, path)?;
            fchmod(dir, Mode::from_raw_mode((mode & 0o777) | 0o700))?;
        }
        let names = within::names(&self.top)?;
        let names = names.into_iter().map(PathBuf::from);
        Ok((names.collect(), self.climber))
    }

    /// The directory of a name and its last part, at which nothing stands any more.
    fn free(&mut self, name: &[u8]) -> Result<(OwnedFd, PathBuf), Fault> {
        let (dir, last) = self.parent(name)?;
        match unlinkat(&dir, &last, AtFlags::empty()) {
            Ok(()) | Err(Errno::NOENT) => Ok((dir, last)),
            Err(Errno::ISDIR | Errno::PERM) => {
                Err(Fault::hostile("a name in it stands for two things"))
            }
            Err(error) => Err(error.into()),
        }
    }

    fn parent(&mut self, name: &[u8]) -> Result<(OwnedFd, PathBuf), Fault> {
        let path = plain(name)?;
        let last = path.file_name();
        let last = last.ok_or_else(|| Fault::hostile("a name in it is empty"))?;
        let dir = self.open(path.parent().unwrap_or(Path::new("")))?;
        Ok((dir, PathBuf::from(last)))
    }

    /// A directory of the tree, made with those above it where it is missing.
    fn open(&mut self, path: &Path) -> Result<OwnedFd, Fault> {
        match open(&self.top, path) {
            Err(Errno::NOENT) => {}
            opened => return Ok(opened?),
        }
        let (Some(above), Some(name)) = (path.parent(), path.file_name()) else {
            return Err(Errno::NOENT.into());
        };
        let above = self.open(above)?;
        match mkdirat(&above, name, Mode::from_raw_mode(0o755)) {
            Ok(()) => self.budget.entry(0)?,
            Err(Errno::EXIST) => {}
            Err(error) => return Err(error.into()),
        }
        Ok(open(&self.top, path)?)
    }
}

fn open(top: &OwnedFd, path: &Path) -> rustix::io::Result<OwnedFd> {
    let path = if path.as_os_str().is_empty() {
        Path::new(".")
    } else {
        path
    };
    let flags = OFlags::DIRECTORY | OFlags::CLOEXEC;
    within::open(top, path, flags, ResolveFlags::NO_SYMLINKS)
}

/// A name of an archive as a path of plain parts.
fn plain(name: &[u8]) -> Result<PathBuf, Fault> {
    if name.first() == Some(&b'/') {
        return Err(Fault::hostile("a name in it is absolute"));
    }
    let mut path = PathBuf::new();
    for (depth, part) in name.split(|byte| *byte == b'/').enumerate() {
        match part {
            b"" | b"." => {}
            b".." => return Err(Fault::hostile("a name in it contains '..'")),
            part if part.len() > 255 || part.contains(&0) || depth > DEPTH => {
                return Err(Fault::hostile("a name in it can not be a file's name"));
            }
            part => path.push(OsStr::from_bytes(part)),
        }
    }
    Ok(path)
}
