//! Claims: what tasks write is there for others of the tenant, as long as it was promised and no longer.

use std::path::PathBuf;

use anyhow::{Context, Result, bail, ensure};
use serde_json::{Value, json};
use steading_api::access::Role;
use steading_api::client::CallError;
use steading_api::object::ObjectBody;
use steading_api::operations::{
    DeleteClaim, DeleteRun, GetClaim, GetRunObject, ListClaims, ResumeRun,
};
use steading_api::run::NodeVerb;
use steading_tests::wait;
use steading_types::WorkflowPhase;

use crate::world::{self, OURS, Site, THEIRS, Who, World};

trials![
    claims_of_a_run_are_shared_by_its_nodes_and_go_with_its_success,
    claims_of_a_run_that_failed_stay_until_it_is_deleted,
    a_claim_outlives_runs_and_goes_when_nothing_uses_it,
    a_claim_that_is_only_read_is_not_written,
    a13_the_claim_of_another_tenant_is_a_missing_one,
    f03_the_name_of_a_claim_is_no_path,
    a_claim_beyond_its_size_is_not_written_any_more,
    a_run_does_not_take_a_claim_that_is_somebody_elses,
];

fn claim(name: &str, modes: Value, size: &str) -> Value {
    json!({
        "apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": name},
        "spec": {"accessModes": modes, "resources": {"requests": {"storage": size}}},
    })
}

async fn apply(site: &Site, tenant: &str, object: &Value) -> Result<()> {
    let operator = site.as_a(Who::Operator);
    world::apply(operator, tenant, &object.to_string()).await?;
    Ok(())
}

/// A workflow whose steps run these shell scripts one after another; `suspend` waits for a person.
fn steps(scripts: &[&str], spec: Value) -> String {
    let steps = scripts.iter().enumerate().map(|(i, script)| {
        let template = match *script {
            "suspend" => json!({"suspend": {}}),
            script => json!({"script": {
                "image": "host", "command": ["sh", "-e"], "source": script,
                "volumeMounts": [{"name": "work", "mountPath": "/work"}],
            }}),
        };
        json!([{"name": format!("step{i}"), "inline": template}])
    });
    let mut whole = json!({
        "entrypoint": "main",
        "templates": [{"name": "main", "steps": steps.collect::<Vec<_>>()}],
    });
    for (key, value) in spec.as_object().into_iter().flatten() {
        whole[key] = value.clone();
    }
    json!({
        "apiVersion": "argoproj.io/v1alpha1", "kind": "Workflow",
        "metadata": {"generateName": "claims-"}, "spec": whole,
    })
    .to_string()
}

/// The volume `work` is this claim.
fn of(claim: &str) -> Value {
    json!({"volumes": [{"name": "work", "persistentVolumeClaim": {"claimName": claim}}]})
}

/// The volume `work` is a claim of the run.
fn own(more: Value) -> Value {
    let mut template = claim("work", json!(["ReadWriteOnce"]), "10Mi");
    template.as_object_mut().unwrap().remove("kind");
    template.as_object_mut().unwrap().remove("apiVersion");
    let mut spec = json!({"volumeClaimTemplates": [template]});
    for (key, value) in more.as_object().into_iter().flatten() {
        spec[key] = value.clone();
    }
    spec
}

async fn ran(site: &Site, text: &str) -> Result<(String, WorkflowPhase, String)> {
    let name = site.submit(text).await?;
    let run = site.ended(&name).await?;
    let viewer = site.as_a(Who::Member(Role::Viewer));
    let path = [OURS, name.as_str()];
    let object = viewer.call::<GetRunObject>(&path, &(), &()).await?;
    Ok((name, run.summary.phase, object["status"].to_string()))
}

async fn succeeded(site: &Site, text: &str) -> Result<String> {
    let (name, phase, status) = ran(site, text).await?;
    ensure!(phase == WorkflowPhase::Succeeded, "{status}");
    Ok(name)
}

async fn get(site: &Site, name: &str) -> Result<ObjectBody, CallError> {
    let viewer = site.as_a(Who::Member(Role::Viewer));
    viewer.call::<GetClaim>(&[OURS, name], &(), &()).await
}

fn directory(site: &Site, name: &str) -> PathBuf {
    site.server.data().join("claims").join(OURS).join(name)
}

