//! What a tenant's cache remembers: the outputs of a memoized node, and which node gave them.

use serde::{Deserialize, Serialize};
use steading_engine::node::Outputs;
use steading_types::{Millis, NodeIx, RunId};

use super::{encode, fields, newer, read_artifacts, version, write_artifacts};
use crate::StoreError;

const VERSION: u8 = 1;

/// Where an entry stands in a tenant's caches.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MemoKey {
    /// The cache.
    pub cache: String,
    /// The key in it.
    pub key: String,
}

/// An entry of a cache.
#[derive(Debug, Clone, PartialEq)]
pub struct MemoRow {
    /// The run whose node gave the outputs.
    pub run: RunId,
    /// The node.
    pub node: NodeIx,
    /// When it had ended.
    pub made: Millis,
    /// From when on nobody uses the entry any more; never when absent.
    pub expires: Option<Millis>,
    /// What it gave.
    pub outputs: Outputs,
}

#[derive(Serialize, Deserialize)]
struct V1<'r> {
    run: [u8; 16],
    node: u32,
    made: u64,
    expires: Option<u64>,
    #[serde(borrow)]
    parameters: Vec<(&'r str, &'r str)>,
    /// Each as JSON.
    artifacts: Vec<String>,
    result: Option<&'r str>,
    exit_code: Option<i32>,
}

/// The row of an entry; cache and key stand in its key.
pub(crate) fn write(row: &MemoRow) -> Result<Vec<u8>, StoreError> {
    let parameters = row.outputs.parameters.iter();
    let row = V1 {
        run: row.run.to_bytes(),
        node: row.node.0,
        made: row.made.get(),
        expires: row.expires.map(Millis::get),
        parameters: parameters.map(|(k, v)| (k.as_str(), v.as_str())).collect(),
        artifacts: write_artifacts(&row.outputs.artifacts)?,
        result: row.outputs.result.as_deref(),
        exit_code: row.outputs.exit_code,
    };
    encode(VERSION, &row)
}

/// The entry behind a row.
pub(crate) fn read(row: &[u8]) -> Result<MemoRow, StoreError> {
    let (found, bytes) = version(row)?;
    if found != VERSION {
        return Err(newer("an entry of a cache", found, VERSION));
    }
    let row: V1<'_> = fields("an entry of a cache", bytes)?;
    let parameters = row.parameters.into_iter();
    Ok(MemoRow {
        run: RunId::from_bytes(row.run),
        node: NodeIx(row.node),
        made: Millis(row.made),
        expires: row.expires.map(Millis),
        outputs: Outputs {
            parameters: parameters
                .map(|(k, v)| (k.to_owned(), v.to_owned()))
                .collect(),
            artifacts: read_artifacts(&row.artifacts)?,
            result: row.result.map(str::to_owned),
            exit_code: row.exit_code,
            ..Outputs::default()
        },
    })
}
