//! Set: gives suspend nodes their outputs, a message or their end (Argo's `node set`).

use steading_types::{NodeIx, NodePhase};

use crate::command::NodeSelector;
use crate::error::Refusal;
use crate::templates::joined;
use crate::turn::Turn;

impl Turn<'_> {
    pub(super) fn set_node(
        &mut self,
        selector: &NodeSelector,
        phase: Option<NodePhase>,
        message: Option<&str>,
        outputs: &[(String, String)],
    ) -> Result<(), Refusal> {
        if self.run.head.phase.completed() {
            return Err(Refusal::NodesCompleted);
        }
        if let Some(phase) = phase {
            let may = matches!(
                phase,
                NodePhase::Succeeded | NodePhase::Failed | NodePhase::Error
            );
            if !may {
                return Err(Refusal::InvalidPhase(phase.as_str()));
            }
        }
        let nodes = self.waiting_nodes(Some(selector))?;
        for ix in &nodes {
            self.check_outputs(*ix, outputs)?;
        }
        for ix in nodes {
            self.give(ix, message, outputs);
            match phase {
                None => {}
                Some(NodePhase::Succeeded) => self.resume_node(ix, None),
                Some(phase) => {
                    let message = self.run.node(ix).and_then(|node| node.message.clone());
                    self.finish(ix, phase, message);
                }
            }
        }
        Ok(())
    }

    fn check_outputs(&self, ix: NodeIx, outputs: &[(String, String)]) -> Result<(), Refusal> {
        let Some(node) = self.run.node(ix) else {
            return Ok(());
        };
        for (name, _) in outputs {
            if node.outputs.parameters.iter().any(|(set, _)| set == name) {
                return Err(Refusal::AlreadySet(name.clone()));
            }
            if !node.outputs.awaited.contains_key(name) {
                return Err(Refusal::UnknownOutput(name.clone()));
            }
        }
        Ok(())
    }

    fn give(&mut self, ix: NodeIx, message: Option<&str>, outputs: &[(String, String)]) {
        let Some(node) = self.edit(ix) else {
            return;
        };
        for (name, value) in outputs {
            if node.outputs.awaited.remove(name).is_some() {
                node.outputs.parameters.push((name.clone(), value.clone()));
            }
        }
        node.message = joined(node.message.take(), message);
    }
}
