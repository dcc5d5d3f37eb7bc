//! Where artifacts lie on this host: beside the tasks that have them, and in the site's own repository.

use std::fs::File;
use std::io;
use std::path::Path;
use std::sync::Arc;

use anyhow::Result;
use steading_artifacts::{LocalStore, Network};
use steading_control::artifacts::{Artifacts, Staging};
use steading_types::AttemptId;

/// Of the site's repository, below the data directory.
const REPOSITORY: &str = "artifacts";

struct BesideTasks(steading_exec::Staging);

impl Staging for BesideTasks {
    fn input(&self, attempt: AttemptId, number: usize) -> io::Result<File> {
        self.0.input(attempt, number)
    }

    fn ready(&self, attempt: AttemptId, number: usize) -> io::Result<()> {
        self.0.ready(attempt, number)
    }

    fn output(&self, attempt: AttemptId, number: usize) -> io::Result<File> {
        self.0.output(attempt, number)
    }
}

/// Opens both; `network` leads to the stores of others.
pub(crate) fn artifacts(data: &Path, network: Network) -> Result<Artifacts> {
    Ok(Artifacts {
        staging: Arc::new(BesideTasks(steading_exec::Staging::open(data)?)),
        site: Arc::new(LocalStore::open(&data.join(REPOSITORY))?),
        network,
    })
}
