//! The list of runs.

use steading_tests::browser::keys::ENTER;
use steading_tests::{Level, Server};

use crate::workflows::{GREETS, WAITS};
use crate::{NARROW, WIDE, all_is_well, opened, steading, submit};

#[tokio::test]
async fn the_list_is_live() {
    let server = Server::start(Level::Process).await.unwrap();
    let Some(browser) = opened(&server, WIDE).await else {
        return;
    };
    browser.shows("Nothing has run here yet").await.unwrap();
    submit(&server, WAITS, &[]);
    browser.shows("lingers").await.unwrap();
    browser.shows("Running").await.unwrap();
    assert!(
        steading(&server, &["terminate", "lingers"])
            .status
            .success()
    );
    browser.element(".runs .run-failed").await.unwrap();
    all_is_well(&browser).await;
}

#[tokio::test]
async fn a_filter_stands_in_the_address_and_says_when_nothing_matches() {
    let server = Server::start(Level::Process).await.unwrap();
    submit(&server, GREETS, &["--wait"]);
    let Some(browser) = opened(&server, NARROW).await else {
        return;
    };
    browser.element("table.runs a").await.unwrap();
    all_is_well(&browser).await;
    let failed = browser.button("Failed").await.unwrap();
    browser.click(&failed).await.unwrap();
    browser.shows("No run matches").await.unwrap();
    browser
        .holds("location.hash.includes('phase=Failed')")
        .await
        .unwrap();
    let all = browser.button("All").await.unwrap();
    browser.click(&all).await.unwrap();
    let name = browser.element("#filter-name").await.unwrap();
    browser
        .type_into(&name, &format!("gree{ENTER}"))
        .await
        .unwrap();
    browser
        .holds("location.hash.includes('name=gree')")
        .await
        .unwrap();
    browser.element("table.runs a").await.unwrap();
    all_is_well(&browser).await;
}

#[tokio::test]
async fn a_lost_server_is_said_and_found_again() {
    let mut server = Server::start(Level::Process).await.unwrap();
    let Some(browser) = opened(&server, NARROW).await else {
        return;
    };
    browser.element(".link.live").await.unwrap();
    server.kill().unwrap();
    browser.shows("Connection lost").await.unwrap();
    server.restart().await.unwrap();
    browser.element(".link.live").await.unwrap();
    submit(&server, WAITS, &[]);
    browser.shows("lingers").await.unwrap();
}
