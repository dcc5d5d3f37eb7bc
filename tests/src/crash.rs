//! The crash harness: tenants submit runs while the server, its spawner and its supervisors are killed
//! at random instants. Afterwards the accounts are compared: what was accepted, what ran, what is left.

mod chance;
mod ledger;
mod remains;
mod victims;
mod work;

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use anyhow::{Result, ensure};

use crate::{Level, Server};
use chance::Chance;
use ledger::Ledger;
use remains::Remains;
use work::Tenants;

/// How much the harness does.
#[derive(Debug, Clone)]
pub struct Plan {
    /// The level of the tasks.
    pub level: Level,
    /// Kills of any kind.
    pub kills: u64,
    /// Repeats the random choices of another time.
    pub seed: u64,
}

/// What came of it.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Tally {
    /// Kills of the server, of its spawner, of a supervisor.
    pub kills: [u64; 3],
    /// Of the server's kills, those before it was ready again.
    pub early: u64,
    /// Runs that were answered with success.
    pub accepted: usize,
    /// Accepted runs that are not there or have not succeeded, and steps of theirs that never ran.
    pub lost: usize,
    /// Attempts that started.
    pub attempts: usize,
    /// Attempts that started more than once.
    pub doubled: usize,
    /// Locks, processes, mounts, groups and tasks' directories that stayed.
    pub left: usize,
}

/// Runs that may wait to be worked on: enough to be busy at every instant.
const BACKLOG: usize = 40;

/// Kills as often as planned, then lets everything end and counts.
///
/// # Errors
/// When the harness itself can not go on: the server does not start any more, or something hangs.
pub async fn run(plan: &Plan) -> Result<Tally> {
    let mut chance = Chance::new(plan.seed);
    let mut server = Server::start(plan.level).await?;
    let ledger = Ledger::below(server.data(), plan.level);
    let before = Remains::of(server.data())?;
    let tenants = Arc::new(Tenants::open(&server, plan.level, ledger.path()).await?);
    let over = Arc::new(AtomicBool::new(false));
    let open = Arc::new(AtomicUsize::new(0));
    let clients: Vec<_> = (0..2)
        .map(|number| {
            let (tenants, over, open) =
                (Arc::clone(&tenants), Arc::clone(&over), Arc::clone(&open));
            tokio::spawn(async move { tenants.submit_until(&over, &open, number).await })
        })
        .collect();
    let mut tally = Tally::default();
    for number in 0..plan.kills {
        open.store(BACKLOG, Ordering::Relaxed);
        kill(&mut server, &mut chance, &mut tally).await?;
        if number % 50 == 49 {
            println!(
                "  {} kills, {} runs accepted",
                number + 1,
                tenants.accepted()
            );
        }
    }
    over.store(true, Ordering::Relaxed);
    for client in clients {
        client.await?;
    }
    tenants.settle(&server).await?;
    tenants.count(&server, &ledger, &mut tally).await?;
    before.wait_for_claims(server.data()).await;
    server.stop()?;
    tally.left += before.compare(server.data()).await?;
    if tally.left > 0 {
        println!("the server said:\n{}", server.words());
    }
    Ok(tally)
}

async fn kill(server: &mut Server, chance: &mut Chance, tally: &mut Tally) -> Result<()> {
    tokio::time::sleep(Duration::from_millis(chance.below(400))).await;
    let [servers, spawners, supervisors] = &mut tally.kills;
    match chance.below(10) {
        0 => *spawners += u64::from(victims::spawner(server)?),
        1 | 2 => *supervisors += u64::from(victims::supervisor(server, chance)?),
        kind => {
            server.kill()?;
            *servers += 1;
            server.begin_again()?;
            // As often as not once more, before it is ready.
            if kind > 6 {
                tokio::time::sleep(Duration::from_millis(chance.below(50))).await;
                server.kill()?;
                *servers += 1;
                tally.early += 1;
                server.begin_again()?;
            }
            server.ready().await?;
        }
    }
    Ok(())
}

/// The plan of the environment: `STEADING_KILLS` and `STEADING_SEED`, else these kills and a new seed.
///
/// # Errors
/// When one of them is no number.
pub fn plan(level: Level, kills: u64) -> Result<Plan> {
    let number = |name: &str| -> Result<Option<u64>> {
        Ok(std::env::var(name)
            .ok()
            .map(|text| text.parse())
            .transpose()?)
    };
    let fresh = std::time::UNIX_EPOCH
        .elapsed()
        .map_or(1, |time| time.as_nanos() as u64);
    Ok(Plan {
        level,
        kills: number("STEADING_KILLS")?.unwrap_or(kills),
        seed: number("STEADING_SEED")?.unwrap_or(fresh),
    })
}

impl Tally {
    /// Whether every promise was kept.
    ///
    /// # Errors
    /// The accounts, when not.
    pub fn check(&self) -> Result<()> {
        let sound = self.lost == 0 && self.doubled == 0 && self.left == 0;
        ensure!(sound, "{self}");
        ensure!(self.accepted > 0, "nothing was accepted: {self}");
        Ok(())
    }
}

impl std::fmt::Display for Tally {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let [servers, spawners, supervisors] = self.kills;
        let Self {
            early,
            accepted,
            lost,
            attempts,
            doubled,
            left,
            ..
        } = self;
        write!(
            f,
            "kills: {servers} of the server ({early} before it was ready), {spawners} of the spawner, \
             {supervisors} of a supervisor; runs {accepted}, attempts {attempts}; lost {lost}, \
             doubled {doubled}, left over {left}"
        )
    }
}

/// Where tasks keep the account of their starts.
fn ledger_path(data: &std::path::Path) -> PathBuf {
    data.join("ledger")
}
