//! Resume: the run goes on, and suspend nodes end well.

use steading_types::NodeIx;

use crate::command::{Actor, NodeSelector};
use crate::error::Refusal;
use crate::head::Suspended;
use crate::templates::missing;
use crate::turn::Turn;

impl Turn<'_> {
    pub(super) fn resume_run(
        &mut self,
        selector: Option<&NodeSelector>,
        by: &Actor,
    ) -> Result<(), Refusal> {
        if self.run.head.phase.completed() {
            return Err(Refusal::NodesCompleted);
        }
        let nodes = self.waiting_nodes(selector)?;
        for ix in &nodes {
            if let Some(name) = self.run.node(*ix).and_then(missing) {
                return Err(Refusal::NotSet(name));
            }
            self.run.may_approve(*ix, by)?;
        }
        if selector.is_none() && self.run.head.suspended == Suspended::Yes {
            self.head().suspended = Suspended::No;
        }
        let note = format!("Resumed by: map[User:{}]", by.0);
        for ix in nodes {
            self.approve(ix, by, Some(&note));
        }
        Ok(())
    }

    /// The suspend nodes that a selector names: all of them without one, an error when it names none.
    pub(super) fn waiting_nodes(
        &self,
        selector: Option<&NodeSelector>,
    ) -> Result<Vec<NodeIx>, Refusal> {
        let waiting = self.run.waiting.iter().copied();
        let waiting = waiting.filter(|ix| !self.run.gated(*ix));
        let Some(selector) = selector else {
            return Ok(waiting.collect());
        };
        let mut matching = Vec::new();
        for ix in waiting {
            if self.selects(selector, ix)? {
                matching.push(ix);
            }
        }
        if matching.is_empty() {
            return Err(Refusal::NoMatch);
        }
        Ok(matching)
    }
}
