//! What a crash may leave behind on the host: processes, mounts, network interfaces, control groups,
//! directories of tasks and of claims.

use std::collections::BTreeSet;
use std::path::Path;

use anyhow::Result;

use crate::wait;

/// What was there before.
pub(super) struct Remains(BTreeSet<String>);

impl Remains {
    /// What lies on this host now that could be ours.
    pub(super) fn of(data: &Path) -> Result<Self> {
        let mut found = BTreeSet::new();
        let mounts = std::fs::read_to_string("/proc/self/mountinfo")?;
        found.extend(mounts.lines().map(|line| format!("mount {line}")));
        groups(Path::new("/sys/fs/cgroup"), 0, &mut found);
        for entry in std::fs::read_dir("/sys/class/net")? {
            found.insert(format!(
                "interface {}",
                entry?.file_name().to_string_lossy()
            ));
        }
        for entry in std::fs::read_dir(data.join("tasks"))? {
            found.insert(format!("task {}", entry?.file_name().to_string_lossy()));
        }
        found.extend(claims(data)?);
        Ok(Self(found))
    }

    /// Waits until the claims of runs that are over are gone, which takes its time; those that stay are
    /// counted by [`Remains::compare`].
    pub(super) async fn wait_for_claims(&self, data: &Path) {
        let gone = wait::until("the claims to go", async || {
            Ok(claims(data)?.is_subset(&self.0).then_some(()))
        });
        if let Err(error) = gone.await {
            println!("{error}");
        }
    }

    /// Waits until no process of the server is left, then counts what is new; says what it is.
    pub(super) async fn compare(&self, data: &Path) -> Result<usize> {
        let settled = wait::until("every process of the server to end", async || {
            Ok(processes(data)?.is_empty().then_some(()))
        });
        let processes = match settled.await {
            Ok(()) => Vec::new(),
            Err(_) => processes(data)?,
        };
        let now = Self::of(data)?;
        let left: Vec<_> = processes.iter().chain(now.0.difference(&self.0)).collect();
        for what in &left {
            println!("left over: {what}");
        }
        Ok(left.len())
    }
}

/// Directories of claims.
fn claims(data: &Path) -> Result<BTreeSet<String>> {
    let mut found = BTreeSet::new();
    let tenants = std::fs::read_dir(data.join("claims")).into_iter().flatten();
    for tenant in tenants.flatten() {
        for claim in std::fs::read_dir(tenant.path())?.flatten() {
            found.insert(format!("claim {}", claim.path().display()));
        }
    }
    Ok(found)
}

/// Processes of this server: by the data directory in the command, or by the mark of a task of its.
/// Tests that run beside this one have processes of their own.
fn processes(data: &Path) -> Result<Vec<String>> {
    let data = data.to_string_lossy().into_owned();
    let mut found = Vec::new();
    for entry in std::fs::read_dir("/proc")? {
        let path = entry?.path();
        let read = |name: &str| {
            let bytes = std::fs::read(path.join(name)).unwrap_or_default();
            String::from_utf8_lossy(&bytes).replace('\0', " ")
        };
        let (command, environment) = (read("cmdline"), read("environ"));
        let task = environment.contains("STEADING_ATTEMPT=") && environment.contains(&data);
        if command.contains(&data) || task {
            found.push(format!("process {} {command}", path.display()));
        }
    }
    Ok(found)
}

/// Control groups that we made, down to a depth that holds them all.
fn groups(directory: &Path, depth: usize, found: &mut BTreeSet<String>) {
    for entry in std::fs::read_dir(directory).into_iter().flatten().flatten() {
        let path = entry.path();
        if !entry.file_type().is_ok_and(|kind| kind.is_dir()) || depth > 4 {
            continue;
        }
        let below_ours = directory
            .file_name()
            .is_some_and(|name| name == "steading" || name == "tasks");
        if below_ours {
            found.insert(format!("group {}", path.display()));
        }
        groups(&path, depth + 1, found);
    }
}
