//! Images: the root file systems that tasks run in, imported from archives.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use thiserror::Error;

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
    /// The directory that becomes `/`.
    pub path: PathBuf,
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
}

impl ImageError {
    /// The stable code.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Missing { .. } => "image.missing",
        }
    }

    /// What to do about it.
    pub fn fix(&self) -> Option<String> {
        match self {
            Self::Missing { .. } => Some("import it with: steading image import FILE".into()),
        }
    }
}
