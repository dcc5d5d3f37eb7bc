//! Volumes of a task.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::MemoryBytes;

/// A volume of a task.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Volume {
    /// Unique in the task.
    pub name: String,
    /// What it is.
    pub kind: VolumeKind,
}

/// The kinds of volume that a backend provides.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum VolumeKind {
    /// An empty directory that lives as long as the task.
    EmptyDir {
        /// In memory instead of on disk.
        memory: bool,
        /// Upper limit of its size, in bytes.
        size: Option<MemoryBytes>,
    },
    /// Files whose contents are known: of a ConfigMap, a Secret, the pod's own fields. They are kept in
    /// memory, never on disk, and no container can write them.
    Files {
        /// Relative path, without `..`, to file.
        entries: BTreeMap<String, FileEntry>,
    },
    /// A directory of this host that outlives the task, as a claim is one.
    Directory {
        /// Absolute path on the host; it exists. Its owner becomes the tenant's root user.
        path: String,
        /// No container can write it, whatever its mount says.
        #[serde(default)]
        read_only: bool,
    },
}

impl VolumeKind {
    /// Whether no container can write it.
    pub fn is_read_only(&self) -> bool {
        matches!(
            self,
            Self::Files { .. }
                | Self::Directory {
                    read_only: true,
                    ..
                }
        )
    }
}

/// A file of [`VolumeKind::Files`].
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileEntry {
    /// What is in it.
    pub content: Content,
    /// Permission bits, e.g. 0o644.
    pub mode: u32,
}

impl std::fmt::Debug for FileEntry {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // The content may be a secret.
        write!(f, "FileEntry({:o})", self.mode)
    }
}

/// The content of a file.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Content {
    /// UTF-8.
    Text(String),
    /// Anything.
    Bytes(Vec<u8>),
}

impl Content {
    /// The bytes.
    pub fn as_bytes(&self) -> &[u8] {
        match self {
            Self::Text(text) => text.as_bytes(),
            Self::Bytes(bytes) => bytes,
        }
    }
}
