//! A disk that fills up under running tasks: refusals with a code, nothing half-written, and everything
//! goes on when there is room again.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail, ensure};
use steading_api::client::CallError;
use steading_api::operations::{GetRun, ListRuns, SubmitRun};
use steading_api::run::{RunFilter, RunSummary, Submission};
use steading_tests::{Client, Level, Server, wait};
use steading_types::WorkflowPhase;

const FAN: &str = r#"
apiVersion: argoproj.io/v1alpha1
kind: Workflow
metadata: {generateName: fan-}
spec:
  entrypoint: main
  templates:
  - name: main
    steps:
    - - {name: each, template: pause, withSequence: {count: "120"}}
  - name: pause
    container: {image: host, command: [sh, -c, "sleep 0.05"]}
"#;

/// A small file system in memory; gone with this value.
struct Disk(tempfile::TempDir);

impl Disk {
    /// Nothing for a user who may not mount.
    fn make() -> Result<Option<Self>> {
        let disk = Self(tempfile::tempdir()?);
        let mount = Command::new("mount")
            .args(["-t", "tmpfs", "-o", "size=24m", "tmpfs"])
            .arg(disk.0.path())
            .output()?;
        Ok(mount.status.success().then_some(disk))
    }

    fn path(&self) -> &Path {
        self.0.path()
    }

    /// Takes the rest of its room; room comes back when the file goes.
    fn fill(&self) -> Result<PathBuf> {
        let file = self.path().join("fill");
        let wrote = std::fs::write(&file, vec![0u8; 32 * 1024 * 1024]);
        ensure!(wrote.is_err(), "the disk took more than it has");
        Ok(file)
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        let _gone = Command::new("umount").arg("-l").arg(self.path()).status();
    }
}

async fn submit(client: &Client) -> Result<RunSummary, CallError> {
    let submission = Submission {
        text: Some(FAN.to_owned()),
        ..Submission::default()
    };
    let submitted = client.call::<SubmitRun>(&["default"], &(), &submission);
    Ok(submitted.await?.run)
}

async fn run(client: &Client, name: &str) -> Result<RunSummary> {
    let detail = client.call::<GetRun>(&["default", name], &(), &()).await?;
    Ok(detail.summary)
}

async fn over(client: &Client, name: &str) -> Result<RunSummary> {
    wait::until("the run to be over", async || {
        let run = run(client, name).await?;
        Ok(run.phase.completed().then_some(run))
    })
    .await
}

#[tokio::test]
async fn a_full_disk_refuses_by_code_and_running_work_goes_on_when_there_is_room() -> Result<()> {
    let _alone = crate::HOST.write().await;
    let Some(disk) = Disk::make()? else {
        println!("NOT TESTED: only root can mount the small disk of this test");
        return Ok(());
    };
    let server = Server::start_below(disk.path(), Level::Process).await?;
    let client = server.client();
    let first = submit(&client).await?;
    wait::until("some tasks to be over", async || {
        Ok((run(&client, &first.name).await?.done >= 10).then_some(()))
    })
    .await?;
    let fill = disk.fill()?;
    wait::until("a submission to be refused", async || {
        match submit(&client).await {
            // What was still free took it.
            Ok(_) => Ok(None),
            Err(CallError::Refused { status, body }) => {
                ensure!(
                    (status, body.code.as_str()) == (507, "store.full"),
                    "{body:?}"
                );
                Ok(Some(()))
            }
            Err(other) => bail!("{other}"),
        }
    })
    .await?;
    let all = RunFilter::default();
    let accepted = client.call::<ListRuns>(&["default"], &all, &()).await?.runs;
    std::fs::remove_file(fill).context("room is made")?;
    for accepted in accepted {
        let ended = over(&client, &accepted.name).await?;
        ensure!(
            ended.phase == WorkflowPhase::Succeeded,
            "{ended:?}\n{}",
            server.words()
        );
        ensure!(ended.done == 120, "{ended:?}");
    }
    let later = submit(&client).await?;
    ensure!(over(&client, &later.name).await?.phase == WorkflowPhase::Succeeded);
    Ok(())
}
