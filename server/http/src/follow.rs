//! Following a run's logs until it is over: attempts are joined as they appear in the change feed.

use std::collections::HashSet;

use steading_api::log::{LogLine, LogQuery};
use steading_control::Control;
use steading_control::site::LogSource;
use steading_store::{RunRef, StoreError};
use steading_types::{AttemptId, NodeIx};
use tokio::sync::mpsc;
use tokio::task::JoinSet;

use crate::live::StillAllowed;
use crate::logs::sources;

/// Lines that wait for a slow reader; the follower then waits as well, the task never does.
const BUFFER: usize = 256;

/// What is followed.
pub(crate) struct Followed {
    /// The run.
    pub(crate) run: RunRef,
    /// Which lines.
    pub(crate) query: LogQuery,
}

/// Lines of a run, old ones first, then as they are written. The channel closes when the run is over and
/// all was sent, when nobody listens any more, or when the right to listen was lost.
pub(crate) fn follow(
    control: Control,
    what: Followed,
    allowed: StillAllowed,
) -> mpsc::Receiver<LogLine> {
    let (lines, receiver) = mpsc::channel(BUFFER);
    tokio::spawn(async move {
        tokio::select! {
            outcome = run(&control, &what, &lines) => if let Err(error) = outcome {
                tracing::warn!(run.id = %what.run.id, error = %error, "a log could not be followed");
            },
            () = lines.closed() => {}
            () = allowed.lost() => {}
        }
    });
    receiver
}

async fn run(
    control: &Control,
    what: &Followed,
    lines: &mpsc::Sender<LogLine>,
) -> Result<(), StoreError> {
    let mut feed = control.store().feed(Some(control.store().latest()));
    let mut joined: HashSet<AttemptId> = HashSet::new();
    let mut readers = JoinSet::new();
    loop {
        let Some((head, sources)) =
            sources(control.store(), &what.run, what.query.node.map(NodeIx))?
        else {
            break;
        };
        for source in sources
            .into_iter()
            .filter(|source| joined.insert(source.attempt))
        {
            readers.spawn(reader(
                control.clone(),
                what.run.clone(),
                source,
                what.query.clone(),
                lines.clone(),
            ));
        }
        if head.phase.completed() {
            break;
        }
        feed.touched(what.run.id).await?;
    }
    while readers.join_next().await.is_some() {}
    Ok(())
}

async fn reader(
    control: Control,
    run: RunRef,
    source: LogSource,
    query: LogQuery,
    lines: mpsc::Sender<LogLine>,
) {
    if let Err(error) = control
        .logs()
        .follow(&run.tenant, source, &query, lines)
        .await
    {
        tracing::warn!(run.id = %run.id, error = %error, "the log of an attempt could not be followed");
    }
}
