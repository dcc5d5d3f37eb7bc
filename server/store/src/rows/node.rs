//! One node of a run.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use steading_engine::memo::{Found, Memo};
use steading_engine::node::{Ending, Node, NodeRole, Outputs, TemplateName, Usage};
use steading_types::{Millis, NodeIx, NodePhase, NodeType};

use super::{encode, fields, json, newer, numbers, read_artifacts, version, write_artifacts};
use crate::StoreError;

const VERSION: u8 = 2;

numbers!(phase_number, phase, "node phase", NodePhase {
    Pending = 0, Running = 1, Succeeded = 2, Skipped = 3, Failed = 4, Error = 5, Omitted = 6,
});
numbers!(kind_number, kind, "node type", NodeType {
    Pod = 0, Container = 1, Steps = 2, StepGroup = 3, DAG = 4, TaskGroup = 5, Retry = 6,
    Skipped = 7, Suspend = 8, HTTP = 9, Plugin = 10,
});
numbers!(role_number, role, "node role", NodeRole { Plain = 0, Hook = 1, Try = 2 });

numbers!(ending_number, ending, "ending of a node", Ending {
    Natural = 0, Asked = 1, Serving = 2, Dismissed = 3, Skipping = 4,
});

numbers!(found_number, found, "answer of a cache", Found { Hit = 0, Miss = 1 });

#[derive(Serialize, Deserialize)]
struct V1<'r> {
    name: &'r str,
    display_name: &'r str,
    kind: u8,
    phase: u8,
    message: Option<&'r str>,
    template: &'r str,
    #[serde(borrow)]
    reference: Option<(&'r str, &'r str)>,
    key: &'r str,
    boundary: Option<u32>,
    parents: Vec<u32>,
    owner: Option<u32>,
    place: u32,
    role: u8,
    index: Option<u32>,
    /// JSON.
    item: Option<String>,
    fan: Vec<u32>,
    #[serde(borrow)]
    inputs: Vec<(&'r str, &'r str)>,
    #[serde(borrow)]
    parameters: Vec<(&'r str, &'r str)>,
    result: Option<&'r str>,
    exit_code: Option<i32>,
    #[serde(borrow)]
    awaited: BTreeMap<&'r str, Option<&'r str>>,
    created: u64,
    started: Option<u64>,
    finished: Option<u64>,
    wake: Option<u64>,
    ending: u8,
    host: Option<&'r str>,
    isolation: &'r str,
    generation: u32,
    cpu_ms: u64,
    max_rss: u64,
}

#[derive(Serialize, Deserialize)]
struct V2<'r> {
    #[serde(borrow)]
    first: V1<'r>,
    #[serde(borrow)]
    added: Added<'r>,
}

/// What was added to the first form.
#[derive(Default, Serialize, Deserialize)]
struct Added<'r> {
    /// Input artifacts, each as JSON.
    taken: Vec<String>,
    /// Output artifacts, each as JSON.
    given: Vec<String>,
    #[serde(borrow)]
    memo: Option<MemoPart<'r>>,
    #[serde(borrow)]
    approvals: Vec<&'r str>,
}

/// What a memoized node asked.
#[derive(Serialize, Deserialize)]
struct MemoPart<'r> {
    cache: &'r str,
    key: &'r str,
    max_age: Option<u64>,
    found: u8,
}

fn write_memo(memo: &Memo) -> MemoPart<'_> {
    MemoPart {
        cache: &memo.cache,
        key: &memo.key,
        max_age: memo.max_age.map(Millis::get),
        found: found_number(memo.found),
    }
}

fn read_memo(memo: &MemoPart<'_>) -> Result<Memo, StoreError> {
    Ok(Memo {
        cache: memo.cache.to_owned(),
        key: memo.key.to_owned(),
        max_age: memo.max_age.map(Millis),
        found: found(memo.found)?,
    })
}

fn borrowed(pairs: &[(String, String)]) -> Vec<(&str, &str)> {
    pairs
        .iter()
        .map(|(k, v)| (k.as_str(), v.as_str()))
        .collect()
}

fn owned(pairs: Vec<(&str, &str)>) -> Vec<(String, String)> {
    pairs
        .into_iter()
        .map(|(k, v)| (k.to_owned(), v.to_owned()))
        .collect()
}

