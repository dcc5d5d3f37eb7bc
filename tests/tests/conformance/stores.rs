//! Artifacts in stores that a workflow, or its tenant, names: an S3 server and a web server of the test's own.

use std::net::SocketAddr;

use anyhow::{Context, Result, bail, ensure};
use serde_json::{Value, json};
use steading_api::access::Role;
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use crate::argo::{Argo, node_is};
use crate::s3_server;
use crate::world::{OURS, Site, THEIRS, Who, World, apply};

trials![
    an_artifact_goes_through_the_store_that_it_names,
    a_tenant_and_a_run_choose_their_repository,
    a_file_of_a_web_server_is_an_artifact,
    a_store_that_is_down_is_waited_for,
    what_a_store_can_not_be_opened_with_is_said,
    a13_the_secret_of_another_tenant_is_a_missing_one,
    k01_cve_2025_62157_cve_2026_42295_no_log_holds_a_credential_of_a_store,
    s01_a_store_at_an_address_that_is_not_allowed_is_not_called,
];

const SECRET: &str = "canary-5a7e-secret";

/// An S3 server over a directory, with one bucket.
struct Bucket {
    directory: TempDir,
    address: SocketAddr,
}

impl Bucket {
    async fn open() -> Result<Self> {
        Self::open_at(TcpListener::bind("127.0.0.1:0").await?)
    }

    fn open_at(listener: TcpListener) -> Result<Self> {
        let directory = tempfile::tempdir()?;
        std::fs::create_dir(directory.path().join("results"))?;
        let (address, root) = (listener.local_addr()?, directory.path().to_owned());
        tokio::spawn(async move { s3_server::serve(listener, &root, SECRET).await });
        Ok(Self { directory, address })
    }

    fn words(&self, secret: &str) -> Value {
        words(self.address, secret)
    }

    fn object(&self, key: &str) -> Result<Vec<u8>> {
        let path = self.directory.path().join("results").join(key);
        std::fs::read(&path).with_context(|| key.to_owned())
    }
}

/// The bucket in Argo's words.
fn words(address: SocketAddr, secret: &str) -> Value {
    json!({
        "endpoint": address.to_string(), "insecure": true, "bucket": "results",
        "accessKeySecret": {"name": secret, "key": "access"},
        "secretKeySecret": {"name": secret, "key": "secret"},
    })
}

fn secret(name: &str) -> Value {
    json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name},
        "stringData": {"access": "access", "secret": SECRET}})
}

async fn ours(site: &Site, object: Value) -> Result<()> {
    apply(
        site.as_a(Who::Member(Role::Maintainer)),
        OURS,
        &object.to_string(),
    )
    .await?;
    Ok(())
}

/// One step writes a file, the next one reads what is left of it in the store.
fn passes(name: &str, output: Value) -> Value {
    let mut given = json!({"name": "out", "path": "/tmp/out"});
    if let (Some(given), Value::Object(more)) = (given.as_object_mut(), output) {
        given.extend(more);
    }
    json!({
        "apiVersion": "argoproj.io/v1alpha1", "kind": "Workflow",
        "metadata": {"generateName": format!("{name}-")},
        "spec": {"entrypoint": "main", "templates": [
            {"name": "main", "steps": [
                [{"name": "give", "template": "give"}],
                [{"name": "take", "template": "take", "arguments": {"artifacts": [
                    {"name": "in", "from": "{{steps.give.outputs.artifacts.out}}"}]}}],
            ]},
            {"name": "give", "outputs": {"artifacts": [given]}, "container":
                {"image": "host", "command": ["sh", "-c", "echo of the store > /tmp/out"]}},
            {"name": "take", "inputs": {"artifacts": [{"name": "in", "path": "/tmp/in"}]}, "container":
                {"image": "host", "command": ["grep", "of the store", "/tmp/in"]}},
        ]},
    })
}

fn well(ended: &Value) -> Result<()> {
    ensure!(ended["status"]["phase"] == "Succeeded", "{ended:#}");
    Ok(())
}

