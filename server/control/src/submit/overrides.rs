//! What a submission changes in its document. Applied to the JSON form, because that is what is kept.

use serde_json::{Map, Value, json};
use steading_api::run::Submission;

/// Applies every override; true when there was one.
pub(super) fn apply(object: &mut Value, submission: &Submission) -> bool {
    let before = object.clone();
    metadata(object, submission);
    if let Some(entrypoint) = &submission.entrypoint {
        section(object, "spec").insert("entrypoint".to_owned(), json!(entrypoint));
    }
    if let Some(priority) = submission.priority {
        section(object, "spec").insert("priority".to_owned(), json!(priority));
    }
    if !submission.parameters.is_empty() {
        parameters(object, submission);
    }
    *object != before
}

fn metadata(object: &mut Value, submission: &Submission) {
    if let Some(name) = &submission.name {
        section(object, "metadata").insert("name".to_owned(), json!(name));
    }
    if let Some(prefix) = &submission.generate_name {
        let metadata = section(object, "metadata");
        metadata.remove("name");
        metadata.insert("generateName".to_owned(), json!(prefix));
    }
    for (member, added) in [
        ("labels", &submission.labels),
        ("annotations", &submission.annotations),
    ] {
        if !added.is_empty() {
            let known = child(section(object, "metadata"), member);
            known.extend(added.iter().map(|(key, value)| (key.clone(), json!(value))));
        }
    }
}

/// Overrides by name; parameters that the document lacks are placed first, as Argo does.
fn parameters(object: &mut Value, submission: &Submission) {
    let arguments = child(section(object, "spec"), "arguments");
    let list = arguments.entry("parameters").or_insert_with(|| json!([]));
    if !list.is_array() {
        *list = json!([]);
    }
    let Some(list) = list.as_array_mut() else {
        return;
    };
    for (name, value) in submission.parameters.iter().rev() {
        let known = list
            .iter_mut()
            .find(|p| p.get("name").and_then(Value::as_str) == Some(name));
        match known.and_then(Value::as_object_mut) {
            Some(parameter) => {
                parameter.remove("valueFrom");
                parameter.insert("value".to_owned(), json!(value));
            }
            None => list.insert(0, json!({"name": name, "value": value})),
        }
    }
}

fn section<'v>(object: &'v mut Value, name: &str) -> &'v mut Map<String, Value> {
    child(as_map(object), name)
}

fn child<'v>(map: &'v mut Map<String, Value>, name: &str) -> &'v mut Map<String, Value> {
    as_map(map.entry(name).or_insert_with(|| json!({})))
}

/// The map in a value; anything else there is replaced by an empty one.
fn as_map(slot: &mut Value) -> &mut Map<String, Value> {
    if !slot.is_object() {
        *slot = json!({});
    }
    match slot {
        Value::Object(map) => map,
        other => as_map(other),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn overrides_win_by_name_and_new_parameters_stand_first() {
        let mut object = json!({"metadata": {"name": "a"}, "spec": {"arguments": {"parameters": [{"name": "x", "value": "1"}, {"name": "y", "valueFrom": {}}]}}});
        let submission = Submission {
            parameters: [("y", "2"), ("z", "3")]
                .map(|(k, v)| (k.to_owned(), v.to_owned()))
                .into(),
            generate_name: Some("b-".to_owned()),
            entrypoint: Some("main".to_owned()),
            ..Submission::default()
        };
        assert!(apply(&mut object, &submission));
        let expected = json!({"metadata": {"generateName": "b-"}, "spec": {"entrypoint": "main",
            "arguments": {"parameters": [{"name": "z", "value": "3"}, {"name": "x", "value": "1"}, {"name": "y", "value": "2"}]}}});
        assert_eq!(object, expected);
        assert!(!apply(&mut object, &Submission::default()));
    }
}
