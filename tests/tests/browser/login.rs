//! Who may see the page's data.

use steading_tests::browser::keys::ENTER;
use steading_tests::{Level, Server};

use crate::workflows::WAITS;
use crate::{WIDE, all_is_well, login_link, steading, submit, window};

#[tokio::test]
async fn a_link_logs_in_only_once() {
    let server = Server::start(Level::Process).await.unwrap();
    let link = login_link(&server);
    let Some(first) = window(&server, WIDE).await else {
        return;
    };
    first.go(&link).await.unwrap();
    first.element("section.empty").await.unwrap();
    all_is_well(&first).await;

    let second = window(&server, WIDE).await.unwrap();
    second.go(&link).await.unwrap();
    second.element("section.login").await.unwrap();
    second.shows("auth.code-used").await.unwrap();
}

#[tokio::test]
async fn a_wrong_token_is_refused_and_a_right_one_is_not_readable_by_scripts() {
    let server = Server::start(Level::Process).await.unwrap();
    let Some(browser) = window(&server, WIDE).await else {
        return;
    };
    browser
        .go(&format!("http://{}/", server.address()))
        .await
        .unwrap();
    let field = browser.element("#token").await.unwrap();
    let wrong = format!("wrong{ENTER}");
    browser.type_into(&field, &wrong).await.unwrap();
    browser.shows("auth.token").await.unwrap();

    let field = browser.element("#token").await.unwrap();
    let right = format!("{}{ENTER}", server.token());
    browser.type_into(&field, &right).await.unwrap();
    browser.element("section.empty").await.unwrap();
    let kept = "return document.cookie + localStorage.length + sessionStorage.length";
    assert_eq!(browser.script(kept).await.unwrap(), "00");

    let out = browser.button("Log out").await.unwrap();
    browser.click(&out).await.unwrap();
    browser.element("section.login").await.unwrap();
}

#[tokio::test]
async fn a_viewer_sees_the_own_tenant_alone_and_no_buttons() {
    let server = Server::start(Level::Process).await.unwrap();
    assert!(
        steading(&server, &["tenant", "create", "genomics"])
            .status
            .success()
    );
    let made = steading(
        &server,
        &[
            "token", "create", "-n", "genomics", "--role", "viewer", "ann",
        ],
    );
    let token = String::from_utf8(made.stdout).unwrap();
    submit(&server, WAITS, &["-n", "genomics"]);
    let Some(browser) = window(&server, WIDE).await else {
        return;
    };
    browser
        .go(&format!("http://{}/", server.address()))
        .await
        .unwrap();
    let field = browser.element("#token").await.unwrap();
    let line = format!("{}{ENTER}", token.trim());
    browser.type_into(&field, &line).await.unwrap();
    let row = browser.element("table.runs a").await.unwrap();
    let tenants = "return [...document.querySelectorAll('.tenant option')].map(one => one.value)";
    assert_eq!(
        browser.script(tenants).await.unwrap(),
        serde_json::json!(["genomics"])
    );
    browser.click(&row).await.unwrap();
    browser.element("article.run #tree .row").await.unwrap();
    let buttons = "return document.querySelectorAll('.verbs button').length";
    assert_eq!(browser.script(buttons).await.unwrap(), 0);
}
