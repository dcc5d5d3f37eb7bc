//! Locks of nodes: items of a loop, tasks of several runs, tries.

use serde_json::{Value, json};
use steading_api::operations::{DeleteRun, GetRunObject, StopRun};
use steading_api::run::NodeVerb;
use steading_tests::wait;
use steading_types::WorkflowPhase;

use super::{MUTEX, Site, TENANT, mutex};

/// A run of one step that has the mutex while `script` runs.
fn step(script: &str) -> Value {
    json!({
        "entrypoint": "main",
        "templates": [
            {"name": "main", "steps": [[{"name": "s", "template": "t"}]]},
            {"name": "t", "synchronization": {"mutexes": [{"name": "m"}]},
             "container": {"image": "host", "command": ["sh", "-c"], "args": [script]}},
        ],
    })
}

/// Waits until something is told of the node `s`, and says what.
async fn told(site: &Site, run: &str, what: &str) -> String {
    wait::until(&format!("the node of {run} to say '{what}'"), async || {
        let nodes = site.nodes(run).await;
        let node = nodes.into_iter().find(|node| node.display_name == "s");
        let message = node.and_then(|node| node.message);
        Ok(message.filter(|message| message.contains(what)))
    })
    .await
    .unwrap()
}

fn waits_for_file(path: &std::path::Path) -> String {
    format!("while [ ! -e {} ]; do sleep 0.02; done", path.display())
}

#[tokio::test]
async fn items_of_a_loop_take_turns_and_leave_the_places_to_others() {
    let site = Site::open().await;
    let ledger = site.0.data().join("turns");
    let step = format!("echo + >> {0}; sleep 0.05; echo - >> {0}", ledger.display());
    let spec = json!({
        "entrypoint": "main",
        "templates": [
            {"name": "main", "parallelism": 2, "steps": [[
                {"name": "turn", "template": "turn", "withSequence": {"count": "6"}},
                {"name": "free", "template": "free"},
            ]]},
            {"name": "turn", "synchronization": {"mutexes": [{"name": "m"}]}, "retryStrategy": {"limit": 1},
             "container": {"image": "host", "command": ["sh", "-c"], "args": [step]}},
            {"name": "free", "container": {"image": "host", "command": ["true"]}},
        ],
    });
    site.submit("loop", spec).await;
    site.ends("loop", WorkflowPhase::Succeeded).await;
    let turns = std::fs::read_to_string(ledger).unwrap();
    assert_eq!(turns, "+\n-\n".repeat(6));
    site.lock(MUTEX, &[], &[]).await;
}

#[tokio::test]
async fn a_node_that_waits_says_why_and_can_be_stopped() {
    let site = Site::open().await;
    site.submit("holder", mutex()).await;
    site.lock(MUTEX, &["holder"], &[]).await;
    site.submit("waiter", step("true")).await;
    let why = told(&site, "waiter", "held by").await;
    let wanted =
        "Waiting for default/Mutex/m lock. Lock status: 0/1 (held by default/holder since 20";
    assert!(why.starts_with(wanted), "{why}");
    let client = site.0.client();
    let object = client
        .call::<GetRunObject>(&[TENANT, "waiter"], &(), &())
        .await
        .unwrap();
    let status = &object["status"];
    let waiting = json!({"mutex": {"waiting": [{"mutex": MUTEX, "holder": "default/holder"}]}});
    assert_eq!(status["synchronization"], waiting);
    let nodes = status["nodes"].as_object().unwrap();
    let node = nodes.values().find(|node| node["displayName"] == "s");
    let node = node.unwrap();
    assert_eq!(node["synchronizationStatus"]["waiting"], MUTEX);
    let message = node["message"].as_str().unwrap();
    assert!(
        message.contains("held by default/holder since"),
        "{message}"
    );
    let none = NodeVerb::default();
    client
        .call::<StopRun>(&[TENANT, "waiter"], &(), &none)
        .await
        .unwrap();
    site.ends("waiter", WorkflowPhase::Failed).await;
    site.lock(MUTEX, &["holder"], &[]).await;
}

/// Who has the mutex and who waits, each by the name of its run.
async fn parties(site: &Site) -> (Vec<String>, Vec<String>) {
    let locks = site.locks_of(TENANT).await;
    let lock = locks.into_iter().find(|lock| lock.name == MUTEX);
    let runs = |list: Vec<steading_api::lock::LockHolder>| {
        let run = |holder: String| holder.split('/').nth(1).unwrap_or_default().to_owned();
        list.into_iter().map(|one| run(one.holder)).collect()
    };
    lock.map_or_else(Default::default, |lock| {
        (runs(lock.holders), runs(lock.waiters))
    })
}

async fn parties_are(site: &Site, holders: &[&str], waiters: &[&str]) {
    wait::until(
        &format!("{holders:?} to have the mutex before {waiters:?}"),
        async || {
            let (had, waited) = parties(site).await;
            Ok((had == holders && waited == waiters).then_some(()))
        },
    )
    .await
    .unwrap_or_else(|error| panic!("{error}: {}", site.0.words()));
}

#[tokio::test]
async fn a_killed_server_knows_the_nodes_that_have_a_lock_and_those_that_wait() {
    let mut site = Site::open().await;
    let open = site.0.data().join("open");
    let ledger = site.0.data().join("turns");
    let script = format!(
        "echo {{{{workflow.name}}}} >> {}; {}",
        ledger.display(),
        waits_for_file(&open)
    );
    let mut urgent = step(&script);
    urgent["priority"] = json!(3);
    site.submit("a", step(&script)).await;
    parties_are(&site, &["a"], &[]).await;
    site.submit("b", step(&script)).await;
    site.submit("c", step(&script)).await;
    site.submit("urgent", urgent).await;
    parties_are(&site, &["a"], &["urgent", "b", "c"]).await;
    for _ in 0..3 {
        site.0.kill().unwrap();
        site.0.restart().await.unwrap();
        parties_are(&site, &["a"], &["urgent", "b", "c"]).await;
    }
    std::fs::write(open, "").unwrap();
    for run in ["a", "b", "c", "urgent"] {
        site.ends(run, WorkflowPhase::Succeeded).await;
    }
    let turns = std::fs::read_to_string(ledger).unwrap();
    assert_eq!(turns, "a\nurgent\nb\nc\n");
    parties_are(&site, &[], &[]).await;
}

#[tokio::test]
async fn the_lock_of_a_deleted_run_is_free_when_its_task_has_ended() {
    let site = Site::open().await;
    let ledger = site.0.data().join("turns");
    // The task takes its time when it is asked to end.
    let stubborn = format!(
        "trap 'sleep 0.3; echo gone >> {0}; exit 1' TERM; echo had >> {0}; while :; do sleep 0.02; done",
        ledger.display()
    );
    site.submit("a", step(&stubborn)).await;
    let had = async || {
        Ok(std::fs::read_to_string(&ledger)
            .ok()
            .filter(|text| !text.is_empty()))
    };
    wait::until("the task to run", had).await.unwrap();
    let next = format!("echo next >> {}", ledger.display());
    site.submit("b", step(&next)).await;
    parties_are(&site, &["a"], &["b"]).await;
    let client = site.0.client();
    client
        .call::<DeleteRun>(&[TENANT, "a"], &(), &())
        .await
        .unwrap();
    site.ends("b", WorkflowPhase::Succeeded).await;
    let turns = std::fs::read_to_string(ledger).unwrap();
    assert_eq!(turns, "had\ngone\nnext\n");
    parties_are(&site, &[], &[]).await;
}
