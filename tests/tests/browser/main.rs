//! The page in a real Chromium against a real server: what a person sees, and that the browser had
//! nothing to complain about (a broken content security policy is such a complaint).

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test fails by panicking"
)]

mod docs;
mod keyboard;
mod list;
mod login;
mod run;
mod workflows;

use std::process::Output;

use steading_api::operation::Method;
use steading_tests::{Browser, Server, program};

const WIDE: u32 = 1280;
const NARROW: u32 = 400;

/// The operator's command line.
fn steading(server: &Server, arguments: &[&str]) -> Output {
    let mut command = server.command().unwrap();
    command.args(arguments).output().unwrap()
}

/// Submits a document; with `--wait`, the run may succeed or fail.
fn submit(server: &Server, document: &str, options: &[&str]) {
    let file = server.data().join("submitted.yaml");
    std::fs::write(&file, document).unwrap();
    let output = steading(
        server,
        &[&["submit", file.to_str().unwrap()], options].concat(),
    );
    let code = output.status.code();
    assert!(
        code == Some(0) || code == Some(1),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
}

fn login_link(server: &Server) -> String {
    let output = steading(server, &["login", "--link"]);
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

/// A window on nothing; none without a browser, or without a page in the program.
async fn window(server: &Server, width: u32) -> Option<Browser> {
    let index = server.client().request(Method::Get, "/").send().await;
    let media = index.unwrap().headers()["content-type"].clone();
    if media.to_str().unwrap().starts_with("text/plain") {
        program::without("the program's page", "cargo xtask build").unwrap();
        return None;
    }
    Browser::open(width, 900).await.unwrap()
}

/// The page of a server, opened by a one-time link.
async fn opened(server: &Server, width: u32) -> Option<Browser> {
    let browser = window(server, width).await?;
    browser.go(&login_link(server)).await.unwrap();
    browser.element("section.list").await.unwrap();
    Some(browser)
}

/// The page of the run of that name, by its address.
async fn open_run(server: &Server, browser: &Browser, run: &str) {
    let address = format!("http://{}/#/runs/default/{run}", server.address());
    browser.go(&address).await.unwrap();
    browser.element("article.run").await.unwrap();
}

/// Nothing was refused, nothing went wrong, nothing came from elsewhere, nothing sticks out sideways.
async fn all_is_well(browser: &Browser) {
    assert_eq!(browser.complaints().await.unwrap(), Vec::<String>::new());
    let foreign = "return performance.getEntriesByType('resource').map(entry => entry.name)
        .filter(name => new URL(name).origin !== location.origin)";
    assert_eq!(
        browser.script(foreign).await.unwrap(),
        serde_json::json!([])
    );
    let overflow = "return document.documentElement.scrollWidth > window.innerWidth";
    assert_eq!(browser.script(overflow).await.unwrap(), false);
}
