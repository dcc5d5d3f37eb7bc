//! What was broken in Argo and its like, tried here. A test bears the letter of its kind of attack and the id of the
//! advisory that taught it.

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use steading_api::access::Role;
use steading_api::operation::Method;
use steading_tests::wait;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::argo::{Argo, NAMESPACE, one_step};
use crate::world::{Site, Who, World};

trials![
    a01_cve_2026_28229_cve_2024_53862_a_made_up_token_reads_no_template_and_no_archive,
    c01_a_value_is_one_argument_whatever_it_holds,
    c02_cve_2021_37914_what_an_expression_gives_is_no_template,
    c03_selectors_and_marks_that_were_tampered_with_are_refused,
    c05_a_million_keys_are_one_refusal,
    c06_an_expression_costs_only_so_much,
    c09_the_last_of_two_keys_counts_and_a_long_number_keeps_its_digits,
    o09_cve_2026_42183_half_a_token_is_none,
    r14_cve_2024_47827_daemons_that_go_all_at_once_stop_nobody,
    r14_cve_2026_40886_an_annotation_of_no_sense_stops_nobody,
    t02_cve_2026_42294_a_body_is_not_waited_for_before_its_sender_is_known,
];

fn workflow(templates: Value) -> Value {
    json!({
        "apiVersion": "argoproj.io/v1alpha1", "kind": "Workflow",
        "metadata": {"generateName": "advisory-"},
        "spec": {"entrypoint": "main", "templates": templates},
    })
}

fn one(command: &[&str]) -> Value {
    one_step("advisory", "host", command)
}

/// Its output, as a script's result.
fn script(name: &str, source: &str) -> Value {
    json!({"name": name, "script": {"image": "host", "command": ["sh"], "source": source}})
}

fn result_of(ended: &Value, display_name: &str) -> Result<String> {
    let nodes = ended.pointer("/status/nodes").and_then(Value::as_object);
    let mut nodes = nodes.into_iter().flat_map(|nodes| nodes.values());
    let node = nodes.find(|node| node["displayName"] == display_name);
    let result = node.and_then(|node| node.pointer("/outputs/result")?.as_str());
    Ok(result
        .with_context(|| format!("{display_name} has no result: {ended:#}"))?
        .to_owned())
}

/// The server still does what it is there for.
async fn works(site: &Site) -> Result<()> {
    let ended = Argo::maintainer(site).ran(one(&["true"])).await?;
    ensure!(ended["status"]["phase"] == "Succeeded", "{ended:#}");
    Ok(())
}

async fn a01_cve_2026_28229_cve_2024_53862_a_made_up_token_reads_no_template_and_no_archive(
    world: &World,
) -> Result<()> {
    let site = world.process().await?;
    for path in [
        "/cluster-workflow-templates".to_owned(),
        "/cluster-workflow-templates/any".to_owned(),
        format!("/workflow-templates/{NAMESPACE}"),
        format!("/workflow-templates/{NAMESPACE}/any"),
        "/archived-workflows".to_owned(),
        format!("/archived-workflows?listOptions.fieldSelector=metadata.namespace%3D{NAMESPACE}"),
        "/archived-workflows/00000000-0000-0000-0000-000000000000".to_owned(),
        format!("/archived-workflows-label-keys?namespace={NAMESPACE}"),
        format!("/archived-workflows-label-values?namespace={NAMESPACE}"),
    ] {
        for who in [Who::Nobody, Who::Forger] {
            let answer = Argo::new(site, who).get(&path).await?;
            answer.refused(401, 16).context(path.clone())?;
        }
    }
    Ok(())
}

