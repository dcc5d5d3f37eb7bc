//! The Workflow object as Argo shows it: what was submitted, with metadata and status of the run.

mod locks;

use jiff::Timestamp;
use serde_json::{Map, Value, json};
use steading_engine::head::{Head, Shutdown, Suspended};
use steading_engine::tree::Tree;
use steading_store::{RunRef, Seq, Snapshot, Store, StoreError};
use steading_types::{Millis, WorkflowPhase};

/// Whether `status.nodes` is wanted: it is most of a large run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Nodes {
    /// With nodes.
    Shown,
    /// Without.
    Hidden,
}

/// The object of a run; nothing when there is none.
///
/// # Errors
/// The disk's.
pub fn workflow(store: &Store, run: &RunRef, nodes: Nodes) -> Result<Option<Value>, StoreError> {
    store.read(|snapshot| {
        let seq = snapshot.seq()?;
        snapshot
            .run(run)?
            .map(|(head, _)| object(snapshot, &head, seq, nodes))
            .transpose()
    })
}

/// The object of a run whose row is known.
///
/// # Errors
/// The disk's.
pub fn object(
    snapshot: &Snapshot,
    head: &Head,
    seq: Seq,
    nodes: Nodes,
) -> Result<Value, StoreError> {
    let run = RunRef {
        tenant: head.tenant.clone(),
        id: head.id,
    };
    let mut object = snapshot
        .document(&run)?
        .map(|document| document.workflow)
        .unwrap_or_else(|| json!({}));
    metadata(member(&mut object, "metadata"), head, seq);
    let spec = member(&mut object, "spec");
    match head.suspended {
        Suspended::Yes => drop(spec.insert("suspend".to_owned(), json!(true))),
        Suspended::No => drop(spec.remove("suspend")),
    }
    match head.shutdown {
        Some(Shutdown::Stop) => drop(spec.insert("shutdown".to_owned(), json!("Stop"))),
        Some(Shutdown::Terminate) => drop(spec.insert("shutdown".to_owned(), json!("Terminate"))),
        Some(Shutdown::Deadline) | None => {}
    }
    let mut status = status(head);
    if nodes == Nodes::Shown {
        let rows = snapshot.nodes(&run)?;
        let tree = Tree::new(head, &rows);
        status.insert("resourcesDuration".to_owned(), tree.resources_duration());
        status.insert("nodes".to_owned(), Value::Object(tree.nodes().collect()));
        locks::show(snapshot, &run, &tree, &mut status)?;
    }
    if let Some(object) = object.as_object_mut() {
        object.insert("status".to_owned(), Value::Object(status));
    }
    Ok(object)
}

fn metadata(metadata: &mut Map<String, Value>, head: &Head, seq: Seq) {
    metadata.insert("name".to_owned(), json!(head.name));
    metadata.insert("namespace".to_owned(), json!(head.tenant.namespace()));
    metadata.insert("uid".to_owned(), json!(head.id.uid()));
    metadata.insert("creationTimestamp".to_owned(), time(head.created));
    metadata.insert("resourceVersion".to_owned(), json!(seq.to_string()));
    metadata.insert("labels".to_owned(), json!(head.labels));
    if !head.annotations.is_empty() {
        metadata.insert("annotations".to_owned(), json!(head.annotations));
    }
}

fn status(head: &Head) -> Map<String, Value> {
    let mut status = Map::new();
    // Argo's phase is empty until the first node runs.
    let phase = if head.phase == WorkflowPhase::Pending && head.started.is_none() {
        ""
    } else {
        head.phase.as_str()
    };
    status.insert("phase".to_owned(), json!(phase));
    status.insert(
        "startedAt".to_owned(),
        head.started.map_or(Value::Null, time),
    );
    status.insert(
        "finishedAt".to_owned(),
        head.finished.map_or(Value::Null, time),
    );
    status.insert(
        "progress".to_owned(),
        json!(format!("{}/{}", head.progress.done, head.progress.total)),
    );
    if let Some(message) = &head.message {
        status.insert("message".to_owned(), json!(message));
    }
    if !head.outputs.is_empty() {
        let parameters: Vec<Value> = head
            .outputs
            .iter()
            .map(|(name, value)| json!({"name": name, "value": value}))
            .collect();
        status.insert("outputs".to_owned(), json!({"parameters": parameters}));
    }
    let completed = if head.phase.completed() {
        "True"
    } else {
        "False"
    };
    status.insert(
        "conditions".to_owned(),
        json!([{"type": "Completed", "status": completed}]),
    );
    status
}

/// RFC 3339 with seconds, as Kubernetes writes times.
pub fn time(at: Millis) -> Value {
    let text = i64::try_from(at.get())
        .ok()
        .and_then(|ms| Timestamp::from_millisecond(ms).ok());
    text.map_or(Value::Null, |t| {
        json!(t.strftime("%Y-%m-%dT%H:%M:%SZ").to_string())
    })
}

/// A member that is an object, made when it is none.
fn member<'v>(object: &'v mut Value, name: &str) -> &'v mut Map<String, Value> {
    let parent = as_map(object);
    as_map(parent.entry(name).or_insert_with(|| json!({})))
}

fn as_map(value: &mut Value) -> &mut Map<String, Value> {
    if !value.is_object() {
        *value = json!({});
    }
    match value {
        Value::Object(map) => map,
        other => as_map(other),
    }
}
