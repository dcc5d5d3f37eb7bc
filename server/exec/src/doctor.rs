//! What this host provides for isolating tasks, and how to get the rest. Each answer comes from
//! trying it, in a child process, as a task would.

use std::io;
use std::os::fd::AsFd;
use std::path::Path;

use rustix::mount::{
    FsOpenFlags, MountPropagationFlags, OpenTreeFlags, fsconfig_create, fsconfig_set_flag,
    fsconfig_set_string, fsopen, mount_change, open_tree,
};
use rustix::process::{WaitOptions, waitpid};
use serde::{Deserialize, Serialize};

use crate::cgroup::Cgroups;
use crate::confine;
use crate::realm::Realms;
use crate::remove::remove_tree;
use crate::sys::{self, Fork};

/// Whether the host provides something.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// Yes.
    Ok,
    /// No; something else takes its place.
    Replaced,
    /// No, and a level can not be given without it.
    Missing,
}

/// One answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    /// What was looked for.
    pub what: String,
    /// Whether it is there.
    pub verdict: Verdict,
    /// One sentence.
    pub sentence: String,
    /// How to get it.
    pub fix: Option<String>,
}

/// Examines the host, with the file system that holds `data_dir`.
///
/// # Errors
/// When this process has threads already: examining needs children. A server asks its spawner
/// instead: [`crate::Exec::examine`].
pub fn probe(data_dir: &Path) -> io::Result<Vec<Finding>> {
    if std::fs::read_dir("/proc/self/task")?.count() > 1 {
        return Err(io::Error::other(
            "the host must be examined before the first thread is started",
        ));
    }
    let root = rustix::process::geteuid().is_root();
    let mut found = vec![identity(root), users(), networks(root)];
    let name = format!("doctor-{}", std::process::id());
    let scratch = data_dir.join("run").join(&name);
    std::fs::create_dir_all(&scratch)?;
    found.push(overlay(root, &scratch));
    if root {
        found.push(owners(&scratch));
    }
    // Overlay leaves a directory behind that even its owner can not enter.
    let run = std::fs::File::open(data_dir.join("run"))?;
    remove_tree(&run.into(), name.as_ref())?;
    found.extend([seccomp(), landlock(), groups()]);
    Ok(found)
}

fn identity(root: bool) -> Finding {
    let (verdict, sentence, fix) = if root {
        let sentence = "runs as root: each tenant's tasks get host user ids of their own";
        (Verdict::Ok, sentence, None)
    } else {
        let sentence = "runs as an ordinary user: all tasks are that user on the host";
        let fix = "start it as root to give each tenant user ids of its own";
        (Verdict::Replaced, sentence, Some(fix))
    };
    finding("user ids", verdict, sentence, fix)
}

fn users() -> Finding {
    let outcome = in_child(libc::CLONE_NEWUSER, || Ok(()));
    from(
        "user namespaces",
        outcome,
        Verdict::Missing,
        "sandbox and image can confine tasks",
        "allow them: sysctl user.max_user_namespaces=15000, kernel.unprivileged_userns_clone=1 (Debian), \
         kernel.apparmor_restrict_unprivileged_userns=0 (Ubuntu)",
    )
}

fn networks(root: bool) -> Finding {
    let base = 1 << 30;
    let outcome = Realms::new()
        .get(base, "doctor", || None)
        .and_then(|realm| {
            let (users, network) = (realm.users, realm.network);
            let kinds =
                libc::CLONE_NEWNS | libc::CLONE_NEWPID | libc::CLONE_NEWIPC | libc::CLONE_NEWUTS;
            in_child(0, || {
                if !root {
                    sys::join(users.as_fd(), libc::CLONE_NEWUSER)?;
                }
                sys::join(network.as_fd(), libc::CLONE_NEWNET)?;
                sys::unshare(kinds)
            })
        });
    from(
        "mount, pid, ipc, uts and network namespaces",
        outcome,
        Verdict::Missing,
        "a task sees nothing of the host's processes and networks",
        "inside a container, run the container privileged or with its namespaces unlocked",
    )
}

/// Mounts as tasks do: as root, or as root of a user namespace.
fn mounting(root: bool, work: impl FnOnce() -> io::Result<()>) -> io::Result<()> {
    let users = if root { 0 } else { libc::CLONE_NEWUSER };
    in_child(libc::CLONE_NEWNS | users, || {
        mount_change(
            "/",
            MountPropagationFlags::PRIVATE | MountPropagationFlags::REC,
        )?;
        work()
    })
}

