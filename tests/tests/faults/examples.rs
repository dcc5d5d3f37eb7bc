//! Argo's examples while the server is killed every three seconds: each ends as it does without.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use steading_api::client::CallError;
use steading_api::operations::{Apply, ListRuns, SubmitRun};
use steading_api::run::{RunFilter, Submission};
use steading_api::template::Text;
use steading_tests::{Client, Level, Server, examples, wait};
use steading_types::WorkflowPhase;

const TENANT: &str = "default";
/// From one kill to the next.
const PERIOD: Duration = Duration::from_secs(3);

/// The phases of all runs, by their names, once the last is over.
async fn ends(client: &Client, runs: usize) -> Result<BTreeMap<String, WorkflowPhase>> {
    wait::until("the end of all examples", async || {
        let filter = RunFilter {
            limit: Some(500),
            ..RunFilter::default()
        };
        let list = client.call::<ListRuns>(&[TENANT], &filter, &()).await?;
        let ended = list.runs.iter().filter(|run| run.phase.completed());
        let ended: BTreeMap<_, _> = ended.map(|run| (run.name.clone(), run.phase)).collect();
        Ok((ended.len() >= runs).then_some(ended))
    })
    .await
}

#[tokio::test]
async fn each_example_of_argo_ends_the_same_under_kills() -> Result<()> {
    let Some(examples) = examples::all()? else {
        return Ok(());
    };
    let _alone = super::HOST.write().await;
    let mut server = Server::start(Level::Image).await?;
    for image in examples::IMAGES {
        server.import(image)?;
    }
    let client = server.client();
    for example in examples.iter().filter(|example| !example.is("Workflow")) {
        let text = Text {
            text: example.object.to_string(),
        };
        let applied = client.call::<Apply>(&[TENANT], &(), &text).await;
        applied.with_context(|| example.file.clone())?;
    }
    let mut running = BTreeMap::new();
    for example in examples.iter().filter(|example| example.is("Workflow")) {
        let submission = Submission {
            text: Some(example.object.to_string()),
            ..Submission::default()
        };
        match client.call::<SubmitRun>(&[TENANT], &(), &submission).await {
            Ok(submitted) => {
                running.insert(submitted.run.name, example.file.as_str());
            }
            Err(CallError::Refused { body, .. }) => {
                println!("{:<62} refused   {}", example.file, body.message);
            }
            Err(error) => return Err(error.into()),
        }
    }
    // At once, in the thick of it, and then again and again.
    let mut kills = 0;
    let ended = loop {
        server.kill()?;
        server.restart().await?;
        kills += 1;
        if let Ok(ended) = tokio::time::timeout(PERIOD, ends(&client, running.len())).await {
            break ended?;
        }
    };
    for (name, file) in &running {
        let phase = ended.get(name).context("a run is gone")?;
        println!("{file:<62} {phase:?}");
        // A coin that lands wrong eleven times is no fault of ours.
        let luck = *file == "retry-script";
        ensure!(
            luck || *phase == WorkflowPhase::Succeeded,
            "{file}: {phase:?}"
        );
    }
    println!("{} examples, {kills} kills", running.len());
    server.stop()?;
    let left = server.left_behind().await?;
    ensure!(left.is_empty(), "left behind: {left:#?}");
    Ok(())
}
