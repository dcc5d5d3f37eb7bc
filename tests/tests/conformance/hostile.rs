//! Hostile documents over HTTP: one clear error with its place and code, nothing stored, memory bounded, and
//! everybody else is served meanwhile.

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use steading_api::access::Role;
use steading_api::operation::Method;
use steading_api::operations::ListRuns;
use steading_api::run::RunFilter;

use crate::argo::Argo;
use crate::world::{Site, THEIRS, Who, World};

trials![
    a_hostile_document_is_one_clear_error_and_costs_little,
    a_hostile_object_is_refused_at_argos_face_too,
    a_body_of_a_hundred_megabytes_is_turned_away,
];

/// Most that refusing may add to the server's memory, in bytes: a few bodies of the largest size that is
/// read at all, 32 MiB, and what reading them takes.
const GROWTH: u64 = 400 << 20;

fn workflow(spec: &str) -> String {
    format!(
        "apiVersion: argoproj.io/v1alpha1\nkind: Workflow\nmetadata: {{generateName: hostile-}}\nspec:\n{spec}"
    )
}

const MAIN: &str = "  entrypoint: main
  templates:
    - name: main
      container: {image: busybox, command: [\"true\"]}
";

/// What it is, the document, and a word of its fault's code, path or message.
fn documents() -> Vec<(&'static str, String, &'static str)> {
    let mut bomb = String::from("a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n");
    for level in 1..10 {
        let below = format!("*a{}", level - 1);
        let list = [below.as_str(); 10].join(", ");
        bomb.push_str(&format!("a{level}: &a{level} [{list}]\n"));
    }
    let steps = |inner: &str| {
        format!(
            "  entrypoint: main\n  templates:\n    - name: main\n      steps: [[{{name: one, template: {inner}}}]]\n"
        )
    };
    let looped = |items: &str| {
        format!(
            "  entrypoint: main\n  templates:\n    - name: main\n      steps: [[{{name: one, template: leaf, {items}}}]]\n    - name: leaf\n      container: {{image: busybox}}\n"
        )
    };
    let items = vec!["x"; 1_000_000].join(",");
    let cycle = "  entrypoint: main
  templates:
    - name: main
      dag:
        tasks:
          - {name: a, template: leaf, dependencies: [b]}
          - {name: b, template: leaf, dependencies: [a]}
    - name: leaf
      container: {image: busybox}
";
    vec![
        ("no YAML", "a: [b\nc: }".to_owned(), "YAML"),
        ("nothing", String::new(), ""),
        ("bytes", "\u{0}\u{1}\u{7f}".to_owned(), ""),
        ("an alias bomb", bomb, ""),
        ("10,000 levels", "[".repeat(10_000), ""),
        ("10,000 nested maps", "{a: ".repeat(10_000), ""),
        (
            "an unknown field",
            workflow(&format!("{MAIN}  colour: blue\n")),
            "spec.colour",
        ),
        ("a missing template", workflow(&steps("absent")), "absent"),
        ("a cycle of tasks", workflow(cycle), "cycl"),
        (
            "templates of a wrong type",
            workflow("  entrypoint: main\n  templates: 5\n"),
            "spec.templates",
        ),
        (
            "an entrypoint of a wrong type",
            workflow(&MAIN.replace("entrypoint: main", "entrypoint: [main]")),
            "spec.entrypoint",
        ),
        (
            "another kind",
            MAIN.replace("  entrypoint", "kind: Pod\nspec:\n  entrypoint"),
            "",
        ),
        (
            "1,000,000 items",
            workflow(&looped(&format!("withItems: [{items}]"))),
            "",
        ),
    ]
}

/// The process's resident memory, in bytes.
fn resident(site: &Site) -> Result<u64> {
    let status = std::fs::read_to_string(format!("/proc/{}/status", site.server.process_id()))?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let number = line.and_then(|line| line.trim().strip_suffix(" kB"));
    Ok(number.context("no VmRSS")?.trim().parse::<u64>()? * 1024)
}

/// Runs of the tenant that nobody else writes to.
async fn stored(site: &Site) -> Result<usize> {
    let client = site.as_a(Who::Stranger);
    let all = RunFilter {
        name: Some("hostile".to_owned()),
        ..RunFilter::default()
    };
    let list = client.call::<ListRuns>(&[THEIRS], &all, &()).await?;
    Ok(list.runs.len())
}

async fn a_hostile_document_is_one_clear_error_and_costs_little(world: &World) -> Result<()> {
    let site = world.process().await?;
    let client = site.as_a(Who::Stranger);
    let path = format!("/api/steading/v1/tenants/{THEIRS}/runs");
    let before = resident(site)?;
    for (what, text, word) in documents() {
        let request = client
            .request(Method::Post, &path)
            .json(&json!({"text": text}));
        let other = site
            .as_a(Who::Operator)
            .request(Method::Get, "/api/steading/v1/me");
        let (answer, other) = tokio::join!(request.send(), other.send());
        ensure!(other?.status() == 200, "{what} kept others waiting");
        let answer = answer?;
        let status = answer.status().as_u16();
        let body: Value = answer.json().await?;
        let code = body["code"].as_str().unwrap_or_default();
        println!("{what}: {status} {code}: {}", body["message"]);
        ensure!((400..500).contains(&status), "{what}: {status} {body}");
        ensure!(code.contains('.'), "{what} has no code: {body}");
        let message = body["message"].as_str().unwrap_or_default();
        ensure!(
            !message.is_empty() && message.len() < 1000,
            "{what}: {body}"
        );
        let placed = body["faults"][0]["path"].is_string() || code == "request.body";
        ensure!(placed, "{what} has no place: {body}");
        ensure!(
            body.to_string().contains(word),
            "{what} lacks {word}: {body}"
        );
    }
    ensure!(stored(site).await? == 0, "something was stored");
    let growth = resident(site)?.saturating_sub(before);
    println!("{} MiB more after them", growth >> 20);
    ensure!(growth < GROWTH, "{growth} bytes more");
    Ok(())
}

async fn a_hostile_object_is_refused_at_argos_face_too(world: &World) -> Result<()> {
    let site = world.process().await?;
    let argo = Argo::new(site, Who::Stranger);
    let client = site.as_a(Who::Stranger);
    let path = "/api/v1/workflows/wf-blue";
    for (what, body) in [
        ("no JSON", "{\"workflow\": ".to_owned()),
        (
            "10,000 levels",
            format!("{{\"workflow\": {}", "[".repeat(10_000)),
        ),
        ("no object", "{\"workflow\": 5}".to_owned()),
        ("no workflow", "{}".to_owned()),
        ("a list", "[]".to_owned()),
    ] {
        let answer = client.request(Method::Post, path).body(body).send().await?;
        let status = answer.status();
        let body: Value = answer.json().await?;
        ensure!(
            status == 400 && body["code"] == 3,
            "{what}: {status} {body}"
        );
    }
    for (what, spec, word) in [
        (
            "wrong types",
            json!({"entrypoint": [1], "templates": {}}),
            "spec.",
        ),
        (
            "no template",
            json!({"entrypoint": "absent", "templates": []}),
            "absent",
        ),
        (
            "no entrypoint",
            json!({"templates": [{"name": "x", "suspend": {}}]}),
            "entrypoint",
        ),
    ] {
        let workflow = json!({"metadata": {"generateName": "hostile-"}, "spec": spec});
        let body = json!({"workflow": workflow});
        let answer = argo.send(Method::Post, "/workflows/wf-blue", body).await?;
        let message = answer.refused(400, 3).context(what)?;
        ensure!(message.contains(word), "{what}: {message}");
    }
    ensure!(stored(site).await? == 0, "something was stored");
    Ok(())
}

async fn a_body_of_a_hundred_megabytes_is_turned_away(world: &World) -> Result<()> {
    let site = world.process().await?;
    let before = resident(site)?;
    let body = vec![b' '; 100 << 20];
    for (who, path, status) in [
        (Who::Stranger, "/api/steading/v1/tenants/blue/runs", 413),
        (Who::Stranger, "/api/v1/workflows/wf-blue", 413),
        // Who may not write is turned away before a byte is read, which may break the connection.
        (Who::Nobody, "/api/steading/v1/tenants/blue/runs", 401),
        (
            Who::Member(Role::Viewer),
            "/api/steading/v1/tenants/red/runs",
            403,
        ),
    ] {
        let request = site
            .as_a(who)
            .request(Method::Post, path)
            .body(body.clone());
        let answer = match request.send().await {
            Err(_) if status != 413 => continue,
            answer => answer.with_context(|| path.to_owned())?,
        };
        ensure!(answer.status() == status, "{path}: {}", answer.status());
        let body: Value = answer.json().await?;
        ensure!(body["message"].is_string(), "{path}: {body}");
    }
    let growth = resident(site)?.saturating_sub(before);
    ensure!(growth < GROWTH, "{growth} bytes more");
    Ok(())
}
