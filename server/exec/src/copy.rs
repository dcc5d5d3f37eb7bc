//! A copy of an image for one task, where overlay or id-mapped mounts are not to be had.

use std::io;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::Path;

/// Depth of directories: unpacking allows no deeper ones.
const DEPTH: u8 = 160;

/// Copies a tree; each owner is moved up by `base` when it is given (root only).
///
/// The source is a tree that was unpacked by us and that no task can write.
pub(crate) fn tree(from: &Path, to: &Path, base: Option<u32>) -> io::Result<()> {
    below(from, to, base, DEPTH)
}

fn below(from: &Path, to: &Path, base: Option<u32>, depth: u8) -> io::Result<()> {
    let meta = std::fs::symlink_metadata(from)?;
    if meta.is_symlink() {
        std::os::unix::fs::symlink(std::fs::read_link(from)?, to)?;
    } else if meta.is_dir() {
        let depth = depth.checked_sub(1).ok_or(io::ErrorKind::InvalidData)?;
        std::fs::create_dir(to)?;
        for entry in std::fs::read_dir(from)? {
            let name = entry?.file_name();
            below(&from.join(&name), &to.join(&name), base, depth)?;
        }
    } else {
        // Copies the mode as well, and shares the blocks where the file system can.
        std::fs::copy(from, to)?;
    }
    if let Some(base) = base {
        let id = |id: u32| base.checked_add(id);
        std::os::unix::fs::lchown(to, id(meta.uid()), id(meta.gid()))?;
    }
    if meta.is_dir() {
        std::fs::set_permissions(to, PermissionsExt::from_mode(meta.mode() & 0o1777))?;
    }
    Ok(())
}
