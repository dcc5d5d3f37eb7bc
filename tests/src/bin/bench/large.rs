//! Large runs: time, disk and memory must grow with the number of steps and no faster.

use std::time::{Duration, Instant};

use anyhow::Result;
use steading_tests::Level;

use crate::report::{Goal, Report};
use crate::site::Site;
use crate::{Length, host, workflows};

/// How much faster than linear a quantity may grow: noise of a shared machine.
const SLACK: f64 = 1.35;

/// Seconds in which 10,000 items are expanded.
const EXPANSION: f64 = 1.0;

struct Run {
    seconds: f64,
    written: f64,
    memory: f64,
}

pub(crate) async fn measure(report: &mut Report, length: Length) -> Result<()> {
    let sizes = if length == Length::Short {
        [500, 1000, 2000]
    } else {
        [2500, 5000, 10_000]
    };
    let mut runs = Vec::new();
    for size in sizes {
        let run = run(size).await?;
        report.line(
            &format!("run of {size} steps"),
            run.seconds,
            "s",
            Goal::None,
        );
        report.remark(&format!(
            "{:.1} MB written, {:.0} MB of memory above idle",
            run.written, run.memory
        ));
        runs.push(run);
    }
    if let [small, _, large] = runs.as_slice() {
        let growth = |of: fn(&Run) -> f64| of(large) / of(small) / 4.0;
        for (what, value) in [
            ("time", growth(|run| run.seconds)),
            ("bytes written", growth(|run| run.written)),
            ("memory", growth(|run| run.memory)),
        ] {
            report.line(
                &format!("four times the steps: {what} over linear"),
                value,
                "x",
                Goal::AtMost(SLACK),
            );
        }
    }
    let items = sizes[2];
    report.line(
        &format!("withParam of {items} items expanded"),
        expansion(items).await?,
        "s",
        Goal::AtMost(EXPANSION),
    );
    Ok(())
}

/// Seconds from the submission of a loop until all of its nodes are there.
async fn expansion(items: usize) -> Result<f64> {
    let site = Site::open(Level::Process).await?;
    let start = Instant::now();
    let run = site.submit(workflows::items(items)).await?;
    while (site.row(&run.name).await?.total as usize) < items {
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    Ok(start.elapsed().as_secs_f64())
}

async fn run(size: usize) -> Result<Run> {
    let site = Site::open(Level::Process).await?;
    site.time(workflows::fan(20, "host"), Duration::from_millis(2))
        .await?;
    let (idle, written) = (host::resident(site.pid())?, host::written(site.pid())?);
    let start = Instant::now();
    let run = site.submit(workflows::fan(size, "host")).await?;
    let mut memory = idle;
    let sample = async {
        loop {
            memory = memory.max(host::resident(site.pid()).unwrap_or(idle));
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    tokio::select! {
        ended = site.succeeded(&run, Duration::from_millis(20)) => ended?,
        () = sample => {}
    }
    let seconds = start.elapsed().as_secs_f64();
    // The database catches up with the journal after a second of rest: that belongs to the run too.
    tokio::time::sleep(Duration::from_secs(2)).await;
    Ok(Run {
        seconds,
        written: host::written(site.pid())? - written,
        memory: (memory - idle).max(0.1),
    })
}
