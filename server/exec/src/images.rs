//! Images: the root file systems that tasks run in. They are imported from archives, so no registry
//! is needed, and unpacked once into one directory an image, named by the digest of its
//! configuration (Docker's image id).
//!
//! ```text
//! DATA/images/index.json          names -> id; replaced as a whole, under the lock
//! DATA/images/roots/<id>/root/    the file system
//! DATA/images/roots/<id>/image.json
//! DATA/images/roots/<id>/lock     held, shared, by every task that runs in it
//! ```
//!
//! Works with and without a running server: every change holds `DATA/images/lock`.

pub(crate) mod archive;
mod import;
mod name;
mod unpack;

use std::collections::BTreeMap;
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use rustix::fs::{FlockOperation, flock};
use serde::{Deserialize, Serialize};
use thiserror::Error;

pub use import::Source;
pub use name::canonical;

/// What an image says about running it (OCI image specification, `config`).
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ImageConfig {
    /// First words of the command line.
    pub entrypoint: Vec<String>,
    /// Arguments when the container gives none.
    pub cmd: Vec<String>,
    /// `NAME=value`.
    pub env: Vec<String>,
    /// The working directory.
    pub workdir: Option<String>,
    /// `user[:group]`, as names or numbers.
    pub user: Option<String>,
}

/// An unpacked image.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImageRoot {
    /// The directory that holds `root` and `lock`.
    pub path: PathBuf,
    /// How to run it.
    pub config: ImageConfig,
}

/// An image of this host.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Image {
    /// SHA-256 of its configuration, in hexadecimal.
    pub id: String,
    /// Its names, each in the full form.
    #[serde(default)]
    pub names: Vec<String>,
    /// Bytes of its files.
    pub size: u64,
    /// How to run it.
    pub config: ImageConfig,
}

/// What can go wrong with images.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ImageError {
    /// No image has this name.
    #[error("the image '{name}' is not on this host")]
    Missing {
        /// As the workflow wrote it.
        name: String,
    },
    /// The text can not be an image's name.
    #[error("'{name}' can not be an image's name")]
    BadName {
        /// As it was given.
        name: String,
    },
    /// The archive is not what it should be.
    #[error("the archive can not be imported: {why}")]
    BadArchive {
        /// One sentence.
        why: String,
    },
    /// A task runs in it.
    #[error("the image '{name}' is in use by a running task")]
    InUse {
        /// Its id.
        name: String,
    },
    /// A file or system call failed.
    #[error("the image store can not be used")]
    Io(#[from] io::Error),
}

impl From<rustix::io::Errno> for ImageError {
    fn from(error: rustix::io::Errno) -> Self {
        Self::Io(error.into())
    }
}

impl ImageError {
    /// The stable code.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Missing { .. } => "image.missing",
            Self::BadName { .. } => "image.bad-name",
            Self::BadArchive { .. } => "image.bad-archive",
            Self::InUse { .. } => "image.in-use",
            Self::Io(_) => "image.io",
        }
    }

    /// What to do about it.
    pub fn fix(&self) -> Option<String> {
        match self {
            Self::Missing { .. } => {
                Some("carry it in as an archive: steading image import FILE".into())
            }
            Self::BadArchive { .. } => {
                Some("export it again as an OCI archive or with docker save".into())
            }
            Self::InUse { .. } => Some("wait for its tasks to end, or stop them".into()),
            Self::BadName { .. } | Self::Io(_) => None,
        }
    }

    pub(crate) fn archive(why: impl Into<String>) -> Self {
        Self::BadArchive { why: why.into() }
    }
}

/// Names, each in the full form, and the image behind it.
type Index = BTreeMap<String, String>;

/// The images of one data directory.
#[derive(Debug, Clone)]
pub struct Images {
    dir: PathBuf,
}

impl Images {
    /// The store below a data directory; made when something is imported.
    pub fn at(data_dir: &Path) -> Self {
        Self {
            dir: data_dir.join("images"),
        }
    }

    /// Finds an image by a name as workflows write it, by `name@sha256:…`, or by its id.
    ///
    /// # Errors
    /// [`ImageError::Missing`] when it was never imported.
    pub fn resolve(&self, name: &str) -> Result<ImageRoot, ImageError> {
        let image = self.inspect(name)?;
        Ok(ImageRoot {
            path: self.root(&image.id),
            config: image.config,
        })
    }

    /// What is known of an image.
    ///
    /// # Errors
    /// [`ImageError::Missing`] when it was never imported.
    pub fn inspect(&self, name: &str) -> Result<Image, ImageError> {
        let index = self.index()?;
        let missing = || ImageError::Missing { name: name.into() };
        let id = match name.strip_prefix("sha256:").unwrap_or(name) {
            id if is_id(id) => id.to_owned(),
            _ => {
                let full = canonical(name)?;
                index.get(&full).cloned().ok_or_else(missing)?
            }
        };
        self.image(&id, &index).map_err(|error| match error {
            ImageError::Io(e) if e.kind() == io::ErrorKind::NotFound => missing(),
            error => error,
        })
    }

