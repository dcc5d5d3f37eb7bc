//! The root cause of a failed run, before everything else: which step, how it ended, its last words.

use leptos::html::Pre;
use leptos::prelude::*;
use steading_api::log::LogLine;
use steading_api::node::NodeBody;

use crate::components::state_mark::StateMark;
use crate::format::{exit, plural};
use crate::log::plain;
use crate::nodes::state;

/// The step that failed first.
#[component]
pub(crate) fn CauseCard(
    cause: NodeBody,
    /// Nothing until they have come.
    lines: Signal<Option<Vec<LogLine>>>,
    /// Steps that did not run because of it.
    omitted: u32,
    on_open: Callback<u32>,
) -> impl IntoView {
    let ix = cause.ix;
    let words = NodeRef::<Pre>::new();
    Effect::new(move || {
        if let (Some(_), Some(words)) = (lines.get(), words.get()) {
            // The last line is the one that tells.
            request_animation_frame(move || words.set_scroll_top(words.scroll_height()));
        }
    });
    let shown = state(&cause);
    let template = (!cause.template.is_empty()).then(|| format!("template {}", cause.template));
    view! {
        <section class="cause" aria-labelledby="cause-title">
            <div class="cause-head">
                <StateMark state=Signal::stored(shown)/>
                <h2 id="cause-title">
                    <button class="link" on:click=move |_| on_open.run(ix)>{cause.display_name.clone()}</button>
                    " failed first"
                </h2>
                <span class="spring"></span>
                {cause.exit_code.map(|code| view! { <span class="num">{exit(code)}</span> })}
                {template.map(|template| view! { <span class="faint">{template}</span> })}
            </div>
            {cause.message.clone().map(|message| view! { <p class="message">{message}</p> })}
            {move || lines.get().filter(|lines| !lines.is_empty()).map(|lines| view! {
                <pre node_ref=words class="last-words" tabindex="0" aria-label="Last lines of its log">
                    {lines.iter().map(|line| view! { <span class:stderr=line.stream == "stderr">{plain(&line.text)}"\n"</span> }).collect_view()}
                </pre>
            })}
            {(omitted > 0).then(|| view! {
                <p class="quiet">{format!("{} did not run because of this.", plural(u64::from(omitted), "step"))}</p>
            })}
        </section>
    }
}