async fn an_artifact_goes_through_the_store_that_it_names(world: &World) -> Result<()> {
    let site = world.sandbox().await?;
    let bucket = Bucket::open().await?;
    ours(site, secret("store-a")).await?;
    let mut words = bucket.words("store-a");
    words["key"] = json!("named/{{workflow.name}}/out.txt");
    let output = json!({"s3": words, "archive": {"none": {}}});
    let ended = Argo::maintainer(site).ran(passes("names", output)).await?;
    well(&ended)?;
    let name = ended["metadata"]["name"].as_str().unwrap_or_default();
    let object = bucket.object(&format!("named/{name}/out.txt"))?;
    assert_eq!(object, b"of the store\n");
    Ok(())
}

async fn a_tenant_and_a_run_choose_their_repository(world: &World) -> Result<()> {
    let site = world.sandbox().await?;
    let bucket = Bucket::open().await?;
    ours(site, secret("store-b")).await?;
    let entry = |format: &str| {
        let mut words = bucket.words("store-b");
        words["keyFormat"] = json!(format);
        json!({"archiveLogs": true, "s3": words}).to_string()
    };
    let map = json!({
        "apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "stores",
            "annotations": {"workflows.argoproj.io/default-artifact-repository": "usual"}},
        "data": {"usual": entry("usual/{{workflow.name}}"), "other": entry("other/{{pod.name}}")},
    });
    ours(site, map).await?;
    for (reference, start) in [
        (json!({"configMap": "stores"}), "usual"),
        (json!({"configMap": "stores", "key": "other"}), "other"),
    ] {
        let mut workflow = passes("chooses", json!({}));
        workflow["spec"]["artifactRepositoryRef"] = reference;
        let ended = Argo::maintainer(site).ran(workflow).await?;
        well(&ended)?;
        let nodes = ended["status"]["nodes"].as_object().context("no nodes")?;
        let mut given = nodes
            .values()
            .filter_map(|node| node.pointer("/outputs/artifacts/0"));
        let given = given.next().context("no artifact")?;
        let key = given["s3"]["key"].as_str().context("no key")?;
        ensure!(
            key.starts_with(&format!("{start}/")) && key.ends_with("/out.tgz"),
            "{key}"
        );
        ensure!(bucket.object(key)?.starts_with(&[0x1f, 0x8b]), "no gzip");
    }
    let mut lost = passes("chooses", json!({}));
    lost["spec"]["artifactRepositoryRef"] = json!({"configMap": "absent"});
    let body = json!({"workflow": lost});
    let argo = Argo::maintainer(site);
    let path = format!("/workflows/{}", crate::argo::NAMESPACE);
    let answer = argo
        .send(steading_api::operation::Method::Post, &path, body)
        .await?;
    let message = answer.refused(400, 3)?;
    ensure!(message.contains("no ConfigMap absent"), "{message}");
    Ok(())
}

async fn a_file_of_a_web_server_is_an_artifact(world: &World) -> Result<()> {
    let site = world.sandbox().await?;
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let port = listener.local_addr()?.port();
    tokio::spawn(async move {
        while let Ok((mut socket, _)) = listener.accept().await {
            let mut asked = [0; 4096];
            let _ = socket.read(&mut asked).await;
            let body = "of the web\n";
            let answer = format!(
                "HTTP/1.1 200 OK\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}",
                body.len()
            );
            let _ = socket.write_all(answer.as_bytes()).await;
        }
    });
    let ended = Argo::maintainer(site).ran(json!({
        "apiVersion": "argoproj.io/v1alpha1", "kind": "Workflow",
        "metadata": {"generateName": "web-"},
        "spec": {"entrypoint": "main", "templates": [
            {"name": "main", "inputs": {"artifacts": [{"name": "page", "path": "/tmp/page", "mode": 0o600,
                "http": {"url": format!("http://127.0.0.1:{port}/page")}, "archive": {"none": {}}}]},
                "container": {"image": "host", "command": ["grep", "of the web", "/tmp/page"]}},
        ]},
    }))
    .await?;
    well(&ended)
}

