//! What the nodes of a run gave, for those who look at it: lists, contents, copies; and who may not.

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use steading_api::access::Role;
use steading_api::artifact::{ArtifactBody, ArtifactFilter, ArtifactQuery, Form, Side};
use steading_api::client::prepare;
use steading_api::operation::Method;
use steading_api::operations::{GetArtifact, ListArtifactFiles, ListArtifacts};

use crate::argo::{Argo, NAMESPACE};
use crate::world::{OURS, Site, THEIRS, Who, World};

trials![
    what_nodes_gave_is_listed_opened_and_copied,
    a02_a03_an_artifact_of_another_tenant_is_a_missing_one,
    w01_cve_2022_29164_a_report_is_nobody_on_an_origin_of_its_own,
];

const REPORT: &str = "<html><script>document.title = 'read'</script></html>";

/// Gives a report, a plain file and a directory that is kept file by file.
fn gives() -> Value {
    let script = "mkdir -p /tmp/d/sub; printf %s \"$REPORT\" > /tmp/report.html; printf 0123456789 > /tmp/plain; \
         echo one > /tmp/d/one; echo two > '/tmp/d/sub/t<w>o'";
    json!({
        "apiVersion": "argoproj.io/v1alpha1", "kind": "Workflow",
        "metadata": {"generateName": "gives-"},
        "spec": {"entrypoint": "main", "templates": [{
            "name": "main",
            "container": {"image": "host", "command": ["sh", "-c", script],
                "env": [{"name": "REPORT", "value": REPORT}]},
            "outputs": {"artifacts": [
                {"name": "report", "path": "/tmp/report.html"},
                {"name": "plain", "path": "/tmp/plain", "archive": {"none": {}}},
                {"name": "tree", "path": "/tmp/d", "archive": {"none": {}}},
                {"name": "absent", "path": "/tmp/absent", "optional": true},
            ]},
        }]},
    })
}

/// A run that has given, and its one node's id.
async fn given(site: &Site) -> Result<(String, String)> {
    let argo = Argo::maintainer(site);
    let name = argo.create(gives()).await?;
    let ended = argo.ended(&name).await?;
    ensure!(ended["status"]["phase"] == "Succeeded", "{ended:#}");
    Ok((name.clone(), name))
}

fn path(tenant: &str, run: &str, node: &str, name: &str, query: ArtifactQuery) -> Result<String> {
    Ok(prepare::<GetArtifact>(&[tenant, run, node, name], &query, &())?.path)
}

fn form(form: Form) -> ArtifactQuery {
    ArtifactQuery {
        form: Some(form),
        ..ArtifactQuery::default()
    }
}

async fn what_nodes_gave_is_listed_opened_and_copied(world: &World) -> Result<()> {
    let site = world.sandbox().await?;
    let (run, node) = given(site).await?;
    let viewer = site.as_a(Who::Member(Role::Viewer));
    let filter = ArtifactFilter {
        side: Some(Side::Outputs),
        ..ArtifactFilter::default()
    };
    let list = viewer
        .call::<ListArtifacts>(&[OURS, &run], &filter, &())
        .await?;
    let names: Vec<&str> = list.artifacts.iter().map(|one| one.name.as_str()).collect();
    assert_eq!(names, ["report", "plain", "tree"]);
    let plain = &list.artifacts[1];
    assert_eq!(
        (plain.size, plain.node_id.as_str()),
        (Some(10), node.as_str())
    );
    let sum = "84d89877f0d4041efb6bf91a16f0248f2fd573e6af05c19f96bedb9f882f7882";
    assert_eq!(plain.sha256.as_deref(), Some(sum));
    ensure!(plain.place.starts_with("red/"), "{}", plain.place);

    let whole = path(OURS, &run, &node, "plain", ArtifactQuery::default())?;
    let answer = viewer
        .request(Method::Get, &whole)
        .header("range", "bytes=2-4")
        .send()
        .await?;
    assert_eq!(answer.status(), 206);
    assert_eq!(answer.headers()["content-range"], "bytes 2-4/10");
    assert_eq!(answer.text().await?, "234");
    let beyond = viewer
        .request(Method::Get, &whole)
        .header("range", "bytes=10-")
        .send();
    assert_eq!(beyond.await?.status(), 416);

    let files = ArtifactQuery::default();
    let files = viewer
        .call::<ListArtifactFiles>(&[OURS, &run, &node, "tree"], &files, &())
        .await?;
    let paths: Vec<&str> = files.files.iter().map(|file| file.path.as_str()).collect();
    assert_eq!(paths, ["one", "sub/t<w>o"]);
    copies(site, &run, &node, &list.artifacts)?;
    serves_argo(site, &run, &node).await
}

