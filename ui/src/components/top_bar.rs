//! The bar above every view: where the reader is, whose runs, and whether they are live.

use leptos::prelude::*;

use crate::components::help::Help;
use crate::route::Route;
use crate::shell::{Link, Session, Shell};

/// Brand, tenant, connection, reader.
#[component]
pub(crate) fn TopBar(shell: Shell) -> impl IntoView {
    let home = move || {
        shell
            .route
            .with(|route| route.tenant().map_or(Route::Home, Route::runs))
            .fragment()
    };
    view! {
        <header class="top">
            <a class="brand" href=home>
                <svg viewBox="0 0 16 16" aria-hidden="true"><path class="roof" d="M1.5 7.2 8 1.8l6.5 5.4V14h-13z"></path><path class="bars" d="M4.6 14V9.6M8 14V7.4m3.4 6.6V9.6"></path></svg>
                "Steading"
            </a>
            {move || match shell.session.get() {
                Session::Somebody(me) => {
                    let tenants: Vec<String> = me.tenants.iter().map(|role| role.tenant.clone()).collect();
                    view! {
                        <TenantPicker shell tenants/>
                        <span class="spring"></span>
                        <LinkState shell/>
                        <span class="who" title=format!("Steading {}", me.version)>{me.principal.clone()}</span>
                        <button class="plain" on:click=move |_| shell.log_out()>"Log out"</button>
                    }.into_any()
                }
                _ => view! { <span class="spring"></span> }.into_any(),
            }}
            <button class="plain" aria-label="Keys" title="Keys (?)" on:click=move |_| shell.help.set(Help::Shown)>"?"</button>
        </header>
    }
}

#[component]
fn TenantPicker(shell: Shell, tenants: Vec<String>) -> impl IntoView {
    let present = Memo::new(move |_| {
        let named = shell.route.with(|route| route.tenant().map(str::to_owned));
        named.or_else(|| shell.first_tenant()).unwrap_or_default()
    });
    let known = tenants.clone();
    let foreign =
        move || Some(present.get()).filter(|name| !name.is_empty() && !known.contains(name));
    view! {
        <label class="tenant">
            <span>"Tenant"</span>
            <select prop:value=move || present.get() on:change=move |event| shell.go(Route::runs(event_target_value(&event)))>
                {move || foreign().map(|name| { let value = name.clone(); view! { <option value=value>{name}</option> } })}
                {tenants.into_iter().map(|name| {
                    let (value, chosen) = (name.clone(), name.clone());
                    view! { <option value=value selected=move || present.get() == chosen>{name}</option> }
                }).collect_view()}
            </select>
        </label>
    }
}

#[component]
fn LinkState(shell: Shell) -> impl IntoView {
    let (class, word) = (
        move || match shell.link.get() {
            Link::Live => "link live",
            Link::Lost(_) => "link lost",
            Link::Idle => "link",
        },
        move || match shell.link.get() {
            Link::Live => "Live",
            Link::Lost(_) => "Offline",
            Link::Idle => "",
        },
    );
    view! { <span class=class>{word}</span> }
}
