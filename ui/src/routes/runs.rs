//! The runs of a tenant, live.

use leptos::prelude::*;
use leptos::task::spawn_local;
use steading_api::change::ChangeBody;
use steading_api::client::CallError;
use steading_api::operations::ListRuns;
use steading_api::run::{RunFilter, RunList};

use crate::components::filter_bar::FilterBar;
use crate::components::problem::Problem;
use crate::components::run_row::RunRow;
use crate::live::{Freshen, Life, keep_fresh};
use crate::route::{Filter, Route};
use crate::shell::Shell;
use crate::{api, browser, keys};

/// Rows of a page.
const PAGE: u32 = 50;

#[derive(Clone, Copy)]
struct Runs {
    tenant: StoredValue<String>,
    filter: Memo<Filter>,
    list: RwSignal<Option<RunList>>,
    error: RwSignal<Option<CallError>>,
}

impl Freshen for Runs {
    async fn load(&self) -> Result<u64, CallError> {
        let (Some(tenant), Some(filter)) =
            (self.tenant.try_get_value(), self.filter.try_get_untracked())
        else {
            return Ok(0);
        };
        let given = |text: String| Some(text).filter(|text| !text.is_empty());
        let query = RunFilter {
            phase: given(filter.phase),
            labels: given(filter.labels),
            name: given(filter.name),
            limit: Some(PAGE),
            after: given(filter.after),
        };
        let list = api::call::<ListRuns>(&[&tenant], &query, &()).await?;
        let seq = list.seq;
        // Nobody looks any more when the signals are gone.
        self.error.try_set(None);
        self.list.try_set(Some(list));
        Ok(seq)
    }

    async fn update(&self, _changes: &[ChangeBody]) -> Result<(), CallError> {
        self.load().await.map(|_| ())
    }

    fn refused(&self, error: CallError) {
        self.error.try_set(Some(error));
    }
}

/// The list with its filter.
#[component]
pub(crate) fn RunsPage(shell: Shell, tenant: String) -> impl IntoView {
    browser::set_title(&format!("Runs · {tenant} · Steading"));
    let filter = Memo::new(move |_| {
        shell.route.with(|route| match route {
            Route::Runs { filter, .. } => filter.clone(),
            _ => Filter::default(),
        })
    });
    let runs = Runs {
        tenant: StoredValue::new(tenant.clone()),
        filter,
        list: RwSignal::new(None),
        error: RwSignal::new(None),
    };
    Effect::new(move || {
        filter.track();
        let tenant = runs.tenant.get_value();
        spawn_local(keep_fresh(shell, Life::of_owner(), tenant, None, runs));
    });
    keys::on_key(move |key| match key {
        "j" => browser::focus_neighbour(".runs a.name", 1),
        "k" => browser::focus_neighbour(".runs a.name", -1),
        "/" => {
            browser::focus("#filter-name");
            true
        }
        _ => false,
    });
    let change = move |filter: Filter| {
        shell.amend(Route::Runs {
            tenant: runs.tenant.get_value(),
            filter,
        });
    };
    view! {
        <section class="list">
            <h1 class="unseen">{format!("Runs of {tenant}")}</h1>
            <FilterBar filter change=Callback::new(change)/>
            {move || runs.error.get().map(|error| view! { <Problem error/> })}
            {move || runs.list.with(Option::is_none).then(|| view! {
                <p class="quiet pad" role="status">{move || if runs.error.with(Option::is_some) { "" } else { "Loading the runs …" }}</p>
            })}
            <Show when=move || runs.list.with(|list| list.as_ref().is_some_and(|list| !list.runs.is_empty())) fallback=move || {
                let known = runs.list.with(Option::is_some);
                known.then(|| view! { <NoRuns filter/> })
            }>
                <RunTable shell runs/>
            </Show>
            <Pager runs/>
        </section>
    }
}

#[component]
fn RunTable(shell: Shell, runs: Runs) -> impl IntoView {
    let ids = move || {
        runs.list.with(|list| {
            list.iter()
                .flat_map(|list| &list.runs)
                .map(|run| run.id)
                .collect::<Vec<_>>()
        })
    };
    view! {
        <table class="runs" role="table">
            <thead role="rowgroup"><tr role="row">
                <th role="columnheader" scope="col">"State"</th>
                <th role="columnheader" scope="col">"Run"</th>
                <th role="columnheader" scope="col">"Progress"</th>
                <th role="columnheader" scope="col">"Template"</th>
                <th role="columnheader" scope="col">"By"</th>
                <th role="columnheader" scope="col" class="right">"Created"</th>
                <th role="columnheader" scope="col" class="right">"Duration"</th>
            </tr></thead>
            <tbody role="rowgroup">
                <For each=ids key=|id| *id children=move |id| {
                    let run = Memo::new(move |_| {
                        runs.list.with(|list| list.as_ref().and_then(|list| list.runs.iter().find(|run| run.id == id).cloned()))
                    });
                    view! { <RunRow run now=shell.now/> }
                }/>
            </tbody>
        </table>
    }
}

/// What to do when there is nothing to see.
#[component]
fn NoRuns(filter: Memo<Filter>) -> impl IntoView {
    view! {
        <section class="empty">
            {move || if filter.with(Filter::narrows) {
                view! {
                    <h2>"No run matches"</h2>
                    <p>"Take a word out of the filter, or clear it."</p>
                }.into_any()
            } else {
                view! {
                    <h2>"Nothing has run here yet"</h2>
                    <p>"Submit a workflow and watch it appear:"</p>
                    <pre>"steading submit hello.yaml --watch"</pre>
                    <p class="quiet">"Your "<code>"argo submit"</code>" and Hera scripts work too: they speak to this same address."</p>
                }.into_any()
            }}
        </section>
    }
}

#[component]
fn Pager(runs: Runs) -> impl IntoView {
    let place = move |after: String| {
        let filter = Filter {
            after,
            ..runs.filter.get()
        };
        Route::Runs {
            tenant: runs.tenant.get_value(),
            filter,
        }
        .fragment()
    };
    let next = move || {
        runs.list
            .with(|list| list.as_ref().and_then(|list| list.next.clone()))
    };
    let later = move || !runs.filter.with(|filter| filter.after.is_empty());
    view! {
        <nav class="pager" aria-label="Pages">
            {move || later().then(|| view! { <a href=place(String::new())>"Newest runs"</a> })}
            {move || next().map(|after| view! { <a href=place(after)>"Older runs"</a> })}
        </nav>
    }
}
