//! What company costs: a node with a sidecar and two volumes over a plain one, in images.

use std::time::Duration;

use anyhow::Result;
use steading_tests::Level;

use crate::report::{Goal, Report, percentile};
use crate::site::Site;
use crate::{Length, workflows};

/// Nodes one after the other in each run.
const CHAIN: usize = 10;
const SOON: Duration = Duration::from_millis(2);

pub(crate) async fn measure(report: &mut Report, length: Length) -> Result<()> {
    let rounds = if length == Length::Short { 5 } else { 15 };
    for (level, image) in [(Level::Sandbox, "host"), (Level::Image, "busybox")] {
        let site = Site::open(level).await?;
        if level == Level::Image {
            site.server.import("busybox.tar")?;
        }
        let plain = || workflows::chain_in(CHAIN, image);
        let pods = || workflows::chain_of_pods(CHAIN, image);
        site.time(plain(), SOON).await?;
        site.time(pods(), SOON).await?;
        let (mut each, mut more) = (Vec::new(), Vec::new());
        for _ in 0..rounds {
            let alone = site.time(plain(), SOON).await?;
            let together = site.time(pods(), SOON).await?;
            let node = |seconds: f64| seconds * 1000.0 / CHAIN as f64;
            each.push(node(alone));
            more.push(node(together) - node(alone));
        }
        report.line(
            &format!("a sidecar and two volumes, {level:?}: over a plain node"),
            percentile(&mut more, 0.5),
            "ms",
            Goal::AtMost(30.0),
        );
        let each = percentile(&mut each, 0.5);
        report.remark(&format!("a plain node in a chain: {each:.2} ms"));
    }
    Ok(())
}
