//! `suspend`: waits for a person, or for a time.

use std::sync::Arc;

use steading_types::{Millis, NodeIx, NodePhase, parse_duration};

use crate::action::Action;
use crate::command::Timer;
use crate::error::EngineError;
use crate::node::Node;
use crate::scope::View;
use crate::text;
use crate::turn::Turn;

impl Turn<'_> {
    /// Starts a suspend node.
    pub(crate) fn start_suspend(&mut self, ix: NodeIx) {
        match self.prepare_suspend(ix) {
            Ok(None) => {}
            Ok(Some(at)) => {
                if let Some(node) = self.edit(ix) {
                    node.wake = Some(at);
                }
                self.act(Action::SetTimer(Timer::Resume(ix), at));
            }
            Err(error) => self.fault(ix, &error),
        }
    }

    fn prepare_suspend(&mut self, ix: NodeIx) -> Result<Option<Millis>, EngineError> {
        let plan = Arc::clone(&self.run.plan);
        let Some(template) = self.run.live(ix).and_then(|live| live.template) else {
            return Ok(None);
        };
        let template = plan.template(template)?;
        let view = View::node(self.run, self.now, ix);
        let duration = template.suspend.as_ref().and_then(|s| s.duration.as_ref());
        let span = match duration {
            None => None,
            Some(duration) => {
                let given = text::render(duration, &view)?;
                Some(parse_duration(&given).ok_or_else(|| {
                    EngineError::Value(format!("suspend.duration '{given}' is not a duration"))
                })?)
            }
        };
        let mut awaited = std::collections::BTreeMap::new();
        for output in template.output_parameters() {
            if let Some(from) = output.value_from.as_ref().filter(|f| f.supplied.is_some()) {
                let default = from.default.as_ref();
                let default = default.map(|text| text::render(text, &view)).transpose()?;
                awaited.insert(output.name.clone(), default);
            }
        }
        if let Some(node) = self.edit(ix) {
            node.outputs.awaited = awaited;
        }
        Ok(span.map(|span| self.now.plus(span)))
    }

    /// The time of a suspend node is over: each supplied output takes its default, or the node fails.
    pub(crate) fn suspend_over(&mut self, ix: NodeIx) {
        if self.run.lacks_approval(ix) {
            let message = "it was not approved in time";
            return self.finish(ix, NodePhase::Failed, Some(message.to_owned()));
        }
        match self.run.node(ix).and_then(missing) {
            Some(name) => {
                let message = format!(
                    "raw output parameter '{name}' has not been set and does not have a default value"
                );
                self.finish(ix, NodePhase::Failed, Some(message));
            }
            None => self.resume_node(ix, None),
        }
    }

    /// Ends a suspend node well; its outputs without a value take their defaults.
    pub(crate) fn resume_node(&mut self, ix: NodeIx, note: Option<&str>) {
        let Some(node) = self.edit(ix) else {
            return;
        };
        let defaults = std::mem::take(&mut node.outputs.awaited);
        for (name, default) in defaults {
            node.outputs
                .parameters
                .extend(default.map(|value| (name, value)));
        }
        let message = joined(node.message.take(), note);
        self.publish(ix);
        self.finish(ix, NodePhase::Succeeded, message);
    }
}

/// A supplied output that has neither a value nor a default.
pub(crate) fn missing(node: &Node) -> Option<String> {
    let mut awaited = node.outputs.awaited.iter();
    let (name, _) = awaited.find(|(_, default)| default.is_none())?;
    Some(name.clone())
}

/// Adds to a message, as Argo does.
pub(crate) fn joined(old: Option<String>, more: Option<&str>) -> Option<String> {
    match (old, more) {
        (Some(old), Some(more)) => Some(format!("{old}; {more}")),
        (old, more) => old.or_else(|| more.map(str::to_owned)),
    }
}
