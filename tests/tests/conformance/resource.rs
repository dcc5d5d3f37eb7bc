//! `resource` templates: runs that make runs, templates that are kept by runs, and whose rights count.

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use steading_api::access::Role;
use steading_api::node::{NodeBody, NodeFilter};
use steading_api::operations::{
    DeleteRun, GetConfigMap, GetRun, GetRunObject, GetTemplate, ListNodes, ListRuns, StopRun,
    SubmitRun,
};
use steading_api::run::{NodeVerb, RunFilter, Submission};
use steading_tests::wait;
use steading_types::{NodePhase, WorkflowPhase};

use crate::world::{OURS, Site, Who, World};

trials![
    a_run_makes_a_run_waits_for_it_and_reads_its_outputs,
    a_run_that_a_run_owns_goes_with_it,
    a_failure_condition_fails_the_node_with_what_it_saw,
    a_node_that_waits_for_a_run_is_stopped_and_the_run_goes_on,
    a_template_is_made_patched_read_and_removed,
    objects_of_the_tenant_are_made_patched_read_and_removed,
    objects_that_a_run_owns_go_with_it,
    a08_a_template_of_the_site_is_written_by_operators_only,
    a04_a_resource_does_not_read_the_value_of_a_secret,
    a08_a_resource_acts_with_the_rights_of_whoever_submitted,
    a13_a_resource_acts_in_its_own_tenant_only,
    a_kind_that_needs_a_cluster_is_refused_at_submission,
];

/// A workflow whose one node is this template.
fn of(template: Value) -> String {
    let mut template = template;
    template["name"] = json!("main");
    json!({
        "apiVersion": "argoproj.io/v1alpha1", "kind": "Workflow",
        "metadata": {"generateName": "parent-"},
        "spec": {"entrypoint": "main", "templates": [template]},
    })
    .to_string()
}

/// A run that ends by itself after so many seconds, with an output of its own.
fn child(seconds: u32) -> Value {
    json!({
        "apiVersion": "argoproj.io/v1alpha1", "kind": "Workflow",
        "metadata": {"generateName": "child-"},
        "spec": {"entrypoint": "main", "templates": [{
            "name": "main",
            "steps": [[{"name": "wait", "template": "wait"}]],
            "outputs": {"parameters": [
                {"name": "word", "globalName": "word", "valueFrom": {"expression": "'spoken'"}},
            ]},
        }, {"name": "wait", "suspend": {"duration": seconds.to_string()}}]},
    })
}

/// A template of the tenant.
fn kept(name: &str) -> Value {
    json!({
        "apiVersion": "argoproj.io/v1alpha1", "kind": "WorkflowTemplate",
        "metadata": {"name": name},
        "spec": {"entrypoint": "main", "templates": [{"name": "main", "suspend": {}}]},
    })
}

async fn node(site: &Site, run: &str) -> Result<NodeBody> {
    let client = site.as_a(Who::Member(Role::Viewer));
    let list = client
        .call::<ListNodes>(&[OURS, run], &NodeFilter::default(), &())
        .await?;
    list.nodes.into_iter().next().context("no node")
}

/// The name of the run that a run's node has made; waits for it.
async fn made_by(site: &Site, run: &str) -> Result<String> {
    let client = site.as_a(Who::Member(Role::Viewer));
    let parent = site.run(run).await?.summary.id.to_string();
    wait::until("the run that was made", async || {
        let all = RunFilter::default();
        let list = client.call::<ListRuns>(&[OURS], &all, &()).await?;
        for other in list.runs {
            let path = [OURS, other.name.as_str()];
            let object = client.call::<GetRunObject>(&path, &(), &()).await?;
            let by = object["metadata"]["annotations"]["steading.io/made-by"].as_str();
            if by.is_some_and(|by| by.starts_with(&parent)) {
                return Ok(Some(other.name));
            }
        }
        Ok(None)
    })
    .await
}

async fn submitted_by(site: &Site, who: Who, text: String) -> Result<String> {
    let submission = Submission {
        text: Some(text),
        ..Submission::default()
    };
    let run = site
        .as_a(who)
        .call::<SubmitRun>(&[OURS], &(), &submission)
        .await?;
    Ok(run.run.name)
}

