//! The runs: one step, one that waits for its turn at locks, a chain, a fan, tasks in company; of two
//! tenants; each step tells the ledger that it started.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Result, bail};
use serde_json::{Value, json};
use steading_api::client::CallError;
use steading_api::node::NodeFilter;
use steading_api::operations::{CreateTenant, ListLocks, ListNodes, ListRuns, SubmitRun};
use steading_api::run::{RunFilter, RunSummary, Submission};
use steading_api::site::TenantBody;
use steading_types::WorkflowPhase;

use super::Tally;
use super::ledger::Ledger;
use crate::{Client, Level, Server, wait};

const TENANTS: [&str; 2] = ["default", "night"];
const CHAIN: usize = 5;
const FAN: usize = 12;

pub(super) struct Tenants {
    client: Client,
    kinds: &'static [Kind],
    ledger: String,
    number: AtomicU64,
    accepted: Mutex<Vec<Accepted>>,
}

/// A run that the server took.
struct Accepted {
    tenant: &'static str,
    name: String,
    kind: Kind,
}

#[derive(Clone, Copy)]
enum Kind {
    One,
    Locked,
    Chain,
    Fan,
    /// A daemon, what asks it, a sidecar, and a claim that they share.
    Company,
}

/// What is submitted in turn; with `STEADING_COMPANY` also tasks in company, which plain processes can not be.
fn kinds(level: Level) -> &'static [Kind] {
    use Kind::{Chain, Company, Fan, Locked, One};
    let company = std::env::var_os("STEADING_COMPANY").is_some();
    match level {
        Level::Sandbox | Level::Image if company => &[Fan, Chain, Company, Locked, Company, One],
        _ => &[Fan, Chain, Chain, Locked, Locked, One],
    }
}

impl Kind {
    fn steps(self) -> usize {
        match self {
            Self::One | Self::Locked => 1,
            Self::Chain => CHAIN,
            Self::Fan => FAN + 1,
            Self::Company => 0,
        }
    }
}

impl Tenants {
    pub(super) async fn open(server: &Server, level: Level, ledger: Option<&Path>) -> Result<Self> {
        let client = server.client();
        let second = TenantBody {
            name: TENANTS[1].into(),
            namespace: String::new(),
        };
        client.call::<CreateTenant>(&[], &(), &second).await?;
        let ledger = match ledger {
            Some(path) => {
                std::fs::write(path, "")?;
                path.display().to_string()
            }
            None => "/dev/null".to_owned(),
        };
        Ok(Self {
            client,
            kinds: kinds(level),
            ledger,
            number: AtomicU64::new(0),
            accepted: Mutex::default(),
        })
    }

    pub(super) fn accepted(&self) -> usize {
        self.list().len()
    }

    fn list(&self) -> std::sync::MutexGuard<'_, Vec<Accepted>> {
        self.accepted.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Submits one run after the other, as many as are asked for between two kills.
    pub(super) async fn submit_until(&self, over: &AtomicBool, open: &AtomicUsize, client: u64) {
        while !over.load(Ordering::Relaxed) {
            if open.load(Ordering::Relaxed) == 0 {
                tokio::time::sleep(Duration::from_millis(5)).await;
                continue;
            }
            let number = self.number.fetch_add(1, Ordering::Relaxed);
            match self.submit(number.wrapping_add(client)).await {
                Ok(()) => _ = open.fetch_sub(1, Ordering::Relaxed),
                // The server is dead: until it is there again.
                Err(_) => tokio::time::sleep(Duration::from_millis(5)).await,
            }
        }
    }

    async fn submit(&self, number: u64) -> Result<(), CallError> {
        let turn = usize::try_from(number).unwrap_or(0) % self.kinds.len();
        let kind = self.kinds.get(turn).copied().unwrap_or(Kind::One);
        let tenant = if number.is_multiple_of(2) {
            TENANTS[0]
        } else {
            TENANTS[1]
        };
        let name = format!("run-{}", self.number.fetch_add(1, Ordering::Relaxed));
        let submission = Submission {
            workflow: Some(workflow(&name, kind, &self.ledger)),
            ..Submission::default()
        };
        self.client
            .call::<SubmitRun>(&[tenant], &(), &submission)
            .await?;
        self.list().push(Accepted { tenant, name, kind });
        Ok(())
    }

