//! `http` templates against a server of the test's own: what an answer means, whom a site lets them call, and
//! what a crash does to a request that was sent.

use std::sync::Arc;

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use steading_api::access::Role;
use steading_api::node::{NodeBody, NodeFilter};
use steading_api::operations::{GetRun, ListNodes, StopRun, SubmitRun};
use steading_api::run::{NodeVerb, Submission};
use steading_tests::{Level, Server, wait};
use steading_types::NodePhase;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;

use crate::world::{OURS, Site, Who, World};

trials![
    an_answer_decides_how_the_node_ends,
    outputs_read_the_answer_and_the_result_is_its_body,
    a_failed_request_is_tried_again_by_the_retry_strategy,
    s01_metadata_and_private_addresses_are_not_called,
    s02_a_redirect_is_judged_like_the_first_address,
    s04_a_hostile_server_costs_one_node,
    s05_a_credential_does_not_follow_a_redirect_to_another_host,
    a_request_that_hangs_is_cancelled_and_timed_out,
    a_request_is_made_again_under_the_same_key_after_a_crash,
];

/// A server that tells which requests came.
struct Peer {
    port: u16,
    /// Heads of requests.
    came: mpsc::UnboundedReceiver<String>,
}

impl Peer {
    async fn open() -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let port = listener.local_addr()?.port();
        let (tell, came) = mpsc::unbounded_channel();
        tokio::spawn(async move {
            let tell = Arc::new(tell);
            while let Ok((stream, _)) = listener.accept().await {
                let tell = Arc::clone(&tell);
                tokio::spawn(async move { answer(stream, &tell).await });
            }
        });
        Ok(Self { port, came })
    }

    fn at(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}/{path}", self.port)
    }
}

/// Answers one request by its path: `status/500`, `body/TEXT`, `to/URL`, `echo`, `endless`, `lie`, `hang`.
async fn answer(mut stream: TcpStream, tell: &mpsc::UnboundedSender<String>) -> Result<()> {
    let mut request = Vec::new();
    let mut buffer = [0; 4096];
    while !request.windows(4).any(|end| end == b"\r\n\r\n") {
        let read = stream.read(&mut buffer).await?;
        if read == 0 {
            return Ok(());
        }
        request.extend_from_slice(&buffer[..read]);
    }
    let head = String::from_utf8_lossy(&request).into_owned();
    let _ = tell.send(head.clone());
    let path = head
        .split(' ')
        .nth(1)
        .unwrap_or_default()
        .trim_start_matches('/');
    let (what, rest) = path.split_once('/').unwrap_or((path, ""));
    let (status, more, body) = match what {
        "status" => (rest, String::new(), "no".to_owned()),
        "body" => ("200", "X-Kind: test\r\n".to_owned(), rest.to_owned()),
        "to" => ("302", format!("Location: {rest}\r\n"), String::new()),
        "lie" => {
            stream
                .write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nshort")
                .await?;
            return Ok(());
        }
        "endless" => {
            stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await?;
            while stream.write_all(&[b'x'; 65_536]).await.is_ok() {}
            return Ok(());
        }
        "headers" => {
            stream.write_all(b"HTTP/1.1 200 OK\r\n").await?;
            while stream
                .write_all(&b"X-A: b\r\n".repeat(10_000))
                .await
                .is_ok()
            {}
            return Ok(());
        }
        "hang" => {
            // Until the caller gives up.
            while stream.read(&mut buffer).await.is_ok_and(|read| read > 0) {}
            return Ok(());
        }
        _ => ("200", String::new(), head.clone()),
    };
    let length = body.len();
    let text = format!(
        "HTTP/1.1 {status} X\r\n{more}Content-Length: {length}\r\nConnection: close\r\n\r\n{body}"
    );
    stream.write_all(text.as_bytes()).await?;
    Ok(())
}

fn workflow(template: Value) -> String {
    let mut template = template;
    template["name"] = json!("main");
    json!({
        "apiVersion": "argoproj.io/v1alpha1", "kind": "Workflow",
        "metadata": {"generateName": "http-"},
        "spec": {"entrypoint": "main", "templates": [template]},
    })
    .to_string()
}

async fn nodes(site: &Site, run: &str) -> Result<Vec<NodeBody>> {
    let client = site.as_a(Who::Member(Role::Viewer));
    let all = NodeFilter::default();
    Ok(client
        .call::<ListNodes>(&[OURS, run], &all, &())
        .await?
        .nodes)
}

/// How the one node of a workflow with this template ends.
async fn ended(site: &Site, template: Value) -> Result<NodeBody> {
    let name = site.submit(&workflow(template)).await?;
    site.ended(&name).await?;
    nodes(site, &name)
        .await?
        .into_iter()
        .next()
        .context("no node")
}

