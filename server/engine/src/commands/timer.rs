//! A timer is due. One that was given up meanwhile changes nothing.

use steading_types::{NodeIx, NodeType};

use crate::command::Timer;
use crate::head::Shutdown;
use crate::node::Node;
use crate::turn::Turn;

impl Turn<'_> {
    pub(super) fn timer_fired(&mut self, timer: Timer) {
        match timer {
            Timer::Deadline => {
                if self.run.deadline().is_some_and(|at| at <= self.now) {
                    self.shut(Shutdown::Deadline);
                }
            }
            Timer::NodeDeadline(ix) => {
                if self.due(ix, NodeType::Pod).is_some() {
                    self.node_overdue(ix);
                }
            }
            Timer::Resume(ix) => {
                if self.due(ix, NodeType::Suspend).is_some() {
                    self.suspend_over(ix);
                }
            }
            Timer::Backoff(ix) => {
                if self.due(ix, NodeType::Retry).is_some() {
                    self.backoff_over(ix);
                }
            }
        }
    }

    /// The node of this kind whose timer is due.
    fn due(&self, ix: NodeIx, kind: NodeType) -> Option<&Node> {
        let node = self.run.node(ix).filter(|node| node.kind == kind)?;
        let open = !node.phase.completed();
        (open && node.wake.is_some_and(|at| at <= self.now)).then_some(node)
    }
}
