//! The change feed of a tenant, as server-sent events that can be resumed.

use std::convert::Infallible;
use std::time::Duration;

use axum::Router;
use axum::http::HeaderMap;
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use futures_util::Stream;
use futures_util::stream;
use steading_api::change::{ChangeBody, ChangeQuery, What};
use steading_api::operations::FollowChanges;
use steading_store::{ChangedNodes, EventItem, Feed, RunChange, Seq};
use steading_types::{RunId, TenantName};

use crate::App;
use crate::live::StillAllowed;
use crate::problem::Problem;
use crate::route::{Ctx, raw};

pub(super) fn routes(router: Router<App>) -> Router<App> {
    raw::<FollowChanges, _, _>(router, async |ctx, query, request| {
        follow(&ctx, query, request.headers())
    })
}

fn follow(ctx: &Ctx, query: ChangeQuery, headers: &HeaderMap) -> Result<Response, Problem> {
    let tenant = ctx.tenant()?.clone();
    let run = query
        .run
        .map(|run| ctx.app.control().find(&tenant, &run))
        .transpose()?;
    // A browser that reconnects says what it saw last.
    let last = headers
        .get("last-event-id")
        .and_then(|v| v.to_str().ok())
        .and_then(|v| v.parse().ok());
    let after = last.or(query.after).map(Seq);
    let feed = ctx.app.control().store().feed(after);
    let follower = Follower {
        feed,
        tenant,
        run,
        waiting: Vec::new(),
        allowed: StillAllowed::new(ctx)?,
    };
    let keep_alive = KeepAlive::new().interval(Duration::from_secs(15));
    Ok(Sse::new(events(follower))
        .keep_alive(keep_alive)
        .into_response())
}

struct Follower {
    feed: Feed,
    tenant: TenantName,
    run: Option<RunId>,
    waiting: Vec<ChangeBody>,
    allowed: StillAllowed,
}

fn events(follower: Follower) -> impl Stream<Item = Result<Event, Infallible>> {
    stream::unfold(Some(follower), async |state| {
        let mut follower = state?;
        loop {
            if let Some(change) = follower.waiting.pop() {
                let event = Event::default()
                    .event("change")
                    .id(change.seq.to_string())
                    .json_data(&change)
                    .unwrap_or_default();
                return Some((Ok(event), Some(follower)));
            }
            let next = tokio::select! {
                next = follower.feed.next() => next,
                () = follower.allowed.lost() => return None,
            };
            match next {
                Ok(event) => follower.waiting = follower.changes_of(&event),
                Err(error) => {
                    let event = Event::default().event("gone").data(error.code());
                    return Some((Ok(event), None));
                }
            }
        }
    })
}

impl Follower {
    /// What one commit means for this follower, last first.
    fn changes_of(&self, event: &steading_store::Event) -> Vec<ChangeBody> {
        let mut changes: Vec<ChangeBody> = Vec::new();
        for (tenant, item) in event
            .items
            .iter()
            .filter(|(tenant, _)| *tenant == self.tenant)
        {
            let (run, what, nodes) = match item {
                EventItem::Run { run, change, .. } => (Some(*run), what(*change), Vec::new()),
                EventItem::Nodes {
                    run,
                    nodes: ChangedNodes::Listed(nodes),
                } => (
                    Some(*run),
                    What::RunChanged,
                    nodes.iter().map(|ix| ix.0).collect(),
                ),
                EventItem::Nodes {
                    run,
                    nodes: ChangedNodes::Many,
                } => (Some(*run), What::RunChanged, Vec::new()),
                EventItem::Template { .. } => (None, What::TemplateChanged, Vec::new()),
                EventItem::Tenant => continue,
            };
            if self.run.is_some() && run != self.run {
                continue;
            }
            match changes
                .iter_mut()
                .find(|known| run.is_some() && known.run == run)
            {
                Some(known) => known.nodes.extend(nodes),
                None => changes.push(ChangeBody {
                    seq: event.seq.0,
                    tenant: tenant.to_string(),
                    run,
                    what,
                    nodes,
                }),
            }
        }
        changes.reverse();
        changes
    }
}

fn what(change: RunChange) -> What {
    match change {
        RunChange::Created => What::RunAdded,
        RunChange::Changed | RunChange::Archived | RunChange::Unarchived => What::RunChanged,
        RunChange::Deleted => What::RunDeleted,
    }
}