async fn is_gone(site: &Site, name: &str) -> Result<()> {
    wait::until(
        &format!("the end of the claim {name}"),
        async || match get(site, name).await {
            Ok(_) => Ok(None),
            Err(CallError::Refused { status: 404, .. }) => Ok(Some(())),
            Err(error) => bail!(error),
        },
    )
    .await?;
    ensure!(
        !directory(site, name).exists(),
        "{name} has left a directory"
    );
    Ok(())
}

fn code(error: CallError) -> Result<String> {
    match error {
        CallError::Refused { body, .. } => Ok(body.code),
        other => bail!(other),
    }
}

async fn claims_of_a_run_are_shared_by_its_nodes_and_go_with_its_success(
    world: &World,
) -> Result<()> {
    let site = world.sandbox().await?;
    let text = steps(
        &["echo kept > /work/file", "suspend", "grep kept /work/file"],
        own(json!({})),
    );
    let run = site.submit(&text).await?;
    let name = format!("{run}-work");
    wait::until("the file", async || {
        Ok(directory(site, &name).join("file").exists().then_some(()))
    })
    .await?;
    let body = get(site, &name).await?;
    let held = body.claim.context("it is a claim")?;
    assert_eq!((held.state.as_str(), held.size), ("held", 10 << 20));
    assert_eq!(held.run, Some(site.run(&run).await?.summary.id.to_string()));
    let submitter = site.as_a(Who::Member(Role::Submitter));
    let ended = wait::until("the end of the run", async || {
        // It may not have come to the step that waits.
        let verb = NodeVerb::default();
        let _ = submitter.call::<ResumeRun>(&[OURS, &run], &(), &verb).await;
        let run = site.run(&run).await?;
        Ok(run.summary.phase.completed().then_some(run))
    })
    .await?;
    ensure!(
        ended.summary.phase == WorkflowPhase::Succeeded,
        "{:?}",
        ended.summary
    );
    is_gone(site, &name).await
}

async fn claims_of_a_run_that_failed_stay_until_it_is_deleted(world: &World) -> Result<()> {
    let site = world.sandbox().await?;
    let failing = ["echo kept > /work/file", "exit 1"];
    let (run, phase, status) = ran(site, &steps(&failing, own(json!({})))).await?;
    ensure!(phase == WorkflowPhase::Failed, "{status}");
    let name = format!("{run}-work");
    ensure!(
        directory(site, &name).join("file").exists(),
        "what it wrote is gone"
    );
    let submitter = site.as_a(Who::Member(Role::Submitter));
    submitter.call::<DeleteRun>(&[OURS, &run], &(), &()).await?;
    is_gone(site, &name).await?;

    let at_once = own(json!({"volumeClaimGC": {"strategy": "OnWorkflowCompletion"}}));
    let (run, phase, status) = ran(site, &steps(&failing, at_once)).await?;
    ensure!(phase == WorkflowPhase::Failed, "{status}");
    is_gone(site, &format!("{run}-work")).await
}

async fn a_claim_outlives_runs_and_goes_when_nothing_uses_it(world: &World) -> Result<()> {
    let site = world.sandbox().await?;
    apply(
        site,
        OURS,
        &claim("lasting", json!(["ReadWriteMany"]), "10Mi"),
    )
    .await?;
    succeeded(site, &steps(&["echo kept > /work/file"], of("lasting"))).await?;
    succeeded(site, &steps(&["grep kept /work/file"], of("lasting"))).await?;
    wait::until("its size", async || {
        let used = get(site, "lasting").await?.claim.and_then(|c| c.used);
        Ok(used.filter(|used| *used > 0))
    })
    .await?;

    let busy =
        "touch /work/begun; while ! test -e /work/end; do sleep 0.05; done; grep kept /work/file";
    let run = site.submit(&steps(&[busy], of("lasting"))).await?;
    let files = directory(site, "lasting");
    wait::until("the task", async || {
        Ok(files.join("begun").exists().then_some(()))
    })
    .await?;
    let maintainer = site.as_a(Who::Member(Role::Maintainer));
    maintainer
        .call::<DeleteClaim>(&[OURS, "lasting"], &(), &())
        .await?;
    let ending = get(site, "lasting").await?.claim.context("it is used")?;
    assert_eq!(ending.state, "ending");
    let (_, phase, status) = ran(site, &steps(&["true"], of("lasting"))).await?;
    ensure!(phase == WorkflowPhase::Failed, "{status}");
    ensure!(status.contains("is being removed"), "{status}");
    let again = claim("lasting", json!(["ReadWriteMany"]), "10Mi");
    let refused = apply(site, OURS, &again).await.unwrap_err();
    assert_eq!(code(refused.downcast()?)?, "claim.ending");

    std::fs::write(files.join("end"), "")?;
    let ended = site.ended(&run).await?;
    ensure!(
        ended.summary.phase == WorkflowPhase::Succeeded,
        "its file was taken from it: {:?}",
        ended.summary
    );
    is_gone(site, "lasting").await
}

