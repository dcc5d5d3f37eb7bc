//! `wait` and `watch`: until runs are over.

use std::io::{IsTerminal, Write};
use std::time::Duration;

use clap::Args;
use steading_api::change::ChangeQuery;
use steading_api::client::CallError;
use steading_api::operations::{FollowChanges, GetRun};
use steading_api::run::RunSummary;
use steading_types::WorkflowPhase;

use super::client::Client;
use super::display;
use super::exit::{Code, Failure};
use super::get::{nodes, now, text};

/// Redraws at most this often.
const FRAME: Duration = Duration::from_millis(200);
/// Between tries to reach a server that went away.
const PAUSE: Duration = Duration::from_millis(500);
/// Tries before giving up.
const TRIES: u32 = 60;

/// How long to wait; for ever without a span.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Patience(pub(crate) Option<Duration>);

/// Arguments of `wait`.
#[derive(Debug, Args)]
pub(crate) struct Wait {
    /// Names or ids of runs, or @latest
    #[arg(required = true)]
    runs: Vec<String>,
    /// Wait no longer than this many seconds
    #[arg(long, value_name = "SECONDS")]
    timeout: Option<u64>,
}

/// Arguments of `watch`.
#[derive(Debug, Args)]
pub(crate) struct Watch {
    /// Name or id of a run, or @latest
    run: String,
    /// Watch no longer than this many seconds
    #[arg(long, value_name = "SECONDS")]
    timeout: Option<u64>,
}

impl Wait {
    pub(crate) async fn run(self, client: &Client) -> Result<(), Failure> {
        let patience = Patience(self.timeout.map(Duration::from_secs));
        let mut worst = Ok(());
        for run in &self.runs {
            let ended = until_over(client, run, patience).await?;
            display::line(&format!("{} {}", ended.name, ended.phase.as_str()))?;
            worst = worst.and(outcome(&ended));
        }
        worst
    }
}

impl Watch {
    pub(crate) async fn run(self, client: &Client) -> Result<(), Failure> {
        outcome(
            &watch(
                client,
                &self.run,
                Patience(self.timeout.map(Duration::from_secs)),
            )
            .await?,
        )
    }
}

/// What the program's exit code says about a run that is over.
pub(crate) fn outcome(run: &RunSummary) -> Result<(), Failure> {
    let ended_by_a_person = run
        .message
        .as_deref()
        .is_some_and(|message| message.starts_with("Stopped with strategy"));
    match run.phase {
        WorkflowPhase::Succeeded => Ok(()),
        _ if ended_by_a_person => Err(Failure::silent(Code::Cancelled)),
        _ => Err(Failure::silent(Code::RunFailed)),
    }
}

/// Waits until a run is over, through restarts of the server.
pub(crate) async fn until_over(
    client: &Client,
    run: &str,
    patience: Patience,
) -> Result<RunSummary, Failure> {
    within(patience, observe(client, run, |_| {})).await
}

/// Draws a run until it is over.
pub(crate) async fn watch(
    client: &Client,
    run: &str,
    patience: Patience,
) -> Result<RunSummary, Failure> {
    let mut screen = Screen {
        lines: 0,
        terminal: std::io::stdout().is_terminal(),
    };
    let watching = async {
        let mut lost = 0;
        loop {
            match draw_until_over(client, run, &mut screen).await {
                Err(CallError::Unreachable(_)) if lost < TRIES => {
                    lost = lost.saturating_add(1);
                    tokio::time::sleep(PAUSE).await;
                }
                other => return Ok(other?),
            }
        }
    };
    within(patience, watching).await
}

async fn within<T>(
    patience: Patience,
    work: impl Future<Output = Result<T, Failure>>,
) -> Result<T, Failure> {
    match patience.0 {
        None => work.await,
        Some(span) => tokio::time::timeout(span, work)
            .await
            .unwrap_or_else(|_| Err(Failure::new(Code::Timeout, "the run is not over yet"))),
    }
}

async fn observe(
    client: &Client,
    run: &str,
    mut seen: impl FnMut(&RunSummary),
) -> Result<RunSummary, Failure> {
    let mut lost = 0;
    loop {
        match once(client, run, &mut seen).await {
            Ok(Some(ended)) => return Ok(ended),
            Ok(None) => tokio::time::sleep(PAUSE).await,
            Err(CallError::Unreachable(_)) if lost < TRIES => {
                lost = lost.saturating_add(1);
                tokio::time::sleep(PAUSE).await;
            }
            Err(error) => return Err(error.into()),
        }
    }
}

/// Follows the run until it is over, or the stream ends.
async fn once(
    client: &Client,
    run: &str,
    seen: &mut impl FnMut(&RunSummary),
) -> Result<Option<RunSummary>, CallError> {
    let detail = client.tenant_call::<GetRun>(&[run], &(), &()).await?;
    let query = ChangeQuery {
        after: Some(detail.seq),
        run: Some(detail.summary.id.to_string()),
    };
    let id = detail.summary.id.to_string();
    seen(&detail.summary);
    if detail.summary.phase.completed() {
        return Ok(Some(detail.summary));
    }
    let mut changes = client.follow::<FollowChanges>(&[], &query).await?;
    while changes.next().await?.is_some() {
        let detail = client.tenant_call::<GetRun>(&[&id], &(), &()).await?;
        seen(&detail.summary);
        if detail.summary.phase.completed() {
            return Ok(Some(detail.summary));
        }
    }
    Ok(None)
}

struct Screen {
    lines: usize,
    terminal: bool,
}

impl Screen {
    fn draw(&mut self, text: &str) {
        let mut out = std::io::stdout().lock();
        if self.terminal && self.lines > 0 {
            // Back to the beginning of the last drawing, and clear from there.
            let _ = write!(out, "\x1b[{}A\x1b[J", self.lines);
        }
        let _ = out.write_all(text.as_bytes());
        let _ = out.flush();
        self.lines = text.lines().count();
    }
}

async fn draw_until_over(
    client: &Client,
    run: &str,
    screen: &mut Screen,
) -> Result<RunSummary, CallError> {
    loop {
        let detail = client.tenant_call::<GetRun>(&[run], &(), &()).await?;
        let id = detail.summary.id.to_string();
        let over = detail.summary.phase.completed();
        // Without a terminal only the end is drawn: a log does not want every frame.
        if screen.terminal || over {
            let nodes = nodes(client, &id)
                .await
                .map_err(|_| CallError::Unreachable("the nodes could not be read".to_owned()))?;
            screen.draw(&text(&detail, &nodes, now()));
        }
        if over {
            return Ok(detail.summary);
        }
        let query = ChangeQuery {
            after: Some(detail.seq),
            run: Some(id),
        };
        let mut changes = client.follow::<FollowChanges>(&[], &query).await?;
        changes.next().await?;
        tokio::time::sleep(FRAME).await;
    }
}
