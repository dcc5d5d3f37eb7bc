//! What people did to the run, and the runs that it came from and led to.

use leptos::prelude::*;
use leptos::task::spawn_local;
use steading_api::history::{RunEventBody, RunLink};
use steading_api::operations::ListRunEvents;
use steading_api::run::RunDetail;

use crate::api;
use crate::browser;
use crate::history::deed;
use crate::route::Route;

/// Nothing at all while nobody did anything.
#[component]
pub(crate) fn History(
    tenant: String,
    run: String,
    detail: Memo<Option<RunDetail>>,
) -> impl IntoView {
    let place = StoredValue::new((tenant, run));
    let events = RwSignal::new(Vec::new());
    let how_many =
        Memo::new(move |_| detail.with(|detail| detail.as_ref().map_or(0, |detail| detail.events)));
    Effect::new(move |_| {
        if how_many.get() > 0 {
            let (tenant, run) = place.get_value();
            spawn_local(async move {
                // They come with the next change if not with this one.
                if let Ok(list) = api::call::<ListRunEvents>(&[&tenant, &run], &(), &()).await {
                    events.try_set(list.events);
                }
            });
        }
    });
    view! {
        <Show when=move || events.with(|events| !events.is_empty())>
            <section class="values history">
                <h3>"What was done"</h3>
                <ol>{move || events.get().into_iter().map(|event| {
                    let tenant = place.with_value(|(tenant, _)| tenant.clone());
                    view! { <Entry tenant event/> }
                }).collect_view()}</ol>
            </section>
        </Show>
    }
}

#[component]
fn Entry(tenant: String, event: RunEventBody) -> impl IntoView {
    let values = event.values.iter();
    let values: Vec<_> = values
        .map(|(name, value)| format!("{name} = {value}"))
        .collect();
    let of = event.nodes.clone().into_iter().chain(values);
    let of = of.collect::<Vec<_>>().join(", ");
    view! {
        <li>
            <span class="faint num">{browser::date_and_clock(event.at)}</span>
            <span>
                <b>{event.who}</b>" "{deed(event.deed)}
                {event.other.map(|other| view! { " "<Other tenant other/> })}
                {(!of.is_empty()).then(|| view! { " "<code>{of}</code> })}
                {event.why.map(|why| view! { <q class="why">{why}</q> })}
            </span>
        </li>
    }
}

#[component]
fn Other(tenant: String, other: RunLink) -> impl IntoView {
    let to = Route::run(tenant, other.name.clone()).fragment();
    view! { <a href=to>{other.name}</a> }
}
