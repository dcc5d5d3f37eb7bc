//! One run: what went wrong first, its steps, the chosen step, its log. Live.

use std::collections::BTreeSet;
use std::sync::Arc;

use leptos::prelude::*;
use leptos::task::spawn_local;
use steading_api::change::ChangeBody;
use steading_api::client::CallError;
use steading_api::node::{NodeBody, NodeFilter};
use steading_api::operations::{GetRun, ListNodes};
use steading_api::run::RunDetail;

use crate::components::confirm::{Confirm, Question};
use crate::components::node_panel::NodePanel;
use crate::components::problem::Problem;
use crate::components::run_header::RunHeader;
use crate::components::tree_cursor::Cursor;
use crate::components::tree_view::TreeView;
use crate::components::values::Values;
use crate::format::{count, plural};
use crate::live::{Freshen, Life, keep_fresh};
use crate::nodes::{Nodes, is_leaf, state};
use crate::route::{Look, NodesView, Route};
use crate::routes::run_cause::Cause;
use crate::routes::run_log::LogDock;
use crate::routes::run_verbs::{Target, resume_node, run_verb};
use crate::shell::Shell;
use crate::tree::{Folding, Tree};
use crate::verbs::RunVerb;
use crate::{api, browser, keys};

/// Nodes of one answer.
const PAGE: u32 = 2_000;
/// Positions that one request names: more would make its address too long.
const NAMED: usize = 400;

/// What the page knows of the run.
#[derive(Clone, Copy)]
struct Known {
    place: StoredValue<(String, String)>,
    detail: RwSignal<Option<RunDetail>>,
    nodes: RwSignal<Nodes>,
    whole: RwSignal<bool>,
    error: RwSignal<Option<CallError>>,
}

impl Known {
    async fn detail(&self) -> Result<u64, CallError> {
        let Some((tenant, run)) = self.place.try_get_value() else {
            return Ok(0);
        };
        let detail = api::call::<GetRun>(&[&tenant, &run], &(), &()).await?;
        let seq = detail.seq;
        self.error.try_set(None);
        self.detail.try_set(Some(detail));
        Ok(seq)
    }

    /// Merges one page; gives where the next one begins.
    async fn nodes(&self, filter: NodeFilter) -> Result<Option<u32>, CallError> {
        let Some((tenant, run)) = self.place.try_get_value() else {
            return Ok(None);
        };
        let page = api::call::<ListNodes>(&[&tenant, &run], &filter, &()).await?;
        self.nodes.try_update(|nodes| nodes.merge(page.nodes));
        Ok(page.next)
    }
}

impl Freshen for Known {
    async fn load(&self) -> Result<u64, CallError> {
        let seq = self.detail().await?;
        let mut after = None;
        loop {
            let filter = NodeFilter {
                after,
                limit: Some(PAGE),
                ..NodeFilter::default()
            };
            let next = self.nodes(filter).await?;
            // An answer that does not lead on would be asked for for ever.
            match next {
                Some(next) if after.is_none_or(|after| next > after) => after = Some(next),
                _ => break,
            }
        }
        self.whole.try_set(true);
        Ok(seq)
    }

    async fn update(&self, changes: &[ChangeBody]) -> Result<(), CallError> {
        self.detail().await?;
        let changed: BTreeSet<u32> = changes
            .iter()
            .flat_map(|change| change.nodes.iter().copied())
            .collect();
        let changed: Vec<String> = changed.iter().map(u32::to_string).collect();
        for some in changed.chunks(NAMED) {
            let filter = NodeFilter {
                only: Some(some.join(",")),
                limit: Some(PAGE),
                ..NodeFilter::default()
            };
            self.nodes(filter).await?;
        }
        Ok(())
    }

    fn refused(&self, error: CallError) {
        self.error.try_set(Some(error));
    }
}

