//! The page without a pointer.

use steading_tests::browser::keys::{ENTER, ESCAPE};
use steading_tests::{Level, Server};

use crate::workflows::FAILS;
use crate::{WIDE, all_is_well, opened, submit};

#[tokio::test]
async fn keys_lead_from_the_list_to_a_step_and_its_log() {
    let server = Server::start(Level::Process).await.unwrap();
    submit(&server, FAILS, &["--wait"]);
    let Some(browser) = opened(&server, WIDE).await else {
        return;
    };
    browser.element("table.runs a").await.unwrap();
    browser.press("j").await.unwrap();
    browser
        .holds("document.activeElement.matches('.runs a.name')")
        .await
        .unwrap();
    browser.press(ENTER).await.unwrap();
    browser.element("#tree .row").await.unwrap();

    browser.press("j").await.unwrap();
    browser
        .holds("document.activeElement.id === 'tree'")
        .await
        .unwrap();
    let before = "document.querySelector('#tree').getAttribute('aria-activedescendant')";
    let before = browser.script(&format!("return {before}")).await.unwrap();
    browser.press("k").await.unwrap();
    browser
        .holds(&format!(
            "document.querySelector('#tree').getAttribute('aria-activedescendant') !== {before}"
        ))
        .await
        .unwrap();

    browser.press("/").await.unwrap();
    browser
        .holds("document.activeElement.id === 'find'")
        .await
        .unwrap();
    browser.press(ESCAPE).await.unwrap();
    browser.press("n").await.unwrap();
    browser
        .holds("document.querySelector('.panel .node-name')?.innerText === 'crack'")
        .await
        .unwrap();
    browser.press("l").await.unwrap();
    browser
        .holds("document.activeElement.id === 'log'")
        .await
        .unwrap();
    browser.press("g").await.unwrap();
    browser.element(".graph svg").await.unwrap();

    browser.press("?").await.unwrap();
    browser.element("dialog[open] .keys").await.unwrap();
    browser.press(ESCAPE).await.unwrap();
    browser
        .holds("!document.querySelector('dialog[open]')")
        .await
        .unwrap();
    all_is_well(&browser).await;
}
