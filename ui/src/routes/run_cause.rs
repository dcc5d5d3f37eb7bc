//! Fetches the last words of the step that failed first.

use leptos::prelude::*;
use leptos::task::spawn_local;
use steading_api::log::{LogLine, LogQuery};
use steading_api::node::NodeBody;
use steading_api::operations::GetLogs;
use steading_api::run::RunDetail;

use crate::api;
use crate::components::cause_card::CauseCard;
use crate::nodes::has_log;

/// Lines that are shown.
const LAST_WORDS: u32 = 40;

/// Only there when the run has a cause of failure.
#[component]
pub(crate) fn Cause(
    tenant: String,
    run: String,
    detail: Memo<Option<RunDetail>>,
    on_open: Callback<u32>,
) -> impl IntoView {
    let cause = Memo::new(move |_| {
        detail.with(|detail| detail.as_ref().and_then(|detail| detail.cause.clone()))
    });
    let omitted = Memo::new(move |_| {
        detail.with(|detail| {
            detail
                .as_ref()
                .and_then(|detail| detail.counts.get("Omitted").copied())
                .unwrap_or_default()
        })
    });
    let place = StoredValue::new((tenant, run));
    move || {
        let cause = cause.get()?;
        let lines = last_words(place, &cause);
        Some(view! { <CauseCard cause lines omitted=omitted.get() on_open/> })
    }
}

fn last_words(
    place: StoredValue<(String, String)>,
    cause: &NodeBody,
) -> Signal<Option<Vec<LogLine>>> {
    let lines = RwSignal::new(None);
    if has_log(cause.kind) {
        let query = LogQuery {
            node: Some(cause.ix),
            tail: Some(LAST_WORDS),
            ..LogQuery::default()
        };
        let (tenant, run) = place.get_value();
        spawn_local(async move {
            // Without them the card still says what happened.
            if let Ok(page) = api::call::<GetLogs>(&[&tenant, &run], &query, &()).await {
                lines.try_set(Some(page.lines));
            }
        });
    }
    lines.into()
}
