//! The variables that a text of the document sees (Argo's names), looked up one by one when they are
//! asked for: a loop of ten thousand never copies what its children share.

mod artifacts;
mod nodes;
mod workflow;

use std::cell::RefCell;
use std::ops::ControlFlow;

use steading_spec::expr::{Limits, Value};
use steading_spec::model::{self, Template};
use steading_spec::resolve::TemplateIx;
use steading_spec::scope::Scope;
use steading_types::{Millis, NodeIx, NodeType};

use crate::error::EngineError;
use crate::node::NodeRole;
use crate::run::Run;
use crate::turn::Seed;
use crate::values::Values;

/// What a text sees.
pub(crate) struct View<'r> {
    run: &'r Run,
    now: Millis,
    /// The node whose inputs are `inputs.*`.
    inputs: Option<NodeIx>,
    /// The steps or dag node whose children are `steps.*` and `tasks.*`.
    flow: Option<NodeIx>,
    /// The child that is meant by its own name, in its hooks.
    own: Option<NodeIx>,
    /// Variables of this place alone.
    extra: Vec<(String, Value)>,
    /// What is seen besides: the caller of an inline template.
    outer: Option<Box<View<'r>>>,
    /// Why a known variable could not be worked out.
    fault: RefCell<Option<EngineError>>,
}

impl<'r> View<'r> {
    /// What the run itself sees.
    pub(crate) fn run(run: &'r Run, now: Millis) -> Self {
        Self {
            run,
            now,
            inputs: None,
            flow: None,
            own: None,
            extra: Vec::new(),
            outer: None,
            fault: RefCell::new(None),
        }
    }

    /// What the steps or tasks of a node see.
    pub(crate) fn flow(run: &'r Run, now: Millis, flow: NodeIx) -> Self {
        Self {
            inputs: Some(flow),
            flow: Some(flow),
            extra: node_name(run, flow),
            outer: caller(run, now, flow),
            ..Self::run(run, now)
        }
    }

    /// What the template of a node sees: its inputs and what is known about the node itself.
    pub(crate) fn node(run: &'r Run, now: Millis, ix: NodeIx) -> Self {
        let mut extra = node_name(run, ix);
        if run.node(ix).is_some_and(|n| n.kind == NodeType::Pod) {
            let pod = run.pod_name(ix).unwrap_or_default();
            extra.push(("pod.name".to_owned(), pod.into()));
        }
        extra.extend(tries(run, ix));
        Self {
            inputs: Some(ix),
            extra,
            outer: caller(run, now, ix),
            ..Self::run(run, now)
        }
    }

    /// What a template sees of a call whose node is not made yet.
    pub(crate) fn called(run: &'r Run, now: Millis, seed: &Seed, callee: TemplateIx) -> Self {
        let inputs = seed.inputs.parameters.iter();
        let mut extra: Vec<(String, Value)> = inputs
            .map(|(name, value)| (format!("inputs.parameters.{name}"), value.as_str().into()))
            .collect();
        let all = nodes::parameters_json(&seed.inputs.parameters);
        extra.push(("inputs.parameters".to_owned(), all.into()));
        extra.push(("node.name".to_owned(), seed.name.as_str().into()));
        let inline = run.plan.inline_of(callee).and(seed.boundary);
        let outer = inline.map(|flow| {
            let view = View::flow(run, now, flow).item(seed.item.as_ref());
            Box::new(view)
        });
        Self {
            extra,
            outer,
            ..Self::run(run, now)
        }
    }

    /// Adds the item of a loop.
    pub(crate) fn item(mut self, item: Option<&serde_json::Value>) -> Self {
        let Some(item) = item else {
            return self;
        };
        if let serde_json::Value::Object(fields) = item {
            for (key, field) in fields {
                self.extra.extend(variable(&format!("item.{key}"), field));
            }
        }
        self.extra.extend(variable("item", item));
        self
    }

    /// Adds the child that is meant by its own name.
    pub(crate) fn own(mut self, own: NodeIx) -> Self {
        self.own = Some(own);
        self
    }