fn copies(site: &Site, run: &str, node: &str, listed: &[ArtifactBody]) -> Result<()> {
    let to = tempfile::tempdir()?;
    let copy = |name: &str, arguments: &[&str]| -> Result<()> {
        let mut command = site.steading()?;
        command
            .args(["cp", &format!("{run}:{node}/{name}")])
            .args(arguments);
        let output = command.output()?;
        ensure!(
            output.status.success(),
            "{name}: {}",
            String::from_utf8_lossy(&output.stderr)
        );
        Ok(())
    };
    let at = |name: &str| to.path().join(name);
    let text = |name: &str| at(name).to_str().unwrap_or_default().to_owned();
    copy("report", &[&text("report.html")])?;
    assert_eq!(std::fs::read_to_string(at("report.html"))?, REPORT);
    copy("report", &["--packed", &text("")])?;
    assert_eq!(
        Some(std::fs::metadata(at("report.tgz"))?.len()),
        listed[0].size
    );
    copy("tree", &[&text("tree")])?;
    assert_eq!(std::fs::read_to_string(at("tree/sub/t<w>o"))?, "two\n");
    let mut command = site.steading()?;
    let output = command
        .args(["cp", &format!("{run}:{node}/report"), "-"])
        .output()?;
    assert_eq!(String::from_utf8_lossy(&output.stdout), REPORT);
    let mut command = site.steading()?;
    let output = command.args(["artifacts", run]).output()?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    ensure!(
        ["report", "plain", "tree", "red/gives/"]
            .iter()
            .all(|word| text.contains(word)),
        "{text}"
    );
    let mut command = site.steading()?;
    let output = command
        .args(["cp", &format!("{run}:{node}/absent"), "-"])
        .output()?;
    assert_eq!(output.status.code(), Some(3));
    Ok(())
}

/// At the paths of Argo's clients and its page.
async fn serves_argo(site: &Site, run: &str, node: &str) -> Result<()> {
    let workflow = Argo::maintainer(site)
        .get(&format!("/workflows/{NAMESPACE}/{run}"))
        .await?
        .good()?;
    let uid = workflow["metadata"]["uid"].as_str().context("no uid")?;
    let viewer = site.as_a(Who::Member(Role::Viewer));
    let files = format!("/artifact-files/{NAMESPACE}/workflows/{run}/{node}/outputs");
    for (path, content) in [
        (
            format!("/artifacts/{NAMESPACE}/{run}/{node}/plain"),
            "0123456789",
        ),
        (
            format!("/artifacts-by-uid/{uid}/{node}/plain"),
            "0123456789",
        ),
        (
            format!("/artifact-files/{NAMESPACE}/archived-workflows/{uid}/{node}/outputs/plain"),
            "0123456789",
        ),
        (format!("{files}/tree/one"), "one\n"),
        (format!("{files}/tree/sub/t%3Cw%3Eo"), "two\n"),
    ] {
        let answer = viewer.request(Method::Get, &path).send().await?;
        ensure!(answer.status() == 200, "{path}: {}", answer.status());
        assert_eq!(answer.text().await?, content, "{path}");
    }
    let listing = viewer
        .request(Method::Get, &format!("{files}/tree/sub/"))
        .send()
        .await?
        .text()
        .await?;
    ensure!(
        listing.contains("\"./t%3Cw%3Eo\"") && !listing.contains("<w>"),
        "{listing}"
    );
    for absent in [
        format!("{files}/tree/none"),
        format!("{files}/tree/..%2Fplain"),
        format!("{files}/absent"),
        format!("/input-artifacts/{NAMESPACE}/{run}/{node}/plain"),
    ] {
        let answer = viewer.request(Method::Get, &absent).send().await?;
        assert_eq!(answer.status(), 404, "{absent}");
    }
    Ok(())
}

