//! Opening a path as if a directory were the root of everything, in trees that others wrote.

use std::ffi::{OsStr, OsString};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;

use rustix::fs::{Dir, Mode, OFlags, ResolveFlags, openat2};
use rustix::io::Errno;
use rustix::path::Arg;

/// Opens a path that does not lead out of `root`, whatever links it goes through.
///
/// # Errors
/// Those of openat2(2), except the one by which it asks to be called again: it does not follow `..` while
/// anybody on the host renames or mounts.
pub(crate) fn open(
    root: impl AsFd,
    path: impl Arg + Copy,
    flags: OFlags,
    links: ResolveFlags,
) -> Result<OwnedFd, Errno> {
    loop {
        match openat2(
            &root,
            path,
            flags,
            Mode::empty(),
            ResolveFlags::IN_ROOT | links,
        ) {
            Err(Errno::AGAIN) => {}
            answer => return answer,
        }
    }
}

/// What lies in a directory, in no order.
///
/// # Errors
/// Of the file system.
pub(crate) fn names(dir: impl AsFd) -> Result<Vec<OsString>, Errno> {
    let mut names = Vec::new();
    for entry in Dir::read_from(dir)? {
        let name = entry?.file_name().to_bytes().to_owned();
        if !matches!(name.as_slice(), b"." | b"..") {
            names.push(OsStr::from_bytes(&name).to_owned());
        }
    }
    Ok(names)
}

/// Whether a file is the kernel's own (proc(5)): what it tells there is about the process that asks, which is
/// process 1 and not the task.
pub(crate) fn is_kernels(file: impl AsFd) -> bool {
    rustix::fs::fstatfs(file).is_ok_and(|stat| stat.f_type == rustix::fs::PROC_SUPER_MAGIC)
}