fn overlay(root: bool, scratch: &Path) -> Finding {
    let outcome = mounting(root, || {
        for name in ["lower", "upper", "work"] {
            std::fs::create_dir_all(scratch.join(name))?;
        }
        let fs = fsopen("overlay", FsOpenFlags::FSOPEN_CLOEXEC)?;
        fsconfig_set_string(fs.as_fd(), "lowerdir", scratch.join("lower"))?;
        fsconfig_set_string(fs.as_fd(), "upperdir", scratch.join("upper"))?;
        fsconfig_set_string(fs.as_fd(), "workdir", scratch.join("work"))?;
        if !root {
            fsconfig_set_flag(fs.as_fd(), "userxattr")?;
        }
        Ok(fsconfig_create(fs.as_fd())?)
    });
    from(
        "overlay file system",
        outcome,
        Verdict::Replaced,
        "images start without being copied",
        "without it each task copies its image; use Linux 5.11 or later and a data directory on ext4, xfs or btrfs",
    )
}

fn owners(scratch: &Path) -> Finding {
    let outcome = Realms::new()
        .get(1 << 30, "doctor", || None)
        .and_then(|realm| {
            let flags = OpenTreeFlags::OPEN_TREE_CLONE | OpenTreeFlags::OPEN_TREE_CLOEXEC;
            let tree = open_tree(rustix::fs::CWD, scratch, flags)?;
            sys::map_owners(tree.as_fd(), realm.users.as_fd())
        });
    from(
        "id-mapped mounts",
        outcome,
        Verdict::Replaced,
        "tenants share an image's files on disk under their own user ids",
        "without them each task copies its image; use Linux 5.19 or later and a data directory on ext4, xfs or btrfs",
    )
}

fn seccomp() -> Finding {
    let outcome = in_child(0, || {
        rustix::thread::set_no_new_privs(true)?;
        let wrong = |error: seccompiler::Error| io::Error::other(error.to_string());
        seccompiler::apply_filter(&confine::filter()?).map_err(wrong)
    });
    from(
        "seccomp",
        outcome,
        Verdict::Missing,
        "dangerous system calls are refused to tasks",
        "use a kernel built with CONFIG_SECCOMP_FILTER",
    )
}

fn landlock() -> Finding {
    let abi = sys::landlock_abi();
    if abi >= confine::LANDLOCK_SCOPES {
        let sentence =
            format!("ABI {abi}: tasks of one run can not reach each other's abstract sockets");
        return finding("landlock", Verdict::Ok, sentence, None);
    }
    let sentence = format!("ABI {abi} does not have scopes; namespaces alone keep runs apart");
    let fix = "use Linux 6.12 or later, with landlock in the lsm= list";
    finding("landlock", Verdict::Replaced, sentence, Some(fix))
}

fn groups() -> Finding {
    match Cgroups::probe().memory_version() {
        0 => finding(
            "control groups",
            Verdict::Replaced,
            "not ours to use: memory limits are resource limits, CPU limits have no effect",
            Some("systemd: Delegate=cpu memory pids in the unit; else start it as root"),
        ),
        version => {
            let sentence = format!("version {version}: CPU, memory and process limits are hard");
            finding("control groups", Verdict::Ok, sentence, None)
        }
    }
}

fn finding(
    what: &'static str,
    verdict: Verdict,
    sentence: impl Into<String>,
    fix: Option<&'static str>,
) -> Finding {
    Finding {
        what: what.to_owned(),
        verdict,
        sentence: sentence.into(),
        fix: fix.map(str::to_owned),
    }
}

fn from(
    what: &'static str,
    outcome: io::Result<()>,
    otherwise: Verdict,
    good: &str,
    fix: &'static str,
) -> Finding {
    match outcome {
        Ok(()) => finding(what, Verdict::Ok, good, None),
        Err(error) => finding(what, otherwise, format!("refused: {error}"), Some(fix)),
    }
}

/// Tries something in a process of its own; its error's number comes back as the exit code.
fn in_child(namespaces: i32, work: impl FnOnce() -> io::Result<()>) -> io::Result<()> {
    match sys::fork(namespaces)? {
        Fork::Child => sys::exit(match work() {
            Ok(()) => 0,
            Err(error) => error.raw_os_error().unwrap_or(libc::EINVAL),
        }),
        Fork::Parent(pid, _pidfd) => {
            let ended = rustix::io::retry_on_intr(|| waitpid(Some(pid), WaitOptions::empty()))?;
            match ended.and_then(|(_, status)| status.exit_status()) {
                Some(0) => Ok(()),
                code => Err(io::Error::from_raw_os_error(code.unwrap_or(libc::EINVAL))),
            }
        }
    }
}
