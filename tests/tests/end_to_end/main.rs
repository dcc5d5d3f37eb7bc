//! Whole runs through the real program: submitted on the command line, run in images, told by exit codes.

#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test fails by panicking"
)]

mod expiry;
mod locks;
mod nextflow;
mod pod;

use std::path::Path;
use std::process::Output;

use steading_tests::{Level, Server};

fn submit(server: &Server, file: &Path) -> Output {
    server
        .command()
        .unwrap()
        .args(["submit", "--wait"])
        .arg(file)
        .output()
        .unwrap()
}

fn tree(server: &Server, run: &str) -> String {
    let mut command = server.command().unwrap();
    let output = command.args(["get", run]).output().unwrap();
    String::from_utf8(output.stdout).unwrap()
}

fn pipeline() -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../server/xtask/demo/estimate-pi.yaml")
}

#[tokio::test]
async fn the_demo_pipeline_fans_out_retries_and_reports() {
    let server = Server::start(Level::Image).await.unwrap();
    for image in [
        "alpine_3.23.tar",
        "argoproj_argosay_v2.tar",
        "python_alpine3.23.tar",
    ] {
        server.import(image).unwrap();
    }
    let output = submit(&server, &pipeline());
    let tree = tree(&server, "estimate-pi");
    assert_eq!(output.status.code(), Some(0), "{tree}\n{}", server.words());
    for step in [
        "throw(7:",
        "✖ publish(0)",
        "✔ publish(1)",
        "✔ estimate-pi.onExit",
    ] {
        assert!(tree.contains(step), "{step} is not in\n{tree}");
    }
    assert!(tree.contains("3.14132"), "{tree}");
}

#[tokio::test]
async fn a_missing_image_is_named_with_the_way_to_bring_it() {
    let server = Server::start(Level::Image).await.unwrap();
    let output = submit(&server, &pipeline());
    assert_eq!(output.status.code(), Some(1), "{}", server.words());
    let tree = tree(&server, "estimate-pi");
    assert!(tree.contains("python:alpine3.23"), "{tree}");
    assert!(tree.contains("image import"), "{tree}");
}

#[tokio::test]
async fn finished_runs_are_there_after_a_crash() {
    let mut server = Server::start(Level::Process).await.unwrap();
    let file = server.data().join("greets.yaml");
    let document = "
apiVersion: argoproj.io/v1alpha1
kind: Workflow
metadata: {name: greets}
spec:
  entrypoint: main
  templates:
    - name: main
      container: {image: host, command: [echo, hello]}
";
    std::fs::write(&file, document).unwrap();
    assert_eq!(
        submit(&server, &file).status.code(),
        Some(0),
        "{}",
        server.words()
    );
    server.kill().unwrap();
    server.restart().await.unwrap();
    assert!(tree(&server, "greets").contains("Succeeded"));
    let mut command = server.command().unwrap();
    let logs = command.args(["logs", "greets"]).output().unwrap();
    assert!(String::from_utf8_lossy(&logs.stdout).contains("hello"));
}
