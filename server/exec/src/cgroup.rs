//! Limits by control groups: version 2 where it is delegated to us, version 1 where that is what the
//! host has. Making a group costs time, so a task gets one only when it asks for a limit; without
//! groups resource limits take their place and the task's record says so.

use std::fs::File;
use std::io::{self, Write};
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rustix::fs::{Access, FlockOperation, access, flock};
use steading_types::AttemptId;
use steading_types::task::{Container, Task};

/// Microseconds in which a CPU quota is counted (the kernel's default).
const PERIOD: u64 = 100_000;
/// How long a start waits for tasks that are just entering their groups: so often, so long each.
const PATIENCE: u32 = 200;
const PAUSE: Duration = Duration::from_millis(5);

/// What a task may use. None: as much as there is.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Limits {
    pub(crate) memory: Option<u64>,
    pub(crate) cpu_milli: Option<u32>,
}

impl Limits {
    /// The limits of main; where an init container asks for more, that: they run one at a time.
    pub(crate) fn of(task: &Task) -> Self {
        if task.cpu.is_some() || task.memory.is_some() {
            return Self {
                memory: task.memory.map(|m| m.0),
                cpu_milli: task.cpu.map(|c| c.0),
            };
        }
        let mut limits = Self::of_container(&task.main);
        for container in &task.init {
            limits.memory = limits
                .memory
                .zip(container.memory)
                .map(|(a, b)| a.max(b.0))
                .or(limits.memory);
            limits.cpu_milli = limits
                .cpu_milli
                .zip(container.cpu)
                .map(|(a, b)| a.max(b.0))
                .or(limits.cpu_milli);
        }
        limits
    }

    /// The limits of a container beside main.
    pub(crate) fn of_container(container: &Container) -> Self {
        Self {
            memory: container.memory.map(|m| m.0),
            cpu_milli: container.cpu.map(|c| c.0),
        }
    }

    fn any(&self) -> bool {
        self.memory.is_some() || self.cpu_milli.is_some()
    }
}

/// The groups that this host lets us make.
#[derive(Debug, Default)]
pub(crate) struct Cgroups {
    memory: Option<PathBuf>,
    cpu: Option<PathBuf>,
    pids: Option<PathBuf>,
    version: u8,
}

impl Cgroups {
    /// Finds out, and removes groups of tasks that have ended.
    pub(crate) fn probe() -> Self {
        let own = std::fs::read_to_string("/proc/self/cgroup").unwrap_or_default();
        let mounts = std::fs::read_to_string("/proc/self/mountinfo").unwrap_or_default();
        let groups = Self::v2(&own, &mounts).unwrap_or_else(|| Self::v1(&own, &mounts));
        groups.clean();
        groups
    }

    /// Removes groups that nobody is in, unless one of them has just been made to be entered.
    fn clean(&self) {
        let entering = |making: &File| {
            (0..PATIENCE).all(|_| {
                let busy = flock(making, FlockOperation::NonBlockingLockExclusive).is_err();
                if busy {
                    std::thread::sleep(PAUSE);
                }
                busy
            })
        };
        let Some(making) = self.bases().next().and_then(|base| File::open(base).ok()) else {
            return;
        };
        if entering(&making) {
            return;
        }
        for base in self.bases() {
            for entry in std::fs::read_dir(base).into_iter().flatten().flatten() {
                // Refused by the kernel while a process is in it; files can not be removed at all.
                let _ = std::fs::remove_dir(entry.path());
            }
        }
    }

    fn bases(&self) -> impl Iterator<Item = &PathBuf> {
        self.memory.iter().chain(&self.cpu).chain(&self.pids)
    }

    /// The version, where memory can be limited; 0 where it can not.
    pub(crate) fn memory_version(&self) -> u8 {
        self.memory.as_ref().map_or(0, |_| self.version)
    }

    fn v1(own: &str, mounts: &str) -> Self {
        let base = |controller: &str| {
            let path = own.lines().find_map(|line| {
                let mut fields = line.splitn(3, ':');
                let names = fields.nth(1)?;
                names
                    .split(',')
                    .any(|name| name == controller)
                    .then(|| fields.next())?
            })?;
            let dir = mount_of(mounts, "cgroup", controller, path)?.join("steading");
            std::fs::create_dir_all(&dir).ok()?;
            // Another user's server may have made it.
            access(&dir, Access::WRITE_OK).ok()?;
            Some(dir)
        };
        Self {
            memory: base("memory"),
            cpu: base("cpu"),
            pids: base("pids"),
            version: 1,
        }
    }

    /// Version 2 wants processes in leaves only, so this process and its relatives move into one
    /// first. That is done only where the group is ours alone, as under systemd with `Delegate=`.
    fn v2(own: &str, mounts: &str) -> Option<Self> {
        let path = own.lines().find_map(|line| line.strip_prefix("0::"))?;
        let group = mount_of(mounts, "cgroup2", "", path)?;
        let offered = std::fs::read_to_string(group.join("cgroup.controllers")).ok()?;
        if !offered.split_whitespace().any(|name| name == "memory") {
            return None;
        }
        let ours = [
            std::process::id() as i32,
            parent(std::process::id() as i32)?,
            parent(parent(std::process::id() as i32)?)?,
        ];
        let members = std::fs::read_to_string(group.join("cgroup.procs")).ok()?;
        let members: Vec<i32> = members.lines().filter_map(|pid| pid.parse().ok()).collect();
        let group = if members.is_empty() || members.iter().all(|pid| ours.contains(pid)) {
            group
        } else {
            return None;
        };
        let leaf = group.join("server");
        std::fs::create_dir_all(&leaf).ok()?;
        for pid in members {
            std::fs::write(leaf.join("cgroup.procs"), pid.to_string()).ok()?;
        }
        let tasks = group.join("tasks");
        for dir in [&group, &tasks] {
            std::fs::create_dir_all(&tasks).ok()?;
            std::fs::write(dir.join("cgroup.subtree_control"), "+memory +cpu +pids").ok()?;
        }
        Some(Self {
            memory: Some(tasks.clone()),
            cpu: Some(tasks.clone()),
            pids: Some(tasks),
            version: 2,
        })
    }

