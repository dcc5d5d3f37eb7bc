//! The log of a node or of the whole run: follows it, searches it on the server, and shows where it broke.

use leptos::prelude::*;
use leptos::task::spawn_local;
use steading_api::client::CallError;
use steading_api::log::LogQuery;
use steading_api::operations::FollowLogs;

use crate::components::log_lines::{Follow, LogLines};
use crate::components::problem::Problem;
use crate::live::{Life, Patience};
use crate::log::Log;
use crate::nodes::{Nodes, has_log};
use crate::route::{LogScope, Look, Wrap};
use crate::shell::Shell;
use crate::{api, browser, keys};

/// Lines from before the reader came.
const TAIL: u32 = 2_000;

/// What is fetched; a change begins anew.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Wanted {
    node: Option<u32>,
    grep: String,
}

/// The dock with the log.
#[component]
pub(crate) fn LogDock(
    shell: Shell,
    tenant: String,
    run: String,
    nodes: RwSignal<Nodes>,
    look: Memo<Look>,
    chosen: Memo<Option<u32>>,
    /// The run will print no more.
    over: Memo<bool>,
    amend: Callback<Look>,
) -> impl IntoView {
    let log = RwSignal::new(Log::default());
    let error = RwSignal::new(None::<CallError>);
    let follow = RwSignal::new(Follow::End);
    let scope = Memo::new(move |_| look.with(|look| look.log));
    let wrap = Memo::new(move |_| look.with(|look| look.wrap));
    let prints = Memo::new(move |_| {
        let node = chosen.get();
        nodes.with(|nodes| node.and_then(|ix| nodes.get(ix).map(|node| has_log(node.kind))))
    });
    let wanted = Memo::new(move |_| {
        let grep = look.with(|look| look.grep.clone());
        match scope.get() {
            LogScope::Run => Some(Wanted { node: None, grep }),
            LogScope::Node => chosen
                .get()
                .filter(|_| prints.get() == Some(true))
                .map(|ix| Wanted {
                    node: Some(ix),
                    grep,
                }),
        }
    });
    Effect::new(move || {
        log.set(Log::default());
        error.set(None);
        follow.set(Follow::End);
        if let Some(wanted) = wanted.get() {
            let source = Source {
                place: (tenant.clone(), run.clone()),
                wanted,
                nodes,
                over,
                log,
                error,
            };
            spawn_local(source.follow(shell, Life::of_owner()));
        }
    });
    let toggle_wrap = move || {
        let look = look.get_untracked();
        amend.run(Look {
            wrap: look.wrap.other(),
            ..look
        });
    };
    let toggle_follow = move || {
        follow.update(|follow| {
            *follow = if *follow == Follow::End {
                Follow::Still
            } else {
                Follow::End
            }
        });
    };
    keys::on_key(move |key| {
        match key {
            "l" => browser::focus("#log"),
            "f" => toggle_follow(),
            "w" => toggle_wrap(),
            _ => return false,
        }
        true
    });
    let pressed = |yes: bool| yes.to_string();
    let scope_button = move |value: LogScope, word: &'static str| {
        view! {
            <button type="button" class="chip" aria-pressed=move || pressed(scope.get() == value)
                on:click=move |_| amend.run(Look { log: value, ..look.get_untracked() })>{word}</button>
        }
    };
    let empty = move || match (wanted.get(), prints.get()) {
        (None, None) => "Choose a step to see its log.",
        (None, _) => "This step prints nothing itself: choose one below it, or the whole run.",
        (Some(wanted), _) if !wanted.grep.is_empty() => "No line matches so far.",
        _ => "Nothing printed so far.",
    };
    view! {
        <section class="dock" aria-label="Log">
            <div class="dock-head">
                <h2>"Log"</h2>
                <div class="chips" role="group" aria-label="Whose log">
                    {scope_button(LogScope::Node, "Step")}
                    {scope_button(LogScope::Run, "Whole run")}
                </div>
                <input type="search" id="grep" placeholder="Search the log (regular expression)" aria-label="Search the log on the server, regular expression" spellcheck="false"
                    prop:value=move || look.with(|look| look.grep.clone())
                    on:change=move |event| amend.run(Look { grep: event_target_value(&event), ..look.get_untracked() })/>
                <span class="spring"></span>
                <button type="button" class="chip" title="Wrap long lines (W)" aria-pressed=move || pressed(wrap.get() == Wrap::On) on:click=move |_| toggle_wrap()>"Wrap"</button>
                <button type="button" class="chip" title="Follow the end (F)" aria-pressed=move || pressed(follow.get() == Follow::End) on:click=move |_| toggle_follow()>"Follow"</button>
            </div>
            {move || error.get().map(|error| view! { <Problem error/> })}
            <Show when=move || log.with(Log::is_empty)><p class="quiet pad">{empty}</p></Show>
            <LogLines log nodes scope wrap follow/>
        </section>
    }
}

struct Source {
    place: (String, String),
    wanted: Wanted,
    nodes: RwSignal<Nodes>,
    over: Memo<bool>,
    log: RwSignal<Log>,
    error: RwSignal<Option<CallError>>,
}

impl Source {
    /// Until the server ends the stream, refuses, or nobody looks any more.
    async fn follow(self, shell: Shell, life: Life) {
        let mut patience = Patience::new();
        while !life.is_over() {
            match self.once(&life).await {
                Ok(()) if self.is_over() => return,
                // A server that restarts closes its streams in good order.
                Ok(()) => patience.pause().await,
                Err(_) if life.is_over() => return,
                Err(
                    refused @ CallError::Refused {
                        status: 400..500, ..
                    },
                ) => {
                    shell.notice(&refused);
                    self.error.try_set(Some(refused));
                    return;
                }
                Err(_) => {
                    self.log.try_update(|log| {
                        if !log.is_empty() {
                            log.mark(
                                "Connection lost here; lines may be missing until it is back.",
                            );
                        }
                    });
                    patience.pause().await;
                }
            }
        }
    }

    /// Whether what is followed will print no more; also when nobody looks any more.
    fn is_over(&self) -> bool {
        let done = |nodes: &Nodes| {
            self.wanted
                .node
                .and_then(|ix| nodes.get(ix))
                .is_some_and(|node| node.phase.completed())
        };
        self.over.try_get_untracked().unwrap_or(true)
            || self.nodes.try_with_untracked(done).unwrap_or(true)
    }

    async fn once(&self, life: &Life) -> Result<(), CallError> {
        let (tenant, run) = &self.place;
        let mut events = api::follow::<FollowLogs>(&[tenant, run], &self.query()).await?;
        if life.is_over() {
            return Ok(());
        }
        life.hold(&events);
        while let Some(lines) = events.next().await? {
            if life.is_over() {
                return Ok(());
            }
            if !lines.is_empty() {
                self.log.try_update(|log| log.push(lines));
            }
        }
        Ok(())
    }

    /// From the tail at first; after a lost connection from the last line on.
    fn query(&self) -> LogQuery {
        let latest = self.log.try_with_untracked(Log::latest).flatten();
        let grep = Some(self.wanted.grep.clone()).filter(|grep| !grep.is_empty());
        let query = LogQuery {
            node: self.wanted.node,
            grep,
            ..LogQuery::default()
        };
        match (latest, self.wanted.node) {
            (None, _) => LogQuery {
                tail: Some(TAIL),
                ..query
            },
            (Some((offset, _)), Some(_)) => LogQuery {
                offset: Some(offset),
                ..query
            },
            (Some((_, time)), None) => LogQuery {
                since: Some(time),
                ..query
            },
        }
    }
}
