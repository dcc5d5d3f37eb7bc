//! Calling a template: from a step, task, hook, try or the run itself to a node that runs.

use std::sync::Arc;

use steading_spec::model::{Arguments, Call, Caller, Parameter, Template};
use steading_spec::resolve::TemplateIx;
use steading_types::artifact::Artifact;
use steading_types::{NodeIx, NodePhase, NodeType};

use crate::artifacts;
use crate::error::EngineError;
use crate::lock::Holder;
use crate::node::{NodeRole, TemplateName};
use crate::plan::{Plan, node_type};
use crate::scope::View;
use crate::text;
use crate::turn::{Seed, Turn};
use crate::values;

/// Templates inside each other (Argo's figure).
const NESTED: u16 = 100;

/// What a step or task, and the template that it calls, know it by.
pub(crate) const CALL_NAMES: [&str; 2] = ["steps.name", "tasks.name"];

impl Turn<'_> {
    /// Runs a step or task: checks its condition, works out its arguments and calls its template.
    pub(crate) fn call(&mut self, mut seed: Seed, caller: &dyn Caller, flow: NodeIx) {
        let plan = Arc::clone(&self.run.plan);
        let Some(from) = self.run.live(flow).and_then(|live| live.template) else {
            return;
        };
        let mut view = View::flow(self.run, self.now, flow).item(seed.item.as_ref());
        if plan.reads_call_names {
            for name in CALL_NAMES {
                view = view.with(name, seed.display_name.as_str());
            }
        }
        seed.template = written(&caller.call());
        // A skipped step still tells which outputs it would have had.
        let plain = plan.resolved.target(from, caller.call());
        if let Some(callee) = plain {
            seed.template = seed.template.keyed(callee);
        }
        match holds(caller.when(), &view) {
            Ok(true) => {}
            Ok(false) => {
                let message = skipped(caller.when(), &view);
                return self.make_ended(seed, NodePhase::Skipped, message);
            }
            Err(error) => return self.make_ended(seed, NodePhase::Error, error.to_string()),
        }
        let called = match plain {
            Some(callee) => Ok(callee),
            None => named(&plan, from, &caller.call(), &view),
        };
        let prepared = called
            .and_then(|callee| Ok((callee, inputs(&plan, callee, caller.arguments(), &view)?)));
        match prepared {
            Ok((callee, inputs)) => {
                seed.inputs = inputs;
                seed.template = seed.template.keyed(callee);
                self.enter(seed, callee);
            }
            Err(error) => self.make_ended(seed, NodePhase::Error, error.to_string()),
        }
    }

    /// Makes the node of a call whose inputs are known, and starts it.
    pub(crate) fn enter(&mut self, seed: Seed, callee: TemplateIx) {
        let plan = Arc::clone(&self.run.plan);
        let depth = seed.boundary.and_then(|b| self.run.live(b));
        if depth.is_some_and(|live| live.depth >= NESTED) {
            let error = EngineError::Recursion(NESTED);
            return self.make_ended(seed, NodePhase::Error, error.to_string());
        }
        let mut memo = None;
        match self.recall(&seed, callee) {
            Ok(None) => {}
            Ok(Some((asked, None))) => memo = Some(asked),
            Ok(Some((asked, Some(outputs)))) => {
                return self.enter_remembered(seed, callee, asked, outputs);
            }
            Err(error) => return self.make_ended(seed, NodePhase::Error, error.to_string()),
        }
        let kind = plan.template(callee).and_then(|template| {
            let retries = template.retry_strategy.is_some() && seed.role != NodeRole::Try;
            if retries {
                Ok(NodeType::Retry)
            } else {
                node_type(template)
            }
        });
        let made = kind.and_then(|kind| {
            let phase = match kind {
                kind if kind.is_attempt() => NodePhase::Pending,
                _ => NodePhase::Running,
            };
            Ok((kind, self.make(seed.clone(), kind, phase)?))
        });
        match made {
            Ok((kind, ix)) => {
                if memo.is_some()
                    && let Some(node) = self.edit(ix)
                {
                    node.memo = memo;
                }
                if let Err(error) = self.complete_artifacts(ix) {
                    return self.fault(ix, &error);
                }
                if self.run.gated(ix) {
                    self.ask(Holder::Node(ix));
                    self.limit_wait(ix);
                } else {
                    self.start(kind, ix);
                    self.measure_begun(ix);
                }
                self.fire_hooks(ix);
            }
            Err(error) => self.make_ended(seed, NodePhase::Error, error.to_string()),
        }
    }

    /// Begins the work of a new node.
    pub(crate) fn start(&mut self, kind: NodeType, ix: NodeIx) {
        match kind {
            kind if kind.is_attempt() => self.start_pod(ix),
            NodeType::Suspend => self.start_suspend(ix),
            NodeType::Steps => self.open_group(ix, 0),
            NodeType::DAG => self.start_dag(ix),
            _ => self.run.enlist(ix),
        }
    }
}