async fn a_run_makes_a_run_waits_for_it_and_reads_its_outputs(world: &World) -> Result<()> {
    let site = world.process().await?;
    let output = |name: &str, path: &str| json!({"name": name, "valueFrom": {"jsonPath": path, "default": "none"}});
    let name = site
        .submit(&of(json!({
            "resource": {
                "action": "create",
                "manifest": child(1).to_string(),
                "successCondition": "status.phase == Succeeded",
                "failureCondition": "status.phase in (Failed, Error)",
            },
            "outputs": {"parameters": [
                output("phase", "{.status.phase}"),
                output("word", "{.status.outputs.parameters[0].value}"),
                output("absent", "{.status.nothing}"),
            ]},
        })))
        .await?;
    let run = site.ended(&name).await?;
    let node = node(site, &name).await?;
    ensure!(run.summary.phase == WorkflowPhase::Succeeded, "{node:?}");
    let outputs = ["phase", "word", "absent"].map(|name| node.outputs[name].as_str());
    ensure!(outputs == ["Succeeded", "spoken", "none"], "{node:?}");
    let made = made_by(site, &name).await?;
    let result = format!("workflows.argoproj.io/{made}");
    ensure!(node.result.as_deref() == Some(&result), "{node:?}");
    Ok(())
}

async fn a_run_that_a_run_owns_goes_with_it(world: &World) -> Result<()> {
    let site = world.process().await?;
    let client = site.as_a(Who::Member(Role::Submitter));
    let make = |owner: bool| {
        of(json!({"resource": {
            "action": "create",
            "setOwnerReference": owner,
            "manifest": child(600).to_string(),
            "successCondition": "status.phase == Succeeded",
        }}))
    };
    for owned in [true, false] {
        let name = site.submit(&make(owned)).await?;
        let made = made_by(site, &name).await?;
        client.call::<DeleteRun>(&[OURS, &name], &(), &()).await?;
        let left = client.call::<GetRun>(&[OURS, &made], &(), &()).await;
        ensure!(left.is_err() == owned, "owned {owned}: {left:?}");
        if !owned {
            client.call::<DeleteRun>(&[OURS, &made], &(), &()).await?;
        }
    }
    Ok(())
}

async fn a_failure_condition_fails_the_node_with_what_it_saw(world: &World) -> Result<()> {
    let site = world.process().await?;
    let name = site
        .submit(&of(json!({"resource": {
            "action": "create",
            "manifest": child(0).to_string(),
            "successCondition": "status.phase == Failed",
            "failureCondition": "status.phase == Succeeded",
        }})))
        .await?;
    site.ended(&name).await?;
    let node = node(site, &name).await?;
    let message = node.message.clone().unwrap_or_default();
    ensure!(node.phase == NodePhase::Failed, "{node:?}");
    ensure!(
        message.contains("'status.phase'") && message.contains("Succeeded"),
        "{message}"
    );
    Ok(())
}

async fn a_node_that_waits_for_a_run_is_stopped_and_the_run_goes_on(world: &World) -> Result<()> {
    let site = world.process().await?;
    let client = site.as_a(Who::Member(Role::Submitter));
    let name = site
        .submit(&of(json!({"resource": {
            "action": "create",
            "manifest": child(600).to_string(),
            "successCondition": "status.phase == Succeeded",
        }})))
        .await?;
    let made = made_by(site, &name).await?;
    let verb = NodeVerb::default();
    client.call::<StopRun>(&[OURS, &name], &(), &verb).await?;
    let run = site.ended(&name).await?;
    ensure!(run.summary.phase == WorkflowPhase::Failed, "{run:?}");
    let phase = site.run(&made).await?.summary.phase;
    ensure!(!phase.completed(), "{phase:?}");
    client.call::<DeleteRun>(&[OURS, &made], &(), &()).await?;
    Ok(())
}

