//! ConfigMaps, Secrets and templates of the site: who sees what, what tasks get, and where a secret is not.

use std::path::Path;

use anyhow::{Context, Result, bail, ensure};
use serde_json::{Value, json};
use steading_api::access::Role;
use steading_api::client::CallError;
use steading_api::log::LogQuery;
use steading_api::operation::Operation;
use steading_api::operations::{
    DeleteClusterTemplate, DeleteConfigMap, DeleteSecret, GetClusterTemplate, GetConfigMap,
    GetLogs, GetRunObject, GetSecret, ListConfigMaps, ListSecrets,
};
use steading_api::template::Applied;
use steading_types::WorkflowPhase;

use crate::world::{OURS, Site, THEIRS, Who, World, apply};

trials![
    objects_are_applied_listed_and_deleted,
    a04_no_answer_holds_the_value_of_a_secret,
    a13_objects_of_another_tenant_are_missing_ones,
    a08_only_an_operator_applies_to_the_site,
    k01_a_task_gets_its_secret_and_nothing_else_does,
    a_task_gets_variables_and_files_of_both_kinds,
    parameters_come_from_config_maps_that_say_so,
    what_is_missing_fails_the_node_with_its_name,
    c02_a_value_is_never_a_template_again,
];

const CANARY: &str = "c4n4ry-7f3a9e51d2";

async fn made(site: &Site, text: &str) -> Result<Applied> {
    let client = site.as_a(Who::Member(Role::Maintainer));
    let applied = apply(client, OURS, text).await;
    applied.with_context(|| text.to_owned())
}

fn config_map(name: &str, data: Value) -> String {
    json!({
        "apiVersion": "v1", "kind": "ConfigMap", "data": data,
        "metadata": {"name": name, "labels": {"workflows.argoproj.io/configmap-type": "Parameter"}},
    })
    .to_string()
}

fn secret(name: &str, data: Value) -> String {
    json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name}, "stringData": data})
        .to_string()
}

/// A workflow of one shell script.
fn script(source: &str, container: Value, volumes: Value) -> String {
    let mut template = container;
    template["image"] = json!("host");
    template["command"] = json!(["sh"]);
    template["source"] = json!(source);
    json!({
        "apiVersion": "argoproj.io/v1alpha1", "kind": "Workflow",
        "metadata": {"generateName": "reads-"},
        "spec": {
            "entrypoint": "main",
            "templates": [{"name": "main", "script": template, "volumes": volumes}],
        },
    })
    .to_string()
}

/// Runs to the end; answers the phase, the message and what was printed.
async fn ran(site: &Site, text: &str) -> Result<(WorkflowPhase, String, String)> {
    let name = site.submit(text).await?;
    let run = site.ended(&name).await?;
    let viewer = site.as_a(Who::Member(Role::Viewer));
    let query = LogQuery::default();
    let page = viewer.call::<GetLogs>(&[OURS, &name], &query, &()).await?;
    let lines = page.lines.iter().map(|line| format!("{}\n", line.text));
    let path = [OURS, name.as_str()];
    let object = viewer.call::<GetRunObject>(&path, &(), &()).await?;
    let nodes = object["status"]["nodes"].to_string();
    Ok((run.summary.phase, nodes, lines.collect()))
}

fn code(error: CallError) -> Result<(u16, String)> {
    match error {
        CallError::Refused { status, body } => Ok((status, body.code)),
        other => bail!(other),
    }
}

async fn objects_are_applied_listed_and_deleted(world: &World) -> Result<()> {
    let site = world.sandbox().await?;
    let text = format!(
        "{}\n---\n{}",
        config_map("one", json!({"a": "1", "b": "22"})),
        secret("two", json!({"user": "ada"})),
    );
    let outcomes = |applied: Applied| -> Vec<String> {
        let objects = applied.objects.into_iter();
        objects
            .map(|o| format!("{} {} {}", o.kind, o.name, o.outcome))
            .collect()
    };
    let first = outcomes(made(site, &text).await?);
    assert_eq!(first, ["ConfigMap one created", "Secret two created"]);
    let again = outcomes(made(site, &text).await?);
    assert_eq!(again, ["ConfigMap one unchanged", "Secret two unchanged"]);
    let viewer = site.as_a(Who::Member(Role::Viewer));
    let one = viewer
        .call::<GetConfigMap>(&[OURS, "one"], &(), &())
        .await?;
    assert_eq!(one.object["data"]["b"], "22");
    assert_eq!(one.keys.values().copied().collect::<Vec<_>>(), [1, 2]);
    let maps = viewer.call::<ListConfigMaps>(&[OURS], &(), &()).await?;
    assert!(maps.objects.iter().any(|object| object.name == "one"));
    let frozen =
        config_map("frozen", json!({"a": "1"})).replace("\"data\"", "\"immutable\":true,\"data\"");
    made(site, &frozen).await?;
    let maintainer = site.as_a(Who::Member(Role::Maintainer));
    let changed = apply(maintainer, OURS, &frozen.replace("\"1\"", "\"2\"")).await;
    assert_eq!(code(changed.unwrap_err())?.1, "object.immutable");
    for name in ["one", "frozen"] {
        maintainer
            .call::<DeleteConfigMap>(&[OURS, name], &(), &())
            .await?;
    }
    maintainer
        .call::<DeleteSecret>(&[OURS, "two"], &(), &())
        .await?;
    let gone = viewer.call::<GetSecret>(&[OURS, "two"], &(), &()).await;
    assert_eq!(
        code(gone.unwrap_err())?,
        (404, "object.not-found".to_owned())
    );
    Ok(())
}

