//! How large a checkout will be, before a file is written: a few small objects can name each other so often that a
//! tree has more files than there are atoms.

use gix::object::tree::EntryKind;
use gix::{ObjectId, Repository};

use crate::error::ArtifactError;

/// The most files and directories of a checkout.
const ENTRIES: u64 = 500_000;
/// The most bytes of its files.
const BYTES: u64 = 16 << 30;

/// Refuses a tree that is too large.
pub(super) fn weigh(
    repository: &Repository,
    tree: ObjectId,
    name: &str,
) -> Result<(), ArtifactError> {
    let broken = |error: gix::Error| super::failed(name, error);
    let too_large = |limit| ArtifactError::TooLarge {
        what: format!("the checkout of {name}"),
        limit,
    };
    let (mut entries, mut bytes) = (0_u64, 0_u64);
    let mut trees = vec![tree];
    while let Some(tree) = trees.pop() {
        let tree = repository.find_tree(tree).map_err(broken)?;
        for entry in tree.iter() {
            let entry = entry.map_err(|error| super::refused(name, error))?;
            entries = entries.saturating_add(1);
            if entries > ENTRIES {
                return Err(too_large(ENTRIES));
            }
            match entry.mode().kind() {
                EntryKind::Tree => trees.push(entry.object_id()),
                EntryKind::Commit => {}
                EntryKind::Blob | EntryKind::BlobExecutable | EntryKind::Link => {
                    let header = repository.find_header(entry.object_id()).map_err(broken)?;
                    bytes = bytes.saturating_add(header.size());
                }
            }
            if bytes > BYTES {
                return Err(too_large(BYTES));
            }
        }
    }
    Ok(())
}
