//! The head of a run's page: name, state in words, times, progress, and what can be done.

use leptos::prelude::*;
use steading_api::run::{RunDetail, RunSummary};
use steading_types::Millis;

use crate::browser;
use crate::components::state_mark::StateMark;
use crate::format::{State, ago, elapsed, run_state};
use crate::verbs::RunVerb;

/// Everything about the run as a whole.
#[component]
pub(crate) fn RunHeader(
    run: Memo<Option<RunDetail>>,
    now: RwSignal<Millis>,
    may_operate: Memo<bool>,
    on_verb: Callback<RunVerb>,
) -> impl IntoView {
    let of = move |read: fn(&RunSummary) -> String| {
        move || {
            run.with(|run| {
                run.as_ref()
                    .map(|run| read(&run.summary))
                    .unwrap_or_default()
            })
        }
    };
    let state = Signal::derive(move || {
        run.with(|run| {
            run.as_ref().map_or(State::Pending, |run| {
                run_state(run.summary.phase, run.summary.suspended)
            })
        })
    });
    let verbs = Memo::new(move |_| {
        run.with(|run| {
            run.as_ref()
                .map(|run| RunVerb::of(&run.summary))
                .unwrap_or_default()
        })
    });
    view! {
        <header class="run-head">
            <div class="run-name">
                <h1>{of(|run| run.name.clone())}</h1>
                <StateMark state/>
                <span class="spring"></span>
                <Show when=move || may_operate.get()>
                    <div class="verbs" role="group" aria-label="What to do with this run">
                        <For each=move || verbs.get() key=|verb| *verb children=move |verb| view! {
                            <button on:click=move |_| on_verb.run(verb) title=verb.consequence()>{verb.word()}</button>
                        }/>
                    </div>
                </Show>
            </div>
            {move || run.with(|run| run.as_ref().and_then(|run| run.summary.message.clone()))
                .filter(|_| !state.get().bad())
                .map(|message| view! { <p class="message">{message}</p> })}
            <dl class="facts">
                <div><dt>"Duration"</dt><dd class="num">{move || took(run, now)}</dd></div>
                <div><dt>"Progress"</dt><dd class="num">
                    <progress value=of(|run| run.done.to_string()) max=of(|run| run.total.max(1).to_string()) aria-label="Progress"></progress>
                    {of(|run| format!("{} of {}", run.done, run.total))}
                </dd></div>
                <div><dt>"Created"</dt><dd>{move || created(run, now)}</dd></div>
                <div><dt>"By"</dt><dd>{of(|run| run.creator.clone())}</dd></div>
                {move || run.with(|run| run.as_ref().and_then(|run| run.summary.template.clone()))
                    .map(|template| view! { <div><dt>"Template"</dt><dd>{template}</dd></div> })}
                {move || run.with(|run| run.as_ref().map(|run| run.summary.priority).filter(|priority| *priority != 0))
                    .map(|priority| view! { <div><dt>"Priority"</dt><dd class="num">{priority}</dd></div> })}
            </dl>
        </header>
    }
}

fn took(run: Memo<Option<RunDetail>>, now: RwSignal<Millis>) -> String {
    let text = run.with(|run| {
        let run = &run.as_ref()?.summary;
        // A run that is over does not look at the clock.
        let now = if run.phase.completed() {
            Millis(0)
        } else {
            now.get()
        };
        elapsed(run.started, run.finished, now)
    });
    text.unwrap_or_else(|| "not started".to_owned())
}

fn created(run: Memo<Option<RunDetail>>, now: RwSignal<Millis>) -> String {
    let at = run.with(|run| {
        run.as_ref()
            .map(|run| run.summary.created)
            .unwrap_or_default()
    });
    format!("{} · {}", ago(at, now.get()), browser::date_and_clock(at))
}