async fn a04_no_answer_holds_the_value_of_a_secret(world: &World) -> Result<()> {
    let site = world.sandbox().await?;
    made(site, &secret("hidden", json!({"password": CANARY}))).await?;
    for who in [
        Who::Member(Role::Viewer),
        Who::Member(Role::Admin),
        Who::Operator,
    ] {
        let client = site.as_a(who);
        let one = client
            .call::<GetSecret>(&[OURS, "hidden"], &(), &())
            .await?;
        let all = client.call::<ListSecrets>(&[OURS], &(), &()).await?;
        assert_eq!(one.keys["password"], CANARY.len() as u64);
        let shown = json!([one, all]).to_string();
        ensure!(!shown.contains(CANARY), "{who:?} sees {shown}");
    }
    Ok(())
}

async fn a13_objects_of_another_tenant_are_missing_ones(world: &World) -> Result<()> {
    let site = world.sandbox().await?;
    let operator = site.as_a(Who::Operator);
    let theirs = format!(
        "{}\n---\n{}",
        config_map("theirs", json!({"a": "1"})),
        secret("theirs", json!({"a": "1"})),
    );
    apply(operator, THEIRS, &theirs).await?;
    async fn told<O: Operation<Query = (), Body = ()>>(site: &Site, name: &str) -> Result<String> {
        let client = site.as_a(Who::Member(Role::Admin));
        let refused = client.call::<O>(&[OURS, name], &(), &()).await.err();
        Ok(format!("{:?}", code(refused.context("it was answered")?)?))
    }
    for (ours, nobodys) in [
        (
            told::<GetConfigMap>(site, "theirs").await?,
            told::<GetConfigMap>(site, "nobodys").await?,
        ),
        (
            told::<GetSecret>(site, "theirs").await?,
            told::<GetSecret>(site, "nobodys").await?,
        ),
        (
            told::<DeleteSecret>(site, "theirs").await?,
            told::<DeleteSecret>(site, "nobodys").await?,
        ),
    ] {
        assert_eq!(ours, nobodys);
    }
    let from = json!({"env": [{"name": "A", "valueFrom": {"secretKeyRef": {"name": "theirs", "key": "a"}}}]});
    let (phase, nodes, _) = ran(site, &script("true", from, json!([]))).await?;
    ensure!(
        phase == WorkflowPhase::Error || phase == WorkflowPhase::Failed,
        "{phase:?}"
    );
    ensure!(
        nodes.contains("theirs") && nodes.contains("not found"),
        "{nodes}"
    );
    Ok(())
}

async fn a08_only_an_operator_applies_to_the_site(world: &World) -> Result<()> {
    let site = world.sandbox().await?;
    let template = json!({
        "apiVersion": "argoproj.io/v1alpha1", "kind": "ClusterWorkflowTemplate",
        "metadata": {"name": "shared"},
        "spec": {"entrypoint": "main", "templates": [{"name": "main", "script": {
            "image": "host", "command": ["sh"], "source": "echo shared",
        }}]},
    })
    .to_string();
    let admin = site.as_a(Who::Member(Role::Admin));
    let refused = apply(admin, OURS, &template).await.unwrap_err();
    assert_eq!(code(refused)?.1, "auth.operator");
    let operator = site.as_a(Who::Operator);
    apply(operator, OURS, &template).await?;
    admin
        .call::<GetClusterTemplate>(&["shared"], &(), &())
        .await?;
    let uses = json!({
        "apiVersion": "argoproj.io/v1alpha1", "kind": "Workflow",
        "metadata": {"generateName": "uses-"},
        "spec": {"workflowTemplateRef": {"name": "shared", "clusterScope": true}},
    });
    let (phase, _, printed) = ran(site, &uses.to_string()).await?;
    assert_eq!(
        (phase, printed.trim()),
        (WorkflowPhase::Succeeded, "shared")
    );
    operator
        .call::<DeleteClusterTemplate>(&["shared"], &(), &())
        .await?;
    Ok(())
}

