//! Stores and rows to test with.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use steading_engine::document::Document;
use steading_engine::head::{Head, Progress, Suspended};
use steading_engine::lock::{Hold, HoldStage, LockKind, LockName, Rank, Request};
use steading_engine::node::{Ending, Node, NodeRole, Outputs, TemplateName, Usage};
use steading_store::*;
use steading_types::{
    AttemptId, Millis, NodeIx, NodePhase, NodeType, RunId, TenantName, WorkflowPhase,
};

pub(crate) struct Fixture {
    pub(crate) store: Store,
    pub(crate) dir: tempfile::TempDir,
}

pub(crate) fn options() -> Options {
    Options {
        lazy_wait: Duration::from_millis(1),
        ..Options::default()
    }
}

/// A store with the tenants `default` and `other`.
pub(crate) fn fixture() -> Fixture {
    fixture_with(options())
}

pub(crate) fn fixture_with(options: Options) -> Fixture {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::open(dir.path(), options).unwrap();
    for name in ["default", "other"] {
        commit(&store, [put_tenant(name)]).unwrap();
    }
    Fixture { store, dir }
}

impl Fixture {
    /// Closes and opens the store again.
    pub(crate) fn reopen(self) -> Self {
        let Self { store, dir } = self;
        drop(store);
        let store = open_again(dir.path(), options()).unwrap();
        Self { store, dir }
    }
}

/// Opens a store that was closed. A test beside this one may just be starting a process, which shares the
/// lock until its program is loaded.
pub(crate) fn open_again(dir: &Path, options: Options) -> Result<Store, StoreError> {
    let begun = Instant::now();
    loop {
        match Store::open(dir, options.clone()) {
            Err(StoreError::Locked { .. }) if begun.elapsed() < Duration::from_secs(30) => {
                std::thread::yield_now();
            }
            opened => return opened,
        }
    }
}

pub(crate) fn commit(
    store: &Store,
    changes: impl IntoIterator<Item = Change>,
) -> Result<Commit, StoreError> {
    let batch = Batch {
        requires: Vec::new(),
        changes: changes.into_iter().collect(),
        ..Batch::default()
    };
    store.commit_blocking(batch, Pace::Now)
}

pub(crate) fn tenant(name: &str) -> TenantName {
    name.parse().unwrap()
}

pub(crate) fn put_tenant(name: &str) -> Change {
    Change::PutTenant(Tenant {
        name: tenant(name),
        created: Millis(1),
    })
}

/// The `n`th run of a tenant; a later one is newer.
pub(crate) fn run(of: &str, n: u64) -> RunRef {
    RunRef {
        tenant: tenant(of),
        id: RunId::new(Millis(1_700_000_000_000 + n), u128::from(n)),
    }
}

pub(crate) fn head(run: &RunRef, name: &str, phase: WorkflowPhase) -> Head {
    let phase_label = ("workflows.argoproj.io/phase".into(), phase.as_str().into());
    Head {
        id: run.id,
        tenant: run.tenant.clone(),
        name: name.parse().unwrap(),
        labels: BTreeMap::from([phase_label, ("team".into(), "blue".into())]),
        annotations: BTreeMap::from([("note".into(), "x".into())]),
        creator: "ada".into(),
        phase,
        message: phase.completed().then(|| "it is over".into()),
        created: Millis(1_700_000_000_000),
        started: Some(Millis(1_700_000_000_100)),
        finished: phase.completed().then_some(Millis(1_700_000_000_900)),
        priority: 3,
        shutdown: None,
        suspended: Suspended::No,
        parameters: BTreeMap::new(),
        outputs: BTreeMap::from([("answer".into(), "42".into())]),
        artifacts: Default::default(),
        progress: Progress { done: 1, total: 2 },
        generation: 0,
    }
}

pub(crate) fn put_run(run: &RunRef, name: &str, phase: WorkflowPhase) -> Change {
    Change::PutRun(Box::new(head(run, name, phase)))
}

