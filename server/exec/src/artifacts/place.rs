//! One input artifact, from its staged content to its path in the task.

use std::ffi::OsStr;
use std::fs::File;
use std::io::{self, Seek};
use std::os::fd::OwnedFd;
use std::path::{Component, Path, PathBuf};

use rustix::fs::{
    AtFlags, FileType, Gid, Mode, OFlags, ResolveFlags, Uid, chmodat, chownat, mkdirat, openat,
    renameat, statat,
};
use rustix::io::Errno;
use steading_types::artifact::Packing;
use steading_types::task::{Reach, Taken};

use super::tree::{Budget, Tree};
use super::unpack::{self, Form};
use super::{BEING_MADE, Fault};
use crate::remove::remove_tree;
use crate::within::{self, names};

const DIR: OFlags = OFlags::DIRECTORY
    .union(OFlags::NOFOLLOW)
    .union(OFlags::CLOEXEC);

/// Puts the content at the artifact's path below `root`. What stands there is replaced, and a directory that stands
/// there is added to.
pub(super) fn place(
    root: &OwnedFd,
    taken: &Taken,
    content: &File,
    owner: Option<(u32, u32)>,
    limit: u64,
) -> Result<(), Fault> {
    let mut content = content.try_clone()?;
    let path = checked(&taken.path)?;
    let (Some(above), Some(name)) = (path.parent(), path.file_name()) else {
        return Err(Fault::Path(taken.path.clone()));
    };
    let above = directory(root, above)?;
    // In a directory that is there already, because it may be another file system.
    let into = openat(&above, name, DIR, Mode::empty()).ok();
    let beside = into.as_ref().unwrap_or(&above);
    let _ = remove_tree(beside, OsStr::new(BEING_MADE));
    mkdirat(beside, BEING_MADE, Mode::RWXU)?;
    let made = openat(beside, BEING_MADE, DIR, Mode::empty())?;
    let filled = fill(&made, &mut content, taken.packing, limit);
    let placed = filled.and_then(|whole| {
        dress(&made, &whole, owner, taken)?;
        put(beside, &whole, &above, name, into.as_ref())
    });
    let removed = remove_tree(beside, OsStr::new(BEING_MADE));
    placed?;
    match removed {
        Ok(()) | Err(Errno::NOENT) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

/// What was made: one thing with a name in the directory, or the directory itself.
enum Whole {
    Entry(PathBuf),
    Directory,
}

fn fill(made: &OwnedFd, content: &mut File, packing: Packing, limit: u64) -> Result<Whole, Fault> {
    let size = content.metadata()?.len();
    let form = unpack::form(content, packing)?;
    if form == Form::Plain {
        if size > limit {
            return Err(Fault::TooLarge(limit));
        }
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::CLOEXEC;
        let mode = Mode::from_raw_mode(0o644);
        let mut file = File::from(openat(made, "content", flags, mode)?);
        content.rewind()?;
        io::copy(content, &mut file)?;
        return Ok(Whole::Entry("content".into()));
    }
    let top = openat(made, ".", DIR, Mode::empty())?;
    let mut tree = Tree::new(top, Budget::of(size, limit));
    match form {
        Form::Zip => unpack::zip(content, &mut tree)?,
        Form::Plain | Form::Tar => unpack::tar(content, &mut tree)?,
    }
    let (mut names, climber) = tree.finish()?;
    // An archive of one entry is that entry (Argo's rule).
    if names.len() > 1 {
        return Ok(Whole::Directory);
    }
    let Some(name) = names.pop() else {
        return Ok(Whole::Directory);
    };
    if let Some(link) = climber {
        return Err(Fault::hostile(format!("the link {link} leads out of it")));
    }
    let stat = statat(made, &name, AtFlags::SYMLINK_NOFOLLOW)?;
    if FileType::from_raw_mode(stat.st_mode) == FileType::Symlink {
        return Err(Fault::hostile("it is nothing but a link"));
    }
    Ok(Whole::Entry(name))
}

/// Moves what was made to its place.
fn put(
    beside: &OwnedFd,
    whole: &Whole,
    above: &OwnedFd,
    name: &OsStr,
    into: Option<&OwnedFd>,
) -> Result<(), Fault> {
    let source = match whole {
        Whole::Entry(entry) => Path::new(BEING_MADE).join(entry),
        Whole::Directory => PathBuf::from(BEING_MADE),
    };
    let Some(into) = into else {
        return Ok(renameat(beside, &source, above, name)?);
    };
    let from = match openat(beside, &source, DIR, Mode::empty()) {
        Ok(from) => from,
        Err(_) => {
            return Err(Fault::Kind(format!(
                "{} is a directory, what comes",
                name.display()
            )));
        }
    };
    for entry in names(&from)? {
        renameat(&from, &entry, into, &entry)?;
    }
    Ok(())
}

/// Gives everything that was made its owner and the mode that the template asks for.
fn dress(
    made: &OwnedFd,
    whole: &Whole,
    owner: Option<(u32, u32)>,
    taken: &Taken,
) -> Result<(), Fault> {
    if let Whole::Entry(name) = whole {
        return below(made, name.as_os_str(), owner, taken.mode, taken.reach);
    }
    let inner = taken.mode.filter(|_| taken.reach == Reach::Everything);
    for name in names(made)? {
        below(made, &name, owner, inner, taken.reach)?;
    }
    let mode = Mode::from_raw_mode(taken.mode.unwrap_or(0o755));
    chmodat(made, ".", mode, AtFlags::empty())?;
    own(made, OsStr::new("."), owner)
}

fn below(
    dir: &OwnedFd,
    name: &OsStr,
    owner: Option<(u32, u32)>,
    mode: Option<u32>,
    reach: Reach,
) -> Result<(), Fault> {
    own(dir, name, owner)?;
    let stat = statat(dir, name, AtFlags::SYMLINK_NOFOLLOW)?;
    let kind = FileType::from_raw_mode(stat.st_mode);
    if kind == FileType::Directory {
        let inner = openat(dir, name, DIR, Mode::empty())?;
        let mode = mode.filter(|_| reach == Reach::Everything);
        if owner.is_some() || mode.is_some() {
            for name in names(&inner)? {
                below(&inner, &name, owner, mode, reach)?;
            }
        }
    }
    match mode {
        Some(mode) if kind != FileType::Symlink => Ok(chmodat(
            dir,
            name,
            Mode::from_raw_mode(mode),
            AtFlags::empty(),
        )?),
        _ => Ok(()),
    }
}

fn own(dir: &OwnedFd, name: &OsStr, owner: Option<(u32, u32)>) -> Result<(), Fault> {
    if let Some((uid, gid)) = owner {
        let (uid, gid) = (Uid::from_raw(uid), Gid::from_raw(gid));
        chownat(dir, name, Some(uid), Some(gid), AtFlags::SYMLINK_NOFOLLOW)?;
    }
    Ok(())
}

/// A path of a template that can be one in a task.
pub(super) fn checked(path: &str) -> Result<PathBuf, Fault> {
    let plain = path.starts_with('/')
        && path.len() <= 4096
        && !path.chars().any(char::is_control)
        && !path.split('/').any(|part| part == ".." || part.len() > 255);
    let path = PathBuf::from(path);
    if plain && path.file_name().is_some() {
        Ok(path)
    } else {
        Err(Fault::Path(
            path.to_string_lossy().chars().take(200).collect(),
        ))
    }
}

/// A directory of the task, made with those above it where it is missing. Links of an image are followed, as far as
/// its root.
fn directory(root: &OwnedFd, path: &Path) -> Result<OwnedFd, Fault> {
    let flags = OFlags::DIRECTORY | OFlags::CLOEXEC;
    let links = ResolveFlags::NO_MAGICLINKS;
    match within::open(root, path, flags, links) {
        Err(Errno::NOENT) => {}
        opened => return Ok(opened?),
    }
    let (Some(above), Some(Component::Normal(name))) =
        (path.parent(), path.components().next_back())
    else {
        return Err(Errno::NOENT.into());
    };
    let above = directory(root, above)?;
    match mkdirat(&above, name, Mode::from_raw_mode(0o755)) {
        Ok(()) | Err(Errno::EXIST) => {}
        Err(error) => return Err(error.into()),
    }
    Ok(within::open(root, path, flags, links)?)
}
