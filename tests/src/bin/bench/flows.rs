//! Chains and fans beside make, xargs and Dagu. Each pair is measured in turns, so that both meet the
//! same load.

use std::time::Duration;

use anyhow::Result;
use steading_tests::Level;

use crate::peers::{self, Peers};
use crate::report::{Goal, Report, percentile};
use crate::site::Site;
use crate::{host, workflows};

const CHAIN: usize = 40;
const FAN: usize = 1000;
const ROUNDS: usize = 3;
/// Between two looks at a run of a tenth of a second, and at one of a second or more.
const SOON: Duration = Duration::from_millis(2);
const LATER: Duration = Duration::from_millis(10);

pub(crate) async fn measure(report: &mut Report) -> Result<()> {
    let peers = Peers::set_up(CHAIN, FAN)?;
    chain(report, &peers).await?;
    for (level, image, goal) in [
        (Level::Process, "host", 2.0),
        (Level::Sandbox, "host", 4.0),
        (Level::Image, "busybox", 4.0),
    ] {
        fan(report, &peers, level, image, goal).await?;
    }
    for line in peers.others()? {
        report.remark(&line);
    }
    if !peers.has_dagu() {
        report.skipped("Dagu 1.30.2", peers::DAGU);
    }
    Ok(())
}

async fn chain(report: &mut Report, peers: &Peers) -> Result<()> {
    let site = Site::open(Level::Process).await?;
    site.time(workflows::chain(CHAIN), SOON).await?;
    let (mut ours, mut makes, mut ratios) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..ROUNDS * 3 {
        let make = peers.make_chain()?;
        let own = site.time(workflows::chain(CHAIN), SOON).await?;
        ratios.push(own / make);
        makes.push(make);
        ours.push(own);
    }
    let ratio = percentile(&mut ratios, 0.5);
    report.line(
        &format!("chain of {CHAIN} x true, process: over make"),
        ratio,
        "x",
        Goal::AtMost(3.0),
    );
    let (own, make) = (percentile(&mut ours, 0.5), percentile(&mut makes, 0.5));
    report.remark(&format!("p50 {own:.3} s, make {make:.3} s"));
    Ok(())
}

async fn fan(
    report: &mut Report,
    peers: &Peers,
    level: Level,
    image: &str,
    goal: f64,
) -> Result<()> {
    let site = Site::open(level).await?;
    if level == Level::Image
        && let Err(error) = site.server.import("busybox.tar")
    {
        report.skipped("fan at level image", &error.to_string());
        return Ok(());
    }
    site.time(workflows::fan(20, image), SOON).await?;
    let (mut ours, mut makes, mut ratios) = (Vec::new(), Vec::new(), Vec::new());
    let (mut bytes, mut cpu) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        let make = peers.make_fan()?;
        let (written, used) = (host::written(site.pid())?, host::processor(site.pid())?);
        let own = site.time(workflows::fan(FAN, image), LATER).await?;
        bytes.push(host::written(site.pid())? - written);
        cpu.push(host::processor(site.pid())? - used);
        ratios.push(own / make);
        makes.push(make);
        ours.push(own);
    }
    let name = format!("fan of {FAN} x true, {level:?}: over make -j8");
    report.line(&name, percentile(&mut ratios, 0.5), "x", Goal::AtMost(goal));
    let (own, make) = (percentile(&mut ours, 0.5), percentile(&mut makes, 0.5));
    let cpu = percentile(&mut cpu, 0.5);
    report.remark(&format!(
        "p50 {own:.2} s, make {make:.2} s; the server's own processor time {cpu:.2} s"
    ));
    let name = format!("fan of {FAN}, {level:?}: written by the store");
    report.line(&name, percentile(&mut bytes, 0.5), "MB", Goal::AtMost(3.0));
    Ok(())
}
