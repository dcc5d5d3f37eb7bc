//! A new run that takes over what went well in an earlier one (Argo's memoized resubmission).

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use steading_types::{NodeIx, NodePhase, NodeType, WorkflowPhase};

use crate::cut::{Cut, progress};
use crate::error::Refusal;
use crate::head::Head;
use crate::node::Node;
use crate::run::Run;

impl Run {
    /// The beginning of the run of `head`, with the rows of this one that a retry would keep.
    /// [`crate::command::Command::Start`] comes next, and every row is written then. The new run has this
    /// one's document, and `parameters` of it changed.
    ///
    /// # Errors
    /// [`Refusal::Memoized`] unless this run failed, [`Refusal::UnknownParameter`].
    pub fn taken_over(
        &self,
        mut head: Head,
        parameters: Vec<(String, String)>,
    ) -> Result<Self, Refusal> {
        if !matches!(
            self.head.phase,
            WorkflowPhase::Failed | WorkflowPhase::Error
        ) {
            return Err(Refusal::Memoized(self.head.phase));
        }
        self.check_parameters(&parameters)?;
        // People approved that run, not this one.
        let approved = self.nodes().map(|node| node.ix);
        let approved: BTreeSet<NodeIx> = approved
            .filter(|ix| self.approvals_wanted(*ix) > 0)
            .collect();
        let cut = Cut::of(self, &approved, BTreeMap::new());
        let rows = cut.rows(self).into_iter();
        let rows: Vec<Node> = rows.map(|node| self.handed_on(node, &head)).collect();
        head.parameters.clone_from(&self.head.parameters);
        head.parameters.extend(parameters);
        head.outputs.clone_from(&self.head.outputs);
        head.artifacts.clone_from(&self.head.artifacts);
        head.progress = progress(&rows);
        Ok(Self::load(head, Arc::clone(&self.plan), rows, Vec::new())?)
    }

    /// A row in the new run: under its name, and what ran is not said to have run there.
    fn handed_on(&self, mut node: Node, head: &Head) -> Node {
        let id = self.node_id(node.ix).unwrap_or_default();
        let old = self.head.name.as_str();
        let renamed = |name: &str| {
            let rest = name.strip_prefix(old)?;
            Some(format!("{}{rest}", head.name))
        };
        if let Some(name) = renamed(&node.name) {
            node.name = name;
        }
        // The entry and the run's own hooks are called after the run.
        if node.owner.is_none()
            && let Some(name) = renamed(&node.display_name)
        {
            node.display_name = name;
        }
        if node.kind.is_attempt() && node.phase == NodePhase::Succeeded {
            node.kind = NodeType::Skipped;
            node.message = Some(format!("original pod: {id}"));
        }
        node
    }
}
