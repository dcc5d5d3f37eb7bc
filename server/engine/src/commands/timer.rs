//! A timer is due. One that was given up meanwhile changes nothing.

use steading_types::{Millis, NodeIx, NodeType};

use crate::action::Action;
use crate::command::Timer;
use crate::head::Shutdown;
use crate::turn::Turn;

impl Turn<'_> {
    pub(super) fn timer_fired(&mut self, timer: Timer) {
        match timer {
            Timer::Deadline => {
                let at = self.run.deadline();
                if self.is_due(timer, at) {
                    self.shut(Shutdown::Deadline);
                }
            }
            Timer::NodeDeadline(ix) => {
                if self.is_due(timer, self.wake(ix, NodeType::is_attempt)) {
                    self.node_overdue(ix);
                }
            }
            Timer::Resume(ix) => {
                if self.is_due(timer, self.wake(ix, |kind| kind == NodeType::Suspend)) {
                    self.suspend_over(ix);
                }
            }
            // It ends the rows; nothing of the run itself changes.
            Timer::Expiry => {}
            Timer::Backoff(ix) => {
                if self.is_due(timer, self.wake(ix, |kind| kind == NodeType::Retry)) {
                    self.backoff_over(ix);
                }
            }
        }
    }

    /// Whether a timer is due; one that came too early is set again.
    fn is_due(&mut self, timer: Timer, at: Option<Millis>) -> bool {
        let Some(at) = at else {
            return false;
        };
        if at > self.now {
            self.act(Action::SetTimer(timer, at));
        }
        at <= self.now
    }

    /// When the timer of a node of this kind is due.
    fn wake(&self, ix: NodeIx, kind: fn(NodeType) -> bool) -> Option<Millis> {
        let node = self.run.node(ix).filter(|node| kind(node.kind))?;
        node.wake.filter(|_| !node.phase.completed())
    }
}
