//! One container of a task.

use core::net::IpAddr;

use serde::{Deserialize, Serialize};

use super::Probe;
use crate::{CpuMilli, MemoryBytes, Millis};

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
    /// Variables in order; later ones win. Values, `command` and `args` may name earlier ones as `$(NAME)`.
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
    /// In a set: the containers that must have succeeded before its command starts.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub after: Vec<String>,
    /// Who it is, and what it gives up.
    #[serde(default, skip_serializing_if = "Security::is_default")]
    pub security: Security,
    /// Whether it has come up: nothing else is tried before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub startup: Option<Probe>,
    /// Whether it still does its work.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub liveness: Option<Probe>,
}

/// Who a container is, inside the task's own user ids, and what it gives up.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Security {
    /// Instead of the image's user.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<u32>,
    /// Instead of that user's group.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group: Option<u32>,
    /// Further groups.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub groups: Vec<u32>,
    /// It must not start as user 0.
    #[serde(default)]
    pub non_root: bool,
    /// Its root file system can not be written.
    #[serde(default)]
    pub read_only_root: bool,
}

impl Security {
    fn is_default(&self) -> bool {
        *self == Self::default()
    }
}

/// A volume at a path of a container.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Mount {
    /// The volume's name.
    pub volume: String,
    /// Absolute path in the container.
    pub path: String,
    /// Only this part of the volume.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sub_path: Option<SubPath>,
    /// Writes are refused.
    #[serde(default)]
    pub read_only: bool,
}

/// A relative path inside a volume.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum SubPath {
    /// As it stands.
    Plain(String),
    /// With variables of the container's environment, as `$(NAME)`.
    Expanded(String),
}

/// How often a set's command is tried again in its place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct InPlace {
    /// Tries after the first.
    pub retries: u32,
    /// Before each of them.
    pub pause: Millis,
}

/// Names for an address in `/etc/hosts`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HostAlias {
    /// The address.
    pub ip: IpAddr,
    /// Its names.
    pub names: Vec<String>,
}