async fn a_template_is_made_patched_read_and_removed(world: &World) -> Result<()> {
    let site = world.process().await?;
    let maintainer = Who::Member(Role::Maintainer);
    let patch = json!({
        "apiVersion": "argoproj.io/v1alpha1", "kind": "WorkflowTemplate",
        "metadata": {"name": "made", "labels": {"patched": "yes"}},
    });
    for (action, manifest, phase) in [
        ("replace", kept("made"), NodePhase::Error),
        ("create", kept("made"), NodePhase::Succeeded),
        ("create", kept("made"), NodePhase::Error),
        ("patch", patch.clone(), NodePhase::Succeeded),
        ("get", patch.clone(), NodePhase::Succeeded),
        ("delete", patch.clone(), NodePhase::Succeeded),
        ("delete", patch, NodePhase::Succeeded),
    ] {
        let text = of(json!({
            "resource": {"action": action, "manifest": manifest.to_string()},
            "outputs": {"parameters": [{"name": "label", "valueFrom": {
                "jsonPath": "{.metadata.labels.patched}", "default": "no",
            }}]},
        }));
        let name = submitted_by(site, maintainer, text).await?;
        site.ended(&name).await?;
        let node = node(site, &name).await?;
        ensure!(node.phase == phase, "{action}: {node:?}");
        if action == "get" {
            ensure!(node.outputs["label"] == "yes", "{node:?}");
        }
    }
    Ok(())
}

/// A ConfigMap, Secret or claim.
fn object(kind: &str, name: &str, more: Value) -> Value {
    let mut object = json!({"apiVersion": "v1", "kind": kind, "metadata": {"name": name}});
    for (key, value) in more.as_object().into_iter().flatten() {
        object[key] = value.clone();
    }
    object
}

/// A claim's terms.
fn claimed(size: &str) -> Value {
    json!({"spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": size}}}})
}

/// Does this to an object as somebody; answers the node.
async fn done(site: &Site, who: Who, action: &str, object: &Value, path: &str) -> Result<NodeBody> {
    let text = of(json!({
        "resource": {"action": action, "manifest": object.to_string()},
        "outputs": {"parameters": [
            {"name": "seen", "valueFrom": {"jsonPath": path, "default": "nothing"}},
        ]},
    }));
    let name = submitted_by(site, who, text).await?;
    site.ended(&name).await?;
    node(site, &name).await
}

async fn objects_of_the_tenant_are_made_patched_read_and_removed(world: &World) -> Result<()> {
    let site = world.process().await?;
    let maintainer = Who::Member(Role::Maintainer);
    let maps = |value: &str| object("ConfigMap", "acted-on", json!({"data": {"a": value}}));
    let claims = |size: &str| object("PersistentVolumeClaim", "acted-on", claimed(size));
    for (path, first, second, seen) in [
        ("{.data.a}", maps("1"), maps("2"), "2"),
        (
            "{.spec.resources.requests.storage}",
            claims("1Mi"),
            claims("2Mi"),
            "2Mi",
        ),
    ] {
        for (action, object, phase) in [
            ("replace", &first, NodePhase::Error),
            ("create", &first, NodePhase::Succeeded),
            ("create", &first, NodePhase::Failed),
            ("patch", &second, NodePhase::Succeeded),
            ("get", &first, NodePhase::Succeeded),
            ("delete", &first, NodePhase::Succeeded),
        ] {
            let node = done(site, maintainer, action, object, path).await?;
            ensure!(node.phase == phase, "{action} {object}: {node:?}");
            if action == "get" {
                ensure!(node.outputs["seen"] == seen, "{node:?}");
            }
        }
    }
    let text = maps("1");
    let denied = done(site, Who::Member(Role::Submitter), "apply", &text, "{.x}").await?;
    let message = denied.message.unwrap_or_default();
    ensure!(message.contains("(auth.role)"), "{message}");
    Ok(())
}

async fn objects_that_a_run_owns_go_with_it(world: &World) -> Result<()> {
    let site = world.process().await?;
    let owned = object("ConfigMap", "owned", json!({"data": {"a": "1"}}));
    let text = of(json!({"resource": {
        "action": "create", "setOwnerReference": true, "manifest": owned.to_string(),
    }}));
    let maintainer = Who::Member(Role::Maintainer);
    let name = submitted_by(site, maintainer, text).await?;
    site.ended(&name).await?;
    let client = site.as_a(maintainer);
    let path = [OURS, "owned"];
    client.call::<GetConfigMap>(&path, &(), &()).await?;
    client.call::<DeleteRun>(&[OURS, &name], &(), &()).await?;
    let left = client.call::<GetConfigMap>(&path, &(), &()).await;
    ensure!(left.is_err(), "it is still there");
    Ok(())
}

