//! The images: what each is made of. Names are those that workflows write; contents are Debian's, so
//! `alpine` is a busybox user land with Alpine's layout of commands and has no `apk`.

use std::os::unix::fs::PermissionsExt;
use std::process::Command;

use anyhow::{Context, Result};

use super::oci::Start;
use super::python;
use super::tree::Tree;
use crate::command;

/// One image.
pub(crate) struct Recipe {
    /// As workflows write it.
    pub(crate) name: &'static str,
    /// One line for people, kept in the image.
    pub(crate) description: &'static str,
    /// Groups of Debian packages; what they depend on comes with them.
    pub(crate) packages: &'static [&'static [&'static str]],
    /// What a container starts by itself.
    pub(crate) start: Start,
    /// What is added to the packages' files.
    pub(crate) finish: fn(&mut Tree) -> Result<()>,
}

/// Dependencies that only installation scripts and documentation need.
pub(crate) const WITHOUT: &[&str] = &[
    "ca-certificates-java",
    "debconf",
    "dpkg",
    "init-system-helpers",
    "iproute2",
    "java-common",
    "libbpf1",
    "libcap2-bin",
    "libelf1",
    "libfile-find-rule-perl",
    "libgdbm-compat4",
    "libgdbm6",
    "libmnl0",
    "libnumber-compare-perl",
    "libperl5.36",
    "libtext-glob-perl",
    "libtirpc-common",
    "libtirpc3",
    "libxtables12",
    "media-types",
    "perl",
    "perl-base",
    "perl-modules-5.36",
    "readline-common",
    "usrmerge",
];

/// A Debian without what installs Debian.
pub(super) const DEBIAN: &[&str] = &[
    "base-files",
    "bash",
    "coreutils",
    "dash",
    "debianutils",
    "diffutils",
    "findutils",
    "grep",
    "gzip",
    "hostname",
    "libc-bin",
    "mawk",
    "procps",
    "sed",
    "tar",
    "util-linux",
];

/// Every image of `cargo xtask images`.
pub(crate) const RECIPES: &[Recipe] = &[
    Recipe {
        name: "busybox",
        description: "busybox, from Debian's busybox-static",
        packages: &[&["busybox-static"]],
        start: Start {
            entrypoint: &[],
            cmd: &["sh"],
        },
        finish: busybox,
    },
    Recipe {
        name: "alpine:3.23",
        description: "Stand-in for alpine:3.23: its busybox commands, from Debian, and dash; no apk, no musl",
        packages: &[&["busybox-static", "dash"]],
        start: Start {
            entrypoint: &[],
            cmd: &["/bin/sh"],
        },
        finish: |tree| {
            tree.file("bin/nc", 0o755, include_str!("nc.sh"));
            // Debian's busybox as a shell would take its own nc.
            tree.symlink("bin/sh", "dash");
            busybox(tree)
        },
    },
    Recipe {
        name: "python:alpine3.23",
        description: "Stand-in for python:alpine3.23: Debian's Python and busybox; no pip",
        packages: &[&["busybox-static", "libpython3-stdlib", "python3-minimal"]],
        start: Start {
            entrypoint: &[],
            cmd: &["python3"],
        },
        finish: |tree| {
            busybox(tree)?;
            python::finish(tree)
        },
    },
    Recipe {
        name: "debian",
        description: "Debian's shell and core commands; no apt, no dpkg",
        packages: &[DEBIAN],
        start: Start {
            entrypoint: &[],
            cmd: &["bash"],
        },
        finish: debian,
    },
    Recipe {
        name: "argoproj/argosay:v1",
        description: "A program that says, copies, waits and ends as workflows ask; with cowsay and bash",
        packages: &[&["bash", "busybox-static"]],
        start: Start {
            entrypoint: &["/bin/argosay"],
            cmd: &[],
        },
        finish: |tree| {
            busybox(tree)?;
            tree.file("bin/cowsay", 0o755, include_str!("cowsay.sh"));
            argosay(tree)
        },
    },
    Recipe {
        name: "argoproj/argosay:v2",
        description: "A program that says, copies, waits and ends as workflows ask",
        packages: &[&["busybox-static"]],
        start: Start {
            entrypoint: &["/bin/argosay"],
            cmd: &[],
        },
        finish: |tree| {
            busybox(tree)?;
            argosay(tree)
        },
    },
    Recipe {
        name: "nginx:1.13",
        description: "Stand-in for nginx:1.13: Debian's nginx, a later version, and busybox",
        packages: &[&["busybox-static", "nginx"]],
        start: Start {
            entrypoint: &[],
            cmd: &["nginx", "-g", "daemon off;"],
        },
        finish: nginx,
    },
    Recipe {
        name: "curlimages/curl:latest",
        description: "Debian's curl and busybox; no certificates of authorities",
        packages: &[&["busybox-static", "curl"]],
        start: Start {
            entrypoint: &["/entrypoint.sh"],
            cmd: &["curl"],
        },
        finish: |tree| {
            tree.file("entrypoint.sh", 0o755, include_str!("curl.sh"));
            busybox(tree)
        },
    },
];

fn argosay(tree: &mut Tree) -> Result<()> {
    tree.file("bin/argosay", 0o755, include_str!("argosay.sh"));
    Ok(())
}

/// A server of one static site, whose logs are the container's.
fn nginx(tree: &mut Tree) -> Result<()> {
    tree.retain(|path| !path.starts_with("etc/nginx/") || path == "etc/nginx/mime.types");
    tree.file("etc/nginx/nginx.conf", 0o644, include_str!("nginx.conf"));
    tree.directory("var/lib/nginx", 0o755);
    tree.directory("var/log/nginx", 0o755);
    busybox(tree)
}

/// A link for every command that busybox has and no package brought.
fn busybox(tree: &mut Tree) -> Result<()> {
    let program = tree.contents("bin/busybox").context("busybox is missing")?;
    let directory = tempfile::tempdir()?;
    let path = directory.path().join("busybox");
    std::fs::write(&path, program)?;
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755))?;
    for applet in command::text(Command::new(&path).arg("--list"))?.lines() {
        tree.symlink(&format!("bin/{applet}"), "busybox");
    }
    Ok(())
}

/// What Debian's installation scripts would do.
pub(super) fn debian(tree: &mut Tree) -> Result<()> {
    tree.symlink("bin/sh", "dash");
    tree.symlink("bin/awk", "mawk");
    Ok(())
}
