//! Whatever a guest does ends its own call and nothing else.

use std::sync::Arc;
use std::time::Duration;

use steading_plugin_host::capability::{LogLevel, Services};
use steading_plugin_host::compute::SubmitStep;
use steading_plugin_host::{Limits, Plugin, PluginError};

use crate::guests::{Lines, context, job, load_stranger, refused};

fn limits() -> Limits {
    Limits {
        cpu: Duration::from_millis(100),
        transfer: 4 * 1024 * 1024,
        ..Limits::default()
    }
}

async fn submit(plugin: &Plugin, behaviour: &str) -> Result<SubmitStep, PluginError> {
    plugin
        .submit(&context(behaviour), &job("attempt"), None)
        .await
}

/// The plugin still answers.
async fn works(plugin: &Plugin) {
    let step = submit(plugin, "ok").await.unwrap();
    assert!(matches!(step, SubmitStep::Accepted(a) if a.handle == "attempt"));
}

#[tokio::test]
async fn every_attack_ends_its_call_with_a_code_and_the_next_call_works() {
    let (_host, plugin) = load_stranger(Services::default(), limits());
    for (behaviour, code) in [
        ("panic", "plugin.trap"),
        ("loop", "plugin.deadline"),
        ("memory", "plugin.memory"),
        ("log-flood", "plugin.budget"),
        ("host-calls", "plugin.budget"),
        ("random-flood", "plugin.budget"),
        ("huge-argument", "plugin.answer-too-large"),
        ("huge-handle", "plugin.answer-too-large"),
        ("huge-state", "plugin.answer-too-large"),
    ] {
        assert_eq!(
            refused(submit(&plugin, behaviour).await),
            code,
            "{behaviour}"
        );
        works(&plugin).await;
    }
}

#[tokio::test]
async fn a_huge_answer_is_refused_before_it_is_copied() {
    let (_host, plugin) = load_stranger(Services::default(), limits());
    let context = context("huge-answer");
    let one = ["a".to_owned()];
    assert_eq!(
        refused(plugin.poll(&context, &one).await),
        "plugin.answer-too-large"
    );
    let more_than_asked = plugin.logs(&context, "a", "", None, 10).await;
    assert_eq!(refused(more_than_asked), "plugin.answer-too-large");
    works(&plugin).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn attacks_at_the_same_time_do_not_disturb_other_calls() {
    let (_host, plugin) = load_stranger(Services::default(), limits());
    let attack = |behaviour: &'static str| {
        let plugin = Arc::clone(&plugin);
        tokio::spawn(async move { refused(submit(&plugin, behaviour).await) })
    };
    let attacks: Vec<_> = ["loop", "memory", "panic", "log-flood", "loop", "memory"]
        .into_iter()
        .map(attack)
        .collect();
    for _ in 0..200 {
        works(&plugin).await;
    }
    for attack in attacks {
        assert_ne!(attack.await.unwrap(), "");
    }
}

#[tokio::test]
async fn nothing_of_one_call_is_seen_by_the_next() {
    let (_host, plugin) = load_stranger(Services::default(), limits());
    for _ in 0..3 {
        let calls_seen = plugin
            .migrate_config(&context("{}"), 0, "{}")
            .await
            .unwrap();
        assert_eq!(calls_seen, "1");
    }
}

#[tokio::test]
async fn the_text_of_a_panic_reaches_the_operator() {
    let lines = Arc::new(Lines::default());
    let services = Services {
        log: Arc::clone(&lines) as Arc<_>,
        ..Services::default()
    };
    let (_host, plugin) = load_stranger(services, limits());
    let error = submit(&plugin, "panic").await.unwrap_err();
    assert!(error.to_string().contains("gives up on attempt"), "{error}");
    let lines = lines.0.lock().unwrap();
    assert_eq!(lines.len(), 1);
    assert_eq!(lines[0].0, LogLevel::Error);
}

#[tokio::test]
async fn log_lines_beyond_the_budget_are_dropped_with_one_mark() {
    let lines = Arc::new(Lines::default());
    let services = Services {
        log: Arc::clone(&lines) as Arc<_>,
        ..Services::default()
    };
    let (_host, plugin) = load_stranger(services, limits());
    assert!(submit(&plugin, "talkative").await.is_ok());
    let lines = lines.0.lock().unwrap();
    let bytes: usize = lines.iter().map(|(_, line)| line.len()).sum();
    assert!(bytes <= limits().log_bytes + 200, "{bytes}");
    assert!(lines.last().unwrap().1.contains("dropped"));
    assert!(lines.len() < 100);
}

#[tokio::test]
async fn a_step_goes_on_from_the_state_that_the_host_kept() {
    let (_host, plugin) = load_stranger(Services::default(), limits());
    let context = context("two-steps");
    let SubmitStep::Again(again) = plugin.submit(&context, &job("a"), None).await.unwrap() else {
        panic!("the first step asks for a second");
    };
    let second = plugin
        .submit(&context, &job("a"), Some(&again.state))
        .await
        .unwrap();
    assert!(matches!(second, SubmitStep::Accepted(a) if a.handle == "a"));
}

#[tokio::test]
async fn what_the_plugin_itself_refuses_keeps_its_own_code() {
    let (_host, plugin) = load_stranger(Services::default(), limits());
    let step = submit(&plugin, "refuse").await.unwrap();
    assert!(matches!(step, SubmitStep::Failed(e) if e.code == "stranger.full"));
    let handles = ["a".to_owned()];
    match plugin.poll(&context("error"), &handles).await.unwrap_err() {
        PluginError::Answered(error) => assert_eq!(error.code, "stranger.login"),
        other => panic!("{other}"),
    }
}

#[tokio::test]
async fn an_answer_in_another_order_than_asked_is_refused() {
    let (_host, plugin) = load_stranger(Services::default(), limits());
    let handles = ["a".to_owned(), "b".to_owned()];
    let outcome = plugin.poll(&context("wrong-order"), &handles).await;
    assert_eq!(refused(outcome), "plugin.answer-invalid");
}

#[tokio::test]
async fn statuses_that_are_too_much_for_one_answer_are_asked_in_parts() {
    let (_host, plugin) = load_stranger(Services::default(), limits());
    let handles: Vec<String> = (0..300).map(|n| n.to_string()).collect();
    let statuses = plugin
        .poll(&context("long-answer"), &handles)
        .await
        .unwrap();
    assert!(statuses.iter().map(|s| &s.handle).eq(&handles));
}
