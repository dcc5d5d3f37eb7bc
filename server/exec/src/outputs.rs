//! Reading a task's output files. They are the task's own, so hostile: a link may lead out, a pipe
//! may block, a file may be endless. Read only when every process of the task is gone.

use std::io::Read;

use rustix::fs::{CWD, FileType, Mode, OFlags, ResolveFlags, openat};
use rustix::io::Errno;
use steading_types::task::{OUTPUT_LIMIT, OutputFile};

use crate::body::Finished;
use crate::within;

/// Reads the files that exist; says why one is refused.
pub(crate) fn collect(files: &[OutputFile], into: &mut Finished) {
    for file in files {
        match read(&file.path) {
            Ok(Some(text)) => {
                into.outputs.insert(file.name.clone(), text);
            }
            Ok(None) => {}
            Err(why) => {
                into.refused.insert(file.name.clone(), why);
            }
        }
    }
}

/// One file, resolved below the root of this process; nothing when it is not there.
fn read(path: &str) -> Result<Option<String>, String> {
    let said = |errno: Errno| format!("{path}: {errno}");
    let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
    let root = openat(CWD, "/", OFlags::PATH | OFlags::CLOEXEC, Mode::empty()).map_err(said)?;
    // Magic links (/proc/…/root, /proc/…/fd) lead to places that have no path here.
    let fd = match within::open(&root, path, flags, ResolveFlags::NO_MAGICLINKS) {
        Ok(fd) => fd,
        Err(Errno::NOENT | Errno::NOTDIR) => return Ok(None),
        Err(errno) => return Err(said(errno)),
    };
    let stat = rustix::fs::fstat(&fd).map_err(said)?;
    let regular = FileType::from_raw_mode(stat.st_mode) == FileType::RegularFile;
    if !regular || within::is_kernels(&fd) {
        return Err(format!("{path} is not a regular file"));
    }
    let mut bytes = Vec::new();
    let limit = OUTPUT_LIMIT as u64 + 1;
    let file = std::fs::File::from(fd);
    file.take(limit)
        .read_to_end(&mut bytes)
        .map_err(|error| format!("{path}: {error}"))?;
    if bytes.len() > OUTPUT_LIMIT {
        return Err(format!("{path} is larger than {OUTPUT_LIMIT} bytes"));
    }
    String::from_utf8(bytes)
        .map(Some)
        .map_err(|_| format!("{path} is not UTF-8 text"))
}
