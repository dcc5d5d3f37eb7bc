//! Removing what tasks and images leave: never through a link, with a bounded number of open directories.

use std::ffi::OsStr;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt;

use rustix::fs::{
    AtFlags, Dir, Mode, OFlags, RenameFlags, chmodat, fchmod, openat, renameat_with, unlinkat,
};
use rustix::io::Errno;

/// Directories below each other that are held open while a tree is removed.
const DEPTH: usize = 64;

/// Removes a name and everything below it, however deep a task has made it. Directories that deny it to
/// their owner are opened up.
pub(crate) fn remove_tree(dir: &OwnedFd, name: &OsStr) -> rustix::io::Result<()> {
    match unlinkat(dir, name, AtFlags::empty()) {
        Err(Errno::ISDIR | Errno::PERM) => {}
        done => return done,
    }
    let top = open_up(dir, name)?;
    let mut moved = 0;
    loop {
        let before = moved;
        remove_below(&top, &top, DEPTH, &mut moved)?;
        if moved == before {
            return unlinkat(dir, name, AtFlags::REMOVEDIR);
        }
    }
}

/// Empties a directory. What lies too deep is moved to the top, and counted: it is there to be removed yet.
fn remove_below(
    dir: &OwnedFd,
    top: &OwnedFd,
    depth: usize,
    moved: &mut u64,
) -> rustix::io::Result<()> {
    // A task may have left a million names: they are not held in memory.
    for entry in Dir::read_from(dir)? {
        let name = entry?.file_name().to_owned();
        if matches!(name.as_bytes(), b"." | b"..") {
            continue;
        }
        let name = OsStr::from_bytes(name.as_bytes());
        match unlinkat(dir, name, AtFlags::empty()) {
            Err(Errno::ISDIR | Errno::PERM) => {}
            Ok(()) => continue,
            Err(error) => return Err(error),
        }
        let inner = open_up(dir, name)?;
        let Some(depth) = depth.checked_sub(1) else {
            move_up(dir, name, top, moved)?;
            continue;
        };
        remove_below(&inner, top, depth, moved)?;
        unlinkat(dir, name, AtFlags::REMOVEDIR)?;
    }
    Ok(())
}

/// Moves a directory into another one, under a name that is free there.
fn move_up(dir: &OwnedFd, name: &OsStr, to: &OwnedFd, moved: &mut u64) -> rustix::io::Result<()> {
    loop {
        *moved = moved.saturating_add(1);
        let free = format!("deep{moved}");
        match renameat_with(dir, name, to, &free, RenameFlags::NOREPLACE) {
            Err(Errno::EXIST) => {}
            done => return done,
        }
    }
}

/// Opens a directory, and makes it one that its owner can empty.
fn open_up(dir: &OwnedFd, name: &OsStr) -> rustix::io::Result<OwnedFd> {
    let flags = OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let inner = match openat(dir, name, flags, Mode::empty()) {
        Err(Errno::ACCESS) => {
            chmodat(dir, name, Mode::RWXU, AtFlags::empty())?;
            openat(dir, name, flags, Mode::empty())?
        }
        opened => opened?,
    };
    fchmod(&inner, Mode::RWXU)?;
    Ok(inner)
}
