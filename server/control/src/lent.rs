//! Values of a tenant's objects on their way into a task. The task's document, which plugins read, holds
//! empty places; the values travel beside it and are put in where the task is started.

use std::collections::HashMap;
use std::path::PathBuf;

use steading_types::task::{Content, FileEntry, Task, VolumeKind};
use zeroize::Zeroizing;

/// Values, and where they belong in one task.
#[derive(Default)]
pub struct Lent {
    pub(crate) variables: Vec<Variable>,
    pub(crate) files: Vec<File>,
    /// Of claims, by their volumes.
    pub(crate) directories: HashMap<String, PathBuf>,
}

/// A variable that stands empty in the task.
pub(crate) struct Variable {
    pub(crate) container: String,
    pub(crate) at: usize,
    pub(crate) value: Zeroizing<String>,
}

/// A file that stands empty in the task.
pub(crate) struct File {
    pub(crate) volume: String,
    pub(crate) path: String,
    pub(crate) content: Zeroizing<Vec<u8>>,
}

/// The document that came back is not the one that was given out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the task has no place for a value that belongs in it")]
pub struct Misplaced;

impl std::fmt::Debug for Lent {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Lent(..)")
    }
}

impl Lent {
    /// Whether there is nothing to put in.
    pub fn is_empty(&self) -> bool {
        self.variables.is_empty() && self.files.is_empty() && self.directories.is_empty()
    }

    /// Puts every value into its empty place. No directory of the host is named by anybody else.
    ///
    /// # Errors
    /// [`Misplaced`] when the task was altered.
    pub fn put_into(&self, task: &mut Task) -> Result<(), Misplaced> {
        for volume in &mut task.volumes {
            if let VolumeKind::Directory { path, .. } = &mut volume.kind {
                let given = self.directories.get(&volume.name);
                let given = given.and_then(|given| given.to_str()).ok_or(Misplaced)?;
                *path = given.to_owned();
            }
        }
        for variable in &self.variables {
            let container = task.container_mut(&variable.container).ok_or(Misplaced)?;
            match container.env.get_mut(variable.at) {
                Some((_, empty)) if empty.is_empty() => empty.push_str(&variable.value),
                _ => return Err(Misplaced),
            }
        }
        for file in &self.files {
            let volume = task
                .volumes
                .iter_mut()
                .find(|volume| volume.name == file.volume);
            let entries = match volume.map(|volume| &mut volume.kind) {
                Some(VolumeKind::Files { entries }) => entries,
                _ => return Err(Misplaced),
            };
            let entry = entries.get_mut(&file.path).filter(|entry| is_empty(entry));
            let entry = entry.ok_or(Misplaced)?;
            entry.content = match std::str::from_utf8(&file.content) {
                Ok(text) => Content::Text(text.to_owned()),
                Err(_) => Content::Bytes(file.content.to_vec()),
            };
        }
        Ok(())
    }
}

fn is_empty(entry: &FileEntry) -> bool {
    entry.content.as_bytes().is_empty()
}
