//! `status.synchronization`, the nodes' `synchronizationStatus` and why they wait: told from the rows of holds.

use serde_json::{Map, Value, json};
use steading_engine::lock::{Hold, HoldStage, Holder, LockKind, LockName};
use steading_engine::tree::Tree;
use steading_store::{RunRef, Snapshot, StoreError};

use crate::locks::held_by;

/// Adds to the status of a run what it has and waits for.
///
/// # Errors
/// The disk's.
pub(super) fn show(
    snapshot: &Snapshot,
    run: &RunRef,
    tree: &Tree<'_>,
    status: &mut Map<String, Value>,
) -> Result<(), StoreError> {
    let own = snapshot.holds_of(run)?;
    if own.is_empty() {
        return Ok(());
    }
    let waits = own.iter().any(|(_, hold)| hold.stage != HoldStage::Held);
    let mut held = Vec::new();
    if waits {
        held = snapshot.holds_in(&run.tenant)?;
        held.retain(|hold| hold.stage == HoldStage::Held);
    }
    let mut shown = json!({});
    for (holder, hold) in &own {
        for name in &hold.locks {
            add(&mut shown, &held, hold, name);
        }
        if let Some(first) = hold.locks.first().filter(|_| hold.stage != HoldStage::Held) {
            mark(status, tree, *holder, first, &why(&held, hold));
        }
    }
    status.insert("synchronization".to_owned(), shown);
    Ok(())
}

fn holders<'h>(held: &'h [Hold], name: &LockName) -> impl Iterator<Item = &'h Hold> {
    held.iter().filter(move |hold| hold.locks.contains(name))
}

/// Why a holder waits, and who has what it waits for.
fn why(held: &[Hold], hold: &Hold) -> String {
    let of = |name| holders(held, name).map(|hold| (hold.who.clone(), hold.since));
    let busy: Vec<_> = hold.locks.iter().flat_map(of).collect();
    hold.waiting_message() + &held_by(busy)
}

/// Adds one lock under its kind and list: `{"mutex": {"holding": [...], "waiting": [...]}, "semaphore": ...}`.
fn add(shown: &mut Value, held: &[Hold], hold: &Hold, name: &LockName) {
    let (list, who) = match hold.stage {
        HoldStage::Held => ("holding", vec![hold.who.as_str()]),
        HoldStage::Waiting | HoldStage::Placed | HoldStage::Postponed => {
            let holders = holders(held, name).map(|hold| hold.who.as_str());
            ("waiting", holders.collect())
        }
    };
    let (kind, entry) = match &name.kind {
        LockKind::Mutex(_) => (
            "mutex",
            json!({"mutex": name.to_string(), "holder": who.first()}),
        ),
        LockKind::ConfigMap { .. } | LockKind::Database(_) => (
            "semaphore",
            json!({"semaphore": name.to_string(), "holders": who}),
        ),
    };
    let Some(shown) = shown.as_object_mut() else {
        return;
    };
    let kind = shown.entry(kind).or_insert_with(|| json!({}));
    if let Some(kind) = kind.as_object_mut()
        && let Some(list) = kind.entry(list).or_insert_with(|| json!([])).as_array_mut()
    {
        list.push(entry);
    }
}

/// Says on a node, or on the run, what it waits for.
fn mark(
    status: &mut Map<String, Value>,
    tree: &Tree<'_>,
    holder: Holder,
    first: &LockName,
    why: &str,
) {
    let Holder::Node(ix) = holder else {
        status.insert("message".to_owned(), why.into());
        return;
    };
    let nodes = status.get_mut("nodes").and_then(Value::as_object_mut);
    let node = tree.id(ix).and_then(|id| nodes?.get_mut(&id));
    if let Some(node) = node.and_then(Value::as_object_mut) {
        let waiting = json!({"waiting": first.to_string()});
        node.insert("synchronizationStatus".to_owned(), waiting);
        node.insert("message".to_owned(), why.into());
    }
}
