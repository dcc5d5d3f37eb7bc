//! Argo's own examples: each that needs nothing which is refused by name runs to the end that it means.

use std::collections::BTreeMap;
use std::time::Instant;

use anyhow::{Context, Result, ensure};
use serde_json::json;
use steading_api::operation::Method;
use steading_api::operations::Apply;
use steading_api::template::Text;
use steading_tests::examples::{self, Example};

use crate::argo::{Argo, NAMESPACE};
use crate::world::{OURS, Who, World};

trials![every_example_ends_as_it_means_or_is_refused_by_name];

/// Why an example is refused, by the words of the refusal.
const REFUSED: &[(&str, &str)] = &[("artifact-gc-workflow", "reclaiming artifacts")];

async fn every_example_ends_as_it_means_or_is_refused_by_name(world: &World) -> Result<()> {
    let Some(documents) = examples::all()? else {
        return Ok(());
    };
    let site = world.image().await?;
    let (argo, operator) = (Argo::maintainer(site), site.as_a(Who::Operator));
    let of_kind = |kind| documents.iter().filter(move |document| document.is(kind));
    for Example { file, object } in of_kind("ConfigMap").chain(of_kind("ClusterWorkflowTemplate")) {
        let text = Text {
            text: object.to_string(),
        };
        let applied = operator.call::<Apply>(&[OURS], &(), &text).await;
        applied.with_context(|| file.clone())?;
    }
    let templates = format!("/workflow-templates/{NAMESPACE}");
    for Example { file, object } in of_kind("WorkflowTemplate") {
        let body = json!({"namespace": NAMESPACE, "template": object});
        let made = argo.send(Method::Post, &templates, body).await?;
        made.good().with_context(|| file.clone())?;
    }
    let mut refused = BTreeMap::new();
    let mut running = Vec::new();
    for Example { file, object } in of_kind("Workflow") {
        let body = json!({"namespace": NAMESPACE, "workflow": object});
        let path = format!("/workflows/{NAMESPACE}");
        let answer = argo.send(Method::Post, &path, body).await?;
        if answer.status == 200 {
            let name = answer.body["metadata"]["name"].as_str().unwrap().to_owned();
            running.push((file, name, Instant::now()));
        } else {
            refused.insert(file.as_str(), answer.refused(400, 3)?);
        }
    }
    let mut failures = Vec::new();
    for (file, name, start) in &running {
        let workflow = argo.ended(name).await?;
        let phase = workflow["status"]["phase"].as_str().unwrap();
        println!(
            "{file:<62} {phase:<9} {:>5.1} s",
            start.elapsed().as_secs_f32()
        );
        // A coin that lands wrong eleven times is no fault of ours.
        if phase != "Succeeded" && *file != "retry-script" {
            failures.push(format!("{file}: {:#}", workflow["status"]));
        }
    }
    for (file, message) in &refused {
        println!("{file:<62} refused   {message}");
    }
    ensure!(failures.is_empty(), "{}", failures.join("\n"));
    let expected: BTreeMap<_, _> = REFUSED.iter().copied().collect();
    for (file, message) in &refused {
        let reason = expected
            .get(file)
            .with_context(|| format!("{file} is refused and should not be: {message}"))?;
        ensure!(message.contains(reason), "{file}: {message}");
    }
    ensure!(running.len() >= 35, "only {} ran", running.len());
    Ok(())
}
