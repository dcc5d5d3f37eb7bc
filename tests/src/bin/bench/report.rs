//! The table: what was measured beside what is promised, and how busy the machine was meanwhile.

use anyhow::Result;

use crate::Length;
use crate::host;

/// What is promised of a measurement.
#[derive(Clone, Copy)]
pub(crate) enum Goal {
    /// At most this.
    AtMost(f64),
    /// At least this.
    AtLeast(f64),
    /// Nothing: it stands for comparison.
    None,
}

pub(crate) struct Report {
    missed: usize,
}

impl Report {
    /// Prints the head.
    pub(crate) fn begin(length: Length) -> Result<Self> {
        let form = if length == Length::Short {
            "short"
        } else {
            "full"
        };
        println!(
            "benchmark, {form} form, {} processors",
            std::thread::available_parallelism()?
        );
        println!(
            "disk: sync of 4 KB p50 {:.2} ms, p99 {:.2} ms",
            host::sync()?.0,
            host::sync()?.1
        );
        println!(
            "{:<58} {:>12} {:>10}  {:<6} load",
            "work", "measured", "goal", ""
        );
        Ok(Self { missed: 0 })
    }

    /// One line.
    pub(crate) fn line(&mut self, work: &str, measured: f64, unit: &str, goal: Goal) {
        let (met, goal) = match goal {
            Goal::AtMost(most) => (measured <= most, format!("<= {most}")),
            Goal::AtLeast(least) => (measured >= least, format!(">= {least}")),
            Goal::None => (true, String::new()),
        };
        let verdict = match (met, goal.is_empty()) {
            (_, true) => "",
            (true, _) => "met",
            (false, _) => "MISSED",
        };
        self.missed += usize::from(!met);
        let value = format!("{measured:.2} {unit}");
        println!(
            "{work:<58} {value:>12} {goal:>10}  {verdict:<6} {:.1}",
            host::load()
        );
    }

    /// A remark under the last line.
    pub(crate) fn remark(&self, text: &str) {
        println!("    {text}");
    }

    /// What was left out, visibly.
    pub(crate) fn skipped(&self, what: &str, why: &str) {
        println!("NOT MEASURED: {what}: {why}");
    }

    pub(crate) fn end(&self) {
        match self.missed {
            0 => println!("every goal was met"),
            missed => println!("{missed} goals were missed"),
        }
    }
}

/// The value below which a part of the samples lies.
pub(crate) fn percentile(samples: &mut [f64], part: f64) -> f64 {
    samples.sort_by(f64::total_cmp);
    let last = samples.len().saturating_sub(1);
    let place = (last as f64 * part).round() as usize;
    samples.get(place).copied().unwrap_or(f64::NAN)
}
