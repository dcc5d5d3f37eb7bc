//! Asks before something that can not be taken back, naming what it does it to: why, and with which values.

use std::collections::BTreeMap;

use leptos::ev::SubmitEvent;
use leptos::html::Dialog;
use leptos::prelude::*;

/// A question and what "yes" does.
#[derive(Clone)]
pub(crate) struct Question {
    /// What is asked, with the name of the object.
    pub(crate) text: String,
    /// What it means.
    pub(crate) consequence: &'static str,
    /// Values that are asked for, and what they are if nothing is said.
    pub(crate) values: BTreeMap<String, Option<String>>,
    /// The word on the button: the deed, never "OK".
    pub(crate) deed: &'static str,
    /// Called on "yes".
    pub(crate) on_yes: Callback<Answer>,
}

/// What was said besides "yes".
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Answer {
    /// Why, if they said.
    pub(crate) reason: Option<String>,
    /// The values that were asked for; one that was left empty is not in it.
    pub(crate) values: BTreeMap<String, String>,
}

/// Shown while there is a question.
#[component]
pub(crate) fn Confirm(question: RwSignal<Option<Question>>) -> impl IntoView {
    let dialog = NodeRef::<Dialog>::new();
    Effect::new(move || {
        let Some(dialog) = dialog.get() else { return };
        match question.with(Option::is_some) {
            true if !dialog.open() => {
                // Refused only when it is open already.
                let _ = dialog.show_modal();
            }
            false if dialog.open() => dialog.close(),
            _ => {}
        }
    });
    view! {
        <dialog node_ref=dialog class="dialog" aria-labelledby="confirm-title" on:close=move |_| question.set(None)>
            {move || question.get().map(|asked| view! { <Form asked question/> })}
        </dialog>
    }
}

#[component]
fn Form(asked: Question, question: RwSignal<Option<Question>>) -> impl IntoView {
    let reason = RwSignal::new(String::new());
    let said = |(name, default): (String, Option<String>)| {
        (name, RwSignal::new(default.unwrap_or_default()))
    };
    let values: Vec<_> = asked.values.into_iter().map(said).collect();
    let fields = values.clone();
    let on_yes = asked.on_yes;
    let answer = move |event: SubmitEvent| {
        event.prevent_default();
        let filled = |(name, said): &(String, RwSignal<String>)| {
            Some((name.clone(), said.get_untracked())).filter(|(_, said)| !said.is_empty())
        };
        let answer = Answer {
            reason: Some(reason.get_untracked()).filter(|reason| !reason.trim().is_empty()),
            values: values.iter().filter_map(filled).collect(),
        };
        question.set(None);
        on_yes.run(answer);
    };
    view! {
        <form on:submit=answer>
            <h2 id="confirm-title">{asked.text}</h2>
            <p>{asked.consequence}</p>
            {fields.into_iter().map(|(name, said)| view! { <Field name said/> }).collect_view()}
            <Field name="Why, if you want to say".to_owned() said=reason/>
            <div class="actions">
                <button type="button" autofocus on:click=move |_| question.set(None)>"Leave it"</button>
                <button class="strong">{asked.deed}</button>
            </div>
        </form>
    }
}

#[component]
fn Field(name: String, said: RwSignal<String>) -> impl IntoView {
    view! {
        <label class="field"><span>{name}</span>
            <input prop:value=said on:input=move |event| said.set(event_target_value(&event))/>
        </label>
    }
}