pub(crate) fn document(text: &str) -> Document {
    Document {
        workflow: serde_json::json!({ "metadata": { "name": text }, "spec": { "z": 1, "a": [1.5, null] } }),
        resolved: serde_json::json!({ "templates": { "main": text } }),
    }
}

pub(crate) fn put_document(run: &RunRef, text: &str) -> Change {
    Change::PutDocument(run.clone(), Arc::new(document(text)))
}

pub(crate) fn node(ix: u32, phase: NodePhase) -> Node {
    Node {
        ix: NodeIx(ix),
        name: format!("wf[0].step({ix}:item)"),
        display_name: format!("step({ix}:item)"),
        kind: NodeType::Pod,
        phase,
        message: None,
        template: TemplateName {
            name: "work".into(),
            reference: Some(("shared".into(), "work".into())),
            key: "work".into(),
        },
        boundary: Some(NodeIx(0)),
        parents: vec![NodeIx(1)],
        owner: Some(NodeIx(1)),
        place: 2,
        role: NodeRole::Plain,
        index: Some(ix),
        item: Some(serde_json::json!({ "n": ix })),
        fan: vec![3, 1],
        inputs: vec![("message".into(), format!("item-{ix}"))],
        artifacts: Vec::new(),
        outputs: Outputs {
            parameters: vec![("out".into(), "v".into())],
            artifacts: Vec::new(),
            result: Some("done".into()),
            exit_code: Some(0),
            awaited: BTreeMap::from([("approve".into(), Some("no".into()))]),
        },
        created: Millis(5),
        started: Some(Millis(6)),
        finished: phase.completed().then_some(Millis(7)),
        wake: Some(Millis(8)),
        ending: Ending::Asked,
        host: Some("host-1".into()),
        isolation: "level=image userns=1".into(),
        generation: 0,
        memo: None,
        approvals: Vec::new(),
        usage: Usage {
            cpu_ms: 12,
            max_rss: 4096,
        },
    }
}

pub(crate) fn nodes(count: u32, phase: NodePhase) -> Vec<Node> {
    (0..count).map(|ix| node(ix, phase)).collect()
}

pub(crate) fn attempt(run: &RunRef, node: u32) -> AttemptId {
    AttemptId {
        run: run.id,
        node: NodeIx(node),
        generation: 0,
    }
}

pub(crate) fn outbox(handle: &str) -> OutboxRow {
    OutboxRow {
        environment: "local".into(),
        stage: OutboxStage::Accepted,
        wanted: Wanted::Yes,
        state: vec![1, 2, 3],
        handle: Some(handle.into()),
        queued: Millis(9),
    }
}

pub(crate) fn put_outbox(run: &RunRef, node: u32) -> Change {
    Change::PutOutbox(run.tenant.clone(), attempt(run, node), outbox("h"))
}

/// A finished run in the archive.
pub(crate) fn archived(run: &RunRef, name: &str, phase: WorkflowPhase) -> Vec<Change> {
    vec![
        put_run(run, name, phase),
        Change::PutNodes(run.clone(), nodes(1, NodePhase::Succeeded)),
        Change::Archive(run.clone()),
    ]
}

pub(crate) fn block_on<F: Future>(future: F) -> F::Output {
    let runtime = tokio::runtime::Builder::new_current_thread().build();
    runtime.unwrap().block_on(future)
}

#[allow(dead_code, reason = "shared with the tests of the rows")]
pub(crate) fn hold() -> Hold {
    let lock = |kind| LockName {
        namespace: "default".into(),
        kind,
    };
    Hold {
        locks: [
            lock(LockKind::Mutex("m".into())),
            lock(LockKind::ConfigMap {
                name: "sizes".into(),
                key: "k".into(),
            }),
            lock(LockKind::Database("d".into())),
        ]
        .into(),
        stage: HoldStage::Held,
        since: Millis(7),
        request: Request {
            generation: 2,
            number: 1,
        },
        rank: Rank {
            priority: std::cmp::Reverse(-3),
            created: Millis(5),
            asked: Millis(6),
        },
        who: "default/hello".into(),
    }
}
