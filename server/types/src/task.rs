//! A task: what an attempt asks of a backend, and what the backend answers. The engine writes it,
//! a compute plugin hands it on as JSON (`job.extra`), and local execution reads it.
//!
//! Everything here is already substituted: no `{{…}}` is looked at again.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::artifact::{Artifact, Packing};
use crate::{CpuMilli, MemoryBytes, Millis};

mod container;
mod service;
mod volume;

pub use container::{Container, HostAlias, InPlace, Mount, Security, SubPath};
pub use service::{Network, Probe, ProbeAction};
pub use volume::{Content, FileEntry, Volume, VolumeKind};

/// How strongly a task is kept apart from the host. Ordered: a later level is stricter.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// A plain child process.
    Process,
    /// The host's programs, confined: read-only root, private /tmp, no network, no privileges.
    Sandbox,
    /// The root file system of an imported image, in namespaces of its own.
    Image,
}

/// One attempt's whole work, as a pod.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Task {
    /// Tasks of one group (a run) may share an empty network namespace.
    pub group: String,
    /// Run one after another, each to success, before `main`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub init: Vec<Container>,
    /// The container whose end is the task's end.
    pub main: Container,
    /// The other containers of a set: the task has ended when they and `main` have. They start side by
    /// side, each after those that it names in [`Container::after`].
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub members: Vec<Container>,
    /// Containers beside the others: started before them, ended after them, whatever their own end is.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub sidecars: Vec<Container>,
    /// How often the command of a set's container is tried again in its place.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub in_place: Option<InPlace>,
    /// Volumes that the containers mount by name.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub volumes: Vec<Volume>,
    /// CPU limit of all its containers together.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cpu: Option<CpuMilli>,
    /// Memory limit of all its containers together.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub memory: Option<MemoryBytes>,
    /// The group of every volume's files (Kubernetes' `fsGroup`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub volume_group: Option<u32>,
    /// Text placed at [`SCRIPT_PATH`] and given to `main` as its last argument.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub script: Option<String>,
    /// Files of `main` read when it has ended well.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub outputs: Vec<OutputFile>,
    /// Contents placed for `main` before it starts. The server staged each, by position.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub takes: Vec<Taken>,
    /// Files and directories of `main` that are staged, by position, when it has ended.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub gives: Vec<Given>,
    /// Keep the last [`RESULT_LIMIT`] bytes of main's standard output as the result.
    #[serde(default)]
    pub capture_result: bool,
    /// The time after which the task is ended with [`End::DeadlineExceeded`], counted from its start.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deadline: Option<Millis>,
    /// Between the polite signal and the forced one, when the task is stopped.
    pub grace: Millis,
    /// Whom the task can talk to.
    #[serde(default, skip_serializing_if = "Network::is_shared")]
    pub network: Network,
    /// A daemon: the task is a service for others as soon as this says so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service: Option<Probe>,
    /// Further lines of `/etc/hosts`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub host_aliases: Vec<HostAlias>,
    /// `/etc/resolv.conf`, where the task has one of its own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resolver: Option<String>,
}

impl Task {
    /// Its containers by position: init containers, the main one, the set's others, sidecars. Logs count
    /// containers so.
    pub fn containers(&self) -> impl Iterator<Item = &Container> {
        let late = self.members.iter().chain(&self.sidecars);
        self.init.iter().chain([&self.main]).chain(late)
    }

    /// One of them, by its name.
    pub fn container_mut(&mut self, name: &str) -> Option<&mut Container> {
        let late = self.members.iter_mut().chain(&mut self.sidecars);
        let mut all = self.init.iter_mut().chain([&mut self.main]).chain(late);
        all.find(|container| container.name == name)
    }

    /// Their names.
    pub fn container_names(&self) -> Vec<String> {
        self.containers().map(|c| c.name.clone()).collect()
    }
}

/// Where a script's source is placed (Argo's path).
pub const SCRIPT_PATH: &str = "/argo/staging/script";
/// Bytes of standard output kept as a result (Argo's figure).
pub const RESULT_LIMIT: usize = 256 * 1024;
/// Bytes of one output parameter file. Argo's limit is the 1 MiB of an object; ours is a row's.
pub const OUTPUT_LIMIT: usize = 256 * 1024;

/// A file of `main` that becomes an output parameter.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct OutputFile {
    /// The parameter's name.
    pub name: String,
    /// Absolute path in the container.
    pub path: String,
}

