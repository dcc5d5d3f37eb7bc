//! `container` and `script`: an attempt on a backend, from ready to over.

use std::sync::Arc;

use steading_types::task::TaskReport;
use steading_types::{AttemptId, Millis, NodeIx, NodePhase, parse_duration};

use super::report::judge;
use crate::action::Action;
use crate::command::Timer;
use crate::error::EngineError;
use crate::head::Shutdown;
use crate::node::{Ending, Node, Usage};
use crate::scope::View;
use crate::text;
use crate::turn::Turn;

/// Argo's sentence for a node beyond its template's `timeout`.
const OVERDUE: &str = "Template exceeded its deadline";

impl Turn<'_> {
    /// Asks for an attempt of a new node.
    pub(crate) fn start_pod(&mut self, ix: NodeIx) {
        let limits = match self.time_limits(ix) {
            Ok(limits) => limits,
            Err(error) => return self.fault(ix, &error),
        };
        let Some(node) = self.run.node(ix) else {
            return;
        };
        self.act(Action::Start(self.run.attempt(node)));
        self.make_members(ix);
        let first = [limits.whole, limits.pending].into_iter().flatten().min();
        self.set_node_timer(ix, first);
    }

    /// Sets the time limit of an attempt that waits before its gate.
    pub(crate) fn limit_wait(&mut self, ix: NodeIx) {
        let waits = |node: &Node| node.kind.is_attempt() && !node.phase.completed();
        if self.run.node(ix).is_some_and(waits) {
            match self.time_limits(ix) {
                Ok(limits) => {
                    let first = [limits.whole, limits.pending].into_iter().flatten().min();
                    self.set_node_timer(ix, first);
                }
                Err(error) => self.fault(ix, &error),
            }
        }
    }

    /// The running node of an attempt; nothing for attempts that are over or of another generation.
    pub(super) fn open_attempt(&self, attempt: AttemptId) -> Option<&Node> {
        let node = self.run.node(attempt.node)?;
        let same = self.run.attempt(node) == attempt;
        (same && !node.phase.completed()).then_some(node)
    }

    /// The backend has accepted an attempt.
    pub(crate) fn attempt_waiting(&mut self, attempt: AttemptId, reason: String) {
        let Some(node) = self.open_attempt(attempt) else {
            return;
        };
        let waits = !node.phase.completed() && node.ending == Ending::Natural;
        if waits
            && node.message.as_ref() != Some(&reason)
            && let Some(node) = self.edit(attempt.node)
        {
            node.message = Some(reason);
        }
    }

    /// The work of an attempt began.
    pub(crate) fn attempt_started(&mut self, attempt: AttemptId, host: Option<String>) {
        let Some(node) = self.open_attempt(attempt) else {
            return;
        };
        if node.phase != NodePhase::Pending {
            return;
        }
        let (ix, asked) = (node.ix, node.ending.is_asked());
        let now = self.now;
        if self.is_daemon(ix) {
            // Argo's daemons are pending until they can be used.
            if let Some(node) = self.edit(ix) {
                node.host = host;
                if !asked {
                    node.message = None;
                }
            }
            return;
        }
        if let Some(node) = self.edit(ix) {
            node.phase = NodePhase::Running;
            node.started = Some(now);
            node.host = host;
            if !asked {
                node.message = None;
            }
        }
        if !asked {
            let whole = self.time_limits(ix).ok().and_then(|limits| limits.whole);
            if self.run.node(ix).is_some_and(|node| node.wake != whole) {
                self.set_node_timer(ix, whole);
            }
        }
        self.members_started(ix);
        self.fire_hooks(ix);
    }

    /// An attempt is over.
    pub(crate) fn attempt_ended(&mut self, attempt: AttemptId, report: &TaskReport) {
        let plan = Arc::clone(&self.run.plan);
        let Some(node) = self.open_attempt(attempt) else {
            return;
        };
        let (ix, asked) = (node.ix, node.ending.is_asked());
        let reason = node.message.clone();
        let template = self.run.live(ix).and_then(|live| live.template);
        let Some(Ok(template)) = template.map(|template| plan.template(template)) else {
            return;
        };
        let mut verdict = judge(template, report, &View::node(self.run, self.now, ix));
        // What was asked to end and still ended well has done its work, unless its time was over.
        let overdue = reason
            .as_deref()
            .is_some_and(|why| why == OVERDUE || why == DEADLINE);
        if asked && (verdict.phase != NodePhase::Succeeded || overdue) {
            verdict.phase = NodePhase::Failed;
            verdict.message = reason;
        }
        if self.run.node(ix).map(|node| node.ending) == Some(Ending::Dismissed) {
            verdict.phase = NodePhase::Succeeded;
            verdict.message = None;
        }
        if let Some(node) = self.run.node(ix).filter(|n| n.ending == Ending::Skipping) {
            verdict.phase = NodePhase::Skipped;
            verdict.message = node.message.clone();
            verdict.outputs = node.outputs.clone();
        }
        self.members_ended(ix, report, &verdict);
        let now = self.now;
        if let Some(node) = self.edit(ix) {
            let started = report.started.filter(|at| *at <= now);
            node.started = started.or(node.started);
            node.outputs = verdict.outputs;
            node.isolation.clone_from(&report.isolation);
            node.usage = Usage {
                cpu_ms: report.cpu_ms,
                max_rss: report.max_rss,
            };
        }
        self.publish(ix);
        self.finish(ix, verdict.phase, verdict.message);
    }

    /// The time limit of a node passed.
    pub(crate) fn node_overdue(&mut self, ix: NodeIx) {
        if self.run.gated(ix) {
            self.finish(ix, NodePhase::Failed, Some(OVERDUE.to_owned()));
        } else {
            self.ask_to_end(ix, OVERDUE);
        }
    }

    /// Asks a running attempt to end; its node ends when the backend says so.
    pub(crate) fn ask_to_end(&mut self, ix: NodeIx, why: &str) {
        let Some(node) = self.edit(ix).filter(|node| !node.phase.completed()) else {
            return;
        };
        node.message = Some(why.to_owned());
        node.ending = Ending::Asked;
        self.set_node_timer(ix, None);
        if let Some(node) = self.run.node(ix) {
            self.act(Action::Cancel(self.run.attempt(node)));
        }
    }

    /// Asks for the timer of an attempt, or gives it up.
    pub(crate) fn set_node_timer(&mut self, ix: NodeIx, at: Option<Millis>) {
        let Some(node) = self.edit(ix) else {
            return;
        };
        let before = std::mem::replace(&mut node.wake, at);
        match (before, at) {
            (_, Some(at)) => self.act(Action::SetTimer(Timer::NodeDeadline(ix), at)),
            (Some(_), None) => self.act(Action::ClearTimer(Timer::NodeDeadline(ix))),
            (None, None) => {}
        }
    }

    /// When a node must be over, and when it must have begun.
    fn time_limits(&self, ix: NodeIx) -> Result<TimeLimits, EngineError> {
        let mut limits = TimeLimits::default();
        let (Some(node), Some(live)) = (self.run.node(ix), self.run.live(ix)) else {
            return Ok(limits);
        };
        let Some(template) = live.template else {
            return Ok(limits);
        };
        let template = self.run.plan.template(template)?;
        let fields = [
            ("timeout", &template.timeout, &mut limits.whole),
            (
                "pendingTimeout",
                &template.pending_timeout,
                &mut limits.pending,
            ),
        ];
        for (field, written, limit) in fields {
            if written.is_empty() {
                continue;
            }
            let given = text::render(written, &View::node(self.run, self.now, ix))?;
            let span = parse_duration(&given).ok_or_else(|| {
                EngineError::Value(format!("{field} '{given}' is not a duration"))
            })?;
            *limit = Some(node.created.plus(span));
        }
        Ok(limits)
    }
}

/// Argo's sentence for a node beyond the run's `activeDeadlineSeconds`.
pub(crate) const DEADLINE: &str = "Step exceeded its deadline";

/// Argo's sentences for a node that runs when its run is asked to end.
pub(crate) fn shutdown_message(shutdown: Shutdown) -> &'static str {
    match shutdown {
        Shutdown::Deadline => DEADLINE,
        Shutdown::Stop => "workflow shutdown with strategy:  Stop",
        Shutdown::Terminate => "workflow shutdown with strategy:  Terminate",
    }
}

/// Points in time.
#[derive(Default)]
struct TimeLimits {
    whole: Option<Millis>,
    pending: Option<Millis>,
}