    /// All images, by their first name.
    ///
    /// # Errors
    /// When the store can not be read.
    pub fn list(&self) -> Result<Vec<Image>, ImageError> {
        let index = self.index()?;
        let mut images = Vec::new();
        for id in self.ids()? {
            images.push(self.image(&id, &index)?);
        }
        images.sort_by(|a, b| (&a.names, &a.id).cmp(&(&b.names, &b.id)));
        Ok(images)
    }

    /// Gives an image a further name; a name that another image had moves.
    ///
    /// # Errors
    /// When the image is missing or the name can not be one.
    pub fn tag(&self, image: &str, name: &str) -> Result<(), ImageError> {
        let _lock = self.lock()?;
        let id = self.inspect(image)?.id;
        let mut index = self.index()?;
        index.insert(canonical(name)?, id);
        self.replace_index(&index)
    }

    /// Removes a name; the last name takes the image with it. By id: all names and the image.
    ///
    /// # Errors
    /// [`ImageError::InUse`] when a task runs in it.
    pub fn remove(&self, name: &str) -> Result<(), ImageError> {
        let _lock = self.lock()?;
        let image = self.inspect(name)?;
        let mut index = self.index()?;
        let full = canonical(name).unwrap_or_default();
        if index.remove(&full).is_none() {
            index.retain(|_, id| *id != image.id);
        }
        if !index.values().any(|id| *id == image.id) {
            self.delete(&image.id)?;
        }
        self.replace_index(&index)
    }

    /// Removes what interrupted imports left and images without a name; answers the freed bytes.
    /// Images in use stay.
    ///
    /// # Errors
    /// When the store can not be changed.
    pub fn gc(&self) -> Result<u64, ImageError> {
        let _lock = self.lock()?;
        match std::fs::remove_dir_all(self.dir.join("tmp")) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error.into()),
            _ => {}
        }
        let index = self.index()?;
        let mut freed = 0;
        for id in self.ids()? {
            if index.values().any(|named| *named == id) {
                continue;
            }
            let size = self.image(&id, &index).map_or(0, |image| image.size);
            match self.delete(&id) {
                Ok(()) => freed += size,
                Err(ImageError::InUse { .. }) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(freed)
    }

    fn root(&self, id: &str) -> PathBuf {
        self.dir.join("roots").join(id)
    }

    fn ids(&self) -> Result<Vec<String>, ImageError> {
        let entries = match std::fs::read_dir(self.dir.join("roots")) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            entries => entries?,
        };
        let mut ids = Vec::new();
        for entry in entries {
            let name = entry?.file_name();
            ids.extend(name.to_str().filter(|name| is_id(name)).map(str::to_owned));
        }
        Ok(ids)
    }

    fn image(&self, id: &str, index: &Index) -> Result<Image, ImageError> {
        let text = std::fs::read(self.root(id).join("image.json"))?;
        let mut image: Image = serde_json::from_slice(&text).map_err(io::Error::from)?;
        let names = index.iter().filter(|(_, named)| *named == id);
        image.names = names.map(|(name, _)| name.clone()).collect();
        Ok(image)
    }

    fn index(&self) -> Result<Index, ImageError> {
        match std::fs::read(self.dir.join("index.json")) {
            Ok(text) => Ok(serde_json::from_slice(&text).map_err(io::Error::from)?),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Index::new()),
            Err(error) => Err(error.into()),
        }
    }

    fn replace_index(&self, index: &Index) -> Result<(), ImageError> {
        let new = self.dir.join("index.new");
        let mut file = File::create(&new)?;
        serde_json::to_writer_pretty(&mut file, index).map_err(io::Error::from)?;
        file.sync_all()?;
        Ok(std::fs::rename(new, self.dir.join("index.json"))?)
    }

    /// Keeps every other process from changing the store.
    fn lock(&self) -> Result<File, ImageError> {
        std::fs::create_dir_all(&self.dir)?;
        let file = File::create(self.dir.join("lock"))?;
        flock(&file, FlockOperation::LockExclusive)?;
        Ok(file)
    }

    fn delete(&self, id: &str) -> Result<(), ImageError> {
        let root = self.root(id);
        let lock = File::create(root.join("lock"))?;
        if flock(&lock, FlockOperation::NonBlockingLockExclusive).is_err() {
            return Err(ImageError::InUse { name: id.into() });
        }
        let trash = self.dir.join("tmp").join(id);
        std::fs::create_dir_all(self.dir.join("tmp"))?;
        std::fs::rename(root, &trash)?;
        Ok(std::fs::remove_dir_all(trash)?)
    }
}

fn is_id(text: &str) -> bool {
    text.len() == 64
        && text
            .bytes()
            .all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b))
}
