//! Argo's REST API: the answers that its clients and its own tests rely on.

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use steading_api::access::Role;
use steading_api::operation::Method;

use crate::argo::{Argo, NAMESPACE, gated, node_is, one_step};
use crate::world::{Who, World};

trials![
    a_success_tells_the_version_and_a_refusal_does_not,
    an_object_is_created_once_listed_by_label_read_in_parts_and_deleted,
    an_empty_list_is_null_and_a_page_says_where_the_next_begins,
    selectors_choose_as_kubernetes_does,
    a_dry_run_stores_nothing,
    verbs_take_empty_bodies_and_answer_the_object,
    a_failed_run_is_retried_in_place_and_a_good_one_is_not,
    streams_are_bytes_that_the_client_can_cut,
];

async fn a_success_tells_the_version_and_a_refusal_does_not(world: &World) -> Result<()> {
    let site = world.image().await?;
    let argo = Argo::new(site, Who::Member(Role::Viewer));
    for path in ["/info", "/version", "/userinfo"] {
        let answer = argo.get(path).await?;
        let version = answer.headers.get("grpc-metadata-argo-version").cloned();
        answer.good()?;
        version.with_context(|| format!("{path} tells no version"))?;
    }
    let info = argo.get("/info").await?.good()?;
    assert_eq!(info["managedNamespace"], NAMESPACE);
    assert!(info["links"][0]["url"].is_string(), "{info}");
    let version = argo.get("/version").await?.good()?;
    assert!(version["version"].is_string(), "{version}");
    for who in [Who::Nobody, Who::Forger] {
        let answer = Argo::new(site, who).get("/version").await?;
        let message = answer.refused(401, 16)?;
        assert!(message.contains("token not valid"), "{message}");
    }
    let later = argo.get("/archived-workflows-label-keys").await?;
    later.refused(501, 12)?;
    let path = format!("/workflows/{NAMESPACE}/none");
    argo.get(&path).await?.refused(404, 5)?;
    let made = json!({"workflow": one_step("denied", "busybox", &["true"])});
    let path = format!("/workflows/{NAMESPACE}");
    let denied = argo.send(Method::Post, &path, made).await?;
    denied.refused(403, 7)?;
    Ok(())
}

async fn an_object_is_created_once_listed_by_label_read_in_parts_and_deleted(
    world: &World,
) -> Result<()> {
    let argo = Argo::maintainer(world.image().await?);
    let mut workflow = one_step("object", "busybox", &["echo", "\u{0}nul\u{e9}"]);
    workflow["metadata"] =
        json!({"name": "object", "labels": {"test": "object"}, "creationTimestamp": null});
    workflow["status"] = json!({"startedAt": null, "finishedAt": null});
    workflow["spec"]["arguments"] = json!({"parameters": [{"name": "bytes", "value": "\u{0}a"}]});
    workflow["spec"]["templates"][0]["container"]["command"] = json!(["echo", "hello"]);
    let name = argo.create(workflow.clone()).await?;
    assert_eq!(name, "object");
    let again = json!({"workflow": workflow});
    let path = format!("/workflows/{NAMESPACE}");
    let message = argo
        .send(Method::Post, &path, again)
        .await?
        .refused(409, 6)?;
    assert!(message.contains("already exists"), "{message}");

    let whole = argo.ended("object").await?;
    assert_eq!(whole["status"]["phase"], "Succeeded");
    let parameter = &whole["spec"]["arguments"]["parameters"][0];
    assert_eq!(parameter["value"], "\u{0}a");
    let labels = &whole["metadata"]["labels"];
    assert_eq!(labels["workflows.argoproj.io/phase"], "Succeeded");
    assert_eq!(labels["workflows.argoproj.io/completed"], "true");

    let query = "listOptions.labelSelector=test=object&listOptions.offset=7";
    let list = argo.get(&format!("{path}?{query}")).await?.good()?;
    assert_eq!(list["items"].as_array().map(Vec::len), Some(1));
    assert!(list["items"][0]["status"]["nodes"].is_object(), "{list}");
    let fields = "fields=-items.status.nodes,items.spec";
    let list = argo
        .get(&format!("{path}?{query}&{fields}"))
        .await?
        .good()?;
    let item = &list["items"][0];
    assert!(item["status"]["nodes"].is_null() && item["spec"].is_null());
    assert_eq!(item["status"]["phase"], "Succeeded");
    assert!(list["metadata"]["resourceVersion"].is_string(), "{list}");

    let one = format!("{path}/object");
    let part = argo.get(&format!("{one}?fields=status.phase")).await?;
    assert_eq!(part.good()?, json!({"status": {"phase": "Succeeded"}}));
    let uid = whole["metadata"]["uid"].as_str().context("no uid")?;
    let found = argo.get(&format!("{path}/any?uid={uid}")).await?.good()?;
    assert_eq!(found["metadata"]["name"], "object");
    assert_eq!(argo.delete(&one).await?.good()?, json!({}));
    argo.get(&one).await?.refused(404, 5)?;
    argo.delete(&one).await?.refused(404, 5)?;
    Ok(())
}