async fn c01_a_value_is_one_argument_whatever_it_holds(world: &World) -> Result<()> {
    let site = world.process().await?;
    for value in [
        "$(id) `id` ${HOME} ; id | id & id",
        "--version",
        "@/etc/passwd",
        "'\"'\"\\\" \\n \t two\nlines",
        "~ * ? [a-z] {a,b} !! #",
    ] {
        let templates = json!([
            {"name": "main", "steps": [
                [{"name": "said", "template": "say", "arguments":
                    {"parameters": [{"name": "word", "value": value}]}}],
                // A result is kept for whom it is asked by.
                [{"name": "heard", "template": "say", "arguments":
                    {"parameters": [{"name": "word", "value": "{{steps.said.outputs.result}}"}]}}],
            ]},
            {"name": "say", "inputs": {"parameters": [{"name": "word"}]}, "container": {
                "image": "host", "command": ["printf", "[%s]"],
                "args": ["{{inputs.parameters.word}}"],
            }},
        ]);
        let ended = Argo::maintainer(site).ran(workflow(templates)).await?;
        let printed = result_of(&ended, "said")?;
        ensure!(printed == format!("[{value}]"), "{value:?}: {printed:?}");
    }
    Ok(())
}

async fn c02_cve_2021_37914_what_an_expression_gives_is_no_template(world: &World) -> Result<()> {
    let site = world.process().await?;
    let hostile = "{{=1+1}} {{workflow.name}} {{= sprig.env('HOME') }}";
    // Written so that only what the step prints is hostile, never what the file holds.
    let octal: String = hostile
        .bytes()
        .map(|byte| format!("\\{byte:03o}"))
        .collect();
    let say = |name: &str, word: &str| {
        json!({"name": name, "template": "say", "arguments":
            {"parameters": [{"name": "word", "value": word}]}})
    };
    let templates = json!([
        {"name": "main", "steps": [
            [{"name": "first", "template": "first"}],
            [say("plain", "{{steps.first.outputs.result}}"),
             say("computed", "{{=steps.first.outputs.result + '!'}}")],
        ]},
        script("first", &format!("printf '{octal}'")),
        {"name": "say", "inputs": {"parameters": [{"name": "word"}]}, "container": {
            "image": "host", "command": ["printf", "%s", "{{inputs.parameters.word}}"],
        }},
    ]);
    let ended = Argo::maintainer(site).ran(workflow(templates)).await?;
    ensure!(ended["status"]["phase"] == "Succeeded", "{ended:#}");
    assert_eq!(result_of(&ended, "first")?, hostile);
    assert_eq!(result_of(&ended, "plain")?, hostile);
    assert_eq!(result_of(&ended, "computed")?, format!("{hostile}!"));
    Ok(())
}

async fn c03_selectors_and_marks_that_were_tampered_with_are_refused(world: &World) -> Result<()> {
    let site = world.process().await?;
    let argo = Argo::maintainer(site);
    for query in [
        "labelSelector=a%3D%27%20OR%201%3D1",
        "labelSelector=a%20in%20%28b",
        "labelSelector=%2F%2F",
        "fieldSelector=metadata.namespace%3Dwf-blue",
        "fieldSelector=spec.secret%3Dx",
        "continue=bm9uc2Vuc2U",
        "continue=..%2F..%2F",
        "limit=-5x",
    ] {
        let answer = argo
            .get(&format!("/workflows/{NAMESPACE}?listOptions.{query}"))
            .await?;
        let (status, body) = (answer.status, answer.body);
        let nothing = status == 200 && body["items"].is_null();
        ensure!(
            nothing || (status == 400 && body["code"] == 3),
            "{query}: {status} {body}"
        );
    }
    Ok(())
}

async fn c05_a_million_keys_are_one_refusal(world: &World) -> Result<()> {
    let site = world.process().await?;
    let labels: Vec<String> = (0..1_000_000).map(|n| format!("\"k{n}\":\"\"")).collect();
    let body = format!(
        "{{\"workflow\":{{\"metadata\":{{\"generateName\":\"x-\",\"labels\":{{{}}}}},\"spec\":{{}}}}}}",
        labels.join(",")
    );
    let client = site.as_a(Who::Member(Role::Maintainer));
    let path = format!("/api/v1/workflows/{NAMESPACE}");
    let answer = client
        .request(Method::Post, &path)
        .body(body)
        .send()
        .await?;
    let status = answer.status().as_u16();
    ensure!((400..500).contains(&status), "{status}");
    works(site).await
}