async fn an_answer_decides_how_the_node_ends(world: &World) -> Result<()> {
    let (site, peer) = (world.process().await?, Peer::open().await?);
    for (path, condition, phase, word) in [
        ("body/yes", None, NodePhase::Succeeded, ""),
        ("status/204", None, NodePhase::Succeeded, ""),
        (
            "status/500",
            None,
            NodePhase::Failed,
            "non-2xx response code: 500",
        ),
        (
            "status/404",
            Some("response.statusCode == 404"),
            NodePhase::Succeeded,
            "",
        ),
        (
            "body/yes",
            Some("response.body contains 'no'"),
            NodePhase::Failed,
            "evaluated false",
        ),
        (
            "body/yes",
            Some("response.body"),
            NodePhase::Error,
            "http.condition",
        ),
        (
            "body/yes",
            Some("response.headers['X-Kind'][0] == 'test'"),
            NodePhase::Succeeded,
            "",
        ),
        (
            "body/yes",
            Some("request.method == 'GET'"),
            NodePhase::Succeeded,
            "",
        ),
    ] {
        let mut http = json!({"url": peer.at(path)});
        if let Some(condition) = condition {
            http["successCondition"] = json!(condition);
        }
        let node = ended(site, json!({"http": http})).await?;
        let message = node.message.clone().unwrap_or_default();
        ensure!(
            node.phase == phase && message.contains(word),
            "{path}: {node:?}"
        );
        ensure!(node.kind.as_str() == "HTTP", "{node:?}");
    }
    Ok(())
}

async fn outputs_read_the_answer_and_the_result_is_its_body(world: &World) -> Result<()> {
    let (site, mut peer) = (world.process().await?, Peer::open().await?);
    let output = |name: &str, expression: &str| json!({"name": name, "valueFrom": {"expression": expression}});
    let node = ended(
        site,
        json!({
            "inputs": {"parameters": [{"name": "word", "value": "spoken"}]},
            "http": {
                "url": peer.at("body/{{inputs.parameters.word}}"), "method": "POST",
                "headers": [{"name": "X-Word", "value": "{{inputs.parameters.word}}"}],
            },
            "outputs": {"parameters": [
                output("status", "response.statusCode"),
                output("kind", "response.headers['X-Kind'][0]"),
            ]},
        }),
    )
    .await?;
    ensure!(node.result.as_deref() == Some("spoken"), "{node:?}");
    ensure!(
        node.outputs["status"] == "200" && node.outputs["kind"] == "test",
        "{node:?}"
    );
    let head = peer.came.recv().await.context("no request")?.to_lowercase();
    ensure!(
        head.starts_with("post /body/spoken") && head.contains("x-word: spoken"),
        "{head}"
    );
    ensure!(head.contains("idempotency-key: "), "{head}");
    Ok(())
}

async fn a_failed_request_is_tried_again_by_the_retry_strategy(world: &World) -> Result<()> {
    let (site, mut peer) = (world.process().await?, Peer::open().await?);
    let template = json!({"http": {"url": peer.at("status/503")}, "retryStrategy": {"limit": 1}});
    let name = site.submit(&workflow(template)).await?;
    site.ended(&name).await?;
    let mut keys = Vec::new();
    for _ in 0..2 {
        let head = peer.came.recv().await.context("no request")?;
        keys.push(key(&head));
    }
    ensure!(
        keys[0] != keys[1],
        "two attempts are two requests: {keys:?}"
    );
    Ok(())
}

fn key(head: &str) -> String {
    let mut lines = head.lines();
    let line = lines.find(|line| line.to_lowercase().starts_with("idempotency-key:"));
    line.unwrap_or_default().to_owned()
}

async fn s01_metadata_and_private_addresses_are_not_called(world: &World) -> Result<()> {
    let site = world.process().await?;
    for host in [
        "169.254.169.254",
        "127.0.0.2",
        "10.0.0.1",
        "[::1]",
        "[::ffff:169.254.169.254]",
        "[64:ff9b::a9fe:a9fe]",
        "0.0.0.0",
        "[::]",
        "0xa9fea9fe",
        "2852039166",
        "0251.0376.0251.0376",
    ] {
        let node = ended(
            site,
            json!({"http": {"url": format!("http://{host}/latest")}}),
        )
        .await?;
        let message = node.message.clone().unwrap_or_default();
        ensure!(message.contains("(http.egress)"), "{host}: {node:?}");
        ensure!(node.phase == NodePhase::Error, "{host}: {node:?}");
    }
    Ok(())
}