/// The row of a node; its position stands in the key.
pub(crate) fn write(node: &Node) -> Result<Vec<u8>, StoreError> {
    let reference = node.template.reference.as_ref();
    let row = V1 {
        name: &node.name,
        display_name: &node.display_name,
        kind: kind_number(node.kind),
        phase: phase_number(node.phase),
        message: node.message.as_deref(),
        template: &node.template.name,
        reference: reference.map(|(holder, template)| (holder.as_str(), template.as_str())),
        key: &node.template.key,
        boundary: node.boundary.map(|ix| ix.0),
        parents: node.parents.iter().map(|ix| ix.0).collect(),
        owner: node.owner.map(|ix| ix.0),
        place: node.place,
        role: role_number(node.role),
        index: node.index,
        item: node.item.as_ref().map(ToString::to_string),
        fan: node.fan.clone(),
        inputs: borrowed(&node.inputs),
        parameters: borrowed(&node.outputs.parameters),
        result: node.outputs.result.as_deref(),
        exit_code: node.outputs.exit_code,
        awaited: node
            .outputs
            .awaited
            .iter()
            .map(|(k, v)| (k.as_str(), v.as_deref()))
            .collect(),
        created: node.created.get(),
        started: node.started.map(Millis::get),
        finished: node.finished.map(Millis::get),
        wake: node.wake.map(Millis::get),
        ending: ending_number(node.ending),
        host: node.host.as_deref(),
        isolation: &node.isolation,
        generation: node.generation,
        cpu_ms: node.usage.cpu_ms,
        max_rss: node.usage.max_rss,
    };
    let row = V2 {
        first: row,
        added: Added {
            taken: write_artifacts(&node.artifacts)?,
            given: write_artifacts(&node.outputs.artifacts)?,
            memo: node.memo.as_ref().map(write_memo),
            approvals: node.approvals.iter().map(String::as_str).collect(),
        },
    };
    encode(VERSION, &row)
}

/// The node behind a row and its position.
pub(crate) fn read(ix: NodeIx, row: &[u8]) -> Result<Node, StoreError> {
    let (found, bytes) = version(row)?;
    let (row, added) = match found {
        1 => (fields::<V1<'_>>("a node", bytes)?, Added::default()),
        VERSION => {
            let row: V2<'_> = fields("a node", bytes)?;
            (row.first, row.added)
        }
        _ => return Err(newer("a node", found, VERSION)),
    };
    Ok(Node {
        ix,
        name: row.name.to_owned(),
        display_name: row.display_name.to_owned(),
        kind: kind(row.kind)?,
        phase: phase(row.phase)?,
        message: row.message.map(str::to_owned),
        template: TemplateName {
            name: row.template.to_owned(),
            reference: row.reference.map(|(h, t)| (h.to_owned(), t.to_owned())),
            key: row.key.to_owned(),
        },
        boundary: row.boundary.map(NodeIx),
        parents: row.parents.into_iter().map(NodeIx).collect(),
        owner: row.owner.map(NodeIx),
        place: row.place,
        role: role(row.role)?,
        index: row.index,
        item: row.item.as_deref().map(json).transpose()?,
        fan: row.fan,
        inputs: owned(row.inputs),
        artifacts: read_artifacts(&added.taken)?,
        outputs: Outputs {
            parameters: owned(row.parameters),
            artifacts: read_artifacts(&added.given)?,
            result: row.result.map(str::to_owned),
            exit_code: row.exit_code,
            awaited: row
                .awaited
                .into_iter()
                .map(|(k, v)| (k.to_owned(), v.map(str::to_owned)))
                .collect(),
        },
        created: Millis(row.created),
        started: row.started.map(Millis),
        finished: row.finished.map(Millis),
        wake: row.wake.map(Millis),
        ending: ending(row.ending)?,
        host: row.host.map(str::to_owned),
        isolation: row.isolation.to_owned(),
        generation: row.generation,
        usage: Usage {
            cpu_ms: row.cpu_ms,
            max_rss: row.max_rss,
        },
        memo: added.memo.as_ref().map(read_memo).transpose()?,
        approvals: added.approvals.into_iter().map(str::to_owned).collect(),
    })
}