/// Argo's way to say which template a call names.
pub(crate) fn written(call: &Call<'_>) -> TemplateName {
    TemplateName {
        name: call.template.to_owned(),
        reference: call
            .template_ref
            .map(|reference| (reference.name.clone(), reference.template.clone())),
        key: String::new(),
    }
}

/// The callee whose name is computed.
fn named(
    plan: &Plan,
    from: TemplateIx,
    call: &Call<'_>,
    view: &View<'_>,
) -> Result<TemplateIx, EngineError> {
    let mut reference = call.template_ref.cloned();
    if let Some(reference) = &mut reference {
        reference.name = text::render(&reference.name, view)?;
        reference.template = text::render(&reference.template, view)?;
    }
    let template = text::render(call.template, view)?;
    let rendered = Call {
        caller: call.caller,
        template: &template,
        template_ref: reference.as_ref(),
    };
    let shown = match &reference {
        Some(reference) => reference.template.clone(),
        None => template.clone(),
    };
    plan.resolved
        .target(from, rendered)
        .ok_or(EngineError::NoTemplate(shown))
}

/// Whether a condition holds; an empty one does.
fn holds(when: &str, view: &View<'_>) -> Result<bool, EngineError> {
    if when.trim().is_empty() {
        return Ok(true);
    }
    text::when(&text::render(when, view)?)
}

fn skipped(when: &str, view: &View<'_>) -> String {
    let shown = text::render(when, view).unwrap_or_else(|_| when.to_owned());
    format!("when '{shown}' evaluated false")
}

/// True when a step is skipped whatever its loop would be.
pub(crate) fn skipped_anyway(caller: &dyn Caller, view: &View<'_>) -> bool {
    matches!(holds(caller.when(), view), Ok(false))
}

/// What a node is given.
#[derive(Debug, Clone, Default)]
pub(crate) struct Inputs {
    pub(crate) parameters: Vec<(String, String)>,
    pub(crate) artifacts: Vec<Artifact>,
}

/// What a called template gets: the caller's arguments, before its own values and defaults.
pub(crate) fn inputs(
    plan: &Plan,
    callee: TemplateIx,
    arguments: &Arguments,
    view: &View<'_>,
) -> Result<Inputs, EngineError> {
    let template = plan.template(callee)?;
    Ok(Inputs {
        parameters: parameters(template, arguments, view)?,
        artifacts: artifacts::passed(template, arguments, view)?,
    })
}

fn parameters(
    template: &Template,
    arguments: &Arguments,
    view: &View<'_>,
) -> Result<Vec<(String, String)>, EngineError> {
    template
        .input_parameters()
        .iter()
        .map(|declared| {
            let given = arguments.parameter(&declared.name);
            let value = match given.map(|argument| argument_value(argument, view)) {
                Some(Ok(Some(value))) => Some(value),
                // An argument that is one absent output lets the default apply.
                Some(Err(error)) if !(is_absent(&error, given) && has_own(declared)) => {
                    return Err(error);
                }
                _ => own_value(declared, view)?,
            };
            let missing = || EngineError::NotSupplied(declared.name.clone());
            Ok((declared.name.clone(), value.ok_or_else(missing)?))
        })
        .collect()
}

fn argument_value(argument: &Parameter, view: &View<'_>) -> Result<Option<String>, EngineError> {
    if let Some(value) = &argument.value {
        return text::render(value, view).map(Some);
    }
    let from = argument.value_from.as_ref();
    if let Some(from) = from.filter(|from| !from.expression.is_empty()) {
        return text::evaluate_text(&from.expression, view);
    }
    if let Some(from) = from.filter(|from| !from.parameter.is_empty()) {
        return text::render(&from.parameter, view).map(Some);
    }
    own_value(argument, view)
}

fn is_absent(error: &EngineError, argument: Option<&Parameter>) -> bool {
    let whole = argument.and_then(|argument| argument.value.as_ref());
    matches!(error, EngineError::Absent(_)) && whole.is_some_and(|text| text::is_one_tag(text))
}

fn has_own(declared: &Parameter) -> bool {
    let from = declared.value_from.as_ref();
    declared.value.is_some()
        || declared.default.is_some()
        || from.is_some_and(|f| f.default.is_some() || f.config_map_key_ref.is_some())
}

/// Its value, what its ConfigMap says, or its default.
pub(crate) fn own_value(
    declared: &Parameter,
    view: &View<'_>,
) -> Result<Option<String>, EngineError> {
    if let Some(value) = &declared.value {
        return text::render(value, view).map(Some);
    }
    let from = declared.value_from.as_ref();
    let default = declared.default.as_ref();
    let default = default.or(from.and_then(|from| from.default.as_ref()));
    if let Some(wanted) = from.and_then(|from| from.config_map_key_ref.as_ref()) {
        let read = values::read(&declared.name, wanted, default.is_some(), view)?;
        if read.is_some() {
            return Ok(read);
        }
    }
    default.map(|value| text::render(value, view)).transpose()
}
