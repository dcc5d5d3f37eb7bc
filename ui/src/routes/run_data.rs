//! What the page knows of a run: fetched in pages, then kept fresh by the change feed.

use std::collections::BTreeSet;

use leptos::prelude::*;
use leptos::task::spawn_local;
use steading_api::change::ChangeBody;
use steading_api::client::CallError;
use steading_api::node::NodeFilter;
use steading_api::operations::{GetRun, ListNodes};
use steading_api::run::RunDetail;

use crate::api;
use crate::live::{Freshen, Life, keep_fresh};
use crate::nodes::Nodes;
use crate::shell::Shell;

/// Nodes of one answer.
const PAGE: u32 = 2_000;
/// Positions that one request names: more would make its address too long.
const NAMED: usize = 400;

/// What the page knows of the run.
#[derive(Clone, Copy)]
pub(crate) struct Known {
    /// Tenant and run.
    pub(crate) place: StoredValue<(String, String)>,
    /// Everything but its nodes.
    pub(crate) detail: RwSignal<Option<RunDetail>>,
    /// The nodes so far.
    pub(crate) nodes: RwSignal<Nodes>,
    /// Whether all nodes have come.
    pub(crate) whole: RwSignal<bool>,
    /// Why nothing comes.
    pub(crate) error: RwSignal<Option<CallError>>,
}

impl Known {
    /// Begins to fetch and to follow, for as long as the present owner lives.
    pub(crate) fn start(shell: Shell, tenant: &str, run: &str) -> Self {
        let place = (tenant.to_owned(), run.to_owned());
        let known = Self {
            place: StoredValue::new(place.clone()),
            detail: RwSignal::new(None),
            nodes: RwSignal::new(Nodes::default()),
            whole: RwSignal::new(false),
            error: RwSignal::new(None),
        };
        let (tenant, run) = place;
        spawn_local(keep_fresh(
            shell,
            Life::of_owner(),
            tenant,
            Some(run),
            known,
        ));
        known
    }

    async fn detail(&self) -> Result<u64, CallError> {
        let Some((tenant, run)) = self.place.try_get_value() else {
            return Ok(0);
        };
        let detail = api::call::<GetRun>(&[&tenant, &run], &(), &()).await?;
        let seq = detail.seq;
        self.error.try_set(None);
        self.detail.try_set(Some(detail));
        Ok(seq)
    }

    /// Merges one page; gives where the next one begins.
    async fn nodes(&self, filter: NodeFilter) -> Result<Option<u32>, CallError> {
        let Some((tenant, run)) = self.place.try_get_value() else {
            return Ok(None);
        };
        let page = api::call::<ListNodes>(&[&tenant, &run], &filter, &()).await?;
        self.nodes.try_update(|nodes| nodes.merge(page.nodes));
        Ok(page.next)
    }
}

impl Freshen for Known {
    async fn load(&self) -> Result<u64, CallError> {
        let seq = self.detail().await?;
        let mut after = None;
        loop {
            let filter = NodeFilter {
                after,
                limit: Some(PAGE),
                ..NodeFilter::default()
            };
            let next = self.nodes(filter).await?;
            // An answer that does not lead on would be asked for for ever.
            match next {
                Some(next) if after.is_none_or(|after| next > after) => after = Some(next),
                _ => break,
            }
        }
        self.whole.try_set(true);
        Ok(seq)
    }

    async fn update(&self, changes: &[ChangeBody]) -> Result<(), CallError> {
        self.detail().await?;
        let changed: BTreeSet<u32> = changes
            .iter()
            .flat_map(|change| change.nodes.iter().copied())
            .collect();
        let changed: Vec<String> = changed.iter().map(u32::to_string).collect();
        for some in changed.chunks(NAMED) {
            let filter = NodeFilter {
                only: Some(some.join(",")),
                limit: Some(PAGE),
                ..NodeFilter::default()
            };
            self.nodes(filter).await?;
        }
        Ok(())
    }

    fn refused(&self, error: CallError) {
        self.error.try_set(Some(error));
    }
}
