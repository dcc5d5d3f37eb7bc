//! `cargo xtask bench`: what is promised about speed, measured in one run beside make, xargs and Dagu,
//! so that the machine's own pace and load cancel out in the ratios.

mod flows;
mod host;
mod large;
mod latency;
mod locks;
mod peers;
mod pods;
mod report;
mod site;
mod start;
mod sustained;
mod workflows;

use anyhow::Result;
use report::Report;

/// How long it may take.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Length {
    /// A few minutes: fewer samples, smaller sites.
    Short,
    /// As the promises are worded.
    Full,
}

#[tokio::main]
async fn main() -> Result<()> {
    let mut length = Length::Full;
    let mut wanted = Vec::new();
    for argument in std::env::args().skip(1) {
        if argument == "--short" {
            length = Length::Short;
        } else {
            wanted.push(argument);
        }
    }
    let wants = |part: &str| wanted.is_empty() || wanted.iter().any(|name| name == part);
    let mut report = Report::begin(length)?;
    if wants("start") {
        start::measure(&mut report, length).await?;
    }
    if wants("latency") {
        latency::measure(&mut report, length).await?;
    }
    if wants("flows") {
        flows::measure(&mut report).await?;
    }
    if wants("pods") {
        pods::measure(&mut report, length).await?;
    }
    if wants("sustained") {
        sustained::measure(&mut report, length).await?;
    }
    if wants("large") {
        large::measure(&mut report, length).await?;
    }
    if wants("locks") {
        locks::measure(&mut report).await?;
    }
    if wants("restart") {
        start::measure_archive(&mut report, length).await?;
    }
    report.end();
    Ok(())
}
