//! Set: gives suspend nodes their outputs, a message or their end (Argo's `node set`).

use steading_spec::model::Template;
use steading_types::{NodeIx, NodePhase};

use crate::command::{Actor, NodeSelector};
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
        by: &Actor,
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
            if phase == Some(NodePhase::Succeeded) {
                self.run.may_approve(*ix, by)?;
            }
        }
        for ix in nodes {
            self.give(ix, message, outputs);
            match phase {
                None => {}
                Some(NodePhase::Succeeded) => self.approve(ix, by, None),
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
        let template = self.run.live(ix).and_then(|live| live.template);
        let template = template.map(|ix| self.run.plan.template(ix)).transpose()?;
        for (name, value) in outputs {
            if node.outputs.parameters.iter().any(|(set, _)| set == name) {
                return Err(Refusal::AlreadySet(name.clone()));
            }
            if !node.outputs.awaited.contains_key(name) {
                return Err(Refusal::UnknownOutput(name.clone()));
            }
            if let Some(template) = template {
                offered(template, name, value)?;
            }
        }
        Ok(())
    }

    fn give(&mut self, ix: NodeIx, message: Option<&str>, outputs: &[(String, String)]) {
        let Some(node) = self.edit(ix) else {
            return;
        };
        if !outputs.is_empty() {
            // Whoever approved before had not seen these.
            node.approvals.clear();
        }
        for (name, value) in outputs {
            if node.outputs.awaited.remove(name).is_some() {
                node.outputs.parameters.push((name.clone(), value.clone()));
            }
        }
        node.message = joined(node.message.take(), message);
    }
}

/// Whether a template offers a value: the `enum` of the output, or of the input of the same name, as Argo's
/// forms have it.
fn offered(template: &Template, name: &str, value: &str) -> Result<(), Refusal> {
    let parameters = template.output_parameters().iter();
    let parameters = parameters.chain(template.input_parameters());
    let choices = parameters.filter(|parameter| parameter.name == name);
    let Some(choices) = choices.filter_map(|p| p.choices.as_ref()).next() else {
        return Ok(());
    };
    if choices.iter().any(|choice| choice.0 == value) {
        return Ok(());
    }
    let allowed: Vec<&str> = choices.iter().map(|choice| choice.0.as_str()).collect();
    Err(Refusal::NotOffered {
        name: name.to_owned(),
        value: value.chars().take(80).collect(),
        allowed: allowed.join(", "),
    })
}
