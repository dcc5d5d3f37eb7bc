//! A container's root file system. All that it is made of is opened as detached mounts while the
//! host can still be seen; then the new root is entered and they are put in their places. From there
//! on no path, and no link in an image, can lead to the host: it is not there any more.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use rustix::fs::{CWD, Mode};
use rustix::mount::{
    FsMountFlags, FsOpenFlags, MountAttrFlags, MountPropagationFlags, MoveMountFlags,
    OpenTreeFlags, UnmountFlags, fsconfig_create, fsconfig_set_flag, fsconfig_set_string, fsmount,
    fsopen, mount_change, move_mount, open_tree, unmount,
};
use steading_types::task::SCRIPT_PATH;

use crate::copy;
use crate::exec::ImageRoots;
use crate::realm::Realm;
use crate::spawner::Site;
use crate::sys;
use crate::volumes::Place;
use crate::wire::Root;

/// The task's own directory in a sandbox: home and working directory.
pub(crate) const HOME: &str = "/work";
/// Of the host's tree, what a sandbox sees besides /usr and /etc.
const HOST_DIRS: [&str; 8] = [
    "bin", "sbin", "lib", "lib32", "lib64", "libx32", "opt", "nix",
];
/// What else has a meaning in a sandbox.
const TAKEN: [&str; 8] = ["usr", "etc", "proc", "dev", "sys", "run", "tmp", "work"];

/// The directories below a sandbox's root that paths need and it does not have.
pub(crate) fn rooms<'p>(paths: impl Iterator<Item = &'p str>) -> Vec<&'p str> {
    let tops = paths.filter_map(|path| path.strip_prefix('/')?.split_once('/'));
    let mut rooms: Vec<&str> = tops
        .map(|(top, _)| top)
        .filter(|top| !matches!(*top, "" | "." | "..") && top.len() < 200)
        .filter(|top| !HOST_DIRS.contains(top) && !TAKEN.contains(top))
        .collect();
    rooms.sort_unstable();
    rooms.dedup();
    rooms
}

/// The device nodes of a task: name, minor number of major 1 (5 for tty).
const NODES: [(&str, u32, u32); 6] = [
    ("null", 1, 3),
    ("zero", 1, 5),
    ("full", 1, 7),
    ("random", 1, 8),
    ("urandom", 1, 9),
    ("tty", 5, 0),
];

/// What one container's root is made of.
pub(crate) struct Plan<'a> {
    pub(crate) site: &'a Site,
    pub(crate) realm: &'a Realm<'a>,
    pub(crate) root: &'a Root,
    /// A directory of the task, on disk, for this container alone.
    pub(crate) scratch: PathBuf,
    /// Parts of volumes, those first that others lie in.
    pub(crate) volumes: Vec<Place<'a>>,
    pub(crate) script: Option<&'a str>,
    /// `/etc/hosts`.
    pub(crate) hosts: String,
    /// `/etc/resolv.conf`; the image's own when it is absent.
    pub(crate) resolver: Option<&'a str>,
    /// The root of an image can be written.
    pub(crate) writable: bool,
    /// Directories below `/` that a sandbox has besides, for artifacts.
    pub(crate) rooms: Vec<&'a str>,
}

/// A detached mount and where it goes.
struct Piece {
    tree: OwnedFd,
    target: String,
    file: bool,
}

