//! Named values: parameters, outputs. Long ones are folded, each can be copied.

use std::collections::BTreeMap;

use leptos::prelude::*;

use crate::browser;

/// Characters of a value that are shown before it is unfolded.
const SHORT: usize = 160;

/// A titled table; nothing at all when there are no values.
#[component]
pub(crate) fn Values(title: &'static str, values: BTreeMap<String, String>) -> impl IntoView {
    (!values.is_empty()).then(|| view! {
        <section class="values">
            <h3>{title}</h3>
            <dl>{values.into_iter().map(|(name, value)| view! { <Value name value/> }).collect_view()}</dl>
        </section>
    })
}

#[component]
fn Value(name: String, value: String) -> impl IntoView {
    let short: String = value.chars().take(SHORT).collect();
    let long = short.len() < value.len();
    let label = format!("Copy {name}");
    let copied = value.clone();
    view! {
        <div>
            <dt>{name}</dt>
            <dd>
                {if long {
                    view! { <details><summary><code>{short}" …"</code></summary><pre>{value}</pre></details> }.into_any()
                } else {
                    view! { <code>{value}</code> }.into_any()
                }}
                <button class="plain copy" aria-label=label title="Copy" on:click=move |_| browser::copy(&copied)>"⧉"</button>
            </dd>
        </div>
    }
}
