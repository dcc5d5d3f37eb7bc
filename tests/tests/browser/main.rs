//! The page in a real Chromium against a real server: what a person sees, and that the browser had
//! nothing to complain about (a broken content security policy is such a complaint).

#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test fails by panicking"
)]

use std::process::Command;

use steading_tests::{Browser, Level, Server};

const GREETS: &str = "
apiVersion: argoproj.io/v1alpha1
kind: Workflow
metadata: {name: greets}
spec:
  entrypoint: main
  templates:
    - name: main
      container: {image: host, command: [echo, hello from the page]}
";

const FAILS: &str = "
apiVersion: argoproj.io/v1alpha1
kind: Workflow
metadata: {name: breaks}
spec:
  entrypoint: main
  templates:
    - name: main
      steps:
        - - {name: crack, template: crack}
        - - {name: never, template: crack}
    - name: crack
      container: {image: host, command: [sh, -c, 'echo the last words; exit 3']}
";

const WAITS: &str = "
apiVersion: argoproj.io/v1alpha1
kind: Workflow
metadata: {name: lingers}
spec:
  entrypoint: main
  templates:
    - name: main
      suspend: {}
";

/// Submits a document; with `--wait`, the run may succeed or fail.
fn submit(server: &Server, document: &str, options: &[&str]) {
    let file = server.data().join("submitted.yaml");
    std::fs::write(&file, document).unwrap();
    let mut command: Command = server.command().unwrap();
    let output = command
        .arg("submit")
        .arg(file)
        .args(options)
        .output()
        .unwrap();
    let code = output.status.code();
    assert!(
        code == Some(0) || code == Some(1),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
}

fn login_link(server: &Server) -> String {
    let mut command = server.command().unwrap();
    let output = command.args(["login", "--link"]).output().unwrap();
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

/// Opens the page of a server by a one-time link; none without a browser.
async fn opened(server: &Server, width: u32) -> Option<Browser> {
    let browser = Browser::open(width, 900).await.unwrap()?;
    browser.go(&login_link(server)).await.unwrap();
    browser.element("section.list").await.unwrap();
    Some(browser)
}

async fn no_complaints(browser: &Browser) {
    assert_eq!(browser.complaints().await.unwrap(), Vec::<String>::new());
}

#[tokio::test]
async fn a_one_time_link_logs_in_and_leads_from_the_list_to_the_log() {
    let server = Server::start(Level::Process).await.unwrap();
    submit(&server, GREETS, &["--wait"]);
    let Some(browser) = opened(&server, 1280).await else {
        return;
    };
    browser.shows("greets").await.unwrap();
    browser.shows("Succeeded").await.unwrap();
    let row = browser.element("table.runs a").await.unwrap();
    browser.click(&row).await.unwrap();
    browser.shows("hello from the page").await.unwrap();
    no_complaints(&browser).await;
}

#[tokio::test]
async fn a_failed_run_shows_its_root_cause_before_anything_else() {
    let server = Server::start(Level::Process).await.unwrap();
    submit(&server, FAILS, &["--wait"]);
    let Some(browser) = opened(&server, 400).await else {
        return;
    };
    browser.shows("breaks").await.unwrap();
    let row = browser.element("table.runs a").await.unwrap();
    browser.click(&row).await.unwrap();
    browser.shows("exit code 3").await.unwrap();
    browser.shows("the last words").await.unwrap();
    let overflow = "return document.documentElement.scrollWidth > window.innerWidth";
    assert_eq!(browser.script(overflow).await.unwrap(), false);
    no_complaints(&browser).await;
}

#[tokio::test]
async fn the_list_is_live() {
    let server = Server::start(Level::Process).await.unwrap();
    let Some(browser) = opened(&server, 1280).await else {
        return;
    };
    browser.element("section.empty").await.unwrap();
    submit(&server, WAITS, &[]);
    browser.shows("lingers").await.unwrap();
    browser.shows("Running").await.unwrap();
    let output = server
        .command()
        .unwrap()
        .args(["terminate", "lingers"])
        .output()
        .unwrap();
    assert!(output.status.success());
    browser.shows("Failed").await.unwrap();
    no_complaints(&browser).await;
}

#[tokio::test]
async fn a_link_logs_in_only_once() {
    let server = Server::start(Level::Process).await.unwrap();
    let link = login_link(&server);
    let Some(first) = Browser::open(1280, 900).await.unwrap() else {
        return;
    };
    first.go(&link).await.unwrap();
    first.element("section.empty").await.unwrap();

    let second = Browser::open(1280, 900).await.unwrap().unwrap();
    second.go(&link).await.unwrap();
    second.element("section.login").await.unwrap();
}
