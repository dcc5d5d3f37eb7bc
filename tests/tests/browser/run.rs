//! The page of one run.

use steading_tests::browser::keys::ENTER;
use steading_tests::{Level, Server};

use crate::workflows::{CROWD, FAILS, GREETS, WAITS};
use crate::{NARROW, WIDE, all_is_well, open_run, opened, submit};

#[tokio::test]
async fn a_one_time_link_leads_from_the_list_to_the_log() {
    let server = Server::start(Level::Process).await.unwrap();
    submit(&server, GREETS, &["--wait"]);
    let Some(browser) = opened(&server, WIDE).await else {
        return;
    };
    browser.shows("Succeeded").await.unwrap();
    let row = browser.element("table.runs a").await.unwrap();
    browser.click(&row).await.unwrap();
    browser.shows("hello from the page").await.unwrap();
    browser.shows("goodbye").await.unwrap();

    let search = browser.element("#grep").await.unwrap();
    browser
        .type_into(&search, &format!("^good{ENTER}"))
        .await
        .unwrap();
    let only = "document.querySelectorAll('#log p').length === 1
        && document.querySelector('#log').innerText.includes('goodbye')";
    browser.holds(only).await.unwrap();
    all_is_well(&browser).await;
}

#[tokio::test]
async fn a_failed_run_shows_its_root_cause_before_anything_else() {
    let server = Server::start(Level::Process).await.unwrap();
    submit(&server, FAILS, &["--wait"]);
    for width in [WIDE, NARROW] {
        let Some(browser) = opened(&server, width).await else {
            return;
        };
        open_run(&server, &browser, "breaks").await;
        // The failed attempt of the retried step came first, and is not the cause.
        browser
            .holds("document.querySelector('#cause-title')?.innerText === 'crack failed first'")
            .await
            .unwrap();
        browser
            .holds("document.querySelector('.last-words')?.innerText.includes('the last words')")
            .await
            .unwrap();
        browser.shows("exit code 3").await.unwrap();
        browser.shows("20/20").await.unwrap();
        browser.shows("breaks.onExit").await.unwrap();
        let graph = browser.button("Graph").await.unwrap();
        browser.click(&graph).await.unwrap();
        browser.element(".graph .box.failed").await.unwrap();
        all_is_well(&browser).await;
    }
}

#[tokio::test]
async fn a_run_that_went_well_in_the_end_names_no_cause() {
    let server = Server::start(Level::Process).await.unwrap();
    submit(&server, &FAILS.replace("exit 3", "exit 0"), &["--wait"]);
    let Some(browser) = opened(&server, WIDE).await else {
        return;
    };
    open_run(&server, &browser, "breaks").await;
    browser.element("#tree .row").await.unwrap();
    let causes = "return document.querySelectorAll('.cause').length";
    assert_eq!(browser.script(causes).await.unwrap(), 0);
    all_is_well(&browser).await;
}

#[tokio::test]
async fn a_run_is_stopped_retried_and_resumed_by_its_buttons() {
    let server = Server::start(Level::Process).await.unwrap();
    submit(&server, WAITS, &[]);
    let Some(browser) = opened(&server, WIDE).await else {
        return;
    };
    open_run(&server, &browser, "lingers").await;
    for (word, state) in [("Stop", "failed"), ("Retry", "running")] {
        let button = browser.button(word).await.unwrap();
        browser.click(&button).await.unwrap();
        let question = browser.element("dialog[open] h2").await.unwrap();
        assert_eq!(
            browser.text(&question).await.unwrap(),
            format!("{word} lingers?")
        );
        let why = browser.element("dialog[open] input").await.unwrap();
        let reason = format!("because of {word}{ENTER}");
        browser.type_into(&why, &reason).await.unwrap();
        let mark = format!(".run-name .mark.{state}");
        browser.element(&mark).await.unwrap();
    }
    let resume = browser.button("Resume this step").await.unwrap();
    browser.click(&resume).await.unwrap();
    browser.shows("verdict").await.unwrap();
    let verdict = browser.element("dialog[open] input").await.unwrap();
    browser
        .type_into(&verdict, &format!("good enough{ENTER}"))
        .await
        .unwrap();
    browser.element(".run-name .mark.succeeded").await.unwrap();
    for told in [
        "stopped it",
        "because of Stop",
        "because of Retry",
        "verdict = good enough",
    ] {
        browser.shows(told).await.unwrap();
    }
    all_is_well(&browser).await;
}

#[tokio::test]
async fn ten_thousand_nodes_scroll_like_ten() {
    let server = Server::start(Level::Process).await.unwrap();
    submit(&server, CROWD, &[]);
    let Some(browser) = opened(&server, WIDE).await else {
        return;
    };
    open_run(&server, &browser, "crowd").await;
    browser
        .holds("/10.002 nodes/.test(document.body.innerText)")
        .await
        .unwrap();
    let few = "document.querySelectorAll('#tree .row').length";
    browser
        .holds(&format!("{few} > 5 && {few} < 200"))
        .await
        .unwrap();
    let find = browser.element("#find").await.unwrap();
    browser
        .type_into(&find, &format!("each(9876{ENTER}"))
        .await
        .unwrap();
    browser
        .holds("document.querySelector('#tree').innerText.includes('each(9876:')")
        .await
        .unwrap();
    all_is_well(&browser).await;
}

#[tokio::test]
async fn a_run_that_does_not_exist_is_said_with_its_code() {
    let server = Server::start(Level::Process).await.unwrap();
    let Some(browser) = opened(&server, NARROW).await else {
        return;
    };
    let address = format!("http://{}/#/runs/default/nowhere", server.address());
    browser.go(&address).await.unwrap();
    browser.shows("There is no such thing here").await.unwrap();
    browser.shows("run.not-found").await.unwrap();
}
