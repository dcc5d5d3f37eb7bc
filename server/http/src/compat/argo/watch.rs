//! Watching workflows: the present state first where asked, then each change, as whole objects.

use std::collections::BTreeSet;
use std::time::Duration;

use axum::extract::{Path, Query};
use axum::http::HeaderMap;
use axum::response::Response;
use serde_json::{Value, json};
use steading_api::access::{Kind, Verb};
use steading_store::{EventItem, Feed, RunChange, RunRef, Seq, Store, StoreError, Tenants};
use steading_types::{RunId, TenantName, WorkflowName};
use tokio::sync::mpsc;

use super::error::ArgoProblem;
use super::list::{ListOptions, Pairs};
use super::request::Asking;
use super::stream;
use crate::live::StillAllowed;
use steading_control::view::{Nodes, object, workflow};

/// Objects that wait for a slow reader.
const BUFFER: usize = 16;
/// Changes of one run within this time are shown as one: a large run changes a thousand times a second.
const GATHER: Duration = Duration::from_millis(20);
/// Runs of one page of the present state.
const PAGE: usize = 200;

pub(super) async fn all(
    asking: Asking,
    Query(pairs): Query<Pairs>,
    headers: HeaderMap,
) -> Result<Response, ArgoProblem> {
    let tenants = asking.everywhere();
    watch(&asking, tenants, "", &pairs, &headers)
}

pub(super) async fn namespace(
    asking: Asking,
    Path(namespace): Path<String>,
    Query(pairs): Query<Pairs>,
    headers: HeaderMap,
) -> Result<Response, ArgoProblem> {
    let tenant = asking.tenant(&namespace, Verb::Read, Kind::Run)?;
    watch(
        &asking,
        Tenants::Of(vec![tenant]),
        &namespace,
        &pairs,
        &headers,
    )
}

fn watch(
    asking: &Asking,
    tenants: Tenants,
    namespace: &str,
    pairs: &Pairs,
    headers: &HeaderMap,
) -> Result<Response, ArgoProblem> {
    let options = ListOptions::read(pairs, namespace)?;
    let (results, receiver) = mpsc::channel(BUFFER);
    let store = asking.app.control().store().clone();
    let allowed = StillAllowed::of(&asking.app, &asking.caller.token, &asking.caller.principal);
    let mut watcher = Watcher {
        store,
        tenants,
        options,
        results,
    };
    tokio::spawn(async move {
        let closed = watcher.results.clone();
        tokio::select! {
            // A clean end is always fine: clients list and watch again.
            _ = watcher.run() => {}
            () = closed.closed() => {}
            () = allowed.lost() => {}
        }
    });
    Ok(stream::answer(headers, receiver)?)
}

struct Watcher {
    store: Store,
    tenants: Tenants,
    options: ListOptions,
    results: mpsc::Sender<Value>,
}

/// Why a watch ends.
enum End {
    Store,
    Reader,
}

impl From<StoreError> for End {
    fn from(_: StoreError) -> Self {
        Self::Store
    }
}

impl Watcher {
    async fn run(&mut self) -> Result<(), End> {
        let after = match self.options.resource_version {
            Some(version) => Seq(version),
            None => {
                let now = self.store.latest();
                self.present().await?;
                now
            }
        };
        let mut feed = self.store.feed(Some(after));
        loop {
            for (run, kind, name) in self.gather(&mut feed).await? {
                self.show(&run, kind, &name).await?;
            }
        }
    }

    /// Every run of the list, as added.
    async fn present(&mut self) -> Result<(), End> {
        let mut after = None;
        loop {
            let (objects, next) = self.store.read(|snapshot| {
                let seq = snapshot.seq()?;
                let page = snapshot.list_runs(&self.tenants, &self.options.filter, after, PAGE)?;
                let heads = page.runs.iter().filter(|head| self.options.admits(head));
                let objects = heads
                    .map(|head| object(snapshot, head, seq, self.nodes()))
                    .collect::<Result<Vec<_>, _>>()?;
                Ok((objects, page.next))
            })?;
            for object in objects {
                self.send("ADDED", object).await?;
            }
            match next {
                Some(run) => after = Some(run),
                None => return Ok(()),
            }
        }
    }

