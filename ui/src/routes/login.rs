//! The login: a token is pasted, or a one-time link has already done it.

use leptos::prelude::*;
use steading_api::client::CallError;
use steading_api::session::Login;

use crate::browser;
use crate::components::problem::Problem;
use crate::shell::{Session, Shell};

/// Shown while nobody is logged in; the address stays, so that the reader ends where they wanted to be.
#[component]
pub(crate) fn LoginPage(shell: Shell) -> impl IntoView {
    browser::set_title("Log in · Steading");
    shell.link.set(crate::shell::Link::Idle);
    let token = RwSignal::new(String::new());
    let error = move || {
        shell.session.with(|session| match session {
            Session::Nobody(error) => error.clone(),
            _ => None,
        })
    };
    let submit = move |event: leptos::ev::SubmitEvent| {
        event.prevent_default();
        let pasted = token.get_untracked().trim().to_owned();
        if !pasted.is_empty() {
            token.set(String::new());
            shell.log_in(Login {
                token: Some(pasted),
                code: None,
            });
        }
    };
    view! {
        <section class="login">
            <h1>"Log in"</h1>
            {move || error().map(|error: CallError| view! { <Problem error/> })}
            <form on:submit=submit>
                <label for="token">"Token"</label>
                <input id="token" name="token" type="password" autocomplete="current-password" spellcheck="false" autofocus
                    prop:value=move || token.get() on:input=move |event| token.set(event_target_value(&event))/>
                <button class="strong" disabled=move || token.with(|text| text.trim().is_empty())>"Log in"</button>
            </form>
            <p class="quiet">"The operator's token lies in "<code>"operator.token"</code>" in the server's data directory. "
                <code>"steading login --link"</code>" prints a one-time link to this page."</p>
        </section>
    }
}
