//! One row of the tree.

use std::sync::Arc;

use leptos::prelude::*;
use steading_api::node::NodeBody;
use steading_types::{Millis, NodeType};

use crate::components::state_mark::StateShape;
use crate::format::{State, count, elapsed};
use crate::nodes::{kind_word, state};
use crate::tree::{Below, Fold, Row};

/// The DOM id of a row, for `aria-activedescendant`.
pub(crate) fn row_id(row: &Row) -> String {
    match row {
        Row::Node { ix, .. } => format!("node-{ix}"),
        Row::More { owner, .. } => format!("more-{owner}"),
    }
}

/// A node: mark, name, what it is, and how it goes below or how long it took.
#[component]
pub(crate) fn TreeRow(
    row: Row,
    node: Memo<Option<Arc<NodeBody>>>,
    below: Memo<Option<Below>>,
    chosen: Memo<bool>,
    active: Memo<bool>,
    now: RwSignal<Millis>,
    on_choose: Callback<Row>,
    on_fold: Callback<Row>,
) -> impl IntoView {
    let Row::Node {
        level,
        fold,
        place,
        siblings,
        ..
    } = row
    else {
        return ().into_any();
    };
    let shown = Signal::derive(move || {
        node.with(|node| node.as_ref().map_or(State::Pending, |node| state(node)))
    });
    let expanded = match fold {
        Fold::Leaf => None,
        Fold::Open => Some("true"),
        Fold::Closed => Some("false"),
    };
    view! {
        <div id=row_id(&row) class="row" class:chosen=move || chosen.get() role="treeitem" attr:aria-level=level aria-posinset=place aria-setsize=siblings
            aria-expanded=expanded aria-selected=move || active.get().to_string() style=("--level", level.to_string())
            on:click=move |_| on_choose.run(row)>
            {expanded.map_or_else(
                || view! { <span class="fold"></span> }.into_any(),
                |open| view! {
                    <span class="fold" class:open=open == "true" aria-hidden="true"
                        on:click=move |event| { event.stop_propagation(); on_fold.run(row); }></span>
                }.into_any(),
            )}
            <StateShape state=shown/>
            <span class="label">{move || node.with(|node| node.as_ref().map(|node| node.display_name.clone()))}</span>
            <span class="kind">{move || node.with(|node| node.as_ref().and_then(|node| kind(node)))}</span>
            <span class="note">{move || node.with(|node| node.as_ref().filter(|_| shown.get().bad() && fold == Fold::Leaf).and_then(|node| node.message.clone()))}</span>
            <span class="sum num">{move || below.with(|sum| sum.as_ref().map(progress))}</span>
            <span class="took num">{move || node.with(|node| node.as_ref().and_then(|node| {
                let now = if node.finished.is_some() { Millis(0) } else { now.get() };
                elapsed(node.started, node.finished, now)
            }))}</span>
        </div>
    }
    .into_any()
}

/// Stands for the children that are not shown.
#[component]
pub(crate) fn MoreRow(row: Row, active: Memo<bool>, on_choose: Callback<Row>) -> impl IntoView {
    let Row::More { level, hidden, .. } = row else {
        return ().into_any();
    };
    view! {
        <div id=row_id(&row) class="row more" role="treeitem" attr:aria-level=level aria-selected=move || active.get().to_string()
            style=("--level", level.to_string()) on:click=move |_| on_choose.run(row)>
            <span class="fold"></span>
            <span>{format!("Show {} more", count(u64::from(hidden)))}</span>
        </div>
    }
    .into_any()
}

fn kind(node: &NodeBody) -> Option<&'static str> {
    if node.hook {
        return Some("hook");
    }
    (!matches!(node.kind, NodeType::Pod | NodeType::StepGroup)).then(|| kind_word(node.kind))
}

/// `412/500, 3 failed`, for what has more than one leaf below it.
fn progress(sum: &Below) -> String {
    let total: u32 = sum.counts.values().sum();
    if total < 2 {
        return String::new();
    }
    let open = |state: &State| matches!(state, State::Running | State::Pending | State::Suspended);
    let done: u32 = sum
        .counts
        .iter()
        .filter(|(state, _)| !open(state))
        .map(|(_, number)| *number)
        .sum();
    let bad: u32 = sum
        .counts
        .iter()
        .filter(|(state, _)| state.bad())
        .map(|(_, number)| *number)
        .sum();
    let progress = format!("{}/{}", count(u64::from(done)), count(u64::from(total)));
    if bad == 0 {
        progress
    } else {
        format!("{progress}, {} failed", count(u64::from(bad)))
    }
}
