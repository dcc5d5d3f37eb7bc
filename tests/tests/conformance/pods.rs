//! Pods of several containers, and patches that ask for more than a task gets.

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use steading_api::access::Role;
use steading_api::log::LogQuery;
use steading_api::node::{NodeBody, NodeFilter};
use steading_api::operations::{GetLogs, ListNodes};
use steading_tests::wait;
use steading_types::NodePhase;

use crate::argo::{Argo, NAMESPACE};
use crate::world::{OURS, Site, Who, World};

trials![
    a_daemon_is_ready_when_its_probe_says_so,
    a_daemon_that_is_hopeless_fails_its_run,
    what_does_not_live_any_more_is_ended,
    the_output_of_each_container_is_found_by_its_name,
    a_set_tries_again_and_shows_each_container,
    a08_cve_2026_31892_a_patch_does_not_get_round_the_policy,
    a08_cve_2026_42296_no_field_asks_for_the_hosts_network_or_more_privileges,
    a08_a_patch_that_is_known_only_later_is_looked_at_then,
    x11_no_socket_or_directory_of_the_host_is_mounted,
];

fn workflow(templates: Value) -> Value {
    json!({
        "apiVersion": "argoproj.io/v1alpha1", "kind": "Workflow",
        "metadata": {"generateName": "pods-"},
        "spec": {"entrypoint": "main", "templates": templates},
    })
}

fn shell(script: &str) -> Value {
    json!({"image": "host", "command": ["sh", "-c", script]})
}

async fn nodes(site: &Site, run: &str) -> Result<Vec<NodeBody>> {
    let client = site.as_a(Who::Member(Role::Viewer));
    let filter = NodeFilter::default();
    let list = client.call::<ListNodes>(&[OURS, run], &filter, &()).await?;
    Ok(list.nodes)
}

fn of<'n>(nodes: &'n [NodeBody], name: &str) -> Result<&'n NodeBody> {
    let node = nodes.iter().find(|node| node.display_name == name);
    node.with_context(|| format!("no node {name}: {nodes:?}"))
}

async fn ran(site: &Site, workflow: Value) -> Result<(String, Vec<NodeBody>)> {
    let run = site.submit(&workflow.to_string()).await?;
    site.ended(&run).await?;
    let nodes = nodes(site, &run).await?;
    Ok((run, nodes))
}

/// A daemon with this probe, then a step that comes after it.
fn served(script: &str, probe: Value) -> Value {
    let mut serve = shell(script);
    serve["readinessProbe"] = probe;
    workflow(json!([
        {"name": "main", "steps": [
            [{"name": "serve", "template": "serve"}],
            [{"name": "after", "template": "after", "arguments": {"parameters": [
                {"name": "ip", "value": "{{steps.serve.ip}}"}]}}],
        ]},
        {"name": "serve", "daemon": true, "container": serve},
        {"name": "after", "inputs": {"parameters": [{"name": "ip"}]},
            "container": shell("test -n '{{inputs.parameters.ip}}'")},
    ]))
}

async fn a_daemon_is_ready_when_its_probe_says_so(world: &World) -> Result<()> {
    let site = world.sandbox().await?;
    let probe = json!({"exec": {"command": ["test", "-e", "/tmp/up"]}, "periodSeconds": 1});
    let script = "sleep 1; touch /tmp/up; while :; do sleep 0.1; done";
    let (run, _) = ran(site, served(script, probe)).await?;
    wait::until("the end of the daemon", async || {
        let nodes = nodes(site, &run).await?;
        let all = [of(&nodes, "serve")?, of(&nodes, "after")?];
        let well = all.iter().all(|node| node.phase == NodePhase::Succeeded);
        Ok(well.then_some(()))
    })
    .await
}

async fn a_daemon_that_is_hopeless_fails_its_run(world: &World) -> Result<()> {
    let site = world.sandbox().await?;
    let probe = json!({"tcpSocket": {"port": 9}, "periodSeconds": 1, "failureThreshold": 2});
    let (_, nodes) = ran(site, served("while :; do sleep 0.1; done", probe)).await?;
    let node = of(&nodes, "serve")?;
    let message = node.message.as_deref().unwrap_or_default();
    ensure!(
        node.phase == NodePhase::Failed && message.contains("readinessProbe failed too often"),
        "{node:?}"
    );
    ensure!(nodes.iter().all(|node| node.display_name != "after"));
    Ok(())
}

async fn what_does_not_live_any_more_is_ended(world: &World) -> Result<()> {
    let site = world.sandbox().await?;
    let mut main = shell("while :; do sleep 0.1; done");
    main["livenessProbe"] = json!({"exec": {"command": ["false"]}, "periodSeconds": 1});
    let (run, nodes) = ran(site, workflow(json!([{"name": "main", "container": main}]))).await?;
    let node = of(&nodes, &run)?;
    let message = node.message.as_deref().unwrap_or_default();
    ensure!(
        message.contains("livenessProbe failed too often"),
        "{node:?}"
    );
    Ok(())
}

