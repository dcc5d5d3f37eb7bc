//! Resubmit: a new Workflow object from that of an earlier run.

use serde_json::{Map, Value, json};

use crate::document::Document;
use crate::head::Head;

/// Labels that belong to the earlier run alone (prefix `workflows.argoproj.io/`).
const OWN_LABELS: [&str; 9] = [
    "phase",
    "completed",
    "creator",
    "creator-email",
    "creator-preferred-username",
    "action",
    "actor",
    "workflow-archiving-status",
    "controller-instanceid",
];
const PREFIX: &str = "workflows.argoproj.io/";

/// The object to submit: the specification and what its author wrote around it, without the traces of the
/// earlier run. Parameters replace those of the same name. The server makes its name.
pub fn resubmit(head: &Head, document: &Document, parameters: &[(String, String)]) -> Value {
    let old = &document.workflow;
    let old_metadata = old.get("metadata");
    let field = |name: &str| old_metadata.and_then(|metadata| metadata.get(name));
    let generate = field("generateName").and_then(Value::as_str);
    let generate = generate.filter(|name| !name.is_empty());
    let generate = generate.map_or_else(|| format!("{}-", head.name), str::to_owned);
    let mut metadata = Map::new();
    metadata.insert("generateName".to_owned(), json!(generate));
    metadata.insert("labels".to_owned(), Value::Object(labels(head)));
    if !head.annotations.is_empty() {
        metadata.insert("annotations".to_owned(), json!(head.annotations));
    }
    if let Some(owners) = field("ownerReferences") {
        metadata.insert("ownerReferences".to_owned(), owners.clone());
    }
    let mut spec = old.get("spec").cloned().unwrap_or_else(|| json!({}));
    if let Some(spec) = spec.as_object_mut() {
        spec.shift_remove("shutdown");
        spec.shift_remove("suspend");
        if spec.get("activeDeadlineSeconds").and_then(Value::as_i64) == Some(0) {
            spec.shift_remove("activeDeadlineSeconds");
        }
        let again = read_again(document);
        let changed = head.parameters.iter();
        let changed = changed.map(|(n, v)| (n.as_str(), v.as_str()));
        let changed = changed.filter(|(name, _)| !again.contains(name));
        let given = parameters.iter().map(|(n, v)| (n.as_str(), v.as_str()));
        for (name, value) in changed.chain(given) {
            set_parameter(spec, name, value);
        }
    }
    json!({
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "Workflow",
        "metadata": metadata,
        "spec": spec,
    })
}

/// Parameters whose values stand in ConfigMaps: the new run reads them anew.
fn read_again(document: &Document) -> Vec<&str> {
    let declared = document.resolved.pointer("/spec/arguments/parameters");
    let declared = declared.and_then(Value::as_array).into_iter().flatten();
    let refers = declared.filter(|p| p.pointer("/valueFrom/configMapKeyRef").is_some());
    refers.filter_map(|p| p.get("name")?.as_str()).collect()
}

fn labels(head: &Head) -> Map<String, Value> {
    let own = |label: &str| {
        let name = label.strip_prefix(PREFIX);
        name.is_some_and(|name| OWN_LABELS.contains(&name))
    };
    let kept = head.labels.iter().filter(|(label, _)| !own(label));
    let mut labels: Map<String, Value> = kept
        .map(|(label, value)| (label.clone(), json!(value)))
        .collect();
    labels.insert(
        format!("{PREFIX}resubmitted-from-workflow"),
        json!(head.name.as_str()),
    );
    labels
}

fn set_parameter(spec: &mut Map<String, Value>, name: &str, value: &str) {
    let arguments = spec.entry("arguments").or_insert_with(|| json!({}));
    let Some(arguments) = arguments.as_object_mut() else {
        return;
    };
    let list = arguments.entry("parameters").or_insert_with(|| json!([]));
    let Some(list) = list.as_array_mut() else {
        return;
    };
    let named =
        |parameter: &&mut Value| parameter.get("name").and_then(Value::as_str) == Some(name);
    match list.iter_mut().find(named).and_then(Value::as_object_mut) {
        Some(parameter) => {
            parameter.insert("value".to_owned(), json!(value));
            parameter.shift_remove("valueFrom");
        }
        None => list.push(json!({"name": name, "value": value})),
    }
}