    /// Adds a variable.
    pub(crate) fn with(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.extra.push((name.to_owned(), value.into()));
        self
    }

    /// What the run reads of its tenant.
    pub(crate) fn values(&self) -> &dyn Values {
        self.run.values.as_ref()
    }

    pub(crate) fn limits(&self) -> Limits {
        Limits::at(self.now)
    }

    /// A result, unless a variable that it read could not be worked out.
    pub(crate) fn checked<T>(&self, result: Result<T, EngineError>) -> Result<T, EngineError> {
        match self.fault.take() {
            Some(fault) => Err(fault),
            None => result,
        }
    }

    fn input(&self, name: &str) -> Option<Value> {
        let node = self.run.node(self.inputs?)?;
        if name == "parameters" {
            return Some(nodes::parameters_json(&node.inputs).into());
        }
        if let Some(name) = name.strip_prefix("artifacts.") {
            return self.input_path(name);
        }
        let name = name.strip_prefix("parameters.")?;
        let found = node.inputs.iter().find(|(declared, _)| declared == name);
        found.map(|(_, value)| value.as_str().into())
    }

    /// `<name>.path`: where the template has the artifact.
    fn input_path(&self, name: &str) -> Option<Value> {
        let name = name.strip_suffix(".path")?;
        self.path_of(self.template()?.input_artifacts(), name)
    }

    /// The path of a declared artifact, with the parameters in it filled in.
    fn path_of(&self, declared: &[model::Artifact], name: &str) -> Option<Value> {
        let path = &declared.iter().find(|artifact| artifact.name == name)?.path;
        // A path that tells itself would never end.
        if path.contains(".artifacts.") {
            return None;
        }
        let path = crate::text::render(path, self).ok()?;
        Some(path.into())
    }

    /// The name of the step or task that called the template.
    fn call_name(&self) -> Option<Value> {
        let mut node = self.run.node(self.inputs?)?;
        if node.role == NodeRole::Try {
            node = self.run.node(node.owner?)?;
        }
        Some(node.display_name.as_str().into())
    }

    fn template(&self) -> Option<&Template> {
        let template = self.run.live(self.inputs?)?.template?;
        self.run.plan.template(template).ok()
    }

    pub(crate) fn the_run(&self) -> &'r Run {
        self.run
    }

    /// The path of an output file, which a template may tell its command.
    fn output_path(&self, name: &str) -> Option<Value> {
        let template = self.template()?;
        if let Some(name) = name.strip_prefix("artifacts.") {
            return self.path_of(template.output_artifacts(), name.strip_suffix(".path")?);
        }
        let name = name.strip_prefix("parameters.")?.strip_suffix(".path")?;
        let mut outputs = template.output_parameters().iter();
        let output = outputs.find(|output| output.name == name)?;
        let path = &output.value_from.as_ref()?.path;
        Some(path.as_str().into())
    }

    fn keep(&self, fault: EngineError) {
        self.fault.borrow_mut().get_or_insert(fault);
    }
}