/// Whether any file below a directory holds these bytes.
fn holds(directory: &Path, wanted: &[u8]) -> Result<Option<String>> {
    for entry in std::fs::read_dir(directory)? {
        let path = entry?.path();
        let kind = path.symlink_metadata()?.file_type();
        if kind.is_dir() {
            if let Some(found) = holds(&path, wanted)? {
                return Ok(Some(found));
            }
        } else if kind.is_file() {
            let bytes = std::fs::read(&path)?;
            if bytes.windows(wanted.len()).any(|window| window == wanted) {
                return Ok(Some(path.display().to_string()));
            }
        }
    }
    Ok(None)
}

async fn k01_a_task_gets_its_secret_and_nothing_else_does(world: &World) -> Result<()> {
    let site = world.sandbox().await?;
    let value = format!("{CANARY}-in-a-task");
    made(site, &secret("login", json!({"password": value}))).await?;
    let from = json!({
        "env": [{"name": "PASSWORD", "valueFrom": {"secretKeyRef": {"name": "login", "key": "password"}}}],
        "volumeMounts": [{"name": "login", "mountPath": "/login"}],
    });
    let volumes = json!([{"name": "login", "secret": {"secretName": "login", "defaultMode": 256}}]);
    let source =
        "printf %s \"$PASSWORD\" | cmp - /login/password && printf %s \"$PASSWORD\" | wc -c";
    let (phase, nodes, printed) = ran(site, &script(source, from, volumes)).await?;
    assert_eq!(phase, WorkflowPhase::Succeeded, "{nodes}");
    assert_eq!(printed.trim(), value.len().to_string());
    ensure!(!nodes.contains(&value), "{nodes}");
    ensure!(
        !site.server.words().contains(&value),
        "it is in the server's log"
    );
    let found = holds(site.server.data(), value.as_bytes())?;
    ensure!(found.is_none(), "the secret is in {found:?}");
    Ok(())
}

async fn a_task_gets_variables_and_files_of_both_kinds(world: &World) -> Result<()> {
    let site = world.sandbox().await?;
    made(
        site,
        &config_map(
            "settings",
            json!({"COLOR": "red", "SIZE": "9", "app.conf": "x=1\n"}),
        ),
    )
    .await?;
    made(site, &secret("keys", json!({"COLOR": "blue", "id": "k1"}))).await?;
    let from = json!({
        "envFrom": [
            {"configMapRef": {"name": "settings"}},
            {"prefix": "S_", "secretRef": {"name": "keys"}},
            {"configMapRef": {"name": "nowhere", "optional": true}},
        ],
        "env": [
            {"name": "SIZE", "value": "10"},
            {"name": "ONE", "valueFrom": {"configMapKeyRef": {"name": "settings", "key": "SIZE"}}},
            {"name": "NONE", "valueFrom": {"secretKeyRef": {"name": "keys", "key": "no", "optional": true}}},
            {"name": "BOTH", "value": "$(ONE)-$(S_id)"},
        ],
        "volumeMounts": [
            {"name": "conf", "mountPath": "/conf"},
            {"name": "all", "mountPath": "/all"},
            {"name": "conf", "mountPath": "/one/app.conf", "subPath": "app.conf"},
        ],
    });
    let volumes = json!([
        {"name": "conf", "configMap": {"name": "settings"}},
        {"name": "all", "projected": {"sources": [
            {"configMap": {"name": "settings", "items": [{"key": "COLOR", "path": "a/color"}]}},
            {"secret": {"name": "keys", "items": [{"key": "id", "path": "a/id", "mode": 256}]}},
            {"downwardAPI": {"items": [{"path": "ns", "fieldRef": {"fieldPath": "metadata.namespace"}}]}},
        ]}},
    ]);
    let source = "echo $COLOR $SIZE $ONE ${NONE-unset} $BOTH $S_COLOR; cat /conf/app.conf /one/app.conf; \
        cat /all/a/color /all/a/id /all/ns; echo; touch /conf/new 2>/dev/null || echo read-only";
    let (phase, nodes, printed) = ran(site, &script(source, from, volumes)).await?;
    assert_eq!(phase, WorkflowPhase::Succeeded, "{nodes}\n{printed}");
    let expected = "red 10 9 unset 9-k1 blue\nx=1\nx=1\nredk1wf-red\nread-only\n";
    assert_eq!(printed, expected);
    Ok(())
}