async fn printed(site: &Site, run: &str, query: LogQuery) -> Result<Vec<String>> {
    let client = site.as_a(Who::Member(Role::Viewer));
    let page = client.call::<GetLogs>(&[OURS, run], &query, &()).await?;
    Ok(page.lines.into_iter().map(|line| line.text).collect())
}

async fn the_output_of_each_container_is_found_by_its_name(world: &World) -> Result<()> {
    let site = world.sandbox().await?;
    let mut beside = shell("echo of-beside; while :; do sleep 0.1; done");
    beside["name"] = json!("beside");
    let member = |name: &str, after: Value| {
        let mut member = shell(&format!("echo of-{name}"));
        member["name"] = json!(name);
        member["dependencies"] = after;
        member
    };
    let (run, nodes) = ran(
        site,
        workflow(json!([
            {"name": "main", "steps": [[
                {"name": "pair", "template": "pair"}, {"name": "set", "template": "set"},
            ]]},
            // It waits until the other has said something.
            {"name": "pair", "container": shell("sleep 1; echo of-main"), "sidecars": [beside]},
            {"name": "set", "containerSet": {"containers": [
                member("first", json!([])), member("second", json!(["first"])),
            ]}},
        ])),
    )
    .await?;
    let node = |name: &str| of(&nodes, name).map(|node| Some(node.ix));
    for (name, container, said) in [
        ("pair", Some("main"), "of-main"),
        ("pair", Some("beside"), "of-beside"),
        ("set", Some("first"), "of-first"),
        ("set", Some("second"), "of-second"),
        // A container of a set is a node too.
        ("first", None, "of-first"),
        ("second", None, "of-second"),
    ] {
        let query = LogQuery {
            node: node(name)?,
            container: container.map(Into::into),
            ..LogQuery::default()
        };
        assert_eq!(
            printed(site, &run, query).await?,
            [said],
            "{name} {container:?}"
        );
        let mut command = site.steading()?;
        command.args(["logs", &run, name, "--no-prefix"]);
        if let Some(container) = container {
            command.args(["-c", container]);
        }
        let output = command.output()?;
        assert_eq!(
            String::from_utf8_lossy(&output.stdout).trim(),
            said,
            "{output:?}"
        );
    }
    let argo = Argo::maintainer(site);
    let pod = printed_pod(site, &run, node("pair")?).await?;
    for (query, wanted) in [
        ("", "of-main"),
        ("&logOptions.container=beside", "of-beside"),
    ] {
        let path = format!("/workflows/{NAMESPACE}/{run}/log?podName={pod}{query}");
        let (_, text) = argo.stream(&path, "*/*").await?;
        ensure!(text.contains(wanted), "{query}: {text}");
        let count = text.matches("of-").count();
        ensure!(count == 1, "{query}: {text}");
    }
    Ok(())
}

/// The pod's name, as its lines carry it.
async fn printed_pod(site: &Site, run: &str, node: Option<u32>) -> Result<String> {
    let client = site.as_a(Who::Member(Role::Viewer));
    let query = LogQuery {
        node,
        ..LogQuery::default()
    };
    let page = client.call::<GetLogs>(&[OURS, run], &query, &()).await?;
    let line = page.lines.into_iter().next().context("no line")?;
    Ok(line.pod)
}

async fn a_set_tries_again_and_shows_each_container(world: &World) -> Result<()> {
    let site = world.sandbox().await?;
    let mount = json!([{"name": "work", "mountPath": "/work"}]);
    let set = |tries: u32| {
        workflow(
            json!([{"name": "main", "volumes": [{"name": "work", "emptyDir": {}}],
            "containerSet": {
                "retryStrategy": {"retries": tries},
                "volumeMounts": mount,
                "containers": [
                    {"name": "main", "image": "host", "dependencies": ["shaky"],
                        "command": ["sh", "-c", "wc -l < /work/tries"]},
                    {"name": "shaky", "image": "host", "command": ["sh", "-c",
                        "echo x >> /work/tries; test $(wc -l < /work/tries) -ge 3"]},
                ],
            }}]),
        )
    };
    let (run, nodes) = ran(site, set(2)).await?;
    for name in [run.as_str(), "main", "shaky"] {
        let node = of(&nodes, name)?;
        ensure!(node.phase == NodePhase::Succeeded, "{node:?}");
    }
    let (_, nodes) = ran(site, set(1)).await?;
    ensure!(of(&nodes, "shaky")?.phase == NodePhase::Failed);
    ensure!(of(&nodes, "main")?.phase == NodePhase::Failed);
    Ok(())
}

/// Refused at submission, with these words.
async fn refused(site: &Site, mut template: Value, spec: Value, word: &str) -> Result<()> {
    template["name"] = json!("main");
    let mut workflow = workflow(json!([template]));
    for (key, value) in spec.as_object().into_iter().flatten() {
        workflow["spec"][key] = value.clone();
    }
    let error = site.submit(&workflow.to_string()).await.err();
    let error = format!(
        "{:?}",
        error.with_context(|| format!("accepted: {workflow}"))?
    );
    ensure!(error.contains(word), "{workflow}: {error}");
    Ok(())
}

