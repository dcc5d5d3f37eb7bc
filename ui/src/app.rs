//! The page as a whole: who is asking decides between login and work, the address decides what is shown.

use leptos::prelude::*;
use wasm_bindgen::prelude::wasm_bindgen;

use crate::browser;
use crate::components::help::{Help, HelpDialog};
use crate::components::link_banner::LinkBanner;
use crate::components::problem::Problem;
use crate::components::top_bar::TopBar;
use crate::keys;
use crate::route::Route;
use crate::routes::login::LoginPage;
use crate::routes::run::RunPage;
use crate::routes::runs::RunsPage;
use crate::shell::{Session, Shell};

/// Called by the glue once the module is loaded.
#[wasm_bindgen(start)]
pub(crate) fn start() {
    browser::remove_boot_notice();
    mount_to_body(App);
}

/// What is shown, apart from its details: a change of these rebuilds the view, a change of the rest does not.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Place {
    Asking,
    Login,
    Broken,
    NoTenant,
    Runs(String),
    Run(String, String),
}

#[component]
fn App() -> impl IntoView {
    let shell = Shell::start();
    provide_context(shell);
    keys::leave_fields_by_escape();
    keys::on_key(move |key| {
        if key == "?" {
            shell.help.set(Help::Shown);
        }
        key == "?"
    });
    let place = Memo::new(move |_| place(shell));
    view! {
        <a class="skip" href="#main" on:click=move |event| { event.prevent_default(); browser::focus("#main"); }>"Skip to the content"</a>
        <TopBar shell/>
        <LinkBanner link=shell.link/>
        <main id="main" tabindex="-1">
            {move || match place.get() {
                Place::Asking => view! { <p class="quiet pad" role="status">"Loading …"</p> }.into_any(),
                Place::Login => view! { <LoginPage shell/> }.into_any(),
                Place::Broken => view! { <Broken shell/> }.into_any(),
                Place::NoTenant => view! { <NoTenant/> }.into_any(),
                Place::Runs(tenant) => view! { <RunsPage shell tenant/> }.into_any(),
                Place::Run(tenant, run) => view! { <RunPage shell tenant run/> }.into_any(),
            }}
        </main>
        <footer class="foot"><a href="/docs/user">"Documentation"</a></footer>
        <HelpDialog shown=shell.help/>
    }
}

fn place(shell: Shell) -> Place {
    match shell.session.get() {
        Session::Asking => return Place::Asking,
        Session::Nobody(_) => return Place::Login,
        Session::Broken(_) => return Place::Broken,
        Session::Somebody(_) => {}
    }
    match shell.route.get() {
        Route::Home | Route::Login { .. } => {
            shell.first_tenant().map_or(Place::NoTenant, Place::Runs)
        }
        Route::Runs { tenant, .. } => Place::Runs(tenant),
        Route::Run { tenant, run, .. } => Place::Run(tenant, run),
    }
}

#[component]
fn Broken(shell: Shell) -> impl IntoView {
    let error = shell.session.with_untracked(|session| match session {
        Session::Broken(error) => Some(error.clone()),
        _ => None,
    });
    view! {
        {error.map(|error| view! { <Problem error/> })}
        <p class="pad"><button on:click=move |_| shell.ask_who()>"Try again"</button></p>
    }
}

#[component]
fn NoTenant() -> impl IntoView {
    view! {
        <section class="empty">
            <h1>"No tenant yet"</h1>
            <p>"You are logged in, but no tenant has given you a role. An operator makes one with"</p>
            <pre>"steading tenant create NAME"</pre>
        </section>
    }
}
