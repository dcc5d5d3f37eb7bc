//! An attempt that a backend has, or must be given: driven again after a restart.

use serde::{Deserialize, Serialize};
use steading_types::Millis;

use super::{encode, fields, newer, numbers, version};
use crate::StoreError;

const VERSION: u8 = 1;

/// How far an attempt is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OutboxStage {
    /// Waits for its turn; no backend knows it.
    Queued,
    /// It may have been handed to the backend; `state` is the backend's epoch in which it was released.
    Submitting,
    /// The backend has it under `handle`.
    Accepted,
}

/// Whether the attempt is still wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wanted {
    /// Run it to its end.
    Yes,
    /// End it.
    Cancel,
}

numbers!(stage_number, stage, "stage of an attempt", OutboxStage { Queued = 0, Submitting = 1, Accepted = 2 });
numbers!(wanted_number, wanted, "wish for an attempt", Wanted { Yes = 0, Cancel = 1 });

/// The durable state of carrying out one attempt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OutboxRow {
    /// The compute environment that it is bound to; empty while it waits for its turn.
    pub environment: String,
    /// How far it is.
    pub stage: OutboxStage,
    /// Whether it is still wanted.
    pub wanted: Wanted,
    /// What must be known of the backend when it is asked again.
    pub state: Vec<u8>,
    /// The backend's name for it, once accepted.
    pub handle: Option<String>,
    /// Since when it waits for its turn.
    pub queued: Millis,
}

#[derive(Serialize, Deserialize)]
struct V1<'r> {
    environment: &'r str,
    stage: u8,
    wanted: u8,
    state: &'r [u8],
    handle: Option<&'r str>,
    queued: u64,
}

/// The row of an attempt.
pub(crate) fn write(row: &OutboxRow) -> Result<Vec<u8>, StoreError> {
    let row = V1 {
        environment: &row.environment,
        stage: stage_number(row.stage),
        wanted: wanted_number(row.wanted),
        state: &row.state,
        handle: row.handle.as_deref(),
        queued: row.queued.get(),
    };
    encode(VERSION, &row)
}

/// The attempt's state behind a row.
pub(crate) fn read(row: &[u8]) -> Result<OutboxRow, StoreError> {
    let (found, bytes) = version(row)?;
    if found != VERSION {
        return Err(newer("an attempt", found, VERSION));
    }
    let row: V1<'_> = fields("an attempt", bytes)?;
    Ok(OutboxRow {
        environment: row.environment.to_owned(),
        stage: stage(row.stage)?,
        wanted: wanted(row.wanted)?,
        state: row.state.to_vec(),
        handle: row.handle.map(str::to_owned),
        queued: Millis(row.queued),
    })
}