/// An input artifact, staged, and where it goes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Taken {
    /// The artifact's name.
    pub name: String,
    /// Absolute path in the container.
    pub path: String,
    /// How the staged content is packed.
    #[serde(default)]
    pub packing: Packing,
    /// Permission bits that it gets.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mode: Option<u32>,
    /// What the permission bits are for.
    #[serde(default)]
    pub reach: Reach,
}

/// How far the mode of an input artifact reaches.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Reach {
    /// The file or directory itself.
    #[default]
    Itself,
    /// Everything below it too.
    Everything,
}

/// A file or directory of `main` that becomes an output artifact.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Given {
    /// The artifact's name.
    pub name: String,
    /// Absolute path in the container.
    pub path: String,
    /// How it is packed.
    #[serde(default)]
    pub packing: Packing,
}

/// What became of an output artifact.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Gathered {
    /// It is staged: its content is one object.
    Object,
    /// It is staged as a tar: each file of it is an object.
    Tree,
    /// It is in the repository. The server alone says so: no report of a task or of a plugin can.
    #[serde(skip)]
    Kept(Box<Artifact>),
    /// It could not be taken.
    Refused {
        /// Stable and dotted.
        code: String,
        /// One sentence.
        message: String,
    },
}

/// How a task ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", tag = "how")]
pub enum End {
    /// `main`, or the named init container, exited.
    Exited {
        /// The container that decided.
        container: String,
        /// Its exit code.
        code: i32,
    },
    /// Killed by a signal.
    Signaled {
        /// The container that decided.
        container: String,
        /// The signal's number.
        signal: i32,
    },
    /// Killed because it used more memory than its limit.
    OutOfMemory {
        /// The container that decided.
        container: String,
    },
    /// Ended because its deadline passed.
    DeadlineExceeded,
    /// Ended because one of its probes failed too often.
    Unhealthy {
        /// The container.
        container: String,
        /// The probe, e.g. `livenessProbe`.
        probe: String,
    },
    /// The program could not be started (Argo's exit code 64).
    NotStarted {
        /// One sentence.
        message: String,
    },
    /// Something failed before `main` (Argo's 65): image, mount, limits. `code` is a stable dotted code.
    Unprepared {
        /// e.g. `image.missing`.
        code: String,
        /// One sentence, with what to do.
        message: String,
    },
    /// The server did the work itself, and the answer was no: `message` says it.
    Declined {
        /// One sentence.
        message: String,
    },
    /// The supervisor vanished without a record (host restart, kill): nobody knows how far it got.
    Lost,
}

/// How one container of a set ended; nothing of it is known when the supervisor was lost.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct MemberReport {
    /// How.
    pub end: End,
    /// When its command started, if it did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub started: Option<Millis>,
    /// When it ended.
    pub finished: Millis,
}

/// The durable record of a finished task.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TaskReport {
    /// How it ended.
    pub end: End,
    /// When `main` (or the first init container) started.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub started: Option<Millis>,
    /// When it ended.
    pub finished: Millis,
    /// CPU time of all its processes, in milliseconds.
    #[serde(default)]
    pub cpu_ms: u64,
    /// Largest resident set of one process, in bytes.
    #[serde(default)]
    pub max_rss: u64,
    /// Contents of the output files; a name is absent when its file is.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub outputs: BTreeMap<String, String>,
    /// Main's standard output, when it was asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub result: Option<String>,
    /// Output files that could not be taken: name -> why (too large, not a regular file, not UTF-8).
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub refused: BTreeMap<String, String>,
    /// Output artifacts by name; absent when there is nothing at its path.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub artifacts: BTreeMap<String, Gathered>,
    /// How each container of a set ended.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub members: BTreeMap<String, MemberReport>,
    /// The isolation that was reached, e.g. `level=image userns=1 landlock=7 seccomp=1 net=none cg.mem=v1`.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub isolation: String,
}

impl TaskReport {
    /// Of a task of which nothing but its end is known.
    pub fn of(end: End, finished: Millis) -> Self {
        Self {
            end,
            started: None,
            finished,
            cpu_ms: 0,
            max_rss: 0,
            outputs: BTreeMap::new(),
            result: None,
            refused: BTreeMap::new(),
            artifacts: BTreeMap::new(),
            members: BTreeMap::new(),
            isolation: String::new(),
        }
    }
}
