//! A state as shape and word: never by colour alone.

use leptos::prelude::*;

use crate::format::State;

/// The shape of a state, in a box of 16 units.
pub(crate) fn shape(state: State) -> &'static str {
    match state {
        State::Pending => "M8 3a5 5 0 1 0 0 10A5 5 0 0 0 8 3z",
        State::Running => {
            "M8 2.5a5.5 5.5 0 0 1 5.5 5.5M8 13.5A5.5 5.5 0 0 1 2.5 8M8 6.2a1.8 1.8 0 1 0 0 3.6 1.8 1.8 0 0 0 0-3.6z"
        }
        State::Succeeded => "M3 8.6 6.5 12 13 4.6",
        State::Failed => "M4 4l8 8M12 4l-8 8",
        State::Error => "M8 2.2 14.2 13H1.8zM8 6.4v3.2M8 11.2v.6",
        State::Suspended => "M5.5 3.5v9M10.5 3.5v9",
        State::Skipped => "M3.5 4 8 8l-4.5 4M8.5 4 13 8l-4.5 4",
        State::Omitted => "M3.5 8h9",
    }
}

/// The shape alone; the word is read out.
#[component]
pub(crate) fn StateShape(#[prop(into)] state: Signal<State>) -> impl IntoView {
    view! {
        <svg class=move || format!("shape {}", state.get().class()) viewBox="0 0 16 16" role="img" aria-label=move || state.get().word()>
            <path d=move || shape(state.get())></path>
        </svg>
    }
}

/// Shape and word.
#[component]
pub(crate) fn StateMark(#[prop(into)] state: Signal<State>) -> impl IntoView {
    view! {
        <span class=move || format!("mark {}", state.get().class())>
            <svg class=move || format!("shape {}", state.get().class()) viewBox="0 0 16 16" aria-hidden="true">
                <path d=move || shape(state.get())></path>
            </svg>
            <span>{move || state.get().word()}</span>
        </span>
    }
}
