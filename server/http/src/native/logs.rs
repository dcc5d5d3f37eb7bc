//! Logs of a run: pages, search, and following.

use std::convert::Infallible;
use std::time::Duration;

use axum::Router;
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use futures_util::stream;
use steading_api::log::{LogLine, LogPage, LogQuery};
use steading_api::operations::{FollowLogs, GetLogs};
use steading_types::NodeIx;
use tokio::sync::mpsc;

use super::runs::{missing, run_of};
use crate::App;
use crate::follow::{Followed, follow};
use crate::live::StillAllowed;
use crate::logs::{of_pod, sources};
use crate::problem::Problem;
use crate::route::{Ctx, json, raw};

pub(super) fn routes(router: Router<App>) -> Router<App> {
    let router = json::<GetLogs, _, _>(router, async |ctx, query, ()| page(&ctx, query).await);
    raw::<FollowLogs, _, _>(router, async |ctx, query, _| events(&ctx, query))
}

async fn page(ctx: &Ctx, query: LogQuery) -> Result<LogPage, Problem> {
    let run = run_of(ctx)?;
    let control = ctx.app.control();
    let query = of_pod(control.store(), &run, query)?;
    let (_, sources) =
        sources(control.store(), &run, query.node.map(NodeIx))?.ok_or_else(|| missing(&run))?;
    let slice = control.logs().read(&run.tenant, &sources, &query).await?;
    Ok(LogPage {
        lines: slice.lines,
        next: slice.next,
    })
}

fn events(ctx: &Ctx, query: LogQuery) -> Result<Response, Problem> {
    let run = run_of(ctx)?;
    let allowed = StillAllowed::new(ctx)?;
    let query = of_pod(ctx.app.control().store(), &run, query)?;
    let lines = follow(ctx.app.control().clone(), Followed { run, query }, allowed);
    let events = stream::unfold(lines, async |mut lines: mpsc::Receiver<LogLine>| {
        let line = lines.recv().await?;
        let id = format!("{}-{}", line.node, line.offset);
        let event = Event::default()
            .event("line")
            .id(id)
            .json_data(&line)
            .unwrap_or_default();
        Some((Ok::<_, Infallible>(event), lines))
    });
    Ok(Sse::new(events)
        .keep_alive(KeepAlive::new().interval(Duration::from_secs(15)))
        .into_response())
}
