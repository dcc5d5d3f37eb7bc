//! The log: lines as they come, with our marks where something is missing.

use std::sync::Arc;

use leptos::html::Div;
use leptos::prelude::*;

use crate::browser;
use crate::log::{Batch, Entry, Log, plain};
use crate::nodes::Nodes;
use crate::route::{LogScope, Wrap};

/// Whether the end stays in view.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Follow {
    /// New lines push the older ones up.
    End,
    /// The reader looks at something.
    Still,
}

/// The lines, and the scrolling that goes with them.
#[component]
pub(crate) fn LogLines(
    log: RwSignal<Log>,
    nodes: RwSignal<Nodes>,
    scope: Memo<LogScope>,
    wrap: Memo<Wrap>,
    follow: RwSignal<Follow>,
) -> impl IntoView {
    let frame = NodeRef::<Div>::new();
    Effect::new(move || {
        log.track();
        if follow.get() == Follow::End
            && let Some(frame) = frame.get()
        {
            // After the new lines are in the document.
            request_animation_frame(move || frame.set_scroll_top(frame.scroll_height()));
        }
    });
    let scrolled = move |_| {
        let Some(frame) = frame.get_untracked() else {
            return;
        };
        let below = frame.scroll_height() - frame.scroll_top() - frame.client_height();
        let wanted = if below < 24 {
            Follow::End
        } else {
            Follow::Still
        };
        if follow.get_untracked() != wanted {
            follow.set(wanted);
        }
    };
    let batches = move || log.with(|log| log.batches().cloned().collect::<Vec<Batch>>());
    view! {
        <div node_ref=frame id="log" class="log-lines" tabindex="0" role="log" aria-label="Log" aria-live="off"
            class:wrap=move || wrap.get() == Wrap::On class:merged=move || scope.get() == LogScope::Run on:scroll=scrolled>
            {move || log.with(|log| (log.dropped() > 0).then(|| view! {
                <p class="gap">{format!("{} earlier lines are not shown here: search, or use `steading logs`", crate::format::count(log.dropped() as u64))}</p>
            }))}
            <For each=batches key=|batch| batch.number children=move |batch| view! { <Lines lines=batch.lines nodes/> }/>
        </div>
    }
}

#[component]
fn Lines(lines: Arc<Vec<Entry>>, nodes: RwSignal<Nodes>) -> impl IntoView {
    let rows = lines.iter().map(|entry| match entry {
        Entry::Mark(text) => view! { <p class="gap">{text.clone()}</p> }.into_any(),
        Entry::Line(line) => {
            let name = nodes
                .with_untracked(|nodes| nodes.get(line.node).map(|node| node.display_name.clone()));
            view! {
                <p class:stderr=line.stream == "stderr">
                    <time>{browser::clock(line.time)}</time>
                    <span class="from">{name}</span>
                    <span class="text">{plain(&line.text)}</span>
                </p>
            }
            .into_any()
        }
    });
    view! { <div class="batch">{rows.collect_view()}</div> }
}
