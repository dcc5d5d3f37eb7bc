//! `steps.*` and `tasks.*`: what is known about the children of a steps or dag node.

use std::ops::ControlFlow;

use steading_spec::expr::Value;
use steading_types::{NodeIx, NodePhase};

use super::View;
use crate::aggregate::Aggregate;
use crate::live::{Body, Slot, Spread};
use crate::node::Node;
use crate::run::Run;
use crate::templates::declared_default;
use crate::time::rfc3339;

/// Fields of a node beside its output parameters.
const FIELDS: [&str; 8] = [
    "id",
    "status",
    "startedAt",
    "finishedAt",
    "exitCode",
    "hostNodeName",
    "outputs.result",
    "outputs.parameters",
];

/// What a step's name stands for.
pub(super) enum Meaning<'r> {
    /// One node.
    Node(&'r Node),
    /// A loop of a step: there is no node for it as a whole.
    Loop(&'r Spread),
    /// A loop of a task: a node, and what its children gave.
    Group(&'r Node, &'r Spread),
}

impl View<'_> {
    /// The variable `<child>.<field>`.
    pub(super) fn child(&self, name: &str) -> Option<Value> {
        let (name, field) = name.split_once('.')?;
        if field == "name" {
            return Some(name.into());
        }
        self.field(self.meaning(name)?, field)
    }

    /// Shows the variables of the children whose names begin with `prefix`.
    pub(super) fn children_under(
        &self,
        root: &str,
        prefix: &str,
        show: &mut dyn FnMut(&str, Option<Value>) -> ControlFlow<()>,
    ) -> ControlFlow<()> {
        let wanted = prefix.strip_prefix(root).unwrap_or_default();
        match wanted.split_once('.') {
            Some((name, _)) => self.show_child(root, name, prefix, show),
            None => {
                let mut names = self.child_names();
                names.retain(|name| name.starts_with(wanted));
                names
                    .into_iter()
                    .try_for_each(|name| self.show_child(root, name, prefix, show))
            }
        }
    }

    fn show_child(
        &self,
        root: &str,
        name: &str,
        prefix: &str,
        show: &mut dyn FnMut(&str, Option<Value>) -> ControlFlow<()>,
    ) -> ControlFlow<()> {
        let Some(meaning) = self.meaning(name) else {
            return ControlFlow::Continue(());
        };
        let parameters = self.parameter_names(&meaning);
        show(&format!("{root}{name}.name"), Some(name.into()))?;
        let fields = FIELDS.iter().map(|field| format!("{name}.{field}"));
        let outputs = parameters.iter();
        let outputs = outputs.map(|output| format!("{name}.outputs.parameters.{output}"));
        for field in fields.chain(outputs) {
            let full = format!("{root}{field}");
            if full.starts_with(prefix) {
                show(&full, self.child(&field))?;
            }
        }
        for output in self.artifact_names(&meaning) {
            let full = format!("{root}{name}.outputs.artifacts.{output}");
            if full.starts_with(prefix) && self.artifact_here(&full).is_some() {
                show(&full, Some(self.shown(&full)))?;
            }
        }
        ControlFlow::Continue(())
    }

    fn child_names(&self) -> Vec<&str> {
        let sheet = self.flow.and_then(|flow| self.run.live(flow)?.template);
        let Some(Ok(sheet)) = sheet.map(|template| self.run.plan.sheet(template)) else {
            return Vec::new();
        };
        let tasks = sheet.dag.iter().flat_map(|dag| dag.places.keys());
        let mut names: Vec<&str> = sheet
            .steps
            .keys()
            .chain(tasks)
            .map(String::as_str)
            .collect();
        names.sort_unstable();
        names
    }

    pub(super) fn meaning(&self, name: &str) -> Option<Meaning<'_>> {
        let flow = self.flow?;
        let Slot { live, .. } = self.run.slot(flow)?;
        let sheet = self.run.plan.sheet(live.template?).ok()?;
        match &live.body {
            Body::Steps(groups) => {
                let (group, place) = *sheet.steps.get(name)?;
                let group_ix = *groups.get(group as usize)?;
                if let Some(own) = self.own_child(group_ix, place) {
                    return Some(Meaning::Node(own));
                }
                let Body::Group(spreads) = &self.run.live(group_ix)?.body else {
                    return None;
                };
                let spread = spreads.get(place as usize)?;
                let first = self.run.node((*spread.made.first()?)?)?;
                let looped = first.index.is_some();
                Some(if looped {
                    Meaning::Loop(spread)
                } else {
                    Meaning::Node(first)
                })
            }
            Body::Dag(state) => {
                let task = *sheet.dag.as_ref()?.places.get(name)?;
                let ix = state.task(task)?.node?;
                if let Some(own) = self.own_child(ix, 0) {
                    return Some(Meaning::Node(own));
                }
                let Slot { node, live } = self.run.slot(ix)?;
                Some(match &live.body {
                    Body::Tasks(spread) => Meaning::Group(node, spread),
                    _ => Meaning::Node(node),
                })
            }
            _ => None,
        }
    }

    /// The child that is meant by its own name, when it stands at this place.
    fn own_child(&self, owner: NodeIx, place: u32) -> Option<&Node> {
        let own = self.run.node(self.own?)?;
        (own.owner == Some(owner) && own.place == place).then_some(own)
    }

    fn field(&self, meaning: Meaning<'_>, field: &str) -> Option<Value> {
        let (node, spread) = match meaning {
            Meaning::Node(node) => return node_field(self.run, node, field),
            Meaning::Loop(spread) => (None, spread),
            Meaning::Group(node, spread) => (Some(node), spread),
        };
        if !field.starts_with("outputs.") {
            return node_field(self.run, node?, field);
        }
        let over = spread.tally.total as usize == spread.made.len();
        if !over {
            return None;
        }
        let outputs = spread
            .outputs
            .get_or_init(|| Aggregate::of(self.run, spread));
        match field.strip_prefix("outputs.parameters.") {
            Some(name) => Some(outputs.parameter(name)),
            None if field == "outputs.parameters" => Some(outputs.parameters()),
            None if field == "outputs.result" => match outputs.result() {
                Ok(value) => Some(value),
                Err(fault) => {
                    self.keep(fault);
                    Some(Value::Nil)
                }
            },
            None => None,
        }
    }

    fn parameter_names(&self, meaning: &Meaning<'_>) -> Vec<String> {
        let node = match meaning {
            Meaning::Node(node) | Meaning::Group(node, _) => Some(*node),
            Meaning::Loop(spread) => spread.children().next().and_then(|ix| self.run.node(ix)),
        };
        let template = node.and_then(|node| self.run.live(node.ix)?.template);
        let template = template.and_then(|ix| self.run.plan.template(ix).ok());
        let outputs = template.map_or(&[][..], |template| template.output_parameters());
        outputs.iter().map(|output| output.name.clone()).collect()
    }
}

