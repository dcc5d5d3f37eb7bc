//! Argo's own examples: each that needs nothing which is refused by name runs to the end that it means.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::{Context, Result, ensure};
use serde::Deserialize;
use serde_json::{Value, json};
use steading_api::operation::Method;
use steading_api::operations::Apply;
use steading_api::template::Text;

use crate::argo::{Argo, NAMESPACE};
use crate::world::{OURS, Who, World};

trials![every_example_ends_as_it_means_or_is_refused_by_name];

/// Why an example is refused, by the words of the refusal.
const REFUSED: &[(&str, &str)] = &[
    ("artifact-gc-workflow", "artifacts"),
    ("artifact-passing", "artifacts"),
    ("artifact-passing-subpath", "artifacts"),
    ("artifact-path-placeholders", "artifacts"),
    ("container-set-template/workspace-workflow", "artifacts"),
    ("dag-conditional-artifacts", "artifacts"),
    ("exit-handler-with-artifacts", "artifacts"),
    ("key-only-artifact", "artifacts"),
    ("map-reduce", "artifacts"),
    ("synchronization-mutex-wf-level", "locks"),
    ("variables-showcase", "artifacts"),
];

/// `STEADING_EXAMPLES`, else `shared/argo-examples` beside a folder above this repository.
fn folder() -> Option<PathBuf> {
    let named = std::env::var_os("STEADING_EXAMPLES").map(PathBuf::from);
    let mut beside = Path::new(env!("CARGO_MANIFEST_DIR"))
        .ancestors()
        .map(|above| above.join("shared/argo-examples"));
    named.or_else(|| beside.find(|path| path.is_dir()))
}

/// Every document, under its file's path without the extension.
fn documents(folder: &Path) -> Result<Vec<(String, Value)>> {
    let (mut folders, mut found) = (vec![folder.to_owned()], Vec::new());
    while let Some(next) = folders.pop() {
        for entry in std::fs::read_dir(&next)? {
            let path = entry?.path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|end| end == "yaml") {
                let file = path.strip_prefix(folder)?.with_extension("");
                let text = std::fs::read_to_string(&path)?;
                for document in serde_norway::Deserializer::from_str(&text) {
                    let document = Value::deserialize(document)?;
                    found.push((file.to_string_lossy().into_owned(), document));
                }
            }
        }
    }
    found.sort_by(|a, b| a.0.cmp(&b.0));
    Ok(found)
}

async fn every_example_ends_as_it_means_or_is_refused_by_name(world: &World) -> Result<()> {
    let Some(folder) = folder() else {
        println!("NOT TESTED: no folder of Argo's examples (STEADING_EXAMPLES)");
        return Ok(());
    };
    let site = world.image().await?;
    let (argo, operator) = (Argo::maintainer(site), site.as_a(Who::Operator));
    let documents = documents(&folder)?;
    let of_kind = |kind: &'static str| documents.iter().filter(move |(_, d)| d["kind"] == kind);
    for (file, object) in of_kind("ConfigMap").chain(of_kind("ClusterWorkflowTemplate")) {
        let text = Text {
            text: object.to_string(),
        };
        let applied = operator.call::<Apply>(&[OURS], &(), &text).await;
        applied.with_context(|| file.clone())?;
    }
    let templates = format!("/workflow-templates/{NAMESPACE}");
    for (file, template) in of_kind("WorkflowTemplate") {
        let body = json!({"namespace": NAMESPACE, "template": template});
        let made = argo.send(Method::Post, &templates, body).await?;
        made.good().with_context(|| file.clone())?;
    }
    let mut refused = BTreeMap::new();
    let mut running = Vec::new();
    for (file, workflow) in of_kind("Workflow") {
        let body = json!({"namespace": NAMESPACE, "workflow": workflow});
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