const PATCHES: [(&str, &str); 10] = [
    (r#"{"hostNetwork": true}"#, "hostNetwork"),
    (r#"{"hostPID": true}"#, "hostPID"),
    (r#"{"hostIPC": true}"#, "hostIPC"),
    (
        r#"{"volumes": [{"name": "x", "hostPath": {"path": "/"}}]}"#,
        "hostPath",
    ),
    (
        r#"{"containers": [{"name": "main", "securityContext": {"privileged": true}}]}"#,
        "privileged",
    ),
    (
        r#"{"containers": [{"name": "main", "securityContext": {"capabilities": {"add": ["SYS_ADMIN"]}}}]}"#,
        "capabilities",
    ),
    (
        r#"{"containers": [{"name": "x", "image": "host", "securityContext": {"allowPrivilegeEscalation": true}}]}"#,
        "allowPrivilegeEscalation",
    ),
    (
        r#"{"initContainers": [{"name": "x", "image": "host", "securityContext": {"privileged": true}}]}"#,
        "privileged",
    ),
    (
        r#"{"ephemeralContainers": [{"name": "x", "image": "host"}]}"#,
        "ephemeralContainers",
    ),
    (r#"{"runtimeClassName": "other"}"#, "runtimeClassName"),
];

async fn a08_cve_2026_31892_a_patch_does_not_get_round_the_policy(world: &World) -> Result<()> {
    let site = world.sandbox().await?;
    for (patch, word) in PATCHES {
        let template = json!({"container": shell("true"), "podSpecPatch": patch});
        refused(site, template, json!({}), word).await?;
        let template = json!({"container": shell("true")});
        refused(site, template, json!({"podSpecPatch": patch}), word).await?;
    }
    Ok(())
}

async fn a08_cve_2026_42296_no_field_asks_for_the_hosts_network_or_more_privileges(
    world: &World,
) -> Result<()> {
    let site = world.sandbox().await?;
    let plain = || json!({"container": shell("true")});
    refused(site, plain(), json!({"hostNetwork": true}), "hostNetwork").await?;
    let more = json!({"securityContext": {"seccompProfile": {"type": "Unconfined"}}});
    refused(site, plain(), more, "seccompProfile").await?;
    let mut sidecar = shell("true");
    sidecar["name"] = json!("x");
    sidecar["securityContext"] = json!({"privileged": true});
    for list in ["sidecars", "initContainers"] {
        let template = json!({"container": shell("true"), list: [sidecar]});
        refused(site, template, json!({}), "privileged").await?;
    }
    Ok(())
}

async fn a08_a_patch_that_is_known_only_later_is_looked_at_then(world: &World) -> Result<()> {
    let site = world.sandbox().await?;
    let step = |name: &str, patch: &str| {
        json!({"name": name, "template": "patched", "continueOn": {"failed": true, "error": true},
            "arguments": {"parameters": [{"name": "patch", "value": patch}]}})
    };
    let steps = PATCHES.iter().enumerate();
    let steps = steps.map(|(i, (patch, _))| step(&format!("p{i}"), patch));
    // Nobody becomes somebody of the host: 0 is the tenant's own, and what is beyond its range is none.
    let beyond = r#"{"securityContext": {"runAsUser": 4294967295}}"#;
    let steps: Vec<Value> = steps.chain([step("beyond", beyond)]).collect();
    let (_, nodes) = ran(
        site,
        workflow(json!([
            {"name": "main", "steps": [steps]},
            {"name": "patched", "inputs": {"parameters": [{"name": "patch"}]},
                "container": shell("true"), "podSpecPatch": "{{inputs.parameters.patch}}"},
        ])),
    )
    .await?;
    for (i, (patch, word)) in PATCHES.iter().enumerate() {
        let node = of(&nodes, &format!("p{i}"))?;
        let message = node.message.as_deref().unwrap_or_default();
        ensure!(
            node.phase == NodePhase::Error && message.contains(word),
            "{patch}: {node:?}"
        );
        ensure!(node.isolation.is_empty(), "it ran: {node:?}");
    }
    let node = of(&nodes, "beyond")?;
    ensure!(node.phase == NodePhase::Error, "{node:?}");
    Ok(())
}

async fn x11_no_socket_or_directory_of_the_host_is_mounted(world: &World) -> Result<()> {
    let site = world.sandbox().await?;
    for path in [
        "/",
        "/var/run/docker.sock",
        "/run/podman/podman.sock",
        "/proc",
    ] {
        let volume = json!([{"name": "x", "hostPath": {"path": path}}]);
        let template = json!({"container": shell("true"), "volumes": volume});
        refused(site, template, json!({}), "hostPath").await?;
        refused(
            site,
            json!({"container": shell("true")}),
            json!({"volumes": volume}),
            "hostPath",
        )
        .await?;
    }
    Ok(())
}
