//! Asks before something that can not be taken back, naming what it does it to.

use leptos::html::Dialog;
use leptos::prelude::*;

/// A question and what "yes" does.
#[derive(Clone)]
pub(crate) struct Question {
    /// What is asked, with the name of the object.
    pub(crate) text: String,
    /// What it means.
    pub(crate) consequence: &'static str,
    /// The word on the button: the deed, never "OK".
    pub(crate) deed: &'static str,
    /// Called on "yes".
    pub(crate) on_yes: Callback<()>,
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
    let answer_yes = move |_| {
        if let Some(asked) = question.get_untracked() {
            question.set(None);
            asked.on_yes.run(());
        }
    };
    view! {
        <dialog node_ref=dialog class="dialog" aria-labelledby="confirm-title" on:close=move |_| question.set(None)>
            {move || question.get().map(|asked| view! {
                <h2 id="confirm-title">{asked.text}</h2>
                <p>{asked.consequence}</p>
                <div class="actions">
                    <button autofocus on:click=move |_| question.set(None)>"Leave it"</button>
                    <button class="strong" on:click=answer_yes>{asked.deed}</button>
                </div>
            })}
        </dialog>
    }
}