async fn an_empty_list_is_null_and_a_page_says_where_the_next_begins(world: &World) -> Result<()> {
    let argo = Argo::maintainer(world.image().await?);
    let path = format!("/workflows/{NAMESPACE}?listOptions.labelSelector=test");
    let none = argo.get(&format!("{path}=nothing")).await?.good()?;
    assert!(none.get("items").is_some_and(Value::is_null), "{none}");
    let mut names = Vec::new();
    for _ in 0..3 {
        let mut workflow = one_step("page", "busybox", &["true"]);
        workflow["metadata"]["labels"] = json!({"test": "page"});
        names.push(argo.create(workflow).await?);
    }
    for name in &names {
        argo.ended(name).await?;
    }
    let mut seen = Vec::new();
    let mut from = String::new();
    for page in 1..=3 {
        let query = format!("{path}=page&listOptions.limit=1&listOptions.continue={from}");
        let list = argo.get(&query).await?.good()?;
        let name = list["items"][0]["metadata"]["name"].as_str();
        seen.push(name.context("an empty page")?.to_owned());
        from = list["metadata"]["continue"].as_str().unwrap().to_owned();
        let expected = if page < 3 {
            page.to_string()
        } else {
            String::new()
        };
        assert_eq!(from, expected);
    }
    seen.sort();
    names.sort();
    assert_eq!(seen, names);
    let wrong = argo.get(&format!("{path}&listOptions.continue=x")).await?;
    wrong.refused(400, 3)?;
    Ok(())
}

async fn selectors_choose_as_kubernetes_does(world: &World) -> Result<()> {
    let argo = Argo::maintainer(world.image().await?);
    for (name, value) in [("select-1", "1"), ("select-2", "2")] {
        let mut workflow = one_step(name, "busybox", &["true"]);
        workflow["metadata"] = json!({"name": name, "labels": {"test": "select", "size": value}});
        argo.create(workflow).await?;
    }
    let base = format!("/workflows/{NAMESPACE}?listOptions.labelSelector=test=select");
    for (selector, count) in [
        ("!size", 0),
        ("size=1", 1),
        ("size==1", 1),
        ("size in (1)", 1),
        ("size in (1,2)", 2),
        ("size!=1", 1),
        ("size notin (1)", 1),
        ("size", 2),
        ("size>0", 2),
        ("size>1", 1),
        ("size<1", 0),
        ("size<2", 1),
    ] {
        let escaped = selector
            .replace(' ', "%20")
            .replace('>', "%3E")
            .replace('<', "%3C");
        let list = argo.get(&format!("{base},{escaped}")).await?.good()?;
        let found = list["items"].as_array().map_or(0, Vec::len);
        assert_eq!(found, count, "{selector}");
    }
    for (query, count) in [
        ("&listOptions.fieldSelector=metadata.name=select-1", 1),
        ("&listOptions.fieldSelector=metadata.name!=select-1", 1),
        ("&listOptions.fieldSelector=metadata.namespace==wf-red", 2),
        (
            "&listOptions.fieldSelector=metadata.name=select&nameFilter=Prefix",
            2,
        ),
        (
            "&listOptions.fieldSelector=metadata.name=lect-2&nameFilter=Contains",
            1,
        ),
        (
            "&listOptions.fieldSelector=metadata.name=select&nameFilter=Exact",
            0,
        ),
        (
            "&listOptions.fieldSelector=spec.startedAt%3E2100-01-01T00:00:00Z",
            0,
        ),
    ] {
        let list = argo.get(&format!("{base}{query}")).await?.good()?;
        let found = list["items"].as_array().map_or(0, Vec::len);
        assert_eq!(found, count, "{query}");
    }
    for wrong in [
        "&listOptions.fieldSelector=metadata.namespace=wf-blue",
        "&listOptions.fieldSelector=spec.colour=blue",
    ] {
        argo.get(&format!("{base}{wrong}")).await?.refused(400, 3)?;
    }
    Ok(())
}

