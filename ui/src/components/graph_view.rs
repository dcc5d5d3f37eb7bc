//! The run as boxes and lines. Every box is reached by Tab and by J and K, and opened by Enter.

use std::sync::Arc;

use leptos::html::Div;
use leptos::prelude::*;
use steading_api::node::NodeBody;

use crate::components::state_mark::shape as state_path;
use crate::format::{State, plural, tally};
use crate::graph::{BOX, DOT, Graph, Placed, Shape};
use crate::nodes::{Nodes, state};
use crate::tree::{Below, Tree};

/// Letters that fit into a box.
const LETTERS: usize = 21;

/// The drawing in a frame that scrolls.
#[component]
pub(crate) fn GraphView(
    graph: Memo<Graph>,
    nodes: RwSignal<Nodes>,
    tree: Memo<Tree>,
    chosen: Memo<Option<u32>>,
    on_choose: Callback<u32>,
) -> impl IntoView {
    let frame = NodeRef::<Div>::new();
    // The chosen box is in view.
    Effect::new(move || {
        let (Some(frame), Some(ix)) = (frame.get(), chosen.get()) else {
            return;
        };
        let place =
            graph.with_untracked(|graph| nodes.with_untracked(|nodes| graph.place_of(nodes, ix)));
        if let Some(placed) = place {
            let (width, height) = (
                f64::from(frame.client_width()),
                f64::from(frame.client_height()),
            );
            let left = reveal(f64::from(frame.scroll_left()), width, placed.x, BOX.width);
            let top = reveal(f64::from(frame.scroll_top()), height, placed.y, BOX.height);
            frame.set_scroll_left(left as i32);
            frame.set_scroll_top(top as i32);
        }
    });
    let size = move || graph.with(|graph| graph.size);
    let shapes = move || graph.with(|graph| graph.shapes.clone());
    let lines = move || {
        graph.with(|graph| {
            graph
                .lines
                .iter()
                .map(|line| view! { <path class="line" d=line.clone()></path> })
                .collect_view()
        })
    };
    let left_out = move || graph.with(|graph| graph.left_out as u64);
    view! {
        <div node_ref=frame class="graph" role="group" aria-label="Steps of the run as a graph">
            {move || (left_out() > 0).then(|| view! {
                <p class="quiet pad">{plural(left_out(), "box")}" more: too many to draw, the tree shows them all."</p>
            })}
            <svg width=move || size().width height=move || size().height>
                <g>{lines}</g>
                <For each=shapes key=|placed| (placed.shape, placed.x as i64, placed.y as i64) children=move |placed| {
                    let ix = placed.shape.node();
                    let node = Memo::new(move |_| nodes.with(|nodes| nodes.get(ix).cloned()));
                    let below = Memo::new(move |_| tree.with(|tree| tree.below(ix).cloned()));
                    view! { <Drawn placed node below chosen on_choose/> }
                }/>
            </svg>
        </div>
    }
}

#[component]
fn Drawn(
    placed: Placed,
    node: Memo<Option<Arc<NodeBody>>>,
    below: Memo<Option<Below>>,
    chosen: Memo<Option<u32>>,
    on_choose: Callback<u32>,
) -> impl IntoView {
    let ix = placed.shape.node();
    // A fan is as its worst part; a single node is as it is.
    let shown = Memo::new(move |_| match placed.shape {
        Shape::Fan(_) => below.with(|sum| sum.as_ref().map_or(State::Pending, |sum| sum.worst)),
        Shape::Node(_) | Shape::Dot(_) => {
            node.with(|node| node.as_ref().map_or(State::Pending, |node| state(node)))
        }
    });
    let name = Memo::new(move |_| {
        node.with(|node| {
            node.as_ref()
                .map(|node| node.display_name.clone())
                .unwrap_or_default()
        })
    });
    let note = Memo::new(move |_| match placed.shape {
        Shape::Fan(_) => below.with(|sum| {
            sum.as_ref()
                .map(|sum| tally(sum.counts.clone()))
                .unwrap_or_default()
        }),
        Shape::Node(_) | Shape::Dot(_) => shown.get().word().to_owned(),
    });
    let class = move || {
        let kind = match placed.shape {
            Shape::Node(_) => "box",
            Shape::Fan(_) => "box fan",
            Shape::Dot(_) => "dot",
        };
        let marked = if chosen.get() == Some(ix) {
            " chosen"
        } else {
            ""
        };
        format!("{kind} {}{marked}", shown.get().class())
    };
    let place = format!("translate({:.0} {:.0})", placed.x, placed.y);
    if let Shape::Dot(_) = placed.shape {
        return view! {
            <g class=class transform=place><title>{move || format!("{}: {}", name.get(), note.get())}</title>
                <circle r=DOT.width / 2.0 cx=DOT.width / 2.0 cy=DOT.height / 2.0></circle></g>
        }
        .into_any();
    }
    let fan = matches!(placed.shape, Shape::Fan(_));
    view! {
        <g class=class transform=place tabindex="0" role="button" aria-label=move || format!("{}: {}", name.get(), note.get())
            on:click=move |_| on_choose.run(ix)
            on:keydown=move |event| if matches!(event.key().as_str(), "Enter" | " ") { event.prevent_default(); on_choose.run(ix); }>
            <title>{move || format!("{}: {}", name.get(), note.get())}</title>
            {fan.then(|| view! { <rect class="back" x="4" y="4" width=BOX.width height=BOX.height rx="6"></rect> })}
            <rect width=BOX.width height=BOX.height rx="6"></rect>
            <path class="sign" transform="translate(9 11)" d=move || state_path(shown.get())></path>
            <text class="title" x="33" y="16">{move || short(&name.get())}</text>
            <text class="note" x="33" y="30">{move || short(&note.get())}</text>
        </g>
    }
    .into_any()
}

/// Where to scroll along one axis: nowhere when the piece is in view, else so that it is in the middle.
fn reveal(scroll: f64, view: f64, from: f64, length: f64) -> f64 {
    if from >= scroll && from + length <= scroll + view {
        scroll
    } else {
        (from + (length - view) / 2.0).max(0.0)
    }
}

fn short(text: &str) -> String {
    let mut letters = text.chars();
    let mut short: String = letters.by_ref().take(LETTERS).collect();
    if letters.next().is_some() {
        short.pop();
        short.push('…');
    }
    short
}
