//! What holds when things break: processes are killed, the disk fills up.

mod examples;
mod full_disk;

use anyhow::Result;
use steading_tests::{Level, crash};
use tokio::sync::RwLock;

/// Crashes look for mounts that were left behind: who mounts something of his own has the host alone.
static HOST: RwLock<()> = RwLock::const_new(());

/// Kills of each level; `STEADING_KILLS` asks for more.
const KILLS: u64 = 15;

async fn crashes(level: Level) -> Result<()> {
    let _shared = HOST.read().await;
    let plan = crash::plan(level, KILLS)?;
    println!("{plan:?}");
    let tally = crash::run(&plan).await?;
    println!("{tally}");
    tally.check()
}

#[tokio::test]
async fn every_accepted_run_ends_and_no_attempt_starts_twice_however_often_we_kill() -> Result<()> {
    crashes(Level::Process).await
}

#[tokio::test]
async fn confined_tasks_end_and_leave_nothing_behind_however_often_we_kill() -> Result<()> {
    crashes(Level::Sandbox).await
}
