//! Suspend nodes that people must approve: not whoever submitted the run, and each once.

use steading_types::NodeIx;

use crate::command::Actor;
use crate::error::Refusal;
use crate::run::Run;
use crate::turn::Turn;

impl Run {
    /// How many people must approve a node.
    pub(crate) fn approvals_wanted(&self, ix: NodeIx) -> usize {
        let template = self.live(ix).and_then(|live| live.template);
        let template = template.and_then(|template| self.plan.template(template).ok());
        let said = template.and_then(|template| template.approvals());
        said.and_then(|said| said.parse().ok()).unwrap_or(0)
    }

    /// Whether a node waits for more people.
    pub(crate) fn lacks_approval(&self, ix: NodeIx) -> bool {
        let given = self.node(ix).map_or(0, |node| node.approvals.len());
        given < self.approvals_wanted(ix)
    }

    /// Whether this person may approve a node, if it needs that at all.
    pub(crate) fn may_approve(&self, ix: NodeIx, by: &Actor) -> Result<(), Refusal> {
        if !self.lacks_approval(ix) {
            return Ok(());
        }
        if by.0 == self.head.creator {
            return Err(Refusal::OwnApproval(by.0.clone()));
        }
        match self.node(ix) {
            Some(node) if node.approvals.contains(&by.0) => {
                Err(Refusal::ApprovedAlready(by.0.clone()))
            }
            _ => Ok(()),
        }
    }
}

impl Turn<'_> {
    /// Lets a waiting node go on if nobody else must approve it; `note` is for its message.
    pub(crate) fn approve(&mut self, ix: NodeIx, by: &Actor, note: Option<&str>) {
        if !self.run.lacks_approval(ix) {
            return self.resume_node(ix, note);
        }
        let wanted = self.run.approvals_wanted(ix);
        if let Some(node) = self.edit(ix) {
            node.approvals.push(by.0.clone());
            let all = node.approvals.join(", ");
            node.message = Some(format!(
                "approved by {all} ({} of {wanted})",
                node.approvals.len()
            ));
        }
        if !self.run.lacks_approval(ix) {
            self.resume_node(ix, None);
        }
    }
}