async fn a_dry_run_stores_nothing(world: &World) -> Result<()> {
    let argo = Argo::maintainer(world.image().await?);
    let mut workflow = one_step("dry", "busybox", &["true"]);
    workflow["metadata"] = json!({"name": "dry"});
    let path = format!("/workflows/{NAMESPACE}");
    let body = json!({"workflow": workflow, "createOptions": {"dryRun": ["All"]}});
    let client = argo.send(Method::Post, &path, body).await?.good()?;
    assert!(client["metadata"]["uid"].is_null(), "{client}");
    let body = json!({"workflow": workflow, "serverDryRun": true});
    let server = argo.send(Method::Post, &path, body).await?.good()?;
    assert!(server["metadata"]["uid"].is_string(), "{server}");
    argo.get(&format!("{path}/dry")).await?.refused(404, 5)?;
    let lint = format!("{path}/lint");
    let body = json!({"workflow": workflow});
    argo.send(Method::Post, &lint, body).await?.good()?;
    workflow["spec"]["entrypoint"] = json!("nowhere");
    let body = json!({"workflow": workflow});
    let message = argo
        .send(Method::Post, &lint, body)
        .await?
        .refused(400, 3)?;
    assert!(message.contains("nowhere"), "{message}");
    let foreign = json!({"workflow": {"metadata": {"name": "x", "namespace": "wf-blue"}}});
    let foreign = argo.send(Method::Post, &path, foreign).await?;
    foreign.refused(400, 3)?;
    Ok(())
}

async fn verbs_take_empty_bodies_and_answer_the_object(world: &World) -> Result<()> {
    let argo = Argo::maintainer(world.image().await?);
    let path = |name: &str, verb: &str| format!("/workflows/{NAMESPACE}/{name}/{verb}");
    let name = argo.create(gated("verbs")).await?;
    argo.until(&name, |w| node_is(w, "approve", "Running"))
        .await?;
    let suspended = argo
        .put(&path(&name, "suspend"), Value::Null)
        .await?
        .good()?;
    assert_eq!(suspended["spec"]["suspend"], true);
    let resumed = argo
        .put(&path(&name, "resume"), Value::Null)
        .await?
        .good()?;
    assert!(resumed["spec"].get("suspend").is_none(), "{resumed}");
    let ended = argo.ended(&name).await?;
    assert_eq!(ended["status"]["phase"], "Succeeded", "{ended:#}");
    assert!(node_is(&ended, "work", "Succeeded"));
    let late = argo.put(&path(&name, "suspend"), json!({})).await?;
    late.refused(400, 3)?;

    let resubmitted = argo
        .put(&path(&name, "resubmit"), Value::Null)
        .await?
        .good()?;
    let second = resubmitted["metadata"]["name"].as_str().unwrap().to_owned();
    let labels = &resubmitted["metadata"]["labels"];
    assert_eq!(
        labels["workflows.argoproj.io/resubmitted-from-workflow"],
        name
    );
    argo.until(&second, |w| node_is(w, "approve", "Running"))
        .await?;
    argo.put(&path(&second, "stop"), json!({"message": "enough"}))
        .await?
        .good()?;
    let stopped = argo.ended(&second).await?;
    assert_eq!(stopped["status"]["phase"], "Failed", "{stopped:#}");
    let handler = format!("{second}.onExit");
    assert!(node_is(&stopped, &handler, "Succeeded"), "{stopped:#}");

    let third = argo.create(gated("verbs")).await?;
    argo.until(&third, |w| node_is(w, "approve", "Running"))
        .await?;
    argo.put(&path(&third, "terminate"), Value::Null)
        .await?
        .good()?;
    let terminated = argo.ended(&third).await?;
    assert_eq!(terminated["status"]["phase"], "Failed");
    assert_eq!(
        terminated["status"]["message"],
        "Stopped with strategy 'Terminate'"
    );
    let handler = format!("{third}.onExit");
    assert!(
        !node_is(&terminated, &handler, "Succeeded"),
        "{terminated:#}"
    );
    let latest = argo.get(path("@latest", "").trim_end_matches('/')).await?;
    latest.good()?;
    Ok(())
}

