//! Who else can be killed: the spawner and the supervisors.

use std::path::Path;

use anyhow::Result;
use serde_json::Value;

use super::chance::Chance;
use crate::Server;

/// Kills the spawner: the only child of the server's only child. False when it is not there just now.
pub(super) fn spawner(server: &Server) -> Result<bool> {
    let keeper = children(server.process_id());
    Ok(keeper.first().is_some_and(|keeper| {
        children(*keeper)
            .first()
            .is_some_and(|spawner| kill(*spawner))
    }))
}

/// Kills the supervisor of some task; false when none runs.
pub(super) fn supervisor(server: &Server, chance: &mut Chance) -> Result<bool> {
    let mut living = Vec::new();
    for entry in std::fs::read_dir(server.data().join("tasks"))? {
        living.extend(supervisor_of(&entry?.path()));
    }
    let chosen = usize::try_from(chance.below(living.len() as u64))?;
    Ok(living.get(chosen).is_some_and(|pid| kill(*pid)))
}

/// The process that took the task's key, while the task has not ended.
fn supervisor_of(task: &Path) -> Option<u32> {
    if task.join("report.json").exists() {
        return None;
    }
    let started: Value = serde_json::from_slice(&std::fs::read(task.join("started")).ok()?).ok()?;
    let pid = u32::try_from(started.get("pid")?.as_u64()?).ok()?;
    // Not a process that got the number after it.
    let command = std::fs::read_to_string(format!("/proc/{pid}/cmdline")).ok()?;
    command.contains("serve").then_some(pid)
}

fn children(parent: u32) -> Vec<u32> {
    std::fs::read_to_string(format!("/proc/{parent}/task/{parent}/children"))
        .unwrap_or_default()
        .split_ascii_whitespace()
        .filter_map(|pid| pid.parse().ok())
        .collect()
}

fn kill(pid: u32) -> bool {
    std::process::Command::new("kill")
        .args(["-KILL", &pid.to_string()])
        .stderr(std::process::Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
}
