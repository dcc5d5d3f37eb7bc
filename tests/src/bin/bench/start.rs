//! Starting: how soon the server answers, what it holds and does while idle, and the same after a long
//! history.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use anyhow::Result;
use steading_api::operations::ListRuns;
use steading_api::run::RunFilter;
use steading_tests::Level;

use crate::report::{Goal, Report, percentile};
use crate::site::{Site, TENANT, submit};
use crate::{Length, host, workflows};

pub(crate) async fn measure(report: &mut Report, length: Length) -> Result<()> {
    let mut site = Site::open(Level::Process).await?;
    let mut ready = Vec::new();
    for _ in 0..11 {
        site.server.stop()?;
        ready.push(restart(&mut site)?);
    }
    report.line(
        "ready after start, p50",
        percentile(&mut ready, 0.5),
        "ms",
        Goal::AtMost(60.0),
    );
    let idle = if length == Length::Short { 5 } else { 20 };
    let before = host::processor(site.pid())?;
    tokio::time::sleep(Duration::from_secs(idle)).await;
    let used = host::processor(site.pid())? - before;
    report.line(
        "memory while idle",
        host::resident(site.pid())?,
        "MB",
        Goal::AtMost(40.0),
    );
    report.line(
        &format!("processor while idle, {idle} s"),
        used,
        "s",
        Goal::AtMost(0.01),
    );
    Ok(())
}

/// A site that has run for long: many finished runs.
pub(crate) async fn measure_archive(report: &mut Report, length: Length) -> Result<()> {
    let runs = if length == Length::Short {
        2_000
    } else {
        100_000
    };
    let mut site = Site::open(Level::Process).await?;
    fill(&site, runs).await?;
    site.server.stop()?;
    let ready = restart(&mut site)?;
    report.line(
        &format!("ready after start, {runs} finished runs"),
        ready,
        "ms",
        Goal::AtMost(1000.0),
    );
    let filter = RunFilter {
        limit: Some(50),
        ..RunFilter::default()
    };
    let mut lists = Vec::new();
    for _ in 0..200 {
        let start = Instant::now();
        site.client
            .call::<ListRuns>(&[TENANT], &filter, &())
            .await?;
        lists.push(host::millis(start));
    }
    report.line(
        "list of 50, p99",
        percentile(&mut lists, 0.99),
        "ms",
        Goal::AtMost(10.0),
    );
    report.remark(&format!("p50 {:.2} ms", percentile(&mut lists, 0.5)));
    report.line(
        "memory after that",
        host::resident(site.pid())?,
        "MB",
        Goal::None,
    );
    Ok(())
}

/// Finished runs without work: each is suspended by nothing and has no step to run.
async fn fill(site: &Site, runs: usize) -> Result<()> {
    let clients = 16;
    let each = runs.div_ceil(clients);
    let mut filling = Vec::new();
    for _ in 0..clients {
        let client = site.client.clone();
        filling.push(tokio::spawn(async move {
            for _ in 0..each {
                submit(&client, workflows::nothing()).await?;
            }
            anyhow::Ok(())
        }));
    }
    for one in filling {
        one.await??;
    }
    Ok(())
}

/// Milliseconds from the start of the process to its first answer that it is ready.
fn restart(site: &mut Site) -> Result<f64> {
    let start = Instant::now();
    site.server.begin_again()?;
    while !is_ready(site.server.address()).unwrap_or(false) {
        std::thread::sleep(Duration::from_micros(500));
    }
    Ok(host::millis(start))
}

fn is_ready(address: SocketAddr) -> Result<bool> {
    let mut stream = TcpStream::connect(address)?;
    stream.write_all(b"GET /readyz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    Ok(answer.starts_with("HTTP/1.1 200"))
}
