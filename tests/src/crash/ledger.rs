//! One line for each start of a task, written by the task itself: `ATTEMPT RUN STEP`. Confined tasks can
//! not write it; of them only the ends are counted.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::Result;

use super::ledger_path;
use crate::Level;

pub(super) struct Ledger {
    path: Option<PathBuf>,
}

/// What the lines say.
#[derive(Default)]
pub(super) struct Starts {
    /// How often each attempt started.
    pub(super) attempts: BTreeMap<String, usize>,
    /// Starts of each step of each run.
    pub(super) steps: BTreeMap<(String, String), usize>,
}

impl Ledger {
    pub(super) fn below(data: &Path, level: Level) -> Self {
        Self {
            path: (level == Level::Process).then(|| ledger_path(data)),
        }
    }

    pub(super) fn path(&self) -> Option<&Path> {
        self.path.as_deref()
    }

    /// Reads it; nothing where none is kept.
    pub(super) fn read(&self) -> Result<Option<Starts>> {
        let Some(path) = &self.path else {
            return Ok(None);
        };
        let mut starts = Starts::default();
        for line in std::fs::read_to_string(path)?.lines() {
            let mut words = line.split(' ').map(str::to_owned);
            if let (Some(attempt), Some(run), Some(step)) =
                (words.next(), words.next(), words.next())
            {
                *starts.attempts.entry(attempt).or_default() += 1;
                *starts.steps.entry((run, step)).or_default() += 1;
            }
        }
        Ok(Some(starts))
    }
}
