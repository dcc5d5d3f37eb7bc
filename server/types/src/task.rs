//! A task: what an attempt asks of a backend, and what the backend answers. The engine writes it,
//! a compute plugin hands it on as JSON (`job.extra`), and local execution reads it.
//!
//! Everything here is already substituted: no `{{…}}` is looked at again.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{CpuMilli, MemoryBytes, Millis};

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
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Task {
    /// Tasks of one group (a run) may share an empty network namespace.
    pub group: String,
    /// Run one after another, each to success, before `main`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub init: Vec<Container>,
    /// The container whose end is the task's end.
    pub main: Container,
    /// Volumes that the containers mount by name.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub volumes: Vec<Volume>,
    /// Text placed at [`SCRIPT_PATH`] and given to `main` as its last argument.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub script: Option<String>,
    /// Files of `main` read when it has ended well.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub outputs: Vec<OutputFile>,
    /// Keep the last [`RESULT_LIMIT`] bytes of main's standard output as the result.
    #[serde(default)]
    pub capture_result: bool,
    /// The time after which the task is ended with [`End::DeadlineExceeded`], counted from its start.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deadline: Option<Millis>,
    /// Between the polite signal and the forced one, when the task is stopped.
    pub grace: Millis,
}

impl Task {
    /// Names of its containers by position: init containers first, then the main one. Logs count
    /// containers so.
    pub fn container_names(&self) -> Vec<String> {
        let all = self.init.iter().chain([&self.main]);
        all.map(|container| container.name.clone()).collect()
    }
}

/// Where a script's source is placed (Argo's path).
pub const SCRIPT_PATH: &str = "/argo/staging/script";
/// Bytes of standard output kept as a result (Argo's figure).
pub const RESULT_LIMIT: usize = 256 * 1024;
/// Bytes of one output parameter file. Argo's limit is the 1 MiB of an object; ours is a row's.
pub const OUTPUT_LIMIT: usize = 256 * 1024;

/// One container of a task.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Container {
    /// Unique in the task; `main` for the main one.
    pub name: String,
    /// The image's name as the template wrote it; the reserved name `host` means the host's programs.
    pub image: String,
    /// The program and its first arguments; empty: the image's entrypoint.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub command: Vec<String>,
    /// Further arguments; the image's own when `command` and `args` are both empty.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub args: Vec<String>,
    /// Variables in order; later ones win.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub env: Vec<(String, String)>,
    /// The working directory; the image's own, or `/`, when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub workdir: Option<String>,
    /// Volumes in this container.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub mounts: Vec<Mount>,
    /// CPU limit; none: the site's default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cpu: Option<CpuMilli>,
    /// Memory limit; none: the site's default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub memory: Option<MemoryBytes>,
}

/// A volume at a path of a container.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Mount {
    /// The volume's name.
    pub volume: String,
    /// Absolute path in the container.
    pub path: String,
    /// A relative path inside the volume.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sub_path: Option<String>,
    /// Writes are refused.
    #[serde(default)]
    pub read_only: bool,
}

/// A volume of a task.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Volume {
    /// Unique in the task.
    pub name: String,
    /// What it is.
    pub kind: VolumeKind,
}

/// The kinds of volume that a backend provides.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum VolumeKind {
    /// An empty directory that lives as long as the task.
    EmptyDir {
        /// In memory instead of on disk.
        memory: bool,
        /// Upper limit of its size, in bytes.
        size: Option<MemoryBytes>,
    },
}

/// A file of `main` that becomes an output parameter.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct OutputFile {
    /// The parameter's name.
    pub name: String,
    /// Absolute path in the container.
    pub path: String,
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
    /// The supervisor vanished without a record (host restart, kill): nobody knows how far it got.
    Lost,
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
    /// The isolation that was reached, e.g. `level=image userns=1 landlock=7 seccomp=1 net=none cg.mem=v1`.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub isolation: String,
}
