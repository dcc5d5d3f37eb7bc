//! WorkflowTemplates over Argo's REST API.

use anyhow::{Context, Result};
use serde_json::{Value, json};
use steading_api::operation::Method;

use crate::argo::{Argo, NAMESPACE};
use crate::world::{Who, World};

trials![
    a_template_is_linted_created_changed_submitted_from_and_deleted,
    a_template_of_the_site_is_written_by_operators_and_used_by_all,
];

fn template(message: &str) -> Value {
    json!({
        "apiVersion": "argoproj.io/v1alpha1", "kind": "WorkflowTemplate",
        "metadata": {"name": "greeting", "labels": {"test": "greeting"}},
        "spec": {
            "entrypoint": "main",
            "arguments": {"parameters": [{"name": "whom", "value": message}]},
            "templates": [{"name": "main", "container": {
                "image": "busybox", "command": ["echo", "hello {{workflow.parameters.whom}}"],
            }}],
        },
    })
}

async fn a_template_is_linted_created_changed_submitted_from_and_deleted(
    world: &World,
) -> Result<()> {
    let argo = Argo::maintainer(world.image().await?);
    let all = format!("/workflow-templates/{NAMESPACE}");
    let one = format!("{all}/greeting");
    let body = json!({"template": template("world")});
    let lint = format!("{all}/lint");
    argo.send(Method::Post, &lint, body.clone()).await?.good()?;
    argo.get(&one).await?.refused(404, 5)?;
    argo.send(Method::Post, &all, body.clone()).await?.good()?;
    let again = argo.send(Method::Post, &all, body).await?;
    let message = again.refused(409, 6)?;
    assert!(message.contains("already exists"), "{message}");
    let list = format!("{all}?listOptions.labelSelector=test=greeting");
    let list = argo.get(&list).await?.good()?;
    assert_eq!(list["items"].as_array().map(Vec::len), Some(1));

    let stored = argo.get(&one).await?.good()?;
    let version = &stored["metadata"]["resourceVersion"];
    assert!(version.is_string(), "{stored}");
    let mut changed = template("moon");
    changed["metadata"]["resourceVersion"] = version.clone();
    // The client leaves the name out of the path.
    let unnamed = format!("{all}/");
    argo.put(&unnamed, json!({"template": changed}))
        .await?
        .good()?;
    let stale = argo.put(&one, json!({"template": changed})).await?;
    stale.refused(409, 6)?;
    let stored = argo.get(&one).await?.good()?;
    assert_eq!(
        stored["spec"]["arguments"]["parameters"][0]["value"],
        "moon"
    );

    let submit = format!("/workflows/{NAMESPACE}/submit");
    let wanted = |kind: &str, name: &str| {
        json!({"namespace": NAMESPACE, "resourceKind": kind, "resourceName": name,
            "submitOptions": {"labels": "from=greeting,a=b", "parameters": ["whom=a=b"]}})
    };
    let made = argo
        .send(
            Method::Post,
            &submit,
            wanted("WorkflowTemplate", "greeting"),
        )
        .await?;
    let made = made.good()?;
    assert_eq!(made["metadata"]["labels"]["from"], "greeting");
    let name = made["metadata"]["name"].as_str().context("no name")?;
    assert!(name.starts_with("greeting-"), "{name}");
    let ended = argo.ended(name).await?;
    assert_eq!(ended["status"]["phase"], "Succeeded", "{ended:#}");
    let log = format!("/workflows/{NAMESPACE}/{name}/log");
    let (_, text) = argo.stream(&log, "*/*").await?;
    assert!(text.contains("hello a=b"), "{text}");
    let missing = argo
        .send(Method::Post, &submit, wanted("wftmpl", "none"))
        .await?;
    missing.refused(404, 5)?;
    let unknown = argo
        .send(Method::Post, &submit, wanted("foo", "greeting"))
        .await?;
    unknown.refused(400, 3)?;
    let later = argo
        .send(Method::Post, &submit, wanted("cronwf", "greeting"))
        .await?;
    later.refused(501, 12)?;

    assert_eq!(argo.delete(&one).await?.good()?, json!({}));
    argo.delete(&one).await?.refused(404, 5)?;
    Ok(())
}

async fn a_template_of_the_site_is_written_by_operators_and_used_by_all(
    world: &World,
) -> Result<()> {
    let site = world.image().await?;
    let (maintainer, operator) = (Argo::maintainer(site), Argo::new(site, Who::Operator));
    let all = "/cluster-workflow-templates";
    let one = format!("{all}/everywhere");
    let mut template = template("all");
    template["kind"] = json!("ClusterWorkflowTemplate");
    template["metadata"]["name"] = json!("everywhere");
    let body = json!({"template": template});
    let lint = format!("{all}/lint");
    maintainer
        .send(Method::Post, &lint, body.clone())
        .await?
        .good()?;
    let denied = maintainer.send(Method::Post, all, body.clone()).await?;
    denied.refused(403, 7)?;
    let missing = maintainer.get(&one).await?.refused(404, 5)?;
    assert!(missing.contains("clusterworkflowtemplates"), "{missing}");
    operator
        .send(Method::Post, all, body.clone())
        .await?
        .good()?;
    let again = operator.send(Method::Post, all, body.clone()).await?;
    again.refused(409, 6)?;

    let stored = maintainer.get(&one).await?.good()?;
    assert_eq!(stored["metadata"]["namespace"], Value::Null, "{stored}");
    let list = maintainer.get(all).await?.good()?;
    let names = list["items"].as_array().context("no items")?;
    assert!(
        names
            .iter()
            .any(|item| item["metadata"]["name"] == "everywhere")
    );
    let submit = format!("/workflows/{NAMESPACE}/submit");
    let wanted = json!({"namespace": NAMESPACE, "resourceKind": "ClusterWorkflowTemplate",
        "resourceName": "everywhere"});
    let made = maintainer.send(Method::Post, &submit, wanted).await?;
    let made = made.good()?;
    let name = made["metadata"]["name"].as_str().context("no name")?;
    let ended = maintainer.ended(name).await?;
    assert_eq!(ended["status"]["phase"], "Succeeded", "{ended:#}");

    maintainer.put(&one, body.clone()).await?.refused(403, 7)?;
    operator.put(&format!("{all}/"), body).await?.good()?;
    maintainer.delete(&one).await?.refused(403, 7)?;
    assert_eq!(operator.delete(&one).await?.good()?, json!({}));
    operator.delete(&one).await?.refused(404, 5)?;
    Ok(())
}