async fn a_failed_run_is_retried_in_place_and_a_good_one_is_not(world: &World) -> Result<()> {
    let argo = Argo::maintainer(world.image().await?);
    let path = |name: &str| format!("/workflows/{NAMESPACE}/{name}/retry");
    let mut workflow = one_step("again", "busybox", &["sh", "-c"]);
    workflow["spec"]["arguments"] = json!({"parameters": [{"name": "code", "value": "3"}]});
    workflow["spec"]["templates"][0]["container"]["args"] =
        json!(["exit {{workflow.parameters.code}}"]);
    let name = argo.create(workflow).await?;
    let failed = argo.ended(&name).await?;
    assert_eq!(failed["status"]["phase"], "Failed");
    let message = failed["status"]["message"].as_str().unwrap_or_default();
    assert!(message.contains("exit code 3"), "{failed:#}");
    let body = json!({"parameters": ["code=0"]});
    argo.put(&path(&name), body).await?.good()?;
    let uid = |workflow: &Value| workflow["metadata"]["uid"].clone();
    let good = argo.ended(&name).await?;
    assert_eq!(good["status"]["phase"], "Succeeded", "{good:#}");
    assert_eq!(uid(&good), uid(&failed));
    argo.put(&path(&name), json!({})).await?.refused(400, 3)?;
    Ok(())
}

async fn streams_are_bytes_that_the_client_can_cut(world: &World) -> Result<()> {
    let argo = Argo::maintainer(world.image().await?);
    let lines = "for n in one two three; do echo $n; done";
    let name = argo
        .create(one_step("stream", "busybox", &["sh", "-c", lines]))
        .await?;
    argo.ended(&name).await?;
    let log = format!("/workflows/{NAMESPACE}/{name}/log?logOptions.container=main");
    let (headers, text) = argo.stream(&log, "text/event-stream").await?;
    assert_eq!(headers["content-type"], "text/event-stream");
    assert_eq!(headers["x-content-type-options"], "nosniff");
    let mut said = Vec::new();
    for event in text.split(" \n\n\n") {
        let event = awake(event);
        if event.is_empty() {
            continue;
        }
        let data = event.strip_prefix("data: ").context("not 'data: '")?;
        let data: Value = serde_json::from_str(data)?;
        assert!(data["result"]["podName"].is_string(), "{data}");
        said.push(data["result"]["content"].as_str().unwrap().to_owned());
    }
    assert_eq!(said, ["one", "two", "three"]);
    let (_, text) = argo.stream(&log, "*/*").await?;
    assert_eq!(text.lines().count(), 3, "{text}");
    for line in text.lines() {
        serde_json::from_str::<Value>(line)?;
    }
    for (query, count) in [
        ("&logOptions.tailLines=1", 1),
        ("&grep=t", 2),
        ("&logOptions.tailLines=0", 0),
    ] {
        let (_, text) = argo.stream(&format!("{log}{query}"), "*/*").await?;
        assert_eq!(text.lines().count(), count, "{query}: {text}");
    }
    let missing = format!("/workflows/{NAMESPACE}/none/log");
    argo.get(&missing).await?.refused(404, 5)?;

    // A watch begins with the object as it is.
    let watch = format!(
        "/workflow-events/{NAMESPACE}?listOptions.fieldSelector=metadata.name={name}&listOptions.resourceVersion=0"
    );
    let site = world.image().await?;
    let client = site.as_a(Who::Member(Role::Viewer));
    let request = client.request(Method::Get, &format!("/api/v1{watch}"));
    let mut answer = request.header("accept", "text/event-stream").send().await?;
    let mut bytes = Vec::new();
    while !bytes.ends_with(b" \n\n\n") {
        let chunk = answer.chunk().await?.context("the watch ended")?;
        bytes.extend_from_slice(&chunk);
        ensure!(bytes.len() < 1 << 20, "one event is too large");
    }
    let text = String::from_utf8(bytes)?;
    let data = awake(&text)
        .strip_prefix("data: ")
        .context("not 'data: '")?;
    let data: Value = serde_json::from_str(data)?;
    assert_eq!(data["result"]["type"], "ADDED");
    assert_eq!(data["result"]["object"]["metadata"]["name"], name);
    Ok(())
}

/// An event without the lines before it that only keep the connection alive.
fn awake(mut event: &str) -> &str {
    while let Some(rest) = event.strip_prefix(":\n") {
        event = rest;
    }
    event
}
