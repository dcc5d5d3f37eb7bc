//! From the submission to the first instruction of the task, with everything on disk before.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result};
use steading_tests::Level;

use crate::report::{Goal, Report, percentile};
use crate::site::Site;
use crate::{Length, host, workflows};

pub(crate) async fn measure(report: &mut Report, length: Length) -> Result<()> {
    let site = Site::open(Level::Process).await?;
    let stamp = site.server.data().join("stamp");
    let command = format!("date +%s%N > {0}.new && mv {0}.new {0}", stamp.display());
    let (mut answered, mut began, mut floor) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..if length == Length::Short { 50 } else { 200 } {
        let _ = std::fs::remove_file(&stamp);
        let (clock, start) = (nanos()?, Instant::now());
        let run = site.submit(workflows::one(&["sh", "-c", &command])).await?;
        answered.push(host::millis(start));
        site.succeeded(&run, Duration::from_millis(2)).await?;
        let text = std::fs::read_to_string(&stamp).context("the task left no stamp")?;
        began.push((text.trim().parse::<f64>()? - clock) / 1e6);
        // The same command without us, at the same moment of this machine.
        let _ = std::fs::remove_file(&stamp);
        let clock = nanos()?;
        std::process::Command::new("sh")
            .args(["-c", &command])
            .status()?;
        floor.push((std::fs::read_to_string(&stamp)?.trim().parse::<f64>()? - clock) / 1e6);
    }
    report.line(
        "submit -> answer, p50",
        percentile(&mut answered, 0.5),
        "ms",
        Goal::None,
    );
    report.line(
        "submit -> first instruction, p50",
        percentile(&mut began, 0.5),
        "ms",
        Goal::AtMost(6.0),
    );
    report.line(
        "submit -> first instruction, p99",
        percentile(&mut began, 0.99),
        "ms",
        Goal::AtMost(25.0),
    );
    let (p50, p99) = (percentile(&mut floor, 0.5), percentile(&mut floor, 0.99));
    report.remark(&format!(
        "the same command by fork and exec alone: p50 {p50:.2} ms, p99 {p99:.2} ms"
    ));
    Ok(())
}

fn nanos() -> Result<f64> {
    Ok(SystemTime::now().duration_since(UNIX_EPOCH)?.as_nanos() as f64)
}
