//! Which nodes a node field selector means.

use steading_types::NodeIx;

use crate::command::{Comparison, NodeSelector};
use crate::error::Refusal;
use crate::turn::Turn;

impl Turn<'_> {
    /// Whether every term of a selector holds for a node.
    pub(super) fn selects(&self, selector: &NodeSelector, ix: NodeIx) -> Result<bool, Refusal> {
        for term in &selector.0 {
            let value = self.selected_field(&term.field, ix)?;
            let equal = value.as_deref().unwrap_or_default() == term.value;
            if equal != (term.comparison == Comparison::Equal) {
                return Ok(false);
            }
        }
        Ok(true)
    }

    fn selected_field(&self, field: &str, ix: NodeIx) -> Result<Option<String>, Refusal> {
        let Some(node) = self.run.node(ix) else {
            return Ok(None);
        };
        let reference = node.template.reference.as_ref();
        Ok(match field {
            "displayName" => Some(node.display_name.clone()),
            "templateName" => Some(node.template.name.clone()),
            "phase" => Some(node.phase.as_str().to_owned()),
            "name" => Some(node.name.clone()),
            "id" => self.run.node_id(ix),
            "templateRef.name" => reference.map(|(name, _)| name.clone()),
            "templateRef.template" => reference.map(|(_, template)| template.clone()),
            _ => {
                let name = field
                    .strip_prefix("inputs.parameters.")
                    .and_then(|rest| rest.strip_suffix(".value"))
                    .ok_or_else(|| Refusal::Selector(field.chars().take(80).collect()))?;
                let mut inputs = node.inputs.iter();
                let input = inputs.find(|(declared, _)| declared == name);
                input.map(|(_, value)| value.clone())
            }
        })
    }
}