async fn c06_an_expression_costs_only_so_much(world: &World) -> Result<()> {
    let site = world.process().await?;
    for hostile in [
        "{{=len(map(1..30000000, {# * 2}))}}",
        "{{=sum(map(1..2000, {sum(map(1..2000, {sum(map(1..2000, {#}))}))}))}}",
        "{{=sprig.repeat(1000000000, 'x')}}",
    ] {
        let ended = Argo::maintainer(site).ran(one(&["echo", hostile])).await?;
        let message = ended.pointer("/status/message").and_then(Value::as_str);
        let limited = message.is_some_and(|message| message.contains("limit"));
        ensure!(
            ended["status"]["phase"] == "Error" && limited,
            "{hostile}: {ended:#}"
        );
    }
    // An engine that tries each way through would need ages for this one.
    let pattern = "{{='aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa!' matches '^(a+)+$'}}";
    let ended = Argo::maintainer(site).ran(one(&["echo", pattern])).await?;
    ensure!(ended["status"]["phase"] == "Succeeded", "{ended:#}");
    Ok(())
}

async fn c09_the_last_of_two_keys_counts_and_a_long_number_keeps_its_digits(
    world: &World,
) -> Result<()> {
    let site = world.process().await?;
    let client = site.as_a(Who::Member(Role::Maintainer));
    let path = format!("/api/v1/workflows/{NAMESPACE}");
    let twice = r#"{"workflow": {"metadata": {"generateName": "x-"}, "spec": {"entrypoint": "a",
        "entrypoint": "b", "templates": [{"name": "a", "suspend": {}}, {"name": "b", "suspend": {}}]}}}"#;
    let request = client.request(Method::Post, &path).body(twice);
    let made: Value = request.send().await?.json().await?;
    // As Argo's server does: the last one counts.
    assert_eq!(made.pointer("/spec/entrypoint"), Some(&json!("b")));
    let mut long = workflow(json!([
        {"name": "main", "steps": [
            [{"name": "said", "template": "say"}],
            [{"name": "heard", "template": "hear", "arguments":
                {"parameters": [{"name": "word", "value": "{{steps.said.outputs.result}}"}]}}],
        ]},
        script("say", "printf '{{workflow.parameters.n}}'"),
        {"name": "hear", "inputs": {"parameters": [{"name": "word"}]}, "suspend": {"duration": "0"}},
    ]));
    long["spec"]["arguments"] =
        json!({"parameters": [{"name": "n", "value": 9_007_199_254_740_993_u64}]});
    let ended = Argo::maintainer(site).ran(long).await?;
    assert_eq!(result_of(&ended, "said")?, "9007199254740993");
    Ok(())
}

async fn o09_cve_2026_42183_half_a_token_is_none(world: &World) -> Result<()> {
    let site = world.process().await?;
    // Headers and claims of a JWT that lack their subject, or everything.
    for token in [
        "Bearer eyJhbGciOiJub25lIn0.e30.",
        "Bearer eyJhbGciOiJub25lIn0.bnVsbA.",
        "Bearer ..",
        "Bearer v2:eyJhbGciOiJub25lIn0.e30.",
        "Bearer null",
        "Bearer ",
        "Bearer",
        "Basic Og==",
        "Basic \u{fffd}",
    ] {
        let mut socket = TcpStream::connect(site.server.address()).await?;
        let request = format!(
            "GET /api/v1/workflows/{NAMESPACE} HTTP/1.1\r\nhost: x\r\nauthorization: {token}\r\nconnection: close\r\n\r\n"
        );
        socket.write_all(request.as_bytes()).await?;
        let mut answer = Vec::new();
        socket.read_to_end(&mut answer).await?;
        let answer = String::from_utf8_lossy(&answer);
        ensure!(
            answer.starts_with("HTTP/1.1 401") || answer.starts_with("HTTP/1.1 400"),
            "{token}: {answer}"
        );
    }
    works(site).await
}