impl View<'_> {
    /// A loop as a whole gives no artifacts.
    fn artifact_names(&self, meaning: &Meaning<'_>) -> Vec<String> {
        let Meaning::Node(node) = meaning else {
            return Vec::new();
        };
        let template = self.run.live(node.ix).and_then(|live| live.template);
        let template = template.and_then(|ix| self.run.plan.template(ix).ok());
        let outputs = template.map_or(&[][..], |template| template.output_artifacts());
        outputs.iter().map(|output| output.name.clone()).collect()
    }
}

fn node_field(run: &Run, node: &Node, field: &str) -> Option<Value> {
    let text = |value: &str| Some(Value::from(value));
    match field {
        "id" => text(&run.node_id(node.ix)?),
        "status" => text(node.phase.as_str()),
        "startedAt" => text(&rfc3339(node.started.unwrap_or(node.created))),
        "finishedAt" => text(&rfc3339(node.finished?)),
        "exitCode" => text(&node.outputs.exit_code?.to_string()),
        "ip" => text(&crate::templates::address(run, node)?.to_string()),
        "hostNodeName" => text(node.host.as_deref()?),
        _ => output(run, node, field.strip_prefix("outputs.")?),
    }
}

/// An output of a node. One that can not come any more is nil.
fn output(run: &Run, node: &Node, name: &str) -> Option<Value> {
    let absent = node.phase.completed().then_some(Value::Nil);
    match name {
        "result" => match &node.outputs.result {
            Some(result) => Some(result.as_str().into()),
            None => absent,
        },
        "parameters" => Some(parameters_json(&node.outputs.parameters).into()),
        _ => {
            let name = name.strip_prefix("parameters.")?;
            let mut given = node.outputs.parameters.iter();
            if let Some((_, value)) = given.find(|(given, _)| given == name) {
                return Some(value.as_str().into());
            }
            let default = match node.phase {
                NodePhase::Skipped | NodePhase::Omitted => declared_default(run, node, name),
                _ => None,
            };
            default.map(Value::from).or(absent)
        }
    }
}

/// Argo's JSON form of a list of parameters.
pub(super) fn parameters_json(parameters: &[(String, String)]) -> String {
    let list: Vec<serde_json::Value> = parameters
        .iter()
        .map(|(name, value)| serde_json::json!({"name": name, "value": value}))
        .collect();
    serde_json::Value::Array(list).to_string()
}