async fn a08_a_template_of_the_site_is_written_by_operators_only(world: &World) -> Result<()> {
    let site = world.process().await?;
    let mut template = kept("acted-on");
    template["kind"] = json!("ClusterWorkflowTemplate");
    let admin = Who::Member(Role::Admin);
    let denied = done(site, admin, "apply", &template, "{.x}").await?;
    let message = denied.message.unwrap_or_default();
    ensure!(message.contains("(auth.operator)"), "{message}");
    let name = "{.metadata.name}";
    let kept = done(site, Who::Operator, "apply", &template, name).await?;
    ensure!(kept.phase == NodePhase::Succeeded, "{kept:?}");
    let read = done(site, admin, "get", &template, name).await?;
    ensure!(read.outputs["seen"] == "acted-on", "{read:?}");
    let gone = done(site, Who::Operator, "delete", &template, name).await?;
    ensure!(gone.phase == NodePhase::Succeeded, "{gone:?}");
    Ok(())
}

async fn a04_a_resource_does_not_read_the_value_of_a_secret(world: &World) -> Result<()> {
    let site = world.process().await?;
    let maintainer = Who::Member(Role::Maintainer);
    let secret = object(
        "Secret",
        "acted-on",
        json!({"stringData": {"a": "hunter2"}}),
    );
    let made = done(site, maintainer, "apply", &secret, "{.stringData.a}").await?;
    ensure!(made.phase == NodePhase::Succeeded, "{made:?}");
    ensure!(made.outputs["seen"] == "nothing", "{made:?}");
    for path in ["{.data.a}", "{.stringData.a}"] {
        let plain = object("Secret", "acted-on", json!({}));
        let read = done(site, maintainer, "get", &plain, path).await?;
        ensure!(read.outputs["seen"] == "nothing", "{read:?}");
    }
    Ok(())
}

async fn a08_a_resource_acts_with_the_rights_of_whoever_submitted(world: &World) -> Result<()> {
    let site = world.process().await?;
    let text =
        of(json!({"resource": {"action": "apply", "manifest": kept("forbidden").to_string()}}));
    let name = site.submit(&text).await?;
    site.ended(&name).await?;
    let node = node(site, &name).await?;
    let message = node.message.clone().unwrap_or_default();
    ensure!(message.contains("(auth.role)"), "{node:?}");
    let client = site.as_a(Who::Operator);
    let left = client.call::<GetTemplate>(&[OURS, "forbidden"], &(), &());
    ensure!(left.await.is_err(), "it was kept");
    Ok(())
}

async fn a13_a_resource_acts_in_its_own_tenant_only(world: &World) -> Result<()> {
    let site = world.process().await?;
    let mut manifest = child(0);
    manifest["metadata"]["namespace"] = json!("wf-blue");
    let text = of(json!({"resource": {"action": "create", "manifest": manifest.to_string()}}));
    let name = site.submit(&text).await?;
    site.ended(&name).await?;
    let node = node(site, &name).await?;
    let message = node.message.unwrap_or_default();
    ensure!(message.contains("(resource.namespace)"), "{message}");
    Ok(())
}

async fn a_kind_that_needs_a_cluster_is_refused_at_submission(world: &World) -> Result<()> {
    let site = world.process().await?;
    for (kind, action, word) in [
        ("Job", "create", "a Job needs a Kubernetes cluster"),
        ("Pod", "get", "a Pod needs a Kubernetes cluster"),
        ("Workflow", "patch", "not changed"),
        ("Secret", "patch", "a Secret is not patched"),
    ] {
        let manifest = json!({"apiVersion": "v1", "kind": kind, "metadata": {"name": "x"}});
        let text = of(json!({"resource": {"action": action, "manifest": manifest.to_string()}}));
        let refused = submitted_by(site, Who::Member(Role::Submitter), text).await;
        let why = format!("{:?}", refused.err().context(kind)?);
        ensure!(why.contains(word), "{kind}: {why}");
        ensure!(
            why.contains("spec.templates[0].resource.manifest"),
            "{kind}: {why}"
        );
    }
    Ok(())
}