impl Scope for View<'_> {
    fn get(&self, name: &str) -> Option<Value> {
        // What was added last counts.
        let mut extra = self.extra.iter().rev();
        if let Some((_, value)) = extra.find(|(known, _)| known == name) {
            return Some(value.clone());
        }
        let found = match name.split_once('.') {
            _ if self.artifact_here(name).is_some() => Some(self.shown(name)),
            Some(("inputs", rest)) => self.input(rest),
            Some(("steps" | "tasks", "name")) => self.call_name(),
            Some(("outputs", rest)) => self.output_path(rest),
            Some(("steps" | "tasks", rest)) => self.child(rest),
            Some(("workflow", rest)) => workflow::get(self.run, self.now, rest),
            _ => None,
        };
        found.or_else(|| self.outer.as_ref()?.get(name))
    }

    fn each_under(
        &self,
        prefix: &str,
        see: &mut dyn FnMut(&str, &Value) -> ControlFlow<()>,
    ) -> ControlFlow<()> {
        if let Some(outer) = &self.outer {
            outer.each_under(prefix, see)?;
        }
        let mut show = |name: &str, value: Option<Value>| match value {
            Some(value) if name.starts_with(prefix) => see(name, &value),
            _ => ControlFlow::Continue(()),
        };
        for (name, value) in &self.extra {
            show(name, Some(value.clone()))?;
        }
        if concerns(prefix, "inputs.") {
            let node = self.inputs.and_then(|ix| self.run.node(ix));
            for (name, value) in node.iter().flat_map(|node| &node.inputs) {
                let name = format!("inputs.parameters.{name}");
                show(&name, Some(value.as_str().into()))?;
            }
            for artifact in node.iter().flat_map(|node| &node.artifacts) {
                let name = format!("inputs.artifacts.{}", artifact.name);
                show(&name, Some(name.as_str().into()))?;
            }
        }
        if concerns(prefix, "workflow.") {
            for name in workflow::names(self.run) {
                if name.starts_with(prefix) {
                    show(&name, self.get(&name))?;
                }
            }
        }
        for root in ["steps.", "tasks."] {
            if concerns(prefix, root) {
                self.children_under(root, prefix, &mut show)?;
            }
        }
        ControlFlow::Continue(())
    }
}

/// Whether names that begin with `root` can begin with `prefix`.
fn concerns(prefix: &str, root: &str) -> bool {
    prefix.starts_with(root) || root.starts_with(prefix)
}

fn variable(name: &str, value: &serde_json::Value) -> Option<(String, Value)> {
    let value = Value::from_json(value).ok()?;
    Some((name.to_owned(), value))
}

fn node_name(run: &Run, ix: NodeIx) -> Vec<(String, Value)> {
    let name = run.node(ix).map(|node| node.name.as_str());
    name.into_iter()
        .map(|name| ("node.name".to_owned(), name.into()))
        .collect()
}

/// What an inline template sees of the place that it was written in.
fn caller<'r>(run: &'r Run, now: Millis, ix: NodeIx) -> Option<Box<View<'r>>> {
    run.plan.inline_of(run.live(ix)?.template?)?;
    let node = run.node(ix)?;
    let view = View::flow(run, now, node.boundary?).item(node.item.as_ref());
    Some(Box::new(view))
}

/// `retries` and `lastRetry.*` of a try.
fn tries(run: &Run, ix: NodeIx) -> Vec<(String, Value)> {
    let Some(node) = run.node(ix).filter(|node| node.role == NodeRole::Try) else {
        return vec![("retries".to_owned(), "0".into())];
    };
    let last = node.owner.and_then(|owner| {
        let crate::live::Body::Retry(tries) = &run.live(owner)?.body else {
            return None;
        };
        let before = (node.place as usize).checked_sub(1)?;
        run.node(*tries.get(before)?)
    });
    let mut variables = vec![("retries".to_owned(), node.place.to_string().into())];
    variables.extend(last_retry(last));
    variables
}

/// `lastRetry.*`: texts, as in Argo.
pub(crate) fn last_retry(last: Option<&crate::node::Node>) -> Vec<(String, Value)> {
    let status = last.map_or("", |node| node.phase.as_str());
    let message = last.and_then(|node| node.message.as_deref()).unwrap_or("");
    let exit_code = last.and_then(|node| node.outputs.exit_code);
    let exit_code = exit_code.map_or("-1".to_owned(), |code| code.to_string());
    let seconds = last.map_or(0, |node| {
        let span = node
            .finished
            .map(|end| end.since(node.started.unwrap_or(node.created)));
        span.unwrap_or_default().get() / 1000
    });
    vec![
        ("lastRetry.exitCode".to_owned(), exit_code.into()),
        ("lastRetry.status".to_owned(), status.into()),
        ("lastRetry.message".to_owned(), message.into()),
        ("lastRetry.duration".to_owned(), seconds.to_string().into()),
    ]
}