async fn a_claim_that_is_only_read_is_not_written(world: &World) -> Result<()> {
    let site = world.sandbox().await?;
    apply(
        site,
        OURS,
        &claim("readable", json!(["ReadOnlyMany"]), "10Mi"),
    )
    .await?;
    let writes = "if echo x > /work/file; then exit 1; fi";
    succeeded(site, &steps(&[writes], of("readable"))).await?;
    apply(
        site,
        OURS,
        &claim("writable", json!(["ReadWriteOnce"]), "10Mi"),
    )
    .await?;
    let mut read = of("writable");
    read["volumes"][0]["persistentVolumeClaim"]["readOnly"] = json!(true);
    succeeded(site, &steps(&[writes], read)).await?;
    Ok(())
}

async fn a13_the_claim_of_another_tenant_is_a_missing_one(world: &World) -> Result<()> {
    let site = world.sandbox().await?;
    apply(
        site,
        THEIRS,
        &claim("theirs", json!(["ReadWriteOnce"]), "10Mi"),
    )
    .await?;
    let admin = site.as_a(Who::Member(Role::Admin));
    let mut answers = Vec::new();
    for name in ["theirs", "nobodys"] {
        let read = get(site, name).await.unwrap_err();
        let deleted = admin.call::<DeleteClaim>(&[OURS, name], &(), &()).await;
        let (_, phase, status) = ran(site, &steps(&["true"], of(name))).await?;
        let sentence = format!("persistentvolumeclaims \\\"{name}\\\" not found");
        ensure!(status.contains(&sentence), "{status}");
        answers.push((code(read)?, code(deleted.unwrap_err())?, phase));
    }
    assert_eq!(answers[0], answers[1]);
    let listed = admin.call::<ListClaims>(&[OURS], &(), &()).await?;
    ensure!(
        listed.objects.iter().all(|claim| claim.name != "theirs"),
        "{listed:?}"
    );
    Ok(())
}

async fn f03_the_name_of_a_claim_is_no_path(world: &World) -> Result<()> {
    let site = world.sandbox().await?;
    for name in ["..", "../red", "/etc", "a/b", "."] {
        let (_, phase, status) = ran(site, &steps(&["true"], of(name))).await?;
        ensure!(
            phase == WorkflowPhase::Failed && status.contains("not found"),
            "{name}: {status}"
        );
        let applied = apply(site, OURS, &claim(name, json!(["ReadWriteOnce"]), "1Mi")).await;
        ensure!(applied.is_err(), "{name}");
    }
    Ok(())
}

async fn a_claim_beyond_its_size_is_not_written_any_more(world: &World) -> Result<()> {
    let site = world.sandbox().await?;
    let small = claim("small", json!(["ReadWriteOnce"]), "1Mi");
    apply(site, OURS, &small).await?;
    let fills = "head -c 3000000 /dev/zero > /work/file; while :; do sleep 1; done";
    let (_, phase, status) = ran(site, &steps(&[fills], of("small"))).await?;
    ensure!(phase == WorkflowPhase::Failed, "{status}");
    ensure!(status.contains("the claim 'small' is full"), "{status}");
    let (_, _, status) = ran(site, &steps(&["rm /work/file"], of("small"))).await?;
    ensure!(status.contains("the claim 'small' is full"), "{status}");

    let larger = claim("small", json!(["ReadWriteOnce"]), "10Mi");
    apply(site, OURS, &larger).await?;
    succeeded(site, &steps(&["rm /work/file"], of("small"))).await?;
    Ok(())
}

async fn a_run_does_not_take_a_claim_that_is_somebody_elses(world: &World) -> Result<()> {
    let site = world.sandbox().await?;
    let taken = claim("named-work", json!(["ReadWriteOnce"]), "10Mi");
    apply(site, OURS, &taken).await?;
    let mut workflow: Value = serde_json::from_str(&steps(&["true"], own(json!({}))))?;
    workflow["metadata"] = json!({"name": "named"});
    let refused = site.submit(&workflow.to_string()).await.unwrap_err();
    assert_eq!(code(refused.downcast()?)?, "claim.exists");
    Ok(())
}
