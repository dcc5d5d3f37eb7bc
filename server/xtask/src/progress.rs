//! Progress on the terminal: one line a step, with the time that it took.

use std::time::Instant;

use anyhow::{Context, Result};

/// A known number of steps, done one after another.
pub(crate) struct Progress {
    steps: usize,
    done: usize,
}

impl Progress {
    /// Nothing done of `steps`.
    pub(crate) fn of(steps: usize) -> Self {
        Self { steps, done: 0 }
    }

    /// Does one step; `what` names it in the line before and the line after.
    pub(crate) fn step<T>(&mut self, what: &str, work: impl FnOnce() -> Result<T>) -> Result<T> {
        self.done += 1;
        let mark = format!("[{}/{}] {what}", self.done, self.steps);
        println!("{mark} …");
        let start = Instant::now();
        let result = work().with_context(|| format!("{what} failed"))?;
        println!("{mark} … {:.1} s", start.elapsed().as_secs_f64());
        Ok(result)
    }
}