/// The page of a run.
#[component]
pub(crate) fn RunPage(shell: Shell, tenant: String, run: String) -> impl IntoView {
    browser::set_title(&format!("{run} · {tenant} · Steading"));
    let known = Known {
        place: StoredValue::new((tenant.clone(), run.clone())),
        detail: RwSignal::new(None),
        nodes: RwSignal::new(Nodes::default()),
        whole: RwSignal::new(false),
        error: RwSignal::new(None),
    };
    spawn_local(keep_fresh(
        shell,
        Life::of_owner(),
        tenant.clone(),
        Some(run.clone()),
        known,
    ));

    let detail = Memo::new(move |_| known.detail.get());
    let look = Memo::new(move |_| {
        shell.route.with(|route| match route {
            Route::Run { look, .. } => look.clone(),
            _ => Look::default(),
        })
    });
    let amend = Callback::new(move |look: Look| {
        let (tenant, run) = known.place.get_value();
        shell.amend(Route::Run { tenant, run, look });
    });
    // What tells most is chosen until the reader chooses.
    let chosen = Memo::new(move |_| {
        let named = look.with(|look| look.node);
        named.or_else(|| {
            known
                .whole
                .get()
                .then(|| known.nodes.with(Nodes::most_telling))
                .flatten()
        })
    });
    let choose = Callback::new(move |ix: u32| {
        amend.run(Look {
            node: Some(ix),
            ..look.get_untracked()
        })
    });
    let may_operate = {
        let tenant = tenant.clone();
        Memo::new(move |_| shell.may_operate(&tenant))
    };
    let question = RwSignal::new(None::<Question>);
    let problem = RwSignal::new(None::<CallError>);
    let target = Target {
        shell,
        tenant: tenant.clone(),
        run: run.clone(),
        problem,
    };
    let asked = target.clone();
    let on_verb = Callback::new(move |verb: RunVerb| {
        let target = asked.clone();
        question.set(Some(Question {
            text: verb.question(&target.run),
            consequence: verb.consequence(),
            deed: verb.word(),
            on_yes: Callback::new(move |()| run_verb(target.clone(), verb)),
        }));
    });
    let on_resume = Callback::new(move |node: Arc<NodeBody>| resume_node(target.clone(), &node));
    let parameters = move || {
        detail.with(|detail| {
            detail
                .as_ref()
                .map(|detail| (detail.parameters.clone(), detail.outputs.clone()))
        })
    };
    view! {
        {move || known.error.get().map(|error| view! { <Problem error/> })}
        <Show when=move || detail.with(Option::is_some) fallback=move || {
            known.error.with(Option::is_none).then(|| view! { <p class="quiet pad" role="status">"Loading the run …"</p> })
        }>
            <article class="run">
                <RunHeader run=detail now=shell.now may_operate on_verb/>
                {move || problem.get().map(|error| view! { <Problem error/> })}
                <Cause tenant=known.place.get_value().0 run=known.place.get_value().1 detail on_open=choose/>
                <Steps shell known look chosen choose amend/>
                <Panel shell known chosen may_operate on_resume/>
                <LogDock shell tenant=known.place.get_value().0 run=known.place.get_value().1 nodes=known.nodes look chosen amend/>
                <section class="run-values">
                    {move || parameters().map(|(parameters, outputs)| view! {
                        <Values title="Parameters of the run" values=parameters/>
                        <Values title="Outputs of the run" values=outputs/>
                    })}
                </section>
            </article>
        </Show>
        <Confirm question/>
    }
}

#[component]
fn Steps(
    shell: Shell,
    known: Known,
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
    let tree = Memo::new(move |_| known.nodes.with(Tree::build));
    let rows = Memo::new(move |_| {
        tree.with(|tree| {
            known
                .nodes
                .with(|nodes| folding.with(|folding| tree.rows(nodes, folding)))
        })
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
                browser::focus("#tree");
                cursor.step(if key == "j" { 1 } else { -1 });
            }
            "g" => turn(if view.get_untracked() == NodesView::Tree {
                NodesView::Graph
            } else {
                NodesView::Tree
            }),
            "n" => next_failure(known.nodes, chosen, choose),
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
        let number = known.nodes.with(|nodes| nodes.len() as u64);
        if known.whole.get() {
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
                    on:input=move |event| amend.run(Look { find: event_target_value(&event), ..look.get_untracked() })/>
                <span class="spring"></span>
                <span class="quiet num" role="status">{total}</span>
            </div>
            <TreeView nodes=known.nodes tree cursor folding now=shell.now on_choose=choose/>
        </section>
    }
}

#[component]
fn Panel(
    shell: Shell,
    known: Known,
    chosen: Memo<Option<u32>>,
    may_operate: Memo<bool>,
    on_resume: Callback<Arc<NodeBody>>,
) -> impl IntoView {
    let node = Memo::new(move |_| {
        let ix = chosen.get()?;
        known.nodes.with(|nodes| nodes.get(ix).cloned())
    });
    let below = Memo::new(move |_| {
        let ix = chosen.get()?;
        known
            .nodes
            .with(|nodes| Tree::build(nodes).below(ix).cloned())
    });
    view! { <NodePanel node below now=shell.now may_operate on_resume/> }
}

/// Chooses the failed leaf after the chosen node, and the first one after the last.
fn next_failure(nodes: RwSignal<Nodes>, chosen: Memo<Option<u32>>, choose: Callback<u32>) {
    let here = chosen.get_untracked();
    let goal = nodes.with_untracked(|nodes| {
        let failed = |node: &&Arc<NodeBody>| is_leaf(node.kind) && state(node).bad();
        let after = nodes
            .iter()
            .filter(failed)
            .find(|node| Some(node.ix) > here);
        after
            .or_else(|| nodes.iter().find(failed))
            .map(|node| node.ix)
    });
    if let Some(ix) = goal {
        choose.run(ix);
    }
}
