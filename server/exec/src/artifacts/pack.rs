//! One output artifact, from its path in the task to its staged content. Everything is opened without following
//! links and looked at again once it is open, because a volume may be shared with a task that is still alive.

use std::ffi::OsStr;
use std::fs::File;
use std::io::{self, Read, Seek, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::path::Path;

use flate2::Compression;
use flate2::write::GzEncoder;
use rustix::fs::{FileType, Mode, OFlags, ResolveFlags, fstat, openat, readlinkat};
use rustix::io::Errno;
use steading_types::artifact::Packing;
use steading_types::task::{Gathered, Given};

use super::place::checked;
use super::sink::{About, Sink, Tar, Zip, changed};
use super::{DEPTH, Fault, links};
use crate::within;

const READ: OFlags = OFlags::RDONLY
    .union(OFlags::NONBLOCK)
    .union(OFlags::NOCTTY)
    .union(OFlags::CLOEXEC);

/// Writes what lies at the artifact's path into `content`; nothing when there is nothing.
pub(super) fn pack(
    root: &OwnedFd,
    given: &Given,
    content: &File,
    limit: u64,
) -> Result<Option<Gathered>, Fault> {
    let path = checked(&given.path)?;
    let found = match within::open(root, path.as_path(), READ, ResolveFlags::NO_MAGICLINKS) {
        Ok(found) => found,
        Err(Errno::NOENT | Errno::NOTDIR) => return Ok(None),
        // What a socket or a device without a driver answers.
        Err(Errno::NXIO | Errno::NODEV) => return Err(Fault::Kind(given.path.clone())),
        Err(error) => return Err(error.into()),
    };
    let kind = FileType::from_raw_mode(fstat(&found)?.st_mode);
    if within::is_kernels(&found) {
        return Err(Fault::Kind(given.path.clone()));
    }
    let mut content = content.try_clone()?;
    content.rewind()?;
    content.set_len(0)?;
    match (kind, given.packing) {
        (FileType::RegularFile, Packing::None) => {
            let mut counted = Counted { limit, left: limit };
            copy(&File::from(found), &mut content, &mut counted)?;
            return Ok(Some(Gathered::Object));
        }
        (FileType::RegularFile | FileType::Directory, _) => {}
        _ => return Err(Fault::Kind(given.path.clone())),
    }
    let base = path.file_name().unwrap_or(OsStr::new("artifact"));
    let counted = Counted { limit, left: limit };
    let walk = |sink: Box<dyn Sink + '_>| {
        let mut walk = Walk { sink, counted };
        walk.entry(found.as_fd().try_clone_to_owned()?, Path::new(base), 0)?;
        walk.sink.finish()
    };
    match given.packing {
        Packing::None => walk(Box::new(Tar::new(content)))?,
        Packing::Usual => walk(Box::new(Tar::new(GzEncoder::new(
            content,
            Compression::default(),
        ))))?,
        Packing::Tar(level) => {
            let level = Compression::new(u32::from(level.min(9)));
            walk(Box::new(Tar::new(GzEncoder::new(content, level))))?;
        }
        Packing::Zip => walk(Box::new(Zip::new(content)))?,
    }
    Ok(Some(match given.packing {
        Packing::None => Gathered::Tree,
        _ => Gathered::Object,
    }))
}

/// Bytes that may still come.
#[derive(Clone, Copy)]
struct Counted {
    limit: u64,
    left: u64,
}

impl Counted {
    fn take(&mut self, size: u64) -> Result<(), Fault> {
        self.left = self
            .left
            .checked_sub(size)
            .ok_or(Fault::TooLarge(self.limit))?;
        Ok(())
    }
}

/// Copies a file of the size that it has now.
fn copy(from: &File, into: &mut impl Write, counted: &mut Counted) -> Result<(), Fault> {
    let size = from.metadata()?.len();
    counted.take(size)?;
    if io::copy(&mut from.take(size), into)? != size {
        return Err(changed());
    }
    Ok(())
}

/// A file or directory, below the artifact's top.
struct Walk<'s> {
    sink: Box<dyn Sink + 's>,
    counted: Counted,
}

impl Walk<'_> {
    /// `depth` is that of the entry below the artifact's top.
    fn entry(&mut self, found: OwnedFd, path: &Path, depth: usize) -> Result<(), Fault> {
        let stat = fstat(&found)?;
        let about = About {
            mode: stat.st_mode & 0o777,
            time: u64::try_from(stat.st_mtime).unwrap_or(0),
            size: u64::try_from(stat.st_size).unwrap_or(0),
        };
        match FileType::from_raw_mode(stat.st_mode) {
            FileType::RegularFile => {
                self.counted.take(about.size)?;
                let mut file = File::from(found).take(about.size);
                self.sink.file(path, &about, &mut file)
            }
            FileType::Directory if depth >= DEPTH => Err(Fault::hostile("it is too deep")),
            // The kernel's own, mounted below.
            FileType::Directory if within::is_kernels(&found) => Ok(()),
            FileType::Directory => {
                self.sink.directory(path, &about)?;
                // In order, so that the same content is packed the same way.
                let mut names = within::names(&found)?;
                names.sort_unstable();
                for name in names {
                    self.child(&found, &name, path, depth)?;
                }
                Ok(())
            }
            // Sockets, pipes and devices have no content.
            _ => Ok(()),
        }
    }

    fn child(
        &mut self,
        dir: &OwnedFd,
        name: &OsStr,
        above: &Path,
        depth: usize,
    ) -> Result<(), Fault> {
        let path = above.join(name);
        match openat(dir, name, READ | OFlags::NOFOLLOW, Mode::empty()) {
            Ok(found) => self.entry(found, &path, depth.saturating_add(1)),
            Err(Errno::LOOP) => {
                let target = readlinkat(dir, name, Vec::new())?;
                links::stays(&path.to_string_lossy(), target.to_bytes(), depth)?;
                self.sink.link(&path, target.to_bytes())
            }
            // A socket, a device without a driver; a file that a living task has removed meanwhile.
            Err(Errno::NXIO | Errno::NODEV | Errno::NOENT) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }
}
