//! The `/etc` of a sandbox: a copy of what programs need to run, made once. The host's own would
//! show accounts, keys and configuration.

use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// Files and directories that hold no secrets and that ordinary programs read.
const SHARED: [&str; 26] = [
    "alternatives",
    "bash.bashrc",
    "ca-certificates",
    "ca-certificates.conf",
    "debian_version",
    "fonts",
    "gai.conf",
    "host.conf",
    "inputrc",
    "java",
    "ld.so.cache",
    "ld.so.conf",
    "ld.so.conf.d",
    "localtime",
    "magic",
    "mime.types",
    "nsswitch.conf",
    "os-release",
    "perl",
    "pki",
    "profile",
    "protocols",
    "python3",
    "services",
    "ssl/certs",
    "ssl/openssl.cnf",
];
/// Bytes and depth of the copy: a host with more in there keeps it to itself.
const BYTES: u64 = 64 * 1024 * 1024;
const DEPTH: u8 = 8;

/// The copy below `run`, made when it is missing. Its name follows the host's libraries, so that an
/// upgraded host gets a new one while running tasks keep theirs.
pub(crate) fn make(run: &Path) -> io::Result<PathBuf> {
    let cache = std::fs::metadata("/etc/ld.so.cache").map_or(0, |meta| meta.mtime());
    let done = run.join(format!("etc2-{cache}"));
    if done.is_dir() {
        return Ok(done);
    }
    let new = run.join(format!("etc2-{}", std::process::id()));
    match std::fs::remove_dir_all(&new) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    std::fs::create_dir_all(&new)?;
    fill(&new)?;
    std::fs::rename(&new, &done)?;
    Ok(done)
}

fn fill(at: &Path) -> io::Result<()> {
    let mut left = BYTES;
    for name in SHARED {
        let target = at.join(name);
        if let Some(dir) = target.parent() {
            std::fs::create_dir_all(dir)?;
        }
        copy(&Path::new("/etc").join(name), &target, DEPTH, &mut left);
    }
    std::fs::write(
        at.join("passwd"),
        "root:x:0:0:root:/work:/bin/sh\nnobody:x:65534:65534:nobody:/:/bin/false\n",
    )?;
    std::fs::write(at.join("group"), "root:x:0:\nnogroup:x:65534:\n")?;
    // Of each task, not of all.
    std::os::unix::fs::symlink("../run/hosts", at.join("hosts"))?;
    std::os::unix::fs::symlink("../run/resolv.conf", at.join("resolv.conf"))
}

/// Copies what can be read; what can not is left out.
fn copy(from: &Path, to: &Path, depth: u8, left: &mut u64) {
    let Ok(meta) = std::fs::symlink_metadata(from) else {
        return;
    };
    if meta.is_dir() && depth > 0 {
        let _ = std::fs::create_dir_all(to);
        for entry in std::fs::read_dir(from).into_iter().flatten().flatten() {
            copy(&entry.path(), &to.join(entry.file_name()), depth - 1, left);
        }
        return;
    }
    // A link that stays in /usr or beside itself works in the sandbox as well.
    if meta.is_symlink()
        && let Ok(target) = std::fs::read_link(from)
        && (target.starts_with("/usr") || target.starts_with("/etc") || target.is_relative())
    {
        let _ = std::os::unix::fs::symlink(target, to);
        return;
    }
    let Ok(meta) = std::fs::metadata(from) else {
        return;
    };
    // World-readable only: what is kept from users is kept from tasks.
    let public = meta.mode() & 0o004 != 0;
    if meta.is_file() && public && meta.len() <= *left && std::fs::copy(from, to).is_ok() {
        *left -= meta.len();
    }
}
