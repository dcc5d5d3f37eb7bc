//! Locks between whole runs: who waits is told why, goes on in order, and nothing is lost or kept too long,
//! whatever ends a holder and whenever the server dies.

mod nodes;

use serde_json::{Value, json};
use steading_api::lock::{LimitBody, LockBody};
use steading_api::node::{NodeBody, NodeFilter};
use steading_api::operations::{
    Apply, CreateTenant, DeleteRun, GetRun, GetRunObject, ListLocks, ListNodes, ResumeRun,
    RetryRun, SetLimit, StopRun, SubmitRun, TerminateRun,
};
use steading_api::run::{NodeVerb, RunAgain, RunSummary, Submission, Why};
use steading_api::site::TenantBody;
use steading_api::template::Text;
use steading_tests::{Level, Server, wait};
use steading_types::WorkflowPhase;

const TENANT: &str = "default";

struct Site(Server);

impl Site {
    async fn open() -> Self {
        Self(Server::start(Level::Process).await.unwrap())
    }

    async fn submit_to(&self, tenant: &str, name: &str, spec: Value) {
        let workflow = json!({
            "apiVersion": "argoproj.io/v1alpha1", "kind": "Workflow",
            "metadata": {"name": name}, "spec": spec,
        });
        let submission = Submission {
            workflow: Some(workflow),
            ..Submission::default()
        };
        let client = self.0.client();
        client
            .call::<SubmitRun>(&[tenant], &(), &submission)
            .await
            .unwrap();
    }

    async fn submit(&self, name: &str, spec: Value) {
        self.submit_to(TENANT, name, spec).await;
    }

    async fn run(&self, name: &str) -> RunSummary {
        let client = self.0.client();
        let run = client.call::<GetRun>(&[TENANT, name], &(), &()).await;
        run.unwrap().summary
    }

    async fn nodes(&self, name: &str) -> Vec<NodeBody> {
        let client = self.0.client();
        let nodes = client
            .call::<ListNodes>(&[TENANT, name], &NodeFilter::default(), &())
            .await;
        nodes.unwrap().nodes
    }

    async fn locks_of(&self, tenant: &str) -> Vec<LockBody> {
        let client = self.0.client();
        let list = client.call::<ListLocks>(&[tenant], &(), &()).await;
        list.unwrap().locks
    }

    /// Waits until a lock has these holders and waiters, in this order.
    async fn lock(&self, name: &str, holders: &[&str], waiters: &[&str]) {
        let what = format!("{name} to be held by {holders:?} and awaited by {waiters:?}");
        let names = |list: &[steading_api::lock::LockHolder]| -> Vec<String> {
            list.iter().map(|one| one.holder.clone()).collect()
        };
        wait::until(&what, async || {
            let locks = self.locks_of(TENANT).await;
            let lock = locks.into_iter().find(|lock| lock.name == name);
            let found = lock.map_or_else(Default::default, |lock| {
                (names(&lock.holders), names(&lock.waiters))
            });
            let wanted = |list: &[&str]| -> Vec<String> {
                list.iter()
                    .map(|who| format!("{NAMESPACE}/{who}"))
                    .collect()
            };
            Ok((found == (wanted(holders), wanted(waiters))).then_some(()))
        })
        .await
        .unwrap_or_else(|error| panic!("{error}: {}", self.0.words()));
    }

    async fn ends(&self, name: &str, phase: WorkflowPhase) {
        wait::until(&format!("{name} to end"), async || {
            Ok(self.run(name).await.phase.completed().then_some(()))
        })
        .await
        .unwrap();
        assert_eq!(self.run(name).await.phase, phase, "{}", self.0.words());
    }

    async fn resume(&self, name: &str) {
        let client = self.0.client();
        client
            .call::<ResumeRun>(&[TENANT, name], &(), &NodeVerb::default())
            .await
            .unwrap();
    }
}

/// The namespace of the tenant `default`.
const NAMESPACE: &str = "default";
const MUTEX: &str = "default/Mutex/m";

/// A run with these locks that goes on when somebody resumes it.
fn held(synchronization: Value) -> Value {
    json!({
        "entrypoint": "main", "synchronization": synchronization,
        "templates": [{"name": "main", "suspend": {}}],
    })
}

fn mutex() -> Value {
    held(json!({"mutexes": [{"name": "m"}]}))
}