impl Plan<'_> {
    /// Builds the root and makes it this process's own. The process must be alone in its mount
    /// namespace.
    pub(crate) fn enter(&self) -> io::Result<()> {
        let private = MountPropagationFlags::PRIVATE | MountPropagationFlags::REC;
        mount_change("/", private)?;
        let (root, mut pieces) = match self.root {
            Root::Host => self.host()?,
            Root::Image(image) => (self.image(&image.path.join("root"))?, Vec::new()),
        };
        let proc = MountAttrFlags::MOUNT_ATTR_NOSUID
            | MountAttrFlags::MOUNT_ATTR_NODEV
            | MountAttrFlags::MOUNT_ATTR_NOEXEC;
        pieces.push(piece(new_fs("proc", &[], proc)?, "/proc"));
        let dev = MountAttrFlags::MOUNT_ATTR_NOSUID | MountAttrFlags::MOUNT_ATTR_NOEXEC;
        let size = self.site.setup.policy.tmp_bytes.to_string();
        let dev = new_fs("tmpfs", &[("mode", "755"), ("size", &size)], dev)?;
        pieces.push(piece(dev, "/dev"));
        if !self.realm.privileged {
            for (name, ..) in NODES {
                let node = tree(&format!("/dev/{name}"))?;
                pieces.push(Piece {
                    file: true,
                    ..piece(node, &format!("/dev/{name}"))
                });
            }
        }
        for place in &self.volumes {
            let (tree, file) = place.open(self.realm)?;
            let target = place.path.clone();
            pieces.push(Piece { tree, target, file });
        }
        pivot(root.as_fd(), &self.run_dir("root"))?;
        for piece in &pieces {
            self.place(piece)?;
        }
        self.devices()?;
        self.furnish()?;
        if matches!(self.root, Root::Host) || !self.writable {
            // Only the root itself: what is mounted in it has flags of its own.
            let flags = rustix::mount::MountFlags::BIND
                | rustix::mount::MountFlags::RDONLY
                | rustix::mount::MountFlags::NOSUID
                | rustix::mount::MountFlags::NODEV;
            rustix::mount::mount_remount("/", flags, c"")?;
        }
        Ok(())
    }

    /// The host's programs on an empty root.
    fn host(&self) -> io::Result<(OwnedFd, Vec<Piece>)> {
        let nothing = MountAttrFlags::MOUNT_ATTR_NOSUID | MountAttrFlags::MOUNT_ATTR_NODEV;
        let root = new_fs("tmpfs", &[("mode", "755"), ("size", "16m")], nothing)?;
        let mut pieces = Vec::new();
        let etc = self.site.etc.as_deref().ok_or(io::ErrorKind::NotFound)?;
        for (source, target) in [(Path::new("/usr"), "/usr"), (etc, "/etc")] {
            let tree = tree_at(source)?;
            sys::read_only(tree.as_fd())?;
            pieces.push(piece(tree, target));
        }
        for name in HOST_DIRS {
            let path = format!("/{name}");
            match std::fs::symlink_metadata(&path) {
                Ok(meta) if meta.is_symlink() => {
                    rustix::fs::symlinkat(std::fs::read_link(&path)?, &root, name)?;
                }
                Ok(meta) if meta.is_dir() => {
                    let tree = tree(&path)?;
                    sys::read_only(tree.as_fd())?;
                    pieces.push(piece(tree, &path));
                }
                _ => {}
            }
        }
        let size = self.site.setup.policy.tmp_bytes.to_string();
        let tmp = new_fs("tmpfs", &[("mode", "1777"), ("size", &size)], nothing)?;
        pieces.push(piece(tmp, "/tmp"));
        self.realm.make_dir(&self.scratch, 0o755)?;
        pieces.push(piece(tree_at(&self.scratch)?, HOME));
        for room in &self.rooms {
            let dir = self.scratch.with_extension(room);
            self.realm.make_dir(&dir, 0o755)?;
            pieces.push(piece(tree_at(&dir)?, &format!("/{room}")));
        }
        Ok((root, pieces))
    }

    /// The image below and the task's own changes above; or a copy.
    fn image(&self, lower: &Path) -> io::Result<OwnedFd> {
        let overlay = match self.site.setup.policy.image_roots {
            ImageRoots::Overlay => self.overlay(lower),
            ImageRoots::Copy => Err(io::ErrorKind::Unsupported.into()),
        };
        overlay.or_else(|_| {
            let copy = self.scratch.join("root");
            self.realm.make_dir(&self.scratch, 0o755)?;
            let base = self.realm.privileged.then_some(self.realm.base);
            copy::tree(lower, &copy, base)?;
            let tree = tree_at(&copy)?;
            sys::no_privileges(tree.as_fd())?;
            Ok(tree)
        })
    }

    fn overlay(&self, lower: &Path) -> io::Result<OwnedFd> {
        let lower_tree = tree_at(lower)?;
        if self.realm.privileged {
            sys::map_owners(lower_tree.as_fd(), self.realm.users.as_fd())?;
        }
        let (upper, work) = (self.scratch.join("upper"), self.scratch.join("work"));
        self.realm.make_dir(&upper, 0o755)?;
        self.realm.make_dir(&work, 0o755)?;
        // Overlay takes paths: the (shifted) image gets one in this mount namespace.
        let place = self.run_dir("lower");
        attach(lower_tree.as_fd(), &place)?;
        let fs = fsopen("overlay", FsOpenFlags::FSOPEN_CLOEXEC)?;
        // Relative, so that no character of the data directory's path means something to overlay.
        rustix::process::chdir(&place)?;
        fsconfig_set_string(fs.as_fd(), "lowerdir", ".")?;
        fsconfig_set_string(fs.as_fd(), "upperdir", upper)?;
        fsconfig_set_string(fs.as_fd(), "workdir", work)?;
        if !self.realm.privileged {
            fsconfig_set_flag(fs.as_fd(), "userxattr")?;
        }
        // Nobody reads a task's root after a power cut; without this its end would sync the whole disk.
        fsconfig_set_flag(fs.as_fd(), "volatile")?;
        fsconfig_create(fs.as_fd())?;
        let flags = MountAttrFlags::MOUNT_ATTR_NOSUID | MountAttrFlags::MOUNT_ATTR_NODEV;
        Ok(fsmount(fs.as_fd(), FsMountFlags::FSMOUNT_CLOEXEC, flags)?)
    }

    /// Puts a mount in its place below the new root.
    fn place(&self, piece: &Piece) -> io::Result<()> {
        let target = Path::new(&piece.target);
        if piece.file {
            if let Some(above) = target.parent() {
                self.realm.make_dir(above, 0o755)?;
            }
            let mut options = std::fs::File::options();
            options
                .write(true)
                .create(true)
                .truncate(false)
                .open(target)?;
        } else if !target.is_dir() {
            self.realm.make_dir(target, 0o755)?;
        }
        attach(piece.tree.as_fd(), target)
    }

    fn devices(&self) -> io::Result<()> {
        if self.realm.privileged {
            for (name, major, minor) in NODES {
                let path = format!("/dev/{name}");
                let device = rustix::fs::makedev(major, minor);
                let mode = Mode::from_raw_mode(0o666);
                let kind = rustix::fs::FileType::CharacterDevice;
                rustix::fs::mknodat(CWD, &path, kind, mode, device)?;
                std::fs::set_permissions(&path, PermissionsExt::from_mode(0o666))?;
            }
        }
        for (name, target) in [
            ("fd", "/proc/self/fd"),
            ("stdin", "/proc/self/fd/0"),
            ("stdout", "/proc/self/fd/1"),
            ("stderr", "/proc/self/fd/2"),
        ] {
            std::os::unix::fs::symlink(target, format!("/dev/{name}"))?;
        }
        std::fs::DirBuilder::new().create("/dev/shm")?;
        std::fs::set_permissions("/dev/shm", PermissionsExt::from_mode(0o1777))
    }

    /// What every task expects to find.
    fn furnish(&self) -> io::Result<()> {
        for (path, mode) in [("/tmp", 0o1777), ("/etc", 0o755)] {
            if std::fs::symlink_metadata(path).is_err() {
                self.realm.make_dir(Path::new(path), mode)?;
            }
        }
        if let Some(script) = self.script {
            let path = Path::new(SCRIPT_PATH);
            self.realm.make_dir(path.parent().unwrap_or(path), 0o755)?;
            let mut options = std::fs::File::options();
            let options = options.write(true).create(true).truncate(true).mode(0o755);
            io::Write::write_all(&mut options.open(path)?, script.as_bytes())?;
            self.realm.own(std::fs::File::open(path)?.as_fd(), None)?;
        }
        self.settings("hosts", &self.hosts)?;
        match self.resolver {
            Some(text) => self.settings("resolv.conf", text),
            None => Ok(()),
        }
    }

    /// Writes a file of `/etc`. A sandbox's is shared, and links there to `/run`. A link of an image is
    /// not followed: the file stays what the image made it.
    fn settings(&self, name: &str, text: &str) -> io::Result<()> {
        let dir = match self.root {
            Root::Host => "/run",
            Root::Image(_) => "/etc",
        };
        self.realm.make_dir(Path::new(dir), 0o755)?;
        let mut options = std::fs::File::options();
        let options = options
            .write(true)
            .create(true)
            .truncate(true)
            .mode(0o644)
            .custom_flags(libc::O_NOFOLLOW);
        match options.open(Path::new(dir).join(name)) {
            Ok(mut file) => io::Write::write_all(&mut file, text.as_bytes()),
            Err(error) if error.raw_os_error() == Some(libc::ELOOP) => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// A directory that all tasks use as a mount point, each in its own mount namespace.
    fn run_dir(&self, name: &str) -> PathBuf {
        self.site.setup.data_dir.join("run").join(name)
    }
}

fn piece(tree: OwnedFd, target: &str) -> Piece {
    Piece {
        tree,
        target: target.to_owned(),
        file: false,
    }
}

/// A new file system, mounted nowhere yet.
pub(crate) fn new_fs(
    kind: &str,
    options: &[(&str, &str)],
    flags: MountAttrFlags,
) -> io::Result<OwnedFd> {
    let fs = fsopen(kind, FsOpenFlags::FSOPEN_CLOEXEC)?;
    for (name, value) in options {
        fsconfig_set_string(fs.as_fd(), *name, *value)?;
    }
    fsconfig_create(fs.as_fd())?;
    Ok(fsmount(fs.as_fd(), FsMountFlags::FSMOUNT_CLOEXEC, flags)?)
}

fn tree(path: &str) -> io::Result<OwnedFd> {
    tree_at(Path::new(path))
}

/// A copy of the mounts at a path, mounted nowhere yet.
fn tree_at(path: &Path) -> io::Result<OwnedFd> {
    let flags = OpenTreeFlags::OPEN_TREE_CLONE
        | OpenTreeFlags::OPEN_TREE_CLOEXEC
        | OpenTreeFlags::AT_RECURSIVE;
    Ok(open_tree(CWD, path, flags)?)
}

/// Mounts a detached mount.
pub(crate) fn attach(tree: BorrowedFd<'_>, at: &Path) -> io::Result<()> {
    let flags = MoveMountFlags::MOVE_MOUNT_F_EMPTY_PATH;
    Ok(move_mount(tree, c"", CWD, at, flags)?)
}

/// Makes a detached mount the root of this process and lets go of the old root.
fn pivot(root: BorrowedFd<'_>, place: &Path) -> io::Result<()> {
    attach(root, place)?;
    rustix::process::fchdir(root)?;
    // The old root comes to lie on the new one, and is taken off.
    rustix::process::pivot_root(".", ".")?;
    unmount(".", UnmountFlags::DETACH)?;
    Ok(rustix::process::chdir("/")?)
}