async fn a_store_that_is_down_is_waited_for(world: &World) -> Result<()> {
    let site = world.sandbox().await?;
    // Nobody listens there yet.
    let port = TcpListener::bind("127.0.0.1:0").await?.local_addr()?;
    ours(site, secret("store-c")).await?;
    let mut words = words(port, "store-c");
    words["key"] = json!("late/{{workflow.name}}");
    let argo = Argo::maintainer(site);
    let name = argo.create(passes("waits", json!({"s3": words}))).await?;
    argo.until(&name, |workflow| {
        let nodes = workflow.pointer("/status/nodes").and_then(Value::as_object);
        let mut nodes = nodes.into_iter().flat_map(|nodes| nodes.values());
        nodes.any(|node| {
            let message = node["message"].as_str().unwrap_or_default();
            message.contains("waits for the artifact repository")
        })
    })
    .await?;
    let _bucket = Bucket::open_at(TcpListener::bind(port).await?)?;
    let ended = argo.ended(&name).await?;
    ensure!(node_is(&ended, "take", "Succeeded"), "{ended:#}");
    Ok(())
}

/// The message of a run that fails for its store.
async fn refused(site: &Site, words: Value) -> Result<String> {
    let ended = Argo::maintainer(site)
        .ran(passes("fails", json!({"s3": words})))
        .await?;
    let Some(nodes) = ended["status"]["nodes"].as_object() else {
        bail!("no nodes: {ended:#}");
    };
    let give = nodes.values().find(|node| node["displayName"] == "give");
    let give = give.context("no node")?;
    ensure!(give["phase"] != "Succeeded", "{give:#}");
    Ok(give["message"].as_str().unwrap_or_default().to_owned())
}

async fn what_a_store_can_not_be_opened_with_is_said(world: &World) -> Result<()> {
    let site = world.sandbox().await?;
    let bucket = Bucket::open().await?;
    ours(site, secret("store-d")).await?;
    let with = |field: &str, value: Value| {
        let mut words = bucket.words("store-d");
        words["key"] = json!("x");
        words[field] = value;
        words
    };
    for (words, said) in [
        (
            with("secretKeySecret", json!({"name": "absent", "key": "k"})),
            "the Secret absent has no value k",
        ),
        (with("bucket", json!("")), "names no bucket"),
        (with("key", json!("../../escape")), "key"),
        (with("useSDKCreds", json!(true)), "useSDKCreds"),
    ] {
        let message = refused(site, words).await?;
        ensure!(message.contains(said), "{said} is not in {message:?}");
    }
    Ok(())
}

async fn a13_the_secret_of_another_tenant_is_a_missing_one(world: &World) -> Result<()> {
    let site = world.sandbox().await?;
    let bucket = Bucket::open().await?;
    apply(
        site.as_a(Who::Stranger),
        THEIRS,
        &secret("theirs").to_string(),
    )
    .await?;
    let mut words = bucket.words("theirs");
    words["key"] = json!("x");
    let message = refused(site, words).await?;
    ensure!(
        message.contains("the Secret theirs has no value access"),
        "{message}"
    );
    Ok(())
}

async fn k01_cve_2025_62157_cve_2026_42295_no_log_holds_a_credential_of_a_store(
    world: &World,
) -> Result<()> {
    let site = world.sandbox().await?;
    let bucket = Bucket::open().await?;
    ours(site, secret("store-e")).await?;
    let mut words = bucket.words("store-e");
    words["key"] = json!("k01");
    let good = Argo::maintainer(site)
        .ran(passes("canary", json!({"s3": words.clone()})))
        .await?;
    well(&good)?;
    // What goes wrong is what is written about.
    words["secretKeySecret"]["key"] = json!("access");
    words["accessKeySecret"]["key"] = json!("secret");
    let bad = Argo::maintainer(site)
        .ran(passes("canary", json!({"s3": words})))
        .await?;
    ensure!(bad["status"]["phase"] != "Succeeded", "{bad:#}");
    for text in [site.server.words(), good.to_string(), bad.to_string()] {
        ensure!(!text.contains(SECRET), "a credential is in {text}");
    }
    Ok(())
}

async fn s01_a_store_at_an_address_that_is_not_allowed_is_not_called(world: &World) -> Result<()> {
    let site = world.sandbox().await?;
    ours(site, secret("store-f")).await?;
    for address in ["169.254.169.254:80", "127.0.0.2:9000", "[::1]:9000"] {
        let mut words = words(address.parse()?, "store-f");
        words["key"] = json!("x");
        let message = refused(site, words).await?;
        ensure!(message.contains("no connection to"), "{address}: {message}");
    }
    Ok(())
}