#[tokio::test]
async fn runs_take_turns_at_a_mutex_and_who_waits_is_told_for_whom() {
    let site = Site::open().await;
    site.submit("one", mutex()).await;
    site.lock(MUTEX, &["one"], &[]).await;
    site.submit("two", mutex()).await;
    let mut urgent = mutex();
    urgent["priority"] = json!(5);
    site.submit("urgent", urgent).await;
    site.lock(MUTEX, &["one"], &["urgent", "two"]).await;

    let why = site.run("two").await.message.unwrap();
    let told = "Waiting for default/Mutex/m lock. Lock status: 0/1 (held by default/one since 20";
    assert!(why.starts_with(told), "{why}");
    let client = site.0.client();
    let object = client
        .call::<GetRunObject>(&[TENANT, "two"], &(), &())
        .await;
    let status = &object.unwrap()["status"];
    let waiting = json!({"mutex": {"waiting": [{"mutex": MUTEX, "holder": "default/one"}]}});
    assert_eq!(status["synchronization"], waiting);

    // Another tenant's lock of the same name is another lock.
    let other = TenantBody {
        name: "night".into(),
        namespace: String::new(),
    };
    client.call::<CreateTenant>(&[], &(), &other).await.unwrap();
    site.submit_to("night", "theirs", mutex()).await;
    wait::until("the other tenant to have its own lock", async || {
        let locks = site.locks_of("night").await;
        Ok(locks
            .iter()
            .any(|lock| lock.holders.len() == 1)
            .then_some(()))
    })
    .await
    .unwrap();

    site.resume("one").await;
    site.lock(MUTEX, &["urgent"], &["two"]).await;
    site.resume("urgent").await;
    site.lock(MUTEX, &["two"], &[]).await;
    site.resume("two").await;
    for run in ["one", "two", "urgent"] {
        site.ends(run, WorkflowPhase::Succeeded).await;
    }
    site.lock(MUTEX, &[], &[]).await;
}

#[tokio::test]
async fn a_killed_server_forgets_neither_holders_nor_the_order_of_who_waits() {
    let mut site = Site::open().await;
    let open = site.0.data().join("open");
    let waits = format!("while [ ! -e {} ]; do sleep 0.02; done", open.display());
    let task = json!({
        "entrypoint": "main", "synchronization": {"mutex": {"name": "m"}},
        "templates": [{"name": "main", "container": {"image": "host", "command": ["sh", "-c"], "args": [waits]}}],
    });
    for run in ["a", "b", "c", "d"] {
        site.submit(run, task.clone()).await;
    }
    site.lock(MUTEX, &["a"], &["b", "c", "d"]).await;
    site.0.kill().unwrap();
    site.0.restart().await.unwrap();
    site.lock(MUTEX, &["a"], &["b", "c", "d"]).await;
    std::fs::write(open, "").unwrap();
    let mut starts = Vec::new();
    for run in ["a", "b", "c", "d"] {
        site.ends(run, WorkflowPhase::Succeeded).await;
        let run = site.run(run).await;
        starts.push((run.started, run.finished));
    }
    for pair in starts.windows(2) {
        assert!(pair[0].1 <= pair[1].0, "two had the lock: {starts:?}");
    }
    site.lock(MUTEX, &[], &[]).await;
}

#[tokio::test]
async fn a_semaphore_lets_as_many_in_as_its_limit_says_also_when_that_changes() {
    let site = Site::open().await;
    let client = site.0.client();
    let of_map = async |size: &str| {
        let map = json!({
            "apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "sizes"}, "data": {"db": size},
        });
        let text = Text {
            text: map.to_string(),
        };
        client.call::<Apply>(&[TENANT], &(), &text).await.unwrap();
    };
    let of_limit = async |limit: u32| {
        let name = "licences".to_owned();
        let body = LimitBody { name, limit };
        client
            .call::<SetLimit>(&[TENANT], &(), &body)
            .await
            .unwrap();
    };
    of_map("1").await;
    of_limit(1).await;
    for (lock, kind) in [
        (
            "default/ConfigMap/sizes/db",
            json!({"configMapKeyRef": {"name": "sizes", "key": "db"}}),
        ),
        (
            "default/Database/licences",
            json!({"database": {"key": "licences"}}),
        ),
    ] {
        let by_map = kind.get("database").is_none();
        let names: Vec<String> = (0..3)
            .map(|n| format!("r{}-{n}", u8::from(by_map)))
            .collect();
        let [a, b, c] = [names[0].as_str(), names[1].as_str(), names[2].as_str()];
        for name in [a, b, c] {
            site.submit(name, held(json!({"semaphores": [kind]}))).await;
        }
        site.lock(lock, &[a], &[b, c]).await;
        if by_map {
            of_map("2").await;
        } else {
            of_limit(2).await;
        }
        site.lock(lock, &[a, b], &[c]).await;
        site.resume(b).await;
        site.lock(lock, &[a, c], &[]).await;
    }

    // A limit that nobody can read lets nobody in, and says so.
    of_map("many").await;
    site.submit(
        "late",
        held(json!({"semaphores": [{"configMapKeyRef": {"name": "sizes", "key": "db"}}]})),
    )
    .await;
    site.ends("late", WorkflowPhase::Error).await;
    let why = site.run("late").await.message.unwrap();
    assert!(why.contains("'many', which is no number"), "{why}");
}