async fn a02_a03_an_artifact_of_another_tenant_is_a_missing_one(world: &World) -> Result<()> {
    let site = world.sandbox().await?;
    let (run, node) = given(site).await?;
    let workflow = Argo::maintainer(site)
        .get(&format!("/workflows/{NAMESPACE}/{run}"))
        .await?
        .good()?;
    let uid = workflow["metadata"]["uid"].as_str().context("no uid")?;
    let key = workflow["status"]["nodes"][&node]["outputs"]["artifacts"][1]["s3"]["key"].clone();
    let own = path(OURS, &run, &node, "plain", ArtifactQuery::default())?;
    let paths = [
        own.clone(),
        path(THEIRS, &run, &node, "plain", ArtifactQuery::default())?,
        format!("/artifacts/{NAMESPACE}/{run}/{node}/plain"),
        format!("/artifacts-by-uid/{uid}/{node}/plain"),
        format!("/artifact-files/{NAMESPACE}/workflows/{run}/{node}/outputs/plain"),
    ];
    for path in &paths {
        let answer = site
            .as_a(Who::Stranger)
            .request(Method::Get, path)
            .send()
            .await?;
        assert_eq!(answer.status(), 404, "{path}");
    }
    for who in [Who::Nobody, Who::Forger] {
        let answer = site.as_a(who).request(Method::Get, &own).send().await?;
        assert_eq!(answer.status(), 401, "{who:?}");
    }
    // A key that is another tenant's lies below one's own tenant's name.
    let theft = json!({
        "apiVersion": "argoproj.io/v1alpha1", "kind": "Workflow", "metadata": {"generateName": "steals-"},
        "spec": {"entrypoint": "main", "templates": [{"name": "main",
            "inputs": {"artifacts": [{"name": "in", "path": "/tmp/in", "s3": {"key": key}}]},
            "container": {"image": "host", "command": ["cat", "/tmp/in"]}}]},
    });
    let body = json!({"namespace": "wf-blue", "workflow": theft});
    let stranger = Argo::new(site, Who::Stranger);
    let made = stranger
        .send(Method::Post, "/workflows/wf-blue", body)
        .await?
        .good()?;
    let name = made["metadata"]["name"].as_str().context("no name")?;
    let ended = steading_tests::wait::until(name, async || {
        let workflow = stranger
            .get(&format!("/workflows/wf-blue/{name}"))
            .await?
            .good()?;
        Ok(workflow["status"]["finishedAt"]
            .is_string()
            .then_some(workflow))
    });
    let ended = ended.await?;
    assert_eq!(ended["status"]["phase"], "Error", "{ended:#}");
    let message = ended["status"]["nodes"][name]["message"]
        .as_str()
        .unwrap_or_default();
    ensure!(message.contains("artifact.not-found"), "{message}");
    Ok(())
}

async fn w01_cve_2022_29164_a_report_is_nobody_on_an_origin_of_its_own(
    world: &World,
) -> Result<()> {
    let site = world.sandbox().await?;
    let (run, node) = given(site).await?;
    let viewer = site.as_a(Who::Member(Role::Viewer));
    let open = path(OURS, &run, &node, "report", form(Form::Unpacked))?;
    let answer = viewer.request(Method::Get, &open).send().await?;
    let headers = answer.headers().clone();
    assert_eq!(headers["content-type"], "text/html; charset=utf-8");
    let policy = headers["content-security-policy"].to_str()?;
    ensure!(
        policy.starts_with("sandbox allow-scripts; default-src 'none';"),
        "{policy}"
    );
    ensure!(!policy.contains("allow-same-origin"), "{policy}");
    assert_eq!(headers["x-content-type-options"], "nosniff");
    assert_eq!(headers["cache-control"], "private, no-store");
    ensure!(!headers.contains_key("set-cookie"), "{headers:?}");
    assert_eq!(answer.text().await?, REPORT);
    let packed = path(OURS, &run, &node, "report", form(Form::Packed))?;
    let answer = viewer.request(Method::Get, &packed).send().await?;
    assert_eq!(
        answer.headers()["content-disposition"],
        "attachment; filename=\"report.tgz\""
    );
    Ok(())
}
