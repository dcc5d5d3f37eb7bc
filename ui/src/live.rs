//! Keeps a view fresh: fetches it, follows the change feed, fetches what changed, and begins again when
//! the connection is lost.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use leptos::prelude::{Set, on_cleanup};
use send_wrapper::SendWrapper;
use std::cell::RefCell;
use std::rc::Rc;
use steading_api::change::{ChangeBody, ChangeQuery};
use steading_api::client::CallError;
use steading_api::operations::FollowChanges;
use steading_types::Millis;
use web_sys::AbortController;

use crate::api::{self, Events};
use crate::browser;
use crate::shell::{Link, Shell};

/// Changes within this span are shown together.
const GATHER: Millis = Millis(250);
/// The first pause after a lost connection; doubled up to [`LONGEST_PAUSE`].
const FIRST_PAUSE: Millis = Millis(500);
const LONGEST_PAUSE: Millis = Millis(15_000);

/// The life of the view that follows: its streams end with it.
#[derive(Clone)]
pub(crate) struct Life {
    over: Arc<AtomicBool>,
    stream: Rc<RefCell<Option<AbortController>>>,
}

impl Life {
    /// The life of the present reactive owner.
    pub(crate) fn of_owner() -> Self {
        let life = Self {
            over: Arc::default(),
            stream: Rc::default(),
        };
        let kept = SendWrapper::new(life.clone());
        on_cleanup(move || kept.end());
        life
    }

    /// True when nobody looks any more.
    pub(crate) fn is_over(&self) -> bool {
        self.over.load(Ordering::Relaxed)
    }

    /// Ends a stream together with the view.
    pub(crate) fn hold<A: serde::de::DeserializeOwned>(&self, events: &Events<A>) {
        self.stream.replace(Some(events.abort_handle()));
    }

    fn end(&self) {
        self.over.store(true, Ordering::Relaxed);
        if let Some(stream) = self.stream.take() {
            stream.abort();
        }
    }
}

/// Pauses that grow with each failure in a row.
pub(crate) struct Patience(Millis);

impl Patience {
    /// Nothing has failed yet.
    pub(crate) fn new() -> Self {
        Self(FIRST_PAUSE)
    }

    /// Waits, longer each time.
    pub(crate) async fn pause(&mut self) {
        browser::sleep(self.0).await;
        self.0 = Millis(self.0.get().saturating_mul(2)).min(LONGEST_PAUSE);
    }
}

/// What a view does with changes.
pub(crate) trait Freshen {
    /// Fetches everything; gives the position in the change feed that the answer reflects.
    async fn load(&self) -> Result<u64, CallError>;
    /// Fetches what changed.
    async fn update(&self, changes: &[ChangeBody]) -> Result<(), CallError>;
    /// A refusal that another try would not change.
    fn refused(&self, error: CallError);
}

/// Runs until the view is gone or the server refuses.
pub(crate) async fn keep_fresh(
    shell: Shell,
    life: Life,
    tenant: String,
    run: Option<String>,
    view: impl Freshen,
) {
    let mut patience = Patience::new();
    while !life.is_over() {
        let outcome = once(shell, &life, &tenant, run.as_ref(), &view, &mut patience).await;
        if life.is_over() {
            return;
        }
        match outcome {
            // The feed forgets old changes: begin again from a fresh answer.
            Err(CallError::Refused { status: 410, .. }) | Ok(()) => {}
            Err(
                error @ CallError::Refused {
                    status: 400..500, ..
                },
            ) => {
                shell.notice(&error);
                view.refused(error);
                return;
            }
            Err(_) => {}
        }
        shell.lose_link();
        patience.pause().await;
    }
}

async fn once(
    shell: Shell,
    life: &Life,
    tenant: &str,
    run: Option<&String>,
    view: &impl Freshen,
    patience: &mut Patience,
) -> Result<(), CallError> {
    let seq = view.load().await?;
    if life.is_over() {
        return Ok(());
    }
    let query = ChangeQuery {
        after: Some(seq),
        run: run.cloned(),
    };
    let mut events = api::follow::<FollowChanges>(&[tenant], &query).await?;
    if life.is_over() {
        return Ok(());
    }
    life.hold(&events);
    shell.link.set(Link::Live);
    *patience = Patience::new();
    while let Some(mut changes) = events.next().await? {
        if changes.is_empty() {
            continue;
        }
        changes.extend(events.gather(GATHER).await?);
        if life.is_over() {
            return Ok(());
        }
        view.update(&changes).await?;
    }
    Ok(())
}
