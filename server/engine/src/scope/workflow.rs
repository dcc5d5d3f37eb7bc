//! `workflow.*`: what a run knows about itself.

use steading_spec::expr::Value;
use steading_spec::model::Parameter;
use steading_types::Millis;

use super::nodes::parameters_json;
use crate::derive::is_failure;
use crate::run::Run;
use crate::time::{rfc3339, strftime};

const NAMES: [&str; 18] = [
    "name",
    "namespace",
    "uid",
    "mainEntrypoint",
    "serviceAccountName",
    "priority",
    "duration",
    "status",
    "failures",
    "scheduledTime",
    "parameters",
    "parameters.json",
    "labels.json",
    "annotations.json",
    "outputs.parameters",
    "creationTimestamp",
    "creationTimestamp.RFC3339",
    "creationTimestamp.s",
];

/// The variable `workflow.<name>`.
pub(super) fn get(run: &Run, now: Millis, name: &str) -> Option<Value> {
    let head = &run.head;
    let text = |value: &str| Some(Value::from(value));
    match name {
        "name" => text(head.name.as_str()),
        "namespace" => text(&head.tenant.namespace()),
        "uid" => text(&head.id.uid().to_string()),
        "mainEntrypoint" => text(&entrypoint(run)),
        "serviceAccountName" => text(&run.plan.resolved.spec.service_account_name),
        "priority" => text(&head.priority.to_string()),
        "duration" => text(&duration(run, now)),
        "status" => text(status(run)),
        "failures" => text(&failures(run)),
        "scheduledTime" => head.annotations.get(SCHEDULED).map(|t| t.as_str().into()),
        "parameters" | "parameters.json" => text(&parameters_json(&parameters(run))),
        "labels.json" | "labels" => text(&serde_json::to_string(&head.labels).ok()?),
        "annotations.json" | "annotations" => text(&serde_json::to_string(&head.annotations).ok()?),
        "outputs.parameters" => {
            let outputs = head.outputs.clone().into_iter();
            text(&parameters_json(&outputs.collect::<Vec<_>>()))
        }
        "creationTimestamp" | "creationTimestamp.RFC3339" => text(&rfc3339(head.created)),
        "creationTimestamp.s" => text(&(head.created.get() / 1000).to_string()),
        _ => nested(run, name),
    }
}

const SCHEDULED: &str = "workflows.argoproj.io/scheduled-time";

fn nested(run: &Run, name: &str) -> Option<Value> {
    let head = &run.head;
    let (group, key) = name.split_once('.')?;
    let found = match group {
        "parameters" => return parameter(run, key).map(Value::from),
        "labels" => head.labels.get(key)?,
        "annotations" => head.annotations.get(key)?,
        "outputs" => head.outputs.get(key.strip_prefix("parameters.")?)?,
        "creationTimestamp" => return strftime(head.created, key).map(Value::from),
        _ => return None,
    };
    Some(found.as_str().into())
}

/// The names of all variables of the run.
pub(super) fn names(run: &Run) -> impl Iterator<Item = String> {
    let head = &run.head;
    let prefixed = |prefix: &'static str| move |key: &String| format!("{prefix}{key}");
    let parameters = run.plan.resolved.spec.arguments.parameters.iter();
    NAMES
        .iter()
        .map(|name| format!("workflow.{name}"))
        .chain(parameters.map(|p| format!("workflow.parameters.{}", p.name)))
        .chain(head.labels.keys().map(prefixed("workflow.labels.")))
        .chain(
            head.annotations
                .keys()
                .map(prefixed("workflow.annotations.")),
        )
        .chain(
            head.outputs
                .keys()
                .map(prefixed("workflow.outputs.parameters.")),
        )
        .chain(
            head.artifacts
                .keys()
                .map(prefixed("workflow.outputs.artifacts.")),
        )
}

fn entrypoint(run: &Run) -> String {
    let resolved = &run.plan.resolved;
    let entry = resolved.entry(resolved.entrypoint);
    entry.map_or_else(String::new, |entry| entry.template.name.clone())
}

/// Seconds with a fraction, as Argo prints them.
fn duration(run: &Run, now: Millis) -> String {
    let start = run.head.started.unwrap_or(run.head.created);
    let millis = run.head.finished.unwrap_or(now).since(start).get();
    format!("{}.{:06}", millis / 1000, (millis % 1000) * 1000)
}

/// In exit handlers and hooks the entry node's result stands for that of the run.
fn status(run: &Run) -> &'static str {
    match run.entry_phase().filter(|phase| phase.completed()) {
        Some(phase) => crate::exit::workflow_phase(phase).as_str(),
        None => run.head.phase.as_str(),
    }
}

/// Failed nodes in one text, which holds a JSON list.
const FAILURES: usize = 1_000;

fn failures(run: &Run) -> String {
    let listed: Vec<serde_json::Value> = run
        .nodes()
        .filter(|node| is_failure(node.phase))
        .take(FAILURES)
        .map(|node| {
            serde_json::json!({
                "displayName": node.display_name,
                "message": node.message.as_deref().unwrap_or(""),
                "templateName": node.template.shown(),
                "phase": node.phase.as_str(),
                "podName": run.node_id(node.ix).unwrap_or_default(),
                "finishedAt": node.finished.map(rfc3339),
            })
        })
        .collect();
    // Escaped twice in Argo: the value is a JSON text of a JSON list.
    let list = serde_json::Value::Array(listed).to_string();
    serde_json::Value::String(list).to_string()
}

/// The run's parameters with their values.
pub(crate) fn parameters(run: &Run) -> Vec<(String, String)> {
    let declared = run.plan.resolved.spec.arguments.parameters.iter();
    declared
        .filter_map(|declared| Some((declared.name.clone(), value(run, declared)?)))
        .collect()
}

fn parameter(run: &Run, name: &str) -> Option<String> {
    let declared = run.plan.resolved.spec.arguments.parameter(name)?;
    value(run, declared)
}

fn value(run: &Run, declared: &Parameter) -> Option<String> {
    if let Some(changed) = run.head.parameters.get(&declared.name) {
        return Some(changed.clone());
    }
    let from = declared.value_from.as_ref();
    let own = declared.value.as_ref().or(declared.default.as_ref());
    let own = own.or(from.and_then(|from| from.default.as_ref()));
    own.map(|text| text.0.clone())
}
