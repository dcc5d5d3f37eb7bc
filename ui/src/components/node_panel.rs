//! One node: where it stands and why, what went in and came out, what it used.

use std::sync::Arc;

use leptos::prelude::*;
use steading_api::artifact::Side;
use steading_api::node::NodeBody;
use steading_types::{Millis, NodeType};

use crate::browser;
use crate::components::artifacts::Artifacts;
use crate::components::state_mark::StateMark;
use crate::components::values::Values;
use crate::format::{bytes, duration, elapsed, exit, tally};
use crate::nodes::{kind_word, state};
use crate::tree::Below;
use crate::verbs::StepVerb;

/// The chosen node and what it may do.
#[component]
pub(crate) fn NodePanel(
    place: StoredValue<(String, String)>,
    node: Memo<Option<Arc<NodeBody>>>,
    below: Memo<Option<Below>>,
    now: RwSignal<Millis>,
    may_operate: Memo<bool>,
    over: Memo<bool>,
    on_step: Callback<(StepVerb, Arc<NodeBody>)>,
) -> impl IntoView {
    view! {
        <aside class="panel" aria-label="Chosen step">
            {move || match node.get() {
                None => view! { <p class="quiet pad">"Choose a step to see its inputs, outputs and log."</p> }.into_any(),
                Some(node) => {
                    let asked = node.clone();
                    let shown = state(&node);
                    view! {
                        <h2 class="node-name">{node.display_name.clone()}</h2>
                        <p class="node-state"><StateMark state=Signal::stored(shown)/><span class="faint">{what(&node)}</span></p>
                        {node.message.clone().map(|message| view! { <p class="message">{message}</p> })}
                        {move || below.get().filter(|sum| sum.counts.values().sum::<u32>() > 1).map(|sum| view! { <p class="quiet num">{tally(sum.counts)}</p> })}
                        {move || may_operate.get().then(|| StepVerb::of(&asked, over.get()).into_iter().map(|verb| {
                            let asked = asked.clone();
                            let class = if verb == StepVerb::Resume { "strong" } else { "" };
                            view! { <button class=class on:click=move |_| on_step.run((verb, asked.clone()))>{verb.words()}</button> }
                        }).collect_view())}
                        <Facts node=node.clone() now/>
                        {node.result.clone().filter(|text| !text.is_empty()).map(|text| view! {
                            <section class="values"><h3>"Result"</h3><pre>{text}</pre></section>
                        })}
                        <Values title="Outputs" values=node.outputs.clone()/>
                        <Artifacts title="Output files" side=Side::Outputs place=place.get_value() artifacts=node.artifacts.clone()/>
                        <Values title="Inputs" values=node.inputs.clone()/>
                        <Artifacts title="Input files" side=Side::Inputs place=place.get_value() artifacts=node.artifacts.clone()/>
                        <p class="quiet path"><code>{node.name.clone()}</code></p>
                    }.into_any()
                }
            }}
        </aside>
    }
}

fn what(node: &NodeBody) -> String {
    let kind = if node.hook {
        "hook"
    } else {
        kind_word(node.kind)
    };
    if node.template.is_empty() || node.kind == NodeType::StepGroup {
        kind.to_owned()
    } else {
        format!("{kind} of {}", node.template)
    }
}

#[component]
fn Facts(node: Arc<NodeBody>, now: RwSignal<Millis>) -> impl IntoView {
    let (started, finished) = (node.started, node.finished);
    let mut facts: Vec<(&'static str, String)> = Vec::new();
    facts.extend(
        node.exit_code
            .filter(|code| *code != 0)
            .map(|code| ("Ended with", exit(code))),
    );
    facts.extend(started.map(|at| ("Started", browser::date_and_clock(at))));
    facts.extend(finished.map(|at| ("Finished", browser::date_and_clock(at))));
    if !node.isolation.is_empty() {
        facts.push(("Isolation", node.isolation.clone()));
    }
    facts.extend(node.host.clone().map(|host| ("Host", host)));
    facts.extend(node.memo.clone().map(|memo| {
        let name = if memo.hit {
            "Remembered by"
        } else {
            "Remembered in"
        };
        (name, format!("{} {}", memo.cache, memo.key))
    }));
    if node.cpu_ms > 0 {
        facts.push(("CPU time", duration(Millis(node.cpu_ms))));
    }
    if node.max_rss > 0 {
        facts.push(("Peak memory", bytes(node.max_rss)));
    }
    view! {
        <dl class="node-facts">
            {started.map(|_| view! {
                <div><dt>"Duration"</dt><dd class="num">{move || {
                    let now = if finished.is_some() { Millis(0) } else { now.get() };
                    elapsed(started, finished, now)
                }}</dd></div>
            })}
            {facts.into_iter().map(|(name, value)| view! { <div><dt>{name}</dt><dd class="num">{value}</dd></div> }).collect_view()}
        </dl>
    }
}
