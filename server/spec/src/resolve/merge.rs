//! Merging specifications: a submission over its `workflowTemplateRef`, a template over
//! `templateDefaults`. The upper one wins; lists of named things merge by name.

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use super::{Library, Scope};
use crate::fault::{Code, Fault};
use crate::model::{Template, WorkflowSpec};

/// A specification that refers to no other one.
pub(super) struct Merged {
    pub(super) spec: WorkflowSpec,
    /// The path of `templates` in the document that holds them.
    pub(super) templates_path: String,
}

/// Replaces `workflowTemplateRef` by what it names.
pub(super) fn merge(spec: &WorkflowSpec, library: &dyn Library) -> Result<Merged, Vec<Fault>> {
    let Some(reference) = &spec.workflow_template_ref else {
        return Ok(Merged {
            spec: spec.clone(),
            templates_path: "spec.templates".to_owned(),
        });
    };
    let path = "spec.workflowTemplateRef";
    if !spec.templates.is_empty() {
        return Err(vec![Fault::new(
            Code::Reference,
            "spec.templates",
            "Templates is invalid field in spec if workflow referred WorkflowTemplate reference",
        )]);
    }
    let scope = if reference.cluster_scope {
        Scope::Cluster
    } else {
        Scope::Namespaced
    };
    let Some(base) = library.template(&reference.name, scope) else {
        return Err(vec![not_found(path, &reference.name)]);
    };
    if base.spec.workflow_template_ref.is_some() {
        return Err(vec![Fault::new(
            Code::Reference,
            path,
            format!("workflow template {} is itself a reference", reference.name),
        )]);
    }
    let spec = overlay(&base.spec, spec)
        .map_err(|error| vec![Fault::new(Code::WrongType, path, error.to_string())])?;
    Ok(Merged {
        spec,
        templates_path: format!("workflow template {}: spec.templates", reference.name),
    })
}

pub(super) fn not_found(path: &str, name: &str) -> Fault {
    Fault::new(
        Code::Reference,
        path,
        format!("workflow template {name} not found"),
    )
    .with_fix("create the template first, and check its name and clusterScope")
}

/// A template over `templateDefaults`; it keeps its type whatever the defaults hold.
pub(super) fn over_defaults(
    defaults: &Template,
    template: &Template,
) -> Result<Template, serde_json::Error> {
    let mut merged = overlay(defaults, template)?;
    if let Some(kind) = template.template_type() {
        merged.keep_type(kind);
    }
    merged.name.clone_from(&template.name);
    Ok(merged)
}

/// `upper` over `lower`, field by field.
fn overlay<T: Serialize + DeserializeOwned>(lower: &T, upper: &T) -> Result<T, serde_json::Error> {
    let mut merged = serde_json::to_value(lower)?;
    merge_values(&mut merged, serde_json::to_value(upper)?, "");
    serde_json::from_value(merged)
}

/// Recursion follows the document, whose depth the parser bounds.
fn merge_values(lower: &mut Value, upper: Value, field: &str) {
    match (lower, upper) {
        (Value::Object(lower), Value::Object(upper)) => {
            drop_other_source(lower, &upper);
            for (key, value) in upper {
                match lower.get_mut(&key) {
                    Some(below) => merge_values(below, value, &key),
                    None => {
                        lower.insert(key, value);
                    }
                }
            }
        }
        (Value::Array(lower), Value::Array(upper)) => merge_lists(lower, upper, merge_key(field)),
        (lower, upper) => *lower = upper,
    }
}

/// A parameter has a value or a source of one: giving one replaces the other.
fn drop_other_source(lower: &mut Map<String, Value>, upper: &Map<String, Value>) {
    for (given, other) in [("value", "valueFrom"), ("valueFrom", "value")] {
        if upper.contains_key(given) && !upper.contains_key(other) {
            lower.remove(other);
        }
    }
}

/// The field by which Kubernetes tells the elements of a list apart.
fn merge_key(field: &str) -> &'static str {
    match field {
        "volumeMounts" => "mountPath",
        "hostAliases" => "ip",
        _ => "name",
    }
}

/// Merges by key where every element of both lists has one of its own; else the upper list replaces.
fn merge_lists(lower: &mut Vec<Value>, upper: Vec<Value>, key: &str) {
    if !(distinct(lower, key) && distinct(&upper, key)) {
        *lower = upper;
        return;
    }
    let mut merged = Vec::with_capacity(lower.len().max(upper.len()));
    for value in upper {
        let same = |below: &Value| below.get(key) == value.get(key);
        match lower.iter().position(same) {
            Some(at) => {
                let mut below = lower.remove(at);
                merge_values(&mut below, value, "");
                merged.push(below);
            }
            None => merged.push(value),
        }
    }
    // What the submission names comes first, in its order.
    merged.append(lower);
    *lower = merged;
}

fn distinct(list: &[Value], key: &str) -> bool {
    let mut seen = std::collections::HashSet::new();
    list.iter().all(|value| {
        value
            .get(key)
            .and_then(Value::as_str)
            .is_some_and(|name| seen.insert(name))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn merged(mut lower: Value, upper: Value) -> Value {
        merge_values(&mut lower, upper, "");
        lower
    }

    #[test]
    fn a_submission_wins_and_parameters_merge_by_name() {
        let below = json!({"priority": 1, "arguments": {"parameters": [
            {"name": "a", "value": "1", "enum": ["1", "2"]}, {"name": "b", "value": "1"}]}});
        let above = json!({"arguments": {"parameters": [{"name": "a", "value": "2"}]}});
        assert_eq!(
            merged(below, above),
            json!({"priority": 1, "arguments": {"parameters": [
                {"name": "a", "value": "2", "enum": ["1", "2"]}, {"name": "b", "value": "1"}]}})
        );
    }

    #[test]
    fn a_value_replaces_a_source_of_values() {
        let below = json!([{"name": "a", "valueFrom": {"configMapKeyRef": {}}}]);
        let above = json!([{"name": "a", "value": "2"}]);
        assert_eq!(merged(below, above.clone()), above);
    }

    #[test]
    fn defaults_do_not_change_the_type_of_a_template() {
        let template = |value| serde_json::from_value::<Template>(value).unwrap();
        let defaults =
            template(json!({"timeout": "5s", "container": {"imagePullPolicy": "Never"}}));
        let leaf = over_defaults(
            &defaults,
            &template(json!({"name": "a", "container": {"image": "x"}})),
        )
        .unwrap();
        assert_eq!(leaf.timeout, "5s");
        assert_eq!(leaf.container.unwrap().image_pull_policy, "Never");
        let group = over_defaults(&defaults, &template(json!({"name": "b", "steps": []}))).unwrap();
        assert_eq!(group.container, None);
    }
}