fn parameter(from: Value, default: Option<&str>) -> String {
    let mut input = json!({"name": "p", "valueFrom": {"configMapKeyRef": from}});
    if let Some(default) = default {
        input["valueFrom"]["default"] = json!(default);
    }
    json!({
        "apiVersion": "argoproj.io/v1alpha1", "kind": "Workflow",
        "metadata": {"generateName": "parameter-"},
        "spec": {
            "entrypoint": "main",
            "arguments": {"parameters": [
                {"name": "which", "value": "word"},
                {"name": "own", "valueFrom": {"configMapKeyRef": {"name": "words", "key": "word"}}},
            ]},
            "templates": [{
                "name": "main", "inputs": {"parameters": [input]},
                "script": {"image": "host", "command": ["sh"],
                    "source": "echo '{{inputs.parameters.p}}' '{{workflow.parameters.own}}'"},
            }],
        },
    })
    .to_string()
}

async fn parameters_come_from_config_maps_that_say_so(world: &World) -> Result<()> {
    let site = world.sandbox().await?;
    made(site, &config_map("words", json!({"word": "hello"}))).await?;
    let plain = config_map("unlabelled", json!({"word": "x"})).replace("Parameter", "Cache");
    made(site, &plain).await?;
    let named = |name: &str, key: &str| json!({"name": name, "key": key});
    for (from, default, expected) in [
        (named("words", "word"), None, "hello hello"),
        (
            named("words", "{{workflow.parameters.which}}"),
            None,
            "hello hello",
        ),
        (named("words", "none"), Some("other"), "other hello"),
        (named("none", "none"), Some("other"), "other hello"),
    ] {
        let (phase, nodes, printed) = ran(site, &parameter(from, default)).await?;
        assert_eq!(
            (phase, printed.trim()),
            (WorkflowPhase::Succeeded, expected),
            "{nodes}"
        );
    }
    for (from, reason) in [
        (named("none", "word"), "there is no ConfigMap 'none'"),
        (named("words", "none"), "has no key 'none'"),
        (named("unlabelled", "word"), "configmap-type: Parameter"),
    ] {
        let (phase, nodes, _) = ran(site, &parameter(from, None)).await?;
        ensure!(phase == WorkflowPhase::Error, "{phase:?}: {nodes}");
        ensure!(nodes.contains(reason), "{nodes}");
    }
    Ok(())
}

async fn what_is_missing_fails_the_node_with_its_name(world: &World) -> Result<()> {
    let site = world.sandbox().await?;
    made(site, &config_map("half", json!({"a": "1"}))).await?;
    let binary = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "binary"},
        "binaryData": {"a": "/w=="}});
    made(site, &binary.to_string()).await?;
    let key = |name: &str, key: &str| json!({"env": [{"name": "A", "valueFrom": {"configMapKeyRef": {"name": name, "key": key}}}]});
    let mount = json!({"volumeMounts": [{"name": "v", "mountPath": "/v"}]});
    let escape = json!([{"name": "v", "configMap": {"name": "half", "items": [{"key": "a", "path": "../a"}]}}]);
    let absent = json!([{"name": "v", "secret": {"secretName": "absent"}}]);
    for (container, volumes, reason) in [
        (
            key("absent", "a"),
            json!([]),
            "configmaps \\\"absent\\\" not found",
        ),
        (key("half", "b"), json!([]), "has no key"),
        (key("binary", "a"), json!([]), "is no text"),
        (mount.clone(), absent, "secrets \\\"absent\\\" not found"),
        (mount, escape, "no path inside a volume"),
    ] {
        let (phase, nodes, _) = ran(site, &script("true", container, volumes)).await?;
        ensure!(
            phase.completed() && phase != WorkflowPhase::Succeeded,
            "{phase:?}"
        );
        ensure!(nodes.contains(reason), "{reason}: {nodes}");
    }
    Ok(())
}

async fn c02_a_value_is_never_a_template_again(world: &World) -> Result<()> {
    let site = world.sandbox().await?;
    let hostile = "{{workflow.name}} {{=1+1}} $(HOME)";
    made(
        site,
        &config_map("words", json!({"word": "hello", "hostile": hostile})),
    )
    .await?;
    let from = json!({"name": "words", "key": "hostile"});
    let (phase, nodes, printed) = ran(site, &parameter(from, None)).await?;
    assert_eq!(phase, WorkflowPhase::Succeeded, "{nodes}");
    assert_eq!(printed.trim(), format!("{hostile} hello"));
    Ok(())
}