    /// The runs that changed: waits for the first, then takes what comes with it.
    async fn gather(&self, feed: &mut Feed) -> Result<Vec<(RunRef, RunChange, WorkflowName)>, End> {
        let mut changed: Vec<(RunRef, RunChange, Option<WorkflowName>)> = Vec::new();
        let mut seen: BTreeSet<RunId> = BTreeSet::new();
        let first = feed.next().await?;
        self.take(&first, &mut changed, &mut seen);
        let deadline = tokio::time::Instant::now() + GATHER;
        while let Ok(event) = tokio::time::timeout_at(deadline, feed.next()).await {
            let event = event?;
            self.take(&event, &mut changed, &mut seen);
        }
        let named = changed.into_iter().map(|(run, change, name)| {
            let name = name.or_else(|| {
                self.store
                    .read(|s| Ok(s.run(&run)?.map(|(head, _)| head.name)))
                    .ok()
                    .flatten()
            });
            name.map(|name| (run, change, name))
        });
        Ok(named.flatten().collect())
    }

    fn take(
        &self,
        event: &steading_store::Event,
        changed: &mut Vec<(RunRef, RunChange, Option<WorkflowName>)>,
        seen: &mut BTreeSet<RunId>,
    ) {
        for (tenant, item) in event.items.iter().filter(|(tenant, _)| self.covers(tenant)) {
            let (run, change, name) = match item {
                EventItem::Run { run, name, change } => (*run, *change, Some(name.clone())),
                EventItem::Nodes { run, .. } => (*run, RunChange::Changed, None),
                EventItem::Template { .. } | EventItem::Tenant => continue,
            };
            if seen.insert(run) {
                changed.push((
                    RunRef {
                        tenant: tenant.clone(),
                        id: run,
                    },
                    change,
                    name,
                ));
            } else if let Some(known) = changed.iter_mut().find(|(known, ..)| known.id == run) {
                // A new run stays new; one that goes is gone.
                if change == RunChange::Deleted {
                    known.1 = change;
                }
                known.2 = known.2.take().or(name);
            }
        }
    }

    fn covers(&self, tenant: &TenantName) -> bool {
        match &self.tenants {
            Tenants::All => true,
            Tenants::Of(tenants) => tenants.contains(tenant),
        }
    }

    async fn show(
        &mut self,
        run: &RunRef,
        change: RunChange,
        name: &WorkflowName,
    ) -> Result<(), End> {
        if change == RunChange::Deleted {
            let object = json!({"metadata": {"name": name, "namespace": run.tenant.namespace(), "uid": run.id.uid()}});
            return if self.options.admits_name(name) {
                self.send("DELETED", object).await
            } else {
                Ok(())
            };
        }
        let admitted = self.store.read(|s| {
            Ok(s.run(run)?.is_some_and(|(head, _)| {
                self.options.filter.admits(&head) && self.options.admits(&head)
            }))
        })?;
        if !admitted {
            return Ok(());
        }
        let Some(object) = workflow(&self.store, run, self.nodes())? else {
            return Ok(());
        };
        self.send(
            if change == RunChange::Created {
                "ADDED"
            } else {
                "MODIFIED"
            },
            object,
        )
        .await
    }

    fn nodes(&self) -> Nodes {
        if self
            .options
            .fields
            .wants(&["result", "object", "status", "nodes"])
        {
            Nodes::Shown
        } else {
            Nodes::Hidden
        }
    }

    async fn send(&self, kind: &str, object: Value) -> Result<(), End> {
        let object = self
            .options
            .fields
            .below(&["result", "object"])
            .filter(object);
        self.results
            .send(json!({"type": kind, "object": object}))
            .await
            .map_err(|_| End::Reader)
    }
}
