//! What every view shares: who is asking, where in the page, the clock, and whether the server still answers.

use std::sync::Arc;

use leptos::prelude::*;
use leptos::task::spawn_local;
use steading_api::access::Role;
use steading_api::client::CallError;
use steading_api::operations::{CreateSession, DeleteSession, GetMe};
use steading_api::session::{Login, Me};
use steading_types::Millis;

use crate::browser::{self, Step};
use crate::route::Route;
use crate::{api, components::help};

/// The shared signals. Cheap to copy.
#[derive(Clone, Copy)]
pub(crate) struct Shell {
    /// Who is asking.
    pub(crate) session: RwSignal<Session>,
    /// Where in the page.
    pub(crate) route: RwSignal<Route>,
    /// The clock, each second.
    pub(crate) now: RwSignal<Millis>,
    /// Whether the server still answers.
    pub(crate) link: RwSignal<Link>,
    /// Whether the list of keys is shown.
    pub(crate) help: RwSignal<help::Help>,
}

/// Who is asking.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Session {
    /// Not known yet.
    Asking,
    /// Nobody: shows the login, with the reason when there is one.
    Nobody(Option<CallError>),
    /// Somebody.
    Somebody(Arc<Me>),
    /// The server gave no usable answer.
    Broken(CallError),
}

/// Whether the server still answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Link {
    /// Nothing is being followed.
    Idle,
    /// Changes arrive as they happen.
    Live,
    /// No connection; what is shown is as of this time.
    Lost(Millis),
}

impl Shell {
    /// Reads the address and begins to ask who the reader is.
    pub(crate) fn start() -> Self {
        let shell = Self {
            session: RwSignal::new(Session::Asking),
            route: RwSignal::new(Route::parse(&browser::fragment())),
            now: RwSignal::new(browser::now()),
            link: RwSignal::new(Link::Idle),
            help: RwSignal::new(help::Help::Hidden),
        };
        let moved = window_event_listener_untyped("hashchange", move |_| {
            shell.route.set(Route::parse(&browser::fragment()));
        });
        let back = window_event_listener_untyped("popstate", move |_| {
            shell.route.set(Route::parse(&browser::fragment()));
        });
        on_cleanup(move || {
            moved.remove();
            back.remove();
        });
        // One timer for every running duration on the page; what is old must not seem to go on.
        let tick = move || {
            if !matches!(shell.link.get_untracked(), Link::Lost(_)) {
                shell.now.set(browser::now());
            }
        };
        set_interval(tick, std::time::Duration::from_secs(1));
        match shell.route.get_untracked() {
            Route::Login { code } => shell.log_in(Login {
                token: None,
                code: Some(code),
            }),
            _ => shell.ask_who(),
        }
        shell
    }

    /// Moves to another place.
    pub(crate) fn go(self, route: Route) {
        self.step(route, Step::New);
    }

    /// Changes what the present place shows; "back" does not return to each of these changes.
    pub(crate) fn amend(self, route: Route) {
        self.step(route, Step::Replace);
    }

    fn step(self, route: Route, step: Step) {
        if self.route.with_untracked(|present| *present != route) {
            browser::set_fragment(&route.fragment(), step);
            self.route.set(route);
        }
    }

    /// Begins a session with a token or a one-time code.
    pub(crate) fn log_in(self, login: Login) {
        self.session.set(Session::Asking);
        spawn_local(async move {
            let answer = api::call::<CreateSession>(&[], &(), &login).await;
            if matches!(self.route.get_untracked(), Route::Login { .. }) {
                // The code is spent: it must not stay in the history.
                self.amend(Route::Home);
            }
            self.session.set(match answer {
                Ok(me) => Session::Somebody(Arc::new(me)),
                Err(error) => Session::Nobody(Some(error)),
            });
        });
    }

    /// Ends the session.
    pub(crate) fn log_out(self) {
        spawn_local(async move {
            // Without an answer the reader is still logged out here, and told so by the login view.
            let error = api::call::<DeleteSession>(&[], &(), &()).await.err();
            self.session.set(Session::Nobody(error));
        });
    }

    /// Asks the server who the reader is.
    pub(crate) fn ask_who(self) {
        self.session.set(Session::Asking);
        spawn_local(async move {
            self.session
                .set(match api::call::<GetMe>(&[], &(), &()).await {
                    Ok(me) => Session::Somebody(Arc::new(me)),
                    Err(CallError::Refused { status: 401, .. }) => Session::Nobody(None),
                    Err(error) => Session::Broken(error),
                });
        });
    }

    /// Takes note of a refusal that concerns the whole page: the session may be over.
    pub(crate) fn notice(self, error: &CallError) {
        if matches!(error, CallError::Refused { status: 401, .. }) {
            self.session.set(Session::Nobody(Some(error.clone())));
        }
    }

    /// The connection is gone; the first time counts.
    pub(crate) fn lose_link(self) {
        if !matches!(self.link.get_untracked(), Link::Lost(_)) {
            self.link.set(Link::Lost(browser::now()));
        }
    }

    /// The tenant to show when the address names none.
    pub(crate) fn first_tenant(self) -> Option<String> {
        self.session.with(|session| match session {
            Session::Somebody(me) => me.tenants.first().map(|tenant| tenant.tenant.clone()),
            _ => None,
        })
    }

    /// Whether the reader may steer runs of a tenant.
    pub(crate) fn may_operate(self, tenant: &str) -> bool {
        self.session.with(|session| match session {
            Session::Somebody(me) => {
                me.operator
                    || me
                        .tenants
                        .iter()
                        .any(|role| role.tenant == tenant && role.role >= Role::Submitter)
            }
            _ => false,
        })
    }
}
