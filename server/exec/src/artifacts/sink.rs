//! The archives that artifacts are packed into.

use std::ffi::OsStr;
use std::fs::File;
use std::io::{self, Read, Write};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use tar::{EntryType, Header};

use super::Fault;

/// What an archive says of an entry.
pub(super) struct About {
    pub(super) mode: u32,
    pub(super) time: u64,
    pub(super) size: u64,
}

impl About {
    const LINK: Self = Self {
        mode: 0o777,
        time: 0,
        size: 0,
    };
}

const CHANGED: &str = "a file of it changed while it was read";

pub(super) fn changed() -> Fault {
    Fault::hostile(CHANGED)
}

/// An archive in the making.
pub(super) trait Sink {
    fn directory(&mut self, path: &Path, about: &About) -> Result<(), Fault>;
    fn file(&mut self, path: &Path, about: &About, data: &mut dyn Read) -> Result<(), Fault>;
    fn link(&mut self, path: &Path, target: &[u8]) -> Result<(), Fault>;
    fn finish(self: Box<Self>) -> Result<(), Fault>;
}

pub(super) struct Tar<W: Write>(tar::Builder<W>);

impl<W: Write> Tar<W> {
    pub(super) fn new(into: W) -> Self {
        Self(tar::Builder::new(into))
    }
}

fn header(kind: EntryType, about: &About) -> Header {
    let mut header = Header::new_gnu();
    header.set_entry_type(kind);
    header.set_mode(about.mode);
    header.set_mtime(about.time);
    header.set_uid(0);
    header.set_gid(0);
    header
}

impl<W: Write> Sink for Tar<W> {
    fn directory(&mut self, path: &Path, about: &About) -> Result<(), Fault> {
        let mut header = header(EntryType::Directory, about);
        header.set_size(0);
        let path: PathBuf = path.join("");
        Ok(self.0.append_data(&mut header, path, io::empty())?)
    }

    fn file(&mut self, path: &Path, about: &About, data: &mut dyn Read) -> Result<(), Fault> {
        let mut header = header(EntryType::Regular, about);
        header.set_size(about.size);
        let mut whole = Whole {
            data,
            left: about.size,
        };
        Ok(self.0.append_data(&mut header, path, &mut whole)?)
    }

    fn link(&mut self, path: &Path, target: &[u8]) -> Result<(), Fault> {
        let mut header = header(EntryType::Symlink, &About::LINK);
        header.set_size(0);
        let target = OsStr::from_bytes(target);
        Ok(self.0.append_link(&mut header, path, target)?)
    }

    fn finish(self: Box<Self>) -> Result<(), Fault> {
        let mut inner = self.0.into_inner()?;
        Ok(inner.flush()?)
    }
}

/// A file that must not end before its size: the archive would be torn.
struct Whole<'d> {
    data: &'d mut dyn Read,
    left: u64,
}

impl Read for Whole<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.data.read(buffer)?;
        self.left = self.left.saturating_sub(read as u64);
        if read == 0 && self.left > 0 && !buffer.is_empty() {
            return Err(io::Error::new(io::ErrorKind::InvalidData, CHANGED));
        }
        Ok(read)
    }
}

pub(super) struct Zip(::zip::ZipWriter<File>);

impl Zip {
    pub(super) fn new(into: File) -> Self {
        Self(::zip::ZipWriter::new(into))
    }

    fn options(about: &About) -> ::zip::write::SimpleFileOptions {
        ::zip::write::SimpleFileOptions::default()
            .unix_permissions(about.mode)
            .large_file(about.size >= u64::from(u32::MAX))
    }

    fn name(path: &Path) -> Result<&str, Fault> {
        let name = path.to_str();
        name.ok_or_else(|| Fault::hostile("a name in it is not UTF-8, which zip needs"))
    }
}

impl Sink for Zip {
    fn directory(&mut self, path: &Path, about: &About) -> Result<(), Fault> {
        Ok(self
            .0
            .add_directory(Self::name(path)?, Self::options(about))?)
    }

    fn file(&mut self, path: &Path, about: &About, data: &mut dyn Read) -> Result<(), Fault> {
        self.0.start_file(Self::name(path)?, Self::options(about))?;
        if io::copy(data, &mut self.0)? != about.size {
            return Err(changed());
        }
        Ok(())
    }

    fn link(&mut self, path: &Path, target: &[u8]) -> Result<(), Fault> {
        let target = std::str::from_utf8(target);
        let target = target.map_err(|_| Fault::hostile("a link in it is not UTF-8"))?;
        Ok(self
            .0
            .add_symlink(Self::name(path)?, target, Self::options(&About::LINK))?)
    }

    fn finish(self: Box<Self>) -> Result<(), Fault> {
        self.0.finish()?;
        Ok(())
    }
}