    /// Waits until no run is under way. A run that was never acknowledged may be there; it ends as well.
    pub(super) async fn settle(&self, server: &Server) -> Result<()> {
        let mut last = (usize::MAX, std::time::Instant::now());
        loop {
            let mut under_way = 0;
            for tenant in TENANTS {
                let runs = self.runs(tenant).await?;
                under_way += runs.values().filter(|run| !run.phase.completed()).count();
            }
            if under_way == 0 {
                return Ok(());
            }
            if under_way != last.0 {
                last = (under_way, std::time::Instant::now());
            }
            if last.1.elapsed() > wait::PATIENCE {
                self.tell_of_those_that_hang().await?;
                bail!("{under_way} runs hang: {}", server.words());
            }
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    }

    /// Prints the oldest runs that do not end, and their nodes that are not over.
    async fn tell_of_those_that_hang(&self) -> Result<()> {
        for tenant in TENANTS {
            let runs = self.runs(tenant).await?;
            let mut open: Vec<_> = runs.values().filter(|r| !r.phase.completed()).collect();
            open.sort_by_key(|run| run.created);
            for run in open.into_iter().take(20) {
                println!(
                    "hangs: {tenant}/{} {:?} {:?}",
                    run.name, run.phase, run.message
                );
                let all = NodeFilter::default();
                let path = [tenant, run.name.as_str()];
                let nodes = self.client.call::<ListNodes>(&path, &all, &()).await?;
                for node in nodes.nodes {
                    if !node.phase.completed() {
                        let (name, message) = (&node.display_name, &node.message);
                        println!("  {name} {:?} {:?} {message:?}", node.kind, node.phase);
                    }
                }
            }
        }
        Ok(())
    }

    async fn runs(&self, tenant: &str) -> Result<BTreeMap<String, RunSummary>> {
        let mut runs = BTreeMap::new();
        let mut filter = RunFilter {
            limit: Some(500),
            ..RunFilter::default()
        };
        loop {
            let page = self
                .client
                .call::<ListRuns>(&[tenant], &filter, &())
                .await?;
            runs.extend(page.runs.into_iter().map(|run| (run.name.clone(), run)));
            filter.after = page.next;
            if filter.after.is_none() {
                return Ok(runs);
            }
        }
    }

    /// Compares what was accepted with what is there and with what the ledger says.
    pub(super) async fn count(
        &self,
        server: &Server,
        ledger: &Ledger,
        tally: &mut Tally,
    ) -> Result<()> {
        let mut runs = BTreeMap::new();
        for tenant in TENANTS {
            runs.insert(tenant, self.runs(tenant).await?);
        }
        let starts = ledger.read()?;
        let mut lost = BTreeSet::new();
        for run in self.list().iter() {
            let found = runs.get(run.tenant).and_then(|runs| runs.get(&run.name));
            if found.is_none_or(|found| found.phase != WorkflowPhase::Succeeded) {
                println!("lost: {} of {}: {found:?}", run.name, run.tenant);
                lost.insert(&run.name);
                tally.lost += 1;
            }
            let Some(starts) = &starts else { continue };
            for step in 0..run.kind.steps() {
                if !starts
                    .steps
                    .contains_key(&(run.name.clone(), step.to_string()))
                {
                    println!("lost: step {step} of {} never started", run.name);
                    tally.lost += 1;
                }
            }
        }
        for tenant in TENANTS {
            let list = self.client.call::<ListLocks>(&[tenant], &(), &()).await?;
            for lock in list.locks {
                println!("left over: {lock:?}");
                tally.left += 1;
            }
        }
        tally.accepted = self.accepted();
        for (attempt, times) in starts.iter().flat_map(|starts| &starts.attempts) {
            tally.attempts += 1;
            if *times > 1 {
                println!("doubled: {attempt} started {times} times");
                tally.doubled += 1;
            }
        }
        if tally.lost + tally.doubled > 0 {
            println!("the server said:\n{}", server.words());
        }
        Ok(())
    }
}

/// All of it is tried again when one of its supervisors is killed.
fn company() -> Value {
    let mounts = json!([{"name": "work", "mountPath": "/work"}]);
    let serve = json!({"image": "host", "volumeMounts": mounts, "command": ["sh", "-ec"],
        "args": ["touch /work/served; while :; do sleep 0.1; done"],
        "readinessProbe": {"exec": {"command": ["test", "-e", "/work/served"]}}});
    let ask = json!({"image": "host", "volumeMounts": mounts, "command": ["sh", "-ec"],
        "args": ["test -e /work/served && test -n {{inputs.parameters.ip}}; sleep 0.02"]});
    let beside = json!({"name": "beside", "image": "host", "command": ["sh", "-ec"],
        "args": ["while :; do sleep 0.1; done"]});
    json!({
        "entrypoint": "main",
        "volumeClaimTemplates": [{"metadata": {"name": "work"}, "spec": {
            "accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "10Mi"}}}}],
        "templates": [
            {"name": "main", "retryStrategy": {"limit": 20, "retryPolicy": "Always"}, "steps": [
                [{"name": "serve", "template": "serve"}],
                [{"name": "ask", "template": "ask", "arguments": {"parameters": [
                    {"name": "ip", "value": "{{steps.serve.ip}}"}]}}],
            ]},
            {"name": "serve", "daemon": true, "container": serve},
            {"name": "ask", "inputs": {"parameters": [{"name": "ip"}]}, "sidecars": [beside],
                "container": ask},
        ],
    })
}

fn workflow(name: &str, kind: Kind, ledger: &str) -> Value {
    if matches!(kind, Kind::Company) {
        return json!({
            "apiVersion": "argoproj.io/v1alpha1", "kind": "Workflow", "metadata": {"name": name},
            "spec": company(),
        });
    }
    let call = |step: usize| {
        json!({"name": format!("s{step}"), "template": "step",
            "arguments": {"parameters": [{"name": "number", "value": step.to_string()}]}})
    };
    let mut templates = match kind {
        Kind::One | Kind::Locked | Kind::Company => vec![],
        Kind::Chain => vec![json!({"name": "main",
            "steps": (0..CHAIN).map(|step| vec![call(step)]).collect::<Vec<_>>()})],
        Kind::Fan => {
            let fan = json!({"name": "fan", "template": "step",
                "arguments": {"parameters": [{"name": "number", "value": "{{item}}"}]},
                "withSequence": {"count": FAN.to_string()}});
            vec![json!({"name": "main", "steps": [[fan], [call(FAN)]]})]
        }
    };
    let entrypoint = if templates.is_empty() { "step" } else { "main" };
    // A supervisor that is killed takes its attempt with it: the policy starts another one.
    let step = json!({"name": "step",
        "inputs": {"parameters": [{"name": "number", "value": "0"}]},
        "retryStrategy": {"limit": 20, "retryPolicy": "Always"},
        "container": {"image": "host", "command": ["sh", "-c"],
            "args": [format!("echo \"$STEADING_ATTEMPT {{{{workflow.name}}}} {{{{inputs.parameters.number}}}}\" >> {ledger}; sleep 0.02")]}});
    templates.push(step);
    let mut workflow = json!({
        "apiVersion": "argoproj.io/v1alpha1", "kind": "Workflow", "metadata": {"name": name},
        "spec": {"entrypoint": entrypoint, "templates": templates},
    });
    for (part, lock) in [("/spec", "run"), ("/spec/templates/0", "step")] {
        if let (Kind::Locked, Some(part)) = (kind, workflow.pointer_mut(part)) {
            part["synchronization"] = json!({"mutexes": [{"name": lock}]});
        }
    }
    workflow
}
