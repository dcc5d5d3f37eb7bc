//! Artifacts inside a task: inputs are unpacked before main starts, outputs are packed when every process of the
//! task is dead. This runs as the task's own user in the task's own root, so what a hostile archive or a hostile
//! task could gain is what the task has anyway; and still no entry and no link leads out of an artifact.

mod fault;
mod links;
mod pack;
mod place;
mod sink;
mod tree;
mod unpack;

use std::fs::File;
use std::io;
use std::os::fd::OwnedFd;
use std::path::Path;

use rustix::fs::{CWD, Mode, OFlags, openat};
use steading_types::artifact::Packing;
use steading_types::task::{End, Gathered, Reach, Taken, Task};

pub(crate) use fault::Fault;

use crate::body::{Finished, unprepared};
use crate::staging::Staged;

/// Components of a path, in an archive or in a task.
const DEPTH: usize = 128;
/// Names of the directory that an input is unpacked in, before it gets its own name.
const BEING_MADE: &str = ".steading-input";

/// Puts every input artifact at its path. `owner` is main's user and group where they are not the task's root;
/// `limit` is in bytes.
pub(crate) fn place(
    task: &Task,
    staged: &Staged,
    owner: Option<(u32, u32)>,
    limit: u64,
) -> Result<(), End> {
    for (taken, file) in task.takes.iter().zip(&staged.inputs) {
        let placed = root().and_then(|root| place::place(&root, taken, file, owner, limit));
        placed.map_err(|fault| {
            let text = format!("input artifact '{}': {fault}", taken.name);
            unprepared(fault.code(), text)
        })?;
    }
    Ok(())
}

/// Takes every output artifact that is there; says why one is refused.
pub(crate) fn gather(task: &Task, staged: &Staged, limit: u64, into: &mut Finished) {
    for (given, file) in task.gives.iter().zip(&staged.outputs) {
        let gathered = match root().and_then(|root| pack::pack(&root, given, file, limit)) {
            Ok(Some(gathered)) => gathered,
            Ok(None) => continue,
            Err(fault) => Gathered::Refused {
                code: fault.code().to_owned(),
                message: fault.to_string(),
            },
        };
        into.artifacts.insert(given.name.clone(), gathered);
    }
}

/// Unpacks a content that lies outside of any task to an absolute path, as the caller's own user: a file, or a
/// directory, which may be there already.
///
/// # Errors
/// When the archive is hostile, or of the file system, with a sentence.
pub fn unpack_to(content: &File, packing: Packing, path: &Path) -> io::Result<()> {
    let unpack = || -> Result<(), Fault> {
        let path = path.to_str();
        let path = path.ok_or_else(|| Fault::hostile("the path is not UTF-8"))?;
        let taken = Taken {
            name: String::new(),
            path: path.to_owned(),
            packing,
            mode: None,
            reach: Reach::Itself,
        };
        place::place(&root()?, &taken, content, None, u64::MAX)
    };
    unpack().map_err(io::Error::other)
}

/// The root of this process: the task's, or at level process the host's.
fn root() -> Result<OwnedFd, Fault> {
    let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
    Ok(openat(CWD, "/", flags, Mode::empty())?)
}
