//! Says that what is shown may be old, and since when.

use leptos::prelude::*;

use crate::browser;
use crate::shell::Link;

/// Only there while the connection is lost.
#[component]
pub(crate) fn LinkBanner(link: RwSignal<Link>) -> impl IntoView {
    view! {
        <div role="status" aria-live="polite">
            {move || match link.get() {
                Link::Lost(at) => Some(view! {
                    <p class="banner">"Connection lost, data as of "<b class="num">{browser::clock(at)}</b>". Trying again …"</p>
                }),
                Link::Idle | Link::Live => None,
            }}
        </div>
    }
}
