//! Tasks of several containers, and tasks that others talk to.

use std::collections::BTreeSet;
use std::path::PathBuf;

use steading_tests::{Level, Server, wait};

use crate::tree;

/// `approve` waits for a person while `serve` serves: the moment in which the server is killed.
const COMPANY: &str = "
apiVersion: argoproj.io/v1alpha1
kind: Workflow
metadata: {name: company}
spec:
  entrypoint: main
  templates:
  - name: main
    steps:
    - - {name: serve, template: serve}
    - - name: before
        template: ask
        arguments: {parameters: [{name: ip, value: '{{steps.serve.ip}}'}]}
      - {name: beside, template: beside}
      - {name: set, template: set}
    - - {name: approve, template: approve}
    - - name: after
        template: ask
        arguments: {parameters: [{name: ip, value: '{{steps.serve.ip}}'}]}
      - {name: said, template: say, arguments: {parameters: [{name: text, value: '{{steps.set.outputs.result}}'}]}}
  - name: serve
    daemon: true
    container:
      image: nginx:1.13
      readinessProbe: {httpGet: {path: /, port: 80}, periodSeconds: 1}
  - name: ask
    inputs: {parameters: [{name: ip}]}
    container:
      image: curlimages/curl:latest
      args: [--silent, --show-error, --fail, 'http://{{inputs.parameters.ip}}/']
  - name: beside
    container:
      image: curlimages/curl:latest
      args: [--silent, --retry, '60', --retry-connrefused, --retry-delay, '1', --fail, 'http://127.0.0.1/']
    sidecars:
    - {name: web, image: 'nginx:1.13'}
  - name: set
    containerSet:
      volumeMounts: [{name: shared, mountPath: /shared}]
      containers:
      - {name: main, image: busybox, command: [sh, -c, 'paste -s -d, /shared/order'], dependencies: [second]}
      - {name: second, image: busybox, command: [sh, -c, 'echo second >> /shared/order'], dependencies: [first]}
      - {name: first, image: busybox, command: [sh, -c, 'echo first >> /shared/order']}
    volumes: [{name: shared, emptyDir: {}}]
  - name: approve
    suspend: {}
  - name: say
    inputs: {parameters: [{name: text}]}
    container: {image: busybox, command: [echo, 'the set wrote {{inputs.parameters.text}}']}
";

fn output(server: &Server, arguments: &[&str]) -> String {
    let output = server.command().unwrap().args(arguments).output().unwrap();
    assert!(output.status.success(), "{arguments:?}: {output:?}");
    String::from_utf8(output.stdout).unwrap()
}

async fn shows(server: &Server, text: &str) {
    let waited = wait::until(text, async || {
        Ok(tree(server, "company").contains(text).then_some(()))
    });
    if let Err(error) = waited.await {
        panic!("{error}\n{}\n{}", tree(server, "company"), server.words());
    }
}

/// The host's own interfaces.
fn interfaces() -> BTreeSet<PathBuf> {
    let entries = std::fs::read_dir("/sys/class/net").unwrap();
    entries.map(|entry| entry.unwrap().path()).collect()
}

#[tokio::test]
async fn containers_beside_each_other_outlive_the_server_and_leave_nothing() {
    let mut server = Server::start(Level::Image).await.unwrap();
    for image in [
        "busybox.tar",
        "nginx_1.13.tar",
        "curlimages_curl_latest.tar",
    ] {
        server.import(image).unwrap();
    }
    let interfaces_before = interfaces();
    let file = server.data().join("company.yaml");
    std::fs::write(&file, COMPANY).unwrap();
    output(&server, &["submit", file.to_str().unwrap()]);
    shows(&server, "approve").await;
    let networks = server.networks().unwrap();
    assert!(!networks.is_empty(), "the daemon has a network");

    server.kill().unwrap();
    server.restart().await.unwrap();
    output(&server, &["resume", "company"]);
    output(&server, &["wait", "company"]);
    let tree = tree(&server, "company");
    assert!(tree.contains("Succeeded"), "{tree}");
    let logs = output(&server, &["logs", "company", "--no-prefix"]);
    assert!(
        logs.contains("the set wrote first,second"),
        "{tree}\n{logs}"
    );
    let welcomes = logs.matches("<title>Welcome to nginx!</title>").count();
    assert_eq!(welcomes, 3, "before, beside and after: {logs}");

    assert!(server.stop().unwrap().success(), "{}", server.words());
    assert_eq!(server.left_behind().await.unwrap(), [""; 0]);
    let users = wait::until("the run's networks to be gone", async || {
        let users = steading_tests::server::in_networks(&networks)?;
        Ok(users.is_empty().then_some(()))
    });
    users.await.unwrap();
    assert_eq!(interfaces(), interfaces_before);
}
