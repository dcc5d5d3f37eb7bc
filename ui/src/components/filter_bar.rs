//! Which runs are shown: state, part of the name, labels. Each change goes into the address.

use leptos::prelude::*;

use crate::route::Filter;

/// The choices of states, as people say them and as the server reads them.
const STATES: [(&str, &str); 5] = [
    ("All", ""),
    ("Unfinished", "Pending,Running"),
    ("Failed", "Failed,Error"),
    ("Succeeded", "Succeeded"),
    ("Waiting", "Pending"),
];

/// Buttons for the states, fields for the rest.
#[component]
pub(crate) fn FilterBar(filter: Memo<Filter>, change: Callback<Filter>) -> impl IntoView {
    let alter = move |with: &dyn Fn(&mut Filter)| {
        let mut next = filter.get_untracked();
        with(&mut next);
        next.after.clear();
        change.run(next);
    };
    let states = STATES.map(|(word, phase)| {
        view! {
            <button type="button" class="chip" aria-pressed=move || filter.with(|filter| filter.phase == phase).to_string()
                on:click=move |_| alter(&|filter| phase.clone_into(&mut filter.phase))>{word}</button>
        }
    });
    view! {
        <form class="filter" role="search" on:submit=|event| event.prevent_default()>
            <div class="chips" role="group" aria-label="State">{states.into_iter().collect_view()}</div>
            <input id="filter-name" type="search" placeholder="Part of the name" aria-label="Part of the name" title="Part of the name (/)"
                spellcheck="false" prop:value=move || filter.with(|filter| filter.name.clone())
                on:change=move |event| alter(&|filter| filter.name = event_target_value(&event).trim().to_owned())/>
            <input type="search" class="wide" placeholder="Labels: team=genomics,env in (test)" aria-label="Label selector"
                spellcheck="false" prop:value=move || filter.with(|filter| filter.labels.clone())
                on:change=move |event| alter(&|filter| filter.labels = event_target_value(&event).trim().to_owned())/>
        </form>
    }
}
