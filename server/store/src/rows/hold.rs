//! The locks that a run or a node has or waits for.

use std::cmp::Reverse;

use serde::{Deserialize, Serialize};
use steading_engine::lock::{Hold, HoldStage, LockKind, LockName, Rank, Request};
use steading_types::Millis;

use super::{encode, fields, newer, numbers, version};
use crate::StoreError;

const VERSION: u8 = 1;

numbers!(stage_number, stage, "stage of a hold", HoldStage { Waiting = 0, Held = 1, Placed = 2, Postponed = 3 });

#[derive(Serialize, Deserialize)]
struct V1<'r> {
    /// Namespace, kind, name, key.
    #[serde(borrow)]
    locks: Vec<(&'r str, u8, &'r str, &'r str)>,
    stage: u8,
    since: u64,
    generation: u32,
    number: u32,
    priority: i32,
    created: u64,
    asked: u64,
    who: &'r str,
}

/// The row of a hold; run and holder stand in the key.
pub(crate) fn write(hold: &Hold) -> Result<Vec<u8>, StoreError> {
    let row = V1 {
        locks: hold.locks.iter().map(fields_of).collect(),
        stage: stage_number(hold.stage),
        since: hold.since.get(),
        generation: hold.request.generation,
        number: hold.request.number,
        priority: hold.rank.priority.0,
        created: hold.rank.created.get(),
        asked: hold.rank.asked.get(),
        who: &hold.who,
    };
    encode(VERSION, &row)
}

fn fields_of(lock: &LockName) -> (&str, u8, &str, &str) {
    let (number, name, key) = match &lock.kind {
        LockKind::Mutex(name) => (0, name.as_str(), ""),
        LockKind::ConfigMap { name, key } => (1, name.as_str(), key.as_str()),
        LockKind::Database(name) => (2, name.as_str(), ""),
    };
    (&lock.namespace, number, name, key)
}

/// The hold behind a row.
pub(crate) fn read(row: &[u8]) -> Result<Hold, StoreError> {
    let (found, bytes) = version(row)?;
    if found != VERSION {
        return Err(newer("a hold", found, VERSION));
    }
    let row: V1<'_> = fields("a hold", bytes)?;
    let lock = |(namespace, number, name, key): (&str, u8, &str, &str)| {
        let name = name.to_owned();
        let kind = match number {
            0 => LockKind::Mutex(name),
            1 => LockKind::ConfigMap {
                name,
                key: key.to_owned(),
            },
            2 => LockKind::Database(name),
            _ => return Err(StoreError::damaged("an unknown kind of lock")),
        };
        Ok(LockName {
            namespace: namespace.to_owned(),
            kind,
        })
    };
    Ok(Hold {
        locks: row.locks.into_iter().map(lock).collect::<Result<_, _>>()?,
        stage: stage(row.stage)?,
        since: Millis(row.since),
        request: Request {
            generation: row.generation,
            number: row.number,
        },
        rank: Rank {
            priority: Reverse(row.priority),
            created: Millis(row.created),
            asked: Millis(row.asked),
        },
        who: row.who.to_owned(),
    })
}
