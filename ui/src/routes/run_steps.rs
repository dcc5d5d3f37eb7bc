//! The steps of a run, as a tree or as a graph, and the keys that walk them.

use leptos::prelude::*;

use crate::components::graph_view::GraphView;
use crate::components::tree_cursor::Cursor;
use crate::components::tree_view::TreeView;
use crate::format::{count, plural};
use crate::graph::draw;
use crate::nodes::Nodes;
use crate::route::{Look, NodesView};
use crate::shell::Shell;
use crate::tree::{Folding, Tree};
use crate::{browser, keys};

/// The pane with the steps.
#[component]
pub(crate) fn Steps(
    shell: Shell,
    nodes: RwSignal<Nodes>,
    whole: RwSignal<bool>,
    tree: Memo<Tree>,
    look: Memo<Look>,
    chosen: Memo<Option<u32>>,
    choose: Callback<u32>,
    amend: Callback<Look>,
) -> impl IntoView {
    let folding = RwSignal::new(Folding::default());
    let find = Memo::new(move |_| look.with(|look| look.find.clone()));
    Effect::new(move || {
        let find = find.get();
        folding.update(|folding| folding.find = find);
    });
    let rows = Memo::new(move |_| {
        tree.with(|tree| nodes.with(|nodes| folding.with(|folding| tree.rows(nodes, folding))))
    });
    let cursor = Cursor {
        rows,
        chosen,
        active: RwSignal::new(None),
    };
    let view = Memo::new(move |_| look.with(|look| look.view));
    let turn = move |view: NodesView| {
        amend.run(Look {
            view,
            ..look.get_untracked()
        })
    };
    keys::on_key(move |key| {
        match key {
            "j" | "k" => {
                let by = if key == "j" { 1 } else { -1 };
                if view.get_untracked() == NodesView::Graph {
                    return browser::focus_neighbour(".graph [role=button]", by);
                }
                browser::focus("#tree");
                cursor.step(by as isize);
            }
            "g" => turn(view.get_untracked().other()),
            "n" => {
                let next = nodes.with_untracked(|nodes| nodes.next_failure(chosen.get_untracked()));
                next.into_iter().for_each(|ix| choose.run(ix));
            }
            "/" => browser::focus("#find"),
            _ => return false,
        }
        true
    });
    let chip = move |value: NodesView, word: &'static str| {
        view! {
            <button type="button" class="chip" title="Graph or tree (G)" aria-pressed=move || (view.get() == value).to_string() on:click=move |_| turn(value)>{word}</button>
        }
    };
    let total = move || {
        let number = nodes.with(|nodes| nodes.len() as u64);
        if whole.get() {
            plural(number, "node")
        } else {
            format!("{} nodes, loading …", count(number))
        }
    };
    view! {
        <section class="steps" aria-label="Steps">
            <div class="dock-head">
                <h2>"Steps"</h2>
                <div class="chips" role="group" aria-label="View">{chip(NodesView::Tree, "Tree")}{chip(NodesView::Graph, "Graph")}</div>
                <input type="search" id="find" placeholder="Find a step" aria-label="Find a step" title="Find a step (/)" spellcheck="false"
                    prop:value=move || find.get()
                    on:input=move |event| amend.run(Look { find: event_target_value(&event), view: NodesView::Tree, ..look.get_untracked() })/>
                <span class="spring"></span>
                <span class="quiet num" role="status">{total}</span>
            </div>
            {move || match view.get() {
                NodesView::Tree => view! { <TreeView nodes tree cursor folding now=shell.now on_choose=choose/> }.into_any(),
                NodesView::Graph => {
                    let graph = Memo::new(move |_| nodes.with(|nodes| tree.with(|tree| draw(nodes, tree))));
                    view! { <GraphView graph nodes tree chosen on_choose=choose/> }.into_any()
                }
            }}
        </section>
    }
}
