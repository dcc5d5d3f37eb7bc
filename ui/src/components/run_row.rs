//! One run of the list.

use leptos::prelude::*;
use steading_api::run::RunSummary;
use steading_types::Millis;

use crate::browser;
use crate::components::state_mark::StateMark;
use crate::format::{ago, elapsed, run_state};
use crate::route::Route;

/// A row; its values change in place, so that the focus stays.
#[component]
pub(crate) fn RunRow(run: Memo<Option<RunSummary>>, now: RwSignal<Millis>) -> impl IntoView {
    let of = move |read: fn(&RunSummary) -> String| {
        move || run.with(|run| run.as_ref().map(read).unwrap_or_default())
    };
    let state = Signal::derive(move || {
        run.with(|run| {
            run.as_ref().map_or(crate::format::State::Pending, |run| {
                run_state(run.phase, run.suspended)
            })
        })
    });
    let created = move || run.with(|run| run.as_ref().map(|run| run.created).unwrap_or_default());
    let over =
        Memo::new(move |_| run.with(|run| run.as_ref().is_some_and(|run| run.phase.completed())));
    let took = move || {
        run.with(|run| {
            let run = run.as_ref()?;
            // A run that is over does not look at the clock.
            let now = if over.get() { Millis(0) } else { now.get() };
            elapsed(run.started, run.finished, now)
        })
    };
    view! {
        <tr role="row" class=move || format!("run-{}", state.get().class())>
            <td role="cell"><StateMark state/></td>
            <td role="cell" class="title">
                <a class="name" href=of(|run| Route::run(run.tenant.clone(), run.name.clone()).fragment())>{of(|run| run.name.clone())}</a>
                <span class="why">{of(|run| run.message.clone().unwrap_or_default())}</span>
            </td>
            <td role="cell" class="done">
                <progress value=of(|run| run.done.to_string()) max=of(|run| run.total.max(1).to_string()) aria-label="Progress"></progress>
                <span class="num">{of(|run| format!("{}/{}", run.done, run.total))}</span>
            </td>
            <td role="cell" class="faint template">{of(|run| run.template.clone().unwrap_or_default())}</td>
            <td role="cell" class="faint creator">{of(|run| run.creator.clone())}</td>
            <td role="cell" class="faint right num created"><span title=move || browser::date_and_clock(created())>{move || ago(created(), now.get())}</span></td>
            <td role="cell" class="right num took">{took}</td>
        </tr>
    }
}
