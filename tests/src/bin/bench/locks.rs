//! Many runs at one lock: what a turn costs must not grow with the number of those who wait.

use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use serde_json::json;
use steading_api::operations::{GetRun, ListLocks, ResumeRun};
use steading_api::run::NodeVerb;
use steading_tests::Level;

use crate::report::{Goal, Report};
use crate::site::{Site, TENANT};
use crate::workflows;

const FEW: usize = 250;
const MANY: usize = 1_000;
/// Time of a turn among many, in times of a turn among few.
const GROWTH: f64 = 1.5;

pub(crate) async fn measure(report: &mut Report) -> Result<()> {
    let few = drain(FEW).await?;
    let many = drain(MANY).await?;
    report.line("a turn at a lock, 250 waiting", few, "ms", Goal::None);
    report.line("a turn at a lock, 1,000 waiting", many, "ms", Goal::None);
    report.line(
        "turn among 1,000 / turn among 250",
        many / few,
        "x",
        Goal::AtMost(GROWTH),
    );
    Ok(())
}

/// Milliseconds a run, from the moment when the first gives the lock back.
async fn drain(count: usize) -> Result<f64> {
    let site = Site::open(Level::Process).await?;
    let mutex = json!({"mutexes": [{"name": "bench"}]});
    let mut gate = workflows::workflow(json!([{"name": "main", "suspend": {}}]));
    let mut one = workflows::nothing();
    for document in [&mut gate, &mut one] {
        if let Some(spec) = document.pointer_mut("/spec") {
            spec["synchronization"] = mutex.clone();
        }
    }
    let first = site.submit(gate).await?;
    let mut runs = Vec::new();
    for _ in 0..count {
        runs.push(site.submit(one.clone()).await?.name);
    }
    loop {
        let list = site.client.call::<ListLocks>(&[TENANT], &(), &()).await?;
        if list.locks.iter().any(|lock| lock.waiters.len() == count) {
            break;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let start = Instant::now();
    let resume = NodeVerb::default();
    site.client
        .call::<ResumeRun>(&[TENANT, &first.name], &(), &resume)
        .await?;
    while !site
        .client
        .call::<ListLocks>(&[TENANT], &(), &())
        .await?
        .locks
        .is_empty()
    {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let each = start.elapsed().as_secs_f64() * 1e3 / count as f64;
    let mut last = None;
    for run in runs {
        let run = site
            .client
            .call::<GetRun>(&[TENANT, &run], &(), &())
            .await?;
        let (started, finished) = (run.summary.started, run.summary.finished);
        ensure!(
            finished.is_some() && last <= started,
            "{run:?} ran out of order"
        );
        last = finished;
    }
    Ok(each)
}