#[tokio::test]
async fn however_a_holder_or_a_waiter_ends_the_next_goes_on() {
    let site = Site::open().await;
    let client = site.0.client();
    for run in ["a", "b", "c", "d", "e", "f"] {
        site.submit(run, mutex()).await;
    }
    site.lock(MUTEX, &["a"], &["b", "c", "d", "e", "f"]).await;
    let none = NodeVerb::default();
    // Those who wait.
    client
        .call::<StopRun>(&[TENANT, "b"], &(), &none)
        .await
        .unwrap();
    client
        .call::<DeleteRun>(&[TENANT, "d"], &(), &())
        .await
        .unwrap();
    site.lock(MUTEX, &["a"], &["c", "e", "f"]).await;
    site.ends("b", WorkflowPhase::Failed).await;
    // Those who have it.
    client
        .call::<StopRun>(&[TENANT, "a"], &(), &none)
        .await
        .unwrap();
    site.lock(MUTEX, &["c"], &["e", "f"]).await;
    client
        .call::<TerminateRun>(&[TENANT, "c"], &(), &Why::default())
        .await
        .unwrap();
    site.lock(MUTEX, &["e"], &["f"]).await;
    // One that failed asks again behind nobody who is younger.
    let again = RunAgain::default();
    client
        .call::<RetryRun>(&[TENANT, "c"], &(), &again)
        .await
        .unwrap();
    site.lock(MUTEX, &["e"], &["c", "f"]).await;
    client
        .call::<DeleteRun>(&[TENANT, "e"], &(), &())
        .await
        .unwrap();
    site.lock(MUTEX, &["c"], &["f"]).await;
    site.resume("c").await;
    site.lock(MUTEX, &["f"], &[]).await;
    site.resume("f").await;
    site.ends("c", WorkflowPhase::Succeeded).await;
    site.ends("f", WorkflowPhase::Succeeded).await;
    site.lock(MUTEX, &[], &[]).await;
}

#[tokio::test]
async fn the_command_line_shows_locks_and_sets_limits() {
    let site = Site::open().await;
    let told = |arguments: &[&str]| {
        let output = site.0.command().unwrap().args(arguments).output().unwrap();
        let error = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success(), "{arguments:?}: {error}");
        let words = String::from_utf8(output.stdout).unwrap();
        let lines = words.lines().map(|line| {
            let words = line.split_whitespace();
            words.collect::<Vec<_>>().join(" ")
        });
        lines.collect::<Vec<_>>()
    };
    told(&["limit", "set", "licences", "1"]);
    told(&["limit", "set", "shared/licences", "7"]);
    assert_eq!(
        told(&["limit", "list"]),
        ["NAME LIMIT", "default/licences 1", "shared/licences 7"]
    );
    let licence = held(json!({"semaphores": [{"database": {"key": "licences"}}]}));
    for run in ["one", "two", "three"] {
        site.submit(run, licence.clone()).await;
    }
    let lock = "default/Database/licences";
    site.lock(lock, &["one"], &["two", "three"]).await;
    assert_eq!(
        told(&["locks", "-o", "wide"])[1],
        format!("{lock} 1 1 default/one default/two default/three")
    );
    told(&["limit", "set", "licences", "2"]);
    site.lock(lock, &["one", "two"], &["three"]).await;
    assert_eq!(
        told(&["locks"]),
        [
            "NAME HELD LIMIT HOLDERS WAITING",
            &format!("{lock} 2 2 default/one default/two 1")
        ]
    );
    let mut nothing = site.0.command().unwrap();
    let refused = nothing.args(["limit", "set", "licences", "0"]).output();
    let words = String::from_utf8(refused.unwrap().stderr).unwrap();
    assert!(words.contains("lock.limit"), "{words}");
}
