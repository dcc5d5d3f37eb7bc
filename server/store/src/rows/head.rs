//! The run's own row, of active and of archived runs.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use steading_engine::head::{Head, Progress, Shutdown, Suspended};
use steading_types::{Millis, RunId, TenantName, WorkflowPhase};

use super::{encode, fields, name, newer, numbers, read_artifacts, version, write_artifacts};
use crate::StoreError;

const VERSION: u8 = 2;

numbers!(phase_number, phase, "workflow phase", WorkflowPhase {
    Pending = 0, Running = 1, Succeeded = 2, Failed = 3, Error = 4,
});
numbers!(shutdown_number, shutdown, "kind of shutdown", Shutdown {
    Stop = 1, Terminate = 2, Deadline = 3,
});
numbers!(suspended_number, suspended, "kind of suspension", Suspended { No = 0, Yes = 1 });

#[derive(Serialize, Deserialize)]
struct V1<'r> {
    #[serde(borrow)]
    name: &'r str,
    #[serde(borrow)]
    labels: BTreeMap<&'r str, &'r str>,
    #[serde(borrow)]
    annotations: BTreeMap<&'r str, &'r str>,
    creator: &'r str,
    phase: u8,
    message: Option<&'r str>,
    created: u64,
    started: Option<u64>,
    finished: Option<u64>,
    priority: i32,
    shutdown: Option<u8>,
    suspended: u8,
    #[serde(borrow)]
    parameters: BTreeMap<&'r str, &'r str>,
    #[serde(borrow)]
    outputs: BTreeMap<&'r str, &'r str>,
    done: u32,
    total: u32,
    generation: u32,
}

/// What was added to the first form.
#[derive(Serialize, Deserialize)]
struct V2<'r> {
    #[serde(borrow)]
    first: V1<'r>,
    /// Published artifacts, each as JSON.
    artifacts: Vec<String>,
}

fn borrowed(map: &BTreeMap<String, String>) -> BTreeMap<&str, &str> {
    map.iter().map(|(k, v)| (k.as_str(), v.as_str())).collect()
}

fn owned(map: BTreeMap<&str, &str>) -> BTreeMap<String, String> {
    map.into_iter()
        .map(|(k, v)| (k.to_owned(), v.to_owned()))
        .collect()
}

/// The row of a run; id and tenant stand in the key.
pub(crate) fn write(head: &Head) -> Result<Vec<u8>, StoreError> {
    let row = V1 {
        name: head.name.as_str(),
        labels: borrowed(&head.labels),
        annotations: borrowed(&head.annotations),
        creator: &head.creator,
        phase: phase_number(head.phase),
        message: head.message.as_deref(),
        created: head.created.get(),
        started: head.started.map(Millis::get),
        finished: head.finished.map(Millis::get),
        priority: head.priority,
        shutdown: head.shutdown.map(shutdown_number),
        suspended: suspended_number(head.suspended),
        parameters: borrowed(&head.parameters),
        outputs: borrowed(&head.outputs),
        done: head.progress.done,
        total: head.progress.total,
        generation: head.generation,
    };
    let row = V2 {
        first: row,
        artifacts: write_artifacts(head.artifacts.values())?,
    };
    encode(VERSION, &row)
}

/// The run behind a row and its key.
pub(crate) fn read(tenant: &TenantName, id: RunId, row: &[u8]) -> Result<Head, StoreError> {
    let (found, bytes) = version(row)?;
    let (row, artifacts) = match found {
        1 => (fields::<V1<'_>>("a run", bytes)?, Vec::new()),
        VERSION => {
            let row: V2<'_> = fields("a run", bytes)?;
            (row.first, row.artifacts)
        }
        _ => return Err(newer("a run", found, VERSION)),
    };
    let artifacts = read_artifacts(&artifacts)?.into_iter();
    Ok(Head {
        id,
        tenant: tenant.clone(),
        name: name(row.name)?,
        labels: owned(row.labels),
        annotations: owned(row.annotations),
        creator: row.creator.to_owned(),
        phase: phase(row.phase)?,
        message: row.message.map(str::to_owned),
        created: Millis(row.created),
        started: row.started.map(Millis),
        finished: row.finished.map(Millis),
        priority: row.priority,
        shutdown: row.shutdown.map(shutdown).transpose()?,
        suspended: suspended(row.suspended)?,
        parameters: owned(row.parameters),
        outputs: owned(row.outputs),
        artifacts: artifacts
            .map(|artifact| (artifact.name.clone(), artifact))
            .collect(),
        progress: Progress {
            done: row.done,
            total: row.total,
        },
        generation: row.generation,
    })
}
