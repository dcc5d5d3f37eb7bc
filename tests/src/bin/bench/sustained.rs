//! One-step runs as fast as they go, for a while; the client works on the same processors.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use anyhow::Result;
use steading_api::operations::ListRuns;
use steading_api::run::RunFilter;
use steading_tests::Level;

use crate::report::{Goal, Report};
use crate::site::{Site, TENANT, submit};
use crate::{Length, host, workflows};

const CLIENTS: usize = 8;
/// Runs under way at which clients wait.
const BACKLOG: usize = 500;

pub(crate) async fn measure(report: &mut Report, length: Length) -> Result<()> {
    let site = Site::open(Level::Process).await?;
    let span = Duration::from_secs(if length == Length::Short { 20 } else { 120 });
    let (start, before) = (Instant::now(), host::processor(site.pid())?);
    let submitted = Arc::new(AtomicUsize::new(0));
    let mut clients = Vec::new();
    for _ in 0..CLIENTS {
        let (client, submitted) = (site.client.clone(), Arc::clone(&submitted));
        clients.push(tokio::spawn(async move {
            while start.elapsed() < span {
                for _ in 0..BACKLOG / CLIENTS / 2 {
                    submit(&client, workflows::one(&["true"])).await?;
                    submitted.fetch_add(1, Ordering::Relaxed);
                }
                while under_way(&client).await? > BACKLOG {
                    tokio::time::sleep(Duration::from_millis(50)).await;
                }
            }
            anyhow::Ok(())
        }));
    }
    for client in clients {
        client.await??;
    }
    while under_way(&site.client).await? > 0 {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let runs = submitted.load(Ordering::Relaxed) as f64;
    let seconds = start.elapsed().as_secs_f64();
    let name = format!("one-step runs a minute, over {} s", span.as_secs());
    report.line(
        &name,
        runs / seconds * 60.0,
        "runs",
        Goal::AtLeast(12_000.0),
    );
    let used = (host::processor(site.pid())? - before) / runs * 1000.0;
    let (memory, disk) = (host::resident(site.pid())?, host::size(site.server.data()));
    report.remark(&format!(
        "{runs} runs; the server's own processor time {used:.2} ms a run; {memory:.0} MB in memory, {disk:.0} MB on disk"
    ));
    Ok(())
}

/// Runs that have not ended, as far as a page of the list goes.
async fn under_way(client: &steading_tests::Client) -> Result<usize> {
    let filter = |phase: &str| RunFilter {
        phase: Some(phase.to_owned()),
        limit: Some(500),
        ..RunFilter::default()
    };
    let mut count = 0;
    for phase in ["Running", "Pending"] {
        count += client
            .call::<ListRuns>(&[TENANT], &filter(phase), &())
            .await?
            .runs
            .len();
    }
    Ok(count)
}
