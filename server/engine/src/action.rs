//! What a command makes the outside do. Actions are carried out after the changes are on disk, are
//! keyed by the attempt, and may be carried out again after a crash.

use steading_types::{AttemptId, Millis, NodeIx};

use crate::command::Timer;
use crate::lock::HoldId;
use crate::metrics::Measurement;

/// One thing to do after the commit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    /// The attempt is ready: queue it; when its turn comes, ask `Run::task` for the work and
    /// hand it to a backend.
    Start(AttemptId),
    /// End the attempt: politely first, then by force after its grace period. Like every attempt that
    /// was started it is answered with one [`crate::command::Command::AttemptEnded`], also when it
    /// never left the queue.
    Cancel(AttemptId),
    /// Tell the run [`crate::command::Command::TimerFired`] at this time. Replaces an earlier one of the same name.
    SetTimer(Timer, Millis),
    /// The timer is no longer wanted.
    ClearTimer(Timer),
    /// Something was measured.
    Measure(Box<Measurement>),
    /// What the node gave is kept in the cache that its `memo` names, in the same commit; nothing to do after.
    Remember(NodeIx),
    /// Ask for the locks of this holder; the answer is [`crate::command::Command::LocksGranted`] or
    /// [`crate::command::Command::LocksRefused`].
    Acquire(HoldId),
    /// The holder has no need of its locks any more, whether it had them or waited.
    Release(HoldId),
    /// More work is waiting inside the run: apply [`crate::command::Command::Continue`] next.
    Continue,
    /// The run is over and will not change by itself: it may be archived.
    Completed,
}
