//! One run: what went wrong first, its steps, the chosen step, its log. Live.

use std::collections::BTreeMap;
use std::sync::Arc;

use leptos::prelude::*;
use steading_api::client::CallError;
use steading_api::node::NodeBody;

use crate::browser;
use crate::components::confirm::{Answer, Confirm, Question};
use crate::components::node_panel::NodePanel;
use crate::components::problem::Problem;
use crate::components::run_header::RunHeader;
use crate::components::values::Values;
use crate::nodes::Nodes;
use crate::route::{Look, Route};
use crate::routes::run_cause::Cause;
use crate::routes::run_data::Known;
use crate::routes::run_history::History;
use crate::routes::run_log::LogDock;
use crate::routes::run_steps::Steps;
use crate::routes::run_verbs::{Target, run_verb, step_verb};
use crate::shell::Shell;
use crate::tree::Tree;
use crate::verbs::{RunVerb, StepVerb};

/// The page of a run.
#[component]
pub(crate) fn RunPage(shell: Shell, tenant: String, run: String) -> impl IntoView {
    browser::set_title(&format!("{run} · {tenant} · Steading"));
    let known = Known::start(shell, &tenant, &run);
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
    let chosen = Memo::new(move |before: Option<&Option<u32>>| {
        let named = look.with(|look| look.node);
        let before = before.copied().flatten();
        let telling = || {
            known
                .whole
                .get()
                .then(|| known.nodes.with(Nodes::most_telling))
                .flatten()
        };
        named.or(before).or_else(telling)
    });
    let choose = Callback::new(move |ix: u32| {
        amend.run(Look {
            node: Some(ix),
            ..look.get_untracked()
        })
    });
    let tree = Memo::new(move |_| known.nodes.with(Tree::build));
    let may_operate = {
        let tenant = tenant.clone();
        Memo::new(move |_| shell.may_operate(&tenant))
    };
    let over = Memo::new(move |_| {
        detail.with(|detail| {
            detail
                .as_ref()
                .is_some_and(|detail| detail.summary.phase.completed())
        })
    });
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
            values: BTreeMap::new(),
            deed: verb.word(),
            on_yes: Callback::new(move |answer: Answer| run_verb(target.clone(), verb, answer)),
        }));
    });
    let on_step = Callback::new(move |(verb, node): (StepVerb, Arc<NodeBody>)| {
        let target = target.clone();
        question.set(Some(Question {
            text: format!("{}: {}?", verb.words(), node.display_name),
            consequence: verb.consequence(),
            values: match verb {
                StepVerb::Resume => node.awaited.clone(),
                StepVerb::Restart | StepVerb::Skip => BTreeMap::new(),
            },
            deed: verb.words(),
            on_yes: Callback::new(move |answer| step_verb(target.clone(), verb, &node, answer)),
        }));
    });
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
                <Steps shell nodes=known.nodes whole=known.whole tree look chosen choose amend/>
                <Panel shell known tree chosen may_operate over on_step/>
                <LogDock shell tenant=known.place.get_value().0 run=known.place.get_value().1 nodes=known.nodes look chosen over amend/>
                <section class="run-values">
                    {move || parameters().map(|(parameters, outputs)| view! {
                        <Values title="Parameters of the run" values=parameters/>
                        <Values title="Outputs of the run" values=outputs/>
                    })}
                    <History tenant=known.place.get_value().0 run=known.place.get_value().1 detail/>
                </section>
            </article>
        </Show>
        <Confirm question/>
    }
}

#[component]
fn Panel(
    shell: Shell,
    known: Known,
    tree: Memo<Tree>,
    chosen: Memo<Option<u32>>,
    may_operate: Memo<bool>,
    over: Memo<bool>,
    on_step: Callback<(StepVerb, Arc<NodeBody>)>,
) -> impl IntoView {
    let node = Memo::new(move |_| {
        let ix = chosen.get()?;
        known.nodes.with(|nodes| nodes.get(ix).cloned())
    });
    let below = Memo::new(move |_| {
        let ix = chosen.get()?;
        tree.with(|tree| tree.below(ix).cloned())
    });
    view! { <NodePanel place=known.place node below now=shell.now may_operate over on_step/> }
}