async fn s02_a_redirect_is_judged_like_the_first_address(world: &World) -> Result<()> {
    let (site, peer) = (world.process().await?, Peer::open().await?);
    for (target, phase, word) in [
        (peer.at("body/there"), NodePhase::Succeeded, ""),
        (
            format!("http://127.0.0.2:{}/body/x", peer.port),
            NodePhase::Error,
            "(http.egress)",
        ),
        (
            "http://169.254.169.254/latest".to_owned(),
            NodePhase::Error,
            "(http.egress)",
        ),
        (
            "file:///etc/passwd".to_owned(),
            NodePhase::Error,
            "(http.request)",
        ),
    ] {
        let url = peer.at(&format!("to/{target}"));
        let node = ended(site, json!({"http": {"url": url}})).await?;
        let message = node.message.clone().unwrap_or_default();
        ensure!(
            node.phase == phase && message.contains(word),
            "{target}: {node:?}"
        );
    }
    Ok(())
}

async fn s04_a_hostile_server_costs_one_node(world: &World) -> Result<()> {
    let (site, peer) = (world.process().await?, Peer::open().await?);
    for (path, word) in [
        ("endless", "more than 262144 bytes"),
        ("headers", ""),
        ("lie", ""),
    ] {
        let node = ended(site, json!({"http": {"url": peer.at(path)}})).await?;
        let message = node.message.clone().unwrap_or_default();
        ensure!(
            node.phase.unsuccessful() && message.contains(word),
            "{path}: {node:?}"
        );
        ensure!(
            !message.is_empty() && message.len() < 500,
            "{path}: {message}"
        );
    }
    let split = json!({"name": "X-A", "value": "b\r\nX-C: d"});
    let node = ended(
        site,
        json!({"http": {"url": peer.at("echo"), "headers": [split]}}),
    )
    .await?;
    ensure!(
        node.message
            .clone()
            .unwrap_or_default()
            .contains("(http.request)"),
        "{node:?}"
    );
    Ok(())
}

async fn s05_a_credential_does_not_follow_a_redirect_to_another_host(world: &World) -> Result<()> {
    let (site, peer, other) = (
        world.process().await?,
        Peer::open().await?,
        Peer::open().await?,
    );
    let secret = json!({"name": "Authorization", "value": "Bearer canary"});
    for (target, kept) in [(peer.at("echo"), true), (other.at("echo"), false)] {
        let url = peer.at(&format!("to/{target}"));
        let node = ended(
            site,
            json!({"http": {"url": url, "headers": [secret.clone()]}}),
        )
        .await?;
        let echoed = node.result.clone().unwrap_or_default();
        ensure!(echoed.contains("canary") == kept, "{target}: {echoed}");
    }
    Ok(())
}

async fn a_request_that_hangs_is_cancelled_and_timed_out(world: &World) -> Result<()> {
    let (site, mut peer) = (world.process().await?, Peer::open().await?);
    let hang = peer.at("hang");
    for limits in [
        json!({"http": {"url": hang, "timeoutSeconds": 1}}),
        json!({"http": {"url": hang}, "timeout": "1s"}),
        json!({"http": {"url": hang}, "activeDeadlineSeconds": 1}),
    ] {
        let node = ended(site, limits).await?;
        ensure!(node.phase == NodePhase::Failed, "{node:?}");
        peer.came.recv().await.context("no request")?;
    }
    let name = site
        .submit(&workflow(json!({"http": {"url": hang}})))
        .await?;
    peer.came.recv().await.context("no request")?;
    let client = site.as_a(Who::Member(Role::Submitter));
    client
        .call::<StopRun>(&[OURS, &name], &(), &NodeVerb::default())
        .await?;
    site.ended(&name).await?;
    let node = nodes(site, &name).await?.remove(0);
    ensure!(
        node.message.clone().unwrap_or_default().contains("Stop"),
        "{node:?}"
    );
    Ok(())
}

async fn a_request_is_made_again_under_the_same_key_after_a_crash(_: &World) -> Result<()> {
    let mut peer = Peer::open().await?;
    let mut server = Server::start(Level::Process).await?;
    let template = json!({"http": {"url": peer.at("hang"), "timeoutSeconds": 5}});
    let submission = Submission {
        text: Some(workflow(template)),
        ..Submission::default()
    };
    let client = server.client();
    let made = client
        .call::<SubmitRun>(&["default"], &(), &submission)
        .await?;
    let first = key(&peer.came.recv().await.context("no request")?);
    server.kill()?;
    server.restart().await?;
    let second = key(&peer.came.recv().await.context("no second request")?);
    ensure!(!first.is_empty() && first == second, "{first} {second}");
    let name = made.run.name;
    wait::until("the end of the run", async || {
        let run = client.call::<GetRun>(&["default", &name], &(), &()).await?;
        Ok(run.summary.phase.completed().then_some(()))
    })
    .await?;
    server.stop()?;
    Ok(())
}
