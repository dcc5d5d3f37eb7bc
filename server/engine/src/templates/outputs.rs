//! Outputs: what a node gives when it ends well, and what it publishes to the run.

use std::sync::Arc;

use steading_spec::model::Parameter;
use steading_types::artifact::Artifact;
use steading_types::{NodeIx, NodePhase};

use crate::artifacts;
use crate::error::EngineError;
use crate::node::Node;
use crate::run::Run;
use crate::scope::View;
use crate::text;
use crate::turn::Turn;

impl Turn<'_> {
    /// Ends a steps or dag node well, with its outputs.
    pub(crate) fn finish_flow(&mut self, ix: NodeIx) {
        let outputs = self.flow_outputs(ix);
        match outputs.and_then(|outputs| Ok((outputs, self.flow_artifacts(ix)?))) {
            Ok((outputs, artifacts)) => {
                if !(outputs.is_empty() && artifacts.is_empty()) {
                    if let Some(node) = self.edit(ix) {
                        node.outputs.parameters = outputs;
                        node.outputs.artifacts = artifacts;
                    }
                    self.publish(ix);
                }
                self.finish(ix, NodePhase::Succeeded, None);
            }
            Err(error) => self.fault(ix, &error),
        }
    }

    fn flow_outputs(&self, ix: NodeIx) -> Result<Vec<(String, String)>, EngineError> {
        let Some(template) = self.run.live(ix).and_then(|live| live.template) else {
            return Ok(Vec::new());
        };
        let declared = self.run.plan.template(template)?.output_parameters();
        if declared.is_empty() {
            return Ok(Vec::new());
        }
        let view = View::flow(self.run, self.now, ix);
        let mut outputs = Vec::new();
        for output in declared {
            let value = flow_output(output, &view)?;
            outputs.extend(value.map(|value| (output.name.clone(), value)));
        }
        Ok(outputs)
    }

    /// Publishes the outputs of a node that have a `globalName`.
    pub(crate) fn publish(&mut self, ix: NodeIx) {
        let plan = Arc::clone(&self.run.plan);
        let Some(template) = self.run.live(ix).and_then(|live| live.template) else {
            return;
        };
        let Ok(template) = plan.template(template) else {
            return;
        };
        for output in template.output_parameters() {
            if output.global_name.is_empty() {
                continue;
            }
            let view = View::node(self.run, self.now, ix);
            let name = text::render(&output.global_name, &view);
            let value = self.run.node(ix).and_then(|node| given(node, &output.name));
            if let (Ok(name), Some(value)) = (name, value) {
                self.head().outputs.insert(name, value);
            }
        }
        for output in template.output_artifacts() {
            if output.global_name.is_empty() {
                continue;
            }
            let view = View::node(self.run, self.now, ix);
            let name = text::render(&output.global_name, &view);
            let given = self.run.node(ix);
            let given =
                given.and_then(|node| artifacts::named(&node.outputs.artifacts, &output.name));
            if let (Ok(name), Some(given)) = (name, given.cloned()) {
                let global = Artifact {
                    name: name.clone(),
                    ..given
                };
                self.head().artifacts.insert(name, global);
            }
        }
    }
}

fn given(node: &Node, name: &str) -> Option<String> {
    let mut outputs = node.outputs.parameters.iter();
    let (_, value) = outputs.find(|(given, _)| given == name)?;
    Some(value.clone())
}

/// An output of a steps or dag template; nothing when its source is absent and it has no default.
fn flow_output(output: &Parameter, view: &View<'_>) -> Result<Option<String>, EngineError> {
    let from = output.value_from.as_ref();
    let default = || {
        let default = from.and_then(|from| from.default.as_ref());
        default.map(|text| text::render(text, view)).transpose()
    };
    let value = match from {
        Some(from) if !from.parameter.is_empty() => text::render(&from.parameter, view).map(Some),
        Some(from) if !from.expression.is_empty() => computed(&from.expression, view),
        _ => {
            let value = output.value.as_ref();
            value.map(|text| text::render(text, view)).transpose()
        }
    };
    match value {
        Ok(Some(value)) => Ok(Some(value)),
        Ok(None) => default(),
        Err(error) => match default()? {
            Some(value) => Ok(Some(value)),
            None => Err(error),
        },
    }
}

/// The value of an output's expression, which must have one.
pub(super) fn computed(source: &str, view: &View<'_>) -> Result<Option<String>, EngineError> {
    let value = text::evaluate_text(source, view)?;
    let missing = || EngineError::Value(format!("the expression '{source}' has no value"));
    value.map(Some).ok_or_else(missing)
}

/// What the template of a node that never ran declares for an output that it would have had.
pub(crate) fn declared_default(run: &Run, node: &Node, name: &str) -> Option<String> {
    let template = run.live(node.ix)?.template?;
    let template = run.plan.template(template).ok()?;
    let mut outputs = template.output_parameters().iter();
    let output = outputs.find(|output| output.name == name)?;
    let default = output.value_from.as_ref()?.default.as_ref()?;
    Some(default.0.clone())
}
