//! The objects below a key, directory by directory: what is held in memory is the names of the directories
//! that are still to be read.

use rustix::fs::{AtFlags, Dir, FileType, statat};
use rustix::io::Errno;

use super::tree::Tree;
use crate::error::ArtifactError;
use crate::key::Key;
use crate::store::Entry;

/// Gives each object to `take`, until that wants no more.
pub(super) fn walk(
    tree: &Tree,
    below: &Key,
    take: &mut impl FnMut(Entry) -> bool,
) -> Result<(), ArtifactError> {
    let mut waiting = vec![below.clone()];
    while let Some(path) = waiting.pop() {
        let Some(dir) = tree.directory(path.as_str())? else {
            continue;
        };
        for entry in Dir::read_from(&dir)? {
            let entry = entry?;
            // Only names that are keys were ever written.
            let Some(key) = entry
                .file_name()
                .to_str()
                .ok()
                .and_then(|name| path.join(name).ok())
            else {
                continue;
            };
            let stat = match statat(&dir, entry.file_name(), AtFlags::SYMLINK_NOFOLLOW) {
                Ok(stat) => stat,
                Err(Errno::NOENT) => continue,
                Err(error) => return Err(error.into()),
            };
            match FileType::from_raw_mode(stat.st_mode) {
                FileType::Directory => waiting.push(key),
                FileType::RegularFile => {
                    let size = u64::try_from(stat.st_size).unwrap_or_default();
                    if !take(Entry { key, size }) {
                        return Ok(());
                    }
                }
                _ => {}
            }
        }
    }
    Ok(())
}
