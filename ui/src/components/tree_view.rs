//! The nodes as a tree that is walked by keys. Only rows in view exist in the document, so that ten
//! thousand nodes scroll like ten.

use leptos::ev::KeyboardEvent;
use leptos::html::Div;
use leptos::prelude::*;
use steading_types::Millis;

use crate::components::tree_cursor::{Cursor, same};
use crate::components::tree_row::{MoreRow, TreeRow, row_id};
use crate::nodes::Nodes;
use crate::tree::{Fold, Folding, Row, Tree};

/// The height of a row in pixels: the style sheet says the same.
const ROW: f64 = 28.0;
/// Rows drawn beyond each edge.
const SPARE: usize = 12;

/// The tree and where the reader stands in it.
#[component]
pub(crate) fn TreeView(
    nodes: RwSignal<Nodes>,
    tree: Memo<Tree>,
    cursor: Cursor,
    folding: RwSignal<Folding>,
    now: RwSignal<Millis>,
    on_choose: Callback<u32>,
) -> impl IntoView {
    let Cursor {
        rows,
        chosen,
        active,
    } = cursor;
    let frame = NodeRef::<Div>::new();
    let top = RwSignal::new(0.0f64);
    let height = RwSignal::new(600.0f64);
    let measure = move || {
        if let Some(frame) = frame.get_untracked() {
            top.set(f64::from(frame.scroll_top()));
            height.set(f64::from(frame.client_height()));
        }
    };
    Effect::new(move || {
        frame.track();
        measure();
    });
    let resized = window_event_listener(leptos::ev::resize, move |_| measure());
    on_cleanup(move || resized.remove());

    let window = Memo::new(move |_| {
        let first = ((top.get() / ROW) as usize).saturating_sub(SPARE);
        let length = (height.get() / ROW) as usize + 2 * SPARE + 1;
        (first, length)
    });
    let visible = move || {
        let (first, length) = window.get();
        rows.with(|rows| {
            rows.iter()
                .skip(first)
                .take(length)
                .copied()
                .collect::<Vec<_>>()
        })
    };
    // The row under the keys stays in view.
    Effect::new(move || {
        let Some(row) = cursor.active.get() else {
            return;
        };
        let (Some(place), Some(frame)) = (cursor.place(&row), frame.get_untracked()) else {
            return;
        };
        let (above, view) = (place as f64 * ROW, f64::from(frame.client_height()));
        let scroll = f64::from(frame.scroll_top());
        if above < scroll {
            frame.set_scroll_top(above as i32);
        } else if above + ROW > scroll + view {
            frame.set_scroll_top((above + ROW - view) as i32);
        }
    });

    let choose = move |row: Row| {
        cursor.active.set(Some(row));
        match row {
            Row::Node { ix, .. } => on_choose.run(ix),
            Row::More { owner, .. } => folding.update(|folding| {
                folding.full.insert(owner);
            }),
        }
    };
    let fold = move |row: Row| {
        if let Row::Node { ix, fold, .. } = row
            && fold != Fold::Leaf
        {
            folding.update(|folding| {
                if !folding.toggled.remove(&ix) {
                    folding.toggled.insert(ix);
                }
            });
        }
    };
    let on_key = move |event: KeyboardEvent| {
        if event.ctrl_key() || event.meta_key() || event.alt_key() {
            return;
        }
        let row = cursor.present();
        let page = ((height.get_untracked() / ROW) as isize - 1).max(1);
        match (event.key().as_str(), row) {
            ("ArrowDown" | "j", _) => cursor.step(1),
            ("ArrowUp" | "k", _) => cursor.step(-1),
            ("PageDown", _) => cursor.step(page),
            ("PageUp", _) => cursor.step(-page),
            ("Home", _) => cursor.step(isize::MIN),
            ("End", _) => cursor.step(isize::MAX),
            (
                "ArrowRight",
                Some(
                    row @ Row::Node {
                        fold: Fold::Closed, ..
                    },
                ),
            ) => fold(row),
            (
                "ArrowRight",
                Some(Row::Node {
                    fold: Fold::Open, ..
                }),
            ) => cursor.step(1),
            (
                "ArrowLeft",
                Some(
                    row @ Row::Node {
                        fold: Fold::Open, ..
                    },
                ),
            ) => fold(row),
            ("ArrowLeft", _) => cursor.out(),
            ("Enter" | " ", Some(row)) => choose(row),
            ("*", Some(Row::Node { ix, .. })) => folding.update(|folding| {
                folding.full.insert(ix);
            }),
            _ => return,
        }
        event.prevent_default();
    };
    let space = move || format!("{}px", rows.with(Vec::len) as f64 * ROW);
    let shift = move || format!("translateY({}px)", window.get().0 as f64 * ROW);
    view! {
        <div node_ref=frame class="tree" id="tree" role="tree" tabindex="0" aria-label="Steps of the run"
            aria-activedescendant=move || active.get().map(|row| row_id(&row)).or_else(|| chosen.get().map(|ix| format!("node-{ix}"))) on:scroll=move |_| measure() on:keydown=on_key>
            <div class="tree-space" role="presentation" style:height=space>
                <div class="tree-window" role="presentation" style:transform=shift>
                    <For each=visible key=|row| *row children=move |row| {
                        let is_active = Memo::new(move |_| {
                            let here = active.get();
                            here.as_ref().map_or_else(|| row.node().is_some() && row.node() == chosen.get(), |here| same(here, &row))
                        });
                        match row {
                            Row::Node { ix, .. } => {
                                let is_chosen = Memo::new(move |_| chosen.get() == Some(ix));
                                let node = Memo::new(move |_| nodes.with(|nodes| nodes.get(ix).cloned()));
                                let below = Memo::new(move |_| tree.with(|tree| tree.below(ix).cloned()));
                                view! {
                                    <TreeRow row node below chosen=is_chosen active=is_active now on_choose=Callback::new(choose) on_fold=Callback::new(fold)/>
                                }.into_any()
                            }
                            Row::More { .. } => view! { <MoreRow row active=is_active on_choose=Callback::new(choose)/> }.into_any(),
                        }
                    }/>
                </div>
            </div>
        </div>
    }
}