    /// A group for main of a task, or for a container beside it, when it asks for limits and the host has groups.
    pub(crate) fn make(
        &self,
        key: AttemptId,
        container: usize,
        limits: Limits,
        pids: u32,
    ) -> io::Result<Option<Group>> {
        let base = self.bases().next().filter(|_| limits.any());
        let Some(base) = base else {
            return Ok(None);
        };
        let making = File::open(base)?;
        flock(&making, FlockOperation::LockShared)?;
        let name = &match container {
            0 => key.to_string(),
            beside => format!("{key}.{beside}"),
        };
        let mut group = Group {
            dirs: Vec::new(),
            procs: Vec::new(),
            memory: None,
            making,
        };
        let quota = limits
            .cpu_milli
            .map(|milli| u64::from(milli) * PERIOD / 1000)
            .map(|q| q.max(1000));
        let cpu = quota.map(|quota| match self.version {
            2 => ("cpu.max", format!("{quota} {PERIOD}")),
            _ => ("cpu.cfs_quota_us", quota.to_string()),
        });
        if let (Some(base), Some(value)) = (&self.cpu, cpu) {
            group.add(base, name, &[value])?;
        }
        if let (Some(base), Some(bytes)) = (&self.memory, limits.memory) {
            let bytes = bytes.to_string();
            let (limit, swap) = match self.version {
                2 => ("memory.max", ("memory.swap.max", "0".to_owned())),
                _ => (
                    "memory.limit_in_bytes",
                    ("memory.memsw.limit_in_bytes", bytes.clone()),
                ),
            };
            let dir = group.add(base, name, &[(limit, bytes)])?;
            // Absent where swap is not counted.
            let _ = std::fs::write(dir.join(swap.0), swap.1);
            group.memory = Some((dir, self.version));
        }
        if let Some(base) = &self.pids {
            group.add(base, name, &[("pids.max", pids.to_string())])?;
        }
        Ok(Some(group))
    }
}

/// A task's group in each hierarchy.
pub(crate) struct Group {
    dirs: Vec<PathBuf>,
    procs: Vec<OwnedFd>,
    memory: Option<(PathBuf, u8)>,
    /// Locked until somebody is in: a server that starts meanwhile would take the group for a forgotten one.
    making: File,
}

impl Group {
    fn add(&mut self, base: &Path, name: &str, values: &[(&str, String)]) -> io::Result<PathBuf> {
        let dir = base.join(name);
        match std::fs::create_dir(&dir) {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
            _ => {}
        }
        for (name, value) in values {
            std::fs::write(dir.join(name), value)?;
        }
        if !self.dirs.contains(&dir) {
            self.procs.push(
                File::options()
                    .write(true)
                    .open(dir.join("cgroup.procs"))?
                    .into(),
            );
            self.dirs.push(dir.clone());
        }
        Ok(dir)
    }

    /// Moves this process in; its children start in it.
    pub(crate) fn enter(&self) -> io::Result<()> {
        for procs in &self.procs {
            // 0 is the writer.
            File::from(procs.try_clone()?).write_all(b"0")?;
        }
        Ok(flock(&self.making, FlockOperation::Unlock)?)
    }

    /// How the memory limit is enforced, for the task's record.
    pub(crate) fn memory(&self) -> Option<String> {
        self.memory
            .as_ref()
            .map(|(_, version)| format!("v{version}"))
    }

    /// Whether the kernel killed a process for using too much memory.
    pub(crate) fn out_of_memory(&self) -> bool {
        let Some((dir, version)) = &self.memory else {
            return false;
        };
        let name = if *version == 2 {
            "memory.events"
        } else {
            "memory.oom_control"
        };
        let text = std::fs::read_to_string(dir.join(name)).unwrap_or_default();
        let mut counts = text
            .lines()
            .filter_map(|line| line.strip_prefix("oom_kill "));
        counts.any(|count| count.trim() != "0")
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        for dir in &self.dirs {
            let _ = std::fs::remove_dir(dir);
        }
    }
}

/// The directory of a control group: where its hierarchy is mounted (proc(5), mountinfo).
fn mount_of(mounts: &str, kind: &str, controller: &str, path: &str) -> Option<PathBuf> {
    mounts.lines().find_map(|line| {
        let (left, right) = line.split_once(" - ")?;
        let mut left = left.split(' ').skip(3);
        let (root, point) = (left.next()?, left.next()?);
        let mut right = right.split(' ');
        let (fs, options) = (right.next()?, right.nth(1)?);
        let fits = controller.is_empty() || options.split(',').any(|o| o == controller);
        let below = path.strip_prefix(root.trim_end_matches('/'))?;
        (fs == kind && fits).then(|| Path::new(point).join(below.trim_start_matches('/')))
    })
}

/// The parent of a process (field 4 of its stat).
fn parent(pid: i32) -> Option<i32> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    stat.rsplit_once(')')?
        .1
        .split_ascii_whitespace()
        .nth(1)?
        .parse()
        .ok()
}