async fn r14_cve_2024_47827_daemons_that_go_all_at_once_stop_nobody(world: &World) -> Result<()> {
    let site = world.process().await?;
    let argo = Argo::maintainer(site);
    let daemon = json!({"name": "serve", "daemon": true, "retryStrategy": {"limit": 2}, "container":
        {"image": "host", "command": ["sleep", "600"]}});
    let templates = json!([
        {"name": "main", "steps": [
            [{"name": "served", "template": "serve", "withItems": [1, 2, 3, 4]},
             {"name": "inner", "template": "inner"}],
            [{"name": "gone", "template": "gone"}],
        ]},
        {"name": "inner", "steps": [
            [{"name": "deep", "template": "serve"}],
            [{"name": "fails", "template": "gone", "continueOn": {"failed": true}}],
        ]},
        daemon,
        {"name": "gone", "container": {"image": "host", "command": ["false"]}},
    ]);
    let run = argo.create(workflow(templates.clone())).await?;
    let stopped = argo.create(workflow(templates)).await?;
    for verb in ["stop", "terminate"] {
        let path = format!("/workflows/{NAMESPACE}/{stopped}/{verb}");
        // Either is too late if the run is over already.
        let answer = argo.put(&path, json!({})).await?;
        ensure!(answer.status < 500, "{verb}: {}", answer.body);
    }
    for run in [run, stopped] {
        let ended = argo.ended(&run).await?;
        ensure!(ended["status"]["phase"] == "Failed", "{ended:#}");
        wait::until("the end of all daemons", async || {
            let path = format!("/workflows/{NAMESPACE}/{run}");
            let workflow = argo.get(&path).await?.good()?;
            let nodes = workflow.pointer("/status/nodes").and_then(Value::as_object);
            let mut nodes = nodes.into_iter().flat_map(|nodes| nodes.values());
            let alive = nodes.any(|node| node["phase"] == "Running" || node["daemoned"] == true);
            Ok((!alive).then_some(()))
        })
        .await?;
    }
    works(site).await
}

async fn r14_cve_2026_40886_an_annotation_of_no_sense_stops_nobody(world: &World) -> Result<()> {
    let site = world.process().await?;
    for value in ["nonsense", "", "/", "OnPodCompletion/", "//////"] {
        let mut made = one(&["true"]);
        made["metadata"]["annotations"] = json!({
            "workflows.argoproj.io/pod-gc-strategy": value,
            "workflows.argoproj.io/description": value,
        });
        made["spec"]["podMetadata"] =
            json!({"annotations": {"workflows.argoproj.io/pod-gc-strategy": value}});
        let ended = Argo::maintainer(site).ran(made).await?;
        ensure!(
            ended["status"]["phase"] == "Succeeded",
            "{value}: {ended:#}"
        );
    }
    Ok(())
}

async fn t02_cve_2026_42294_a_body_is_not_waited_for_before_its_sender_is_known(
    world: &World,
) -> Result<()> {
    let site = world.process().await?;
    for path in ["/api/v1/events/wf-red/any", "/api/v1/workflows/wf-red"] {
        let mut socket = TcpStream::connect(site.server.address()).await?;
        let request = format!(
            "POST {path} HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 10737418240\r\n\r\n{{"
        );
        socket.write_all(request.as_bytes()).await?;
        let mut status = [0; 12];
        socket.read_exact(&mut status).await?;
        assert_eq!(String::from_utf8_lossy(&status), "HTTP/1.1 401", "{path}");
    }
    Ok(())
}
