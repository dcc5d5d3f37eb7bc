//! What can happen to a run. Requests of people and answers of backends are the same kind of thing.

use steading_types::task::TaskReport;
use steading_types::{AttemptId, NodeIx, NodePhase};

use crate::lock::HoldId;

/// One thing that happens to a run.
#[derive(Debug, Clone, PartialEq)]
pub enum Command {
    /// The first command of every run: makes the entry node.
    Start,
    /// More of a large fan may be expanded (answer to [`crate::action::Action::Continue`]).
    Continue,
    /// The backend accepted the attempt and it waits there; `reason` is shown as the node's message.
    AttemptWaiting {
        /// Which attempt.
        attempt: AttemptId,
        /// One sentence for a person.
        reason: String,
    },
    /// The attempt's work began.
    AttemptStarted {
        /// Which attempt.
        attempt: AttemptId,
        /// The host that runs it (Argo's `hostNodeName`).
        host: Option<String>,
    },
    /// The attempt is a daemon and can be used: what comes after its node may begin.
    AttemptReady {
        /// Which attempt.
        attempt: AttemptId,
        /// The host that runs it.
        host: Option<String>,
    },
    /// The attempt is over. Said again for an attempt that is already over, it changes nothing.
    AttemptEnded {
        /// Which attempt.
        attempt: AttemptId,
        /// How it went.
        report: Box<TaskReport>,
    },
    /// A timer that an action asked for is due.
    TimerFired {
        /// Which one.
        timer: Timer,
    },
    /// A holder has all its locks.
    LocksGranted {
        /// Which one.
        hold: HoldId,
    },
    /// A holder with a place must wait for its locks.
    LocksBusy {
        /// Which one.
        hold: HoldId,
    },
    /// A holder's locks can not be had, now or later.
    LocksRefused {
        /// Which one.
        hold: HoldId,
        /// One sentence for a person.
        reason: String,
    },
    /// Start nothing new until resumed.
    Suspend,
    /// Go on; with a selector only those suspend nodes.
    Resume {
        /// Which suspend nodes; all when absent.
        selector: Option<NodeSelector>,
        /// Who asked, for the node's message.
        by: Actor,
    },
    /// End the run politely (exit handlers run); with a selector fail those suspend nodes instead.
    Stop {
        /// Which suspend nodes; the whole run when absent.
        selector: Option<NodeSelector>,
        /// Shown on the node or the run.
        message: Option<String>,
    },
    /// End the run now, without exit handlers.
    Terminate,
    /// Give a suspend node its outcome or its output parameters (Argo's `node set`).
    SetNode {
        /// Which suspend nodes.
        selector: NodeSelector,
        /// A new phase: Succeeded, Failed or Error.
        phase: Option<NodePhase>,
        /// Added to the node's message.
        message: Option<String>,
        /// Values for `supplied` output parameters.
        outputs: Vec<(String, String)>,
        /// Who asked.
        by: Actor,
    },
    /// Go on without nodes that have not begun or have failed, with the outputs that are given for them. A
    /// finished run goes on as with [`Command::Retry`].
    Skip {
        /// Which nodes.
        selector: NodeSelector,
        /// Values for their outputs; `result` is the standard output.
        outputs: Vec<(String, String)>,
        /// Who asked, for the node's message.
        by: Actor,
        /// Why, for the node's message.
        why: Option<String>,
    },
    /// Run the failed parts of a finished run again.
    Retry {
        /// Also successful nodes that the selector names, and all below them.
        restart_successful: bool,
        /// Which nodes.
        selector: Option<NodeSelector>,
        /// New values of workflow parameters (`name`, `value`).
        parameters: Vec<(String, String)>,
    },
}

/// Who did something: shown in messages and kept in the run's history.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Actor(pub String);

/// A timer of a run. One of each kind exists at a time; setting it again moves it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Timer {
    /// The workflow's `activeDeadlineSeconds`.
    Deadline,
    /// A template's `timeout` or `pendingTimeout` on this node.
    NodeDeadline(NodeIx),
    /// The end of a suspend node's duration.
    Resume(NodeIx),
    /// The end of a retry node's backoff.
    Backoff(NodeIx),
    /// The end of the time that the finished run is kept (`ttlStrategy`). It outlives the run's way to the
    /// archive; whoever holds the rows deletes them.
    Expiry,
}

/// Argo's node field selector: every term must hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NodeSelector(pub Vec<SelectorTerm>);

/// One comparison of a node selector.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SelectorTerm {
    /// `displayName`, `templateName`, `phase`, `name`, `id`, `templateRef.name`, `templateRef.template` or `inputs.parameters.<p>.value`.
    pub field: String,
    /// `=` or `!=`.
    pub comparison: Comparison,
    /// The value.
    pub value: String,
}

/// How a selector term compares.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Comparison {
    /// `=` and `==`.
    Equal,
    /// `!=`.
    NotEqual,
}
