//! A server under measurement, as its operator uses it.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use serde_json::Value;
use steading_api::operations::{ListRuns, SubmitRun};
use steading_api::run::{RunFilter, RunSummary, Submission};
use steading_tests::{Client, Level, Server};
use steading_types::WorkflowPhase;

pub(crate) const TENANT: &str = "default";

pub(crate) struct Site {
    pub(crate) server: Server,
    pub(crate) client: Client,
}

impl Site {
    pub(crate) async fn open(level: Level) -> Result<Self> {
        let server = Server::start(level).await?;
        let client = server.client();
        Ok(Self { server, client })
    }

    pub(crate) fn pid(&self) -> u32 {
        self.server.process_id()
    }

    pub(crate) async fn submit(&self, workflow: Value) -> Result<RunSummary> {
        submit(&self.client, workflow).await
    }

    /// A run's own row: its cost does not depend on the size of the run.
    pub(crate) async fn row(&self, name: &str) -> Result<RunSummary> {
        let filter = RunFilter {
            name: Some(name.to_owned()),
            limit: Some(1),
            ..RunFilter::default()
        };
        let list = self
            .client
            .call::<ListRuns>(&[TENANT], &filter, &())
            .await?;
        list.runs.into_iter().next().context("the run is gone")
    }

    /// Waits for a run's success.
    pub(crate) async fn succeeded(&self, run: &RunSummary, pause: Duration) -> Result<()> {
        loop {
            match self.row(&run.name).await?.phase {
                WorkflowPhase::Succeeded => return Ok(()),
                phase if phase.completed() => bail!("{} ended {phase:?}", run.name),
                _ => tokio::time::sleep(pause).await,
            }
        }
    }

    /// Seconds from submission to success, looked for with that pause: asking costs processor time too.
    pub(crate) async fn time(&self, workflow: Value, pause: Duration) -> Result<f64> {
        let start = Instant::now();
        let run = self.submit(workflow).await?;
        self.succeeded(&run, pause).await?;
        Ok(start.elapsed().as_secs_f64())
    }
}

pub(crate) async fn submit(client: &Client, workflow: Value) -> Result<RunSummary> {
    let submission = Submission {
        workflow: Some(workflow),
        ..Submission::default()
    };
    Ok(client
        .call::<SubmitRun>(&[TENANT], &(), &submission)
        .await?
        .run)
}
