//! The machine: its load, its disk, and what a process used of it.

use std::fs::File;
use std::io::{Seek, Write};
use std::path::Path;
use std::time::Instant;

use anyhow::{Context, Result};

use crate::report::percentile;

/// Processes that wanted to run, over the last minute.
pub(crate) fn load() -> f64 {
    let text = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    text.split(' ')
        .next()
        .and_then(|word| word.parse().ok())
        .unwrap_or(f64::NAN)
}

/// Milliseconds that one synced write of 4 KB takes: p50 and p99.
pub(crate) fn sync() -> Result<(f64, f64)> {
    let mut file: File = tempfile::tempfile()?;
    let mut samples = Vec::new();
    for _ in 0..200 {
        let start = Instant::now();
        file.rewind()?;
        file.write_all(&[0; 4096])?;
        file.sync_data()?;
        samples.push(millis(start));
    }
    Ok((
        percentile(&mut samples, 0.5),
        percentile(&mut samples, 0.99),
    ))
}

/// Milliseconds since then.
pub(crate) fn millis(start: Instant) -> f64 {
    start.elapsed().as_secs_f64() * 1000.0
}

/// Megabytes that a process keeps in memory.
pub(crate) fn resident(pid: u32) -> Result<f64> {
    Ok(field(&format!("/proc/{pid}/status"), "VmRSS:")? / 1024.0)
}

/// Megabytes that a server's store handed to the kernel until now. Not the process's `write_bytes`:
/// there a page counts as its whole folio, up to 2 MB, although only changed blocks go to the disk.
pub(crate) fn written(pid: u32) -> Result<f64> {
    let mut bytes = 0.0;
    for thread in std::fs::read_dir(format!("/proc/{pid}/task"))? {
        let thread = thread?.path();
        if std::fs::read_to_string(thread.join("comm"))?.trim() == "store" {
            bytes += field(&thread.join("io").display().to_string(), "wchar:")?;
        }
    }
    Ok(bytes / 1e6)
}

/// Seconds of processor time of a process and its threads.
pub(crate) fn processor(pid: u32) -> Result<f64> {
    let text = std::fs::read_to_string(format!("/proc/{pid}/stat"))?;
    let fields = text
        .rsplit_once(')')
        .map(|(_, fields)| fields)
        .context("stat")?;
    let ticks = |at| {
        fields
            .split_ascii_whitespace()
            .nth(at)
            .and_then(|f: &str| f.parse::<f64>().ok())
    };
    // Fields 14 and 15 of the whole line (proc(5)), in hundredths of a second.
    Ok((ticks(11).context("utime")? + ticks(12).context("stime")?) / 100.0)
}

/// Megabytes of all files below a directory.
pub(crate) fn size(directory: &Path) -> f64 {
    let mut bytes = 0.0;
    for entry in std::fs::read_dir(directory).into_iter().flatten().flatten() {
        match entry.metadata() {
            Ok(data) if data.is_dir() => bytes += size(&entry.path()) * 1e6,
            Ok(data) => bytes += data.len() as f64,
            Err(_) => {}
        }
    }
    bytes / 1e6
}

fn field(path: &str, name: &str) -> Result<f64> {
    let text = std::fs::read_to_string(path)?;
    text.lines()
        .find_map(|line| {
            line.strip_prefix(name)?
                .split_ascii_whitespace()
                .next()?
                .parse()
                .ok()
        })
        .with_context(|| format!("{path} has no {name}"))
}
