//! The list of keys.

use leptos::html::Dialog;
use leptos::prelude::*;

/// Whether the list is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Help {
    /// It is.
    Shown,
    /// It is not.
    Hidden,
}

const KEYS: [(&str, &str); 12] = [
    ("J  K", "next and previous row"),
    ("Enter", "open the row"),
    ("← →", "close and open a branch of the tree"),
    ("*", "show every child of the fan"),
    ("/", "search"),
    ("G", "graph or tree"),
    ("L", "to the log"),
    ("F", "follow the end of the log"),
    ("W", "wrap long lines"),
    ("N", "next failed step"),
    ("Esc", "leave a field or a dialog"),
    ("?", "this list"),
];

/// A dialog of the browser: it keeps the focus inside and gives it back.
#[component]
pub(crate) fn HelpDialog(shown: RwSignal<Help>) -> impl IntoView {
    let dialog = NodeRef::<Dialog>::new();
    Effect::new(move || {
        let Some(dialog) = dialog.get() else { return };
        if shown.get() == Help::Shown && !dialog.open() {
            // Refused only when it is open already.
            let _ = dialog.show_modal();
        }
    });
    let rows = KEYS
        .map(|(key, what)| view! { <tr><th scope="row"><kbd>{key}</kbd></th><td>{what}</td></tr> });
    view! {
        <dialog node_ref=dialog class="dialog" aria-labelledby="help-title" on:close=move |_| shown.set(Help::Hidden)>
            <h2 id="help-title">"Keys"</h2>
            <table class="keys"><tbody>{rows.into_iter().collect_view()}</tbody></table>
            <form method="dialog" class="actions"><button>"Close"</button></form>
        </dialog>
    }
}
