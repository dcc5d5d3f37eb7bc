//! A refusal or a failed call: what happened, the stable code, and what to do.

use leptos::prelude::*;
use steading_api::client::CallError;

/// One failed call.
#[component]
pub(crate) fn Problem(error: CallError) -> impl IntoView {
    let (title, code, fix, faults, correlation) = match &error {
        CallError::Refused { status, body } => (
            title(*status),
            Some(body.code.clone()),
            body.fix.clone(),
            body.faults.clone(),
            body.correlation.clone(),
        ),
        CallError::Unreachable(_) => {
            let fix = "Check that the server runs and that this host reaches it.".to_owned();
            (
                "The server does not answer",
                None,
                Some(fix),
                Vec::new(),
                None,
            )
        }
        CallError::Malformed(_) => {
            let fix = "Page and server may differ in version: reload the page.".to_owned();
            (
                "The answer was not understood",
                None,
                Some(fix),
                Vec::new(),
                None,
            )
        }
    };
    view! {
        <section class="problem" role="alert">
            <h2>{title}</h2>
            <p>{error.to_string()}</p>
            {fix.map(|fix| view! { <p class="fix">{fix}</p> })}
            {(!faults.is_empty()).then(|| view! {
                <ul>{faults.into_iter().map(|fault| view! { <li><code>{fault.path}</code>" "{fault.message}</li> }).collect_view()}</ul>
            })}
            <p class="quiet">
                {code.map(|code| view! { <code>{code}</code> })}
                {correlation.map(|id| view! { <span>" · correlation "<code>{id}</code></span> })}
            </p>
        </section>
    }
}

fn title(status: u16) -> &'static str {
    match status {
        401 => "You are not logged in",
        403 => "This is not yours to see or do",
        404 => "There is no such thing here",
        409 => "That does not fit the present state",
        429 => "Too many requests",
        500..600 => "The server failed",
        _ => "The server refused",
    }
}
