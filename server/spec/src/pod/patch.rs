//! Kubernetes' strategic merge: objects field by field, some lists by a key of their elements, `null`
//! removes (Kubernetes' "Strategic Merge Patch" document; keys as in its `core/v1` types).

use serde_json::{Map, Value};

/// Objects within objects.
const DEPTH: usize = 32;
/// What a patch says about a list or object itself.
const DIRECTIVE: &str = "$patch";

/// The key by which the elements of a list are told apart; other lists are replaced whole.
fn key_of(list: &str) -> Option<&'static str> {
    Some(match list {
        "containers"
        | "initContainers"
        | "ephemeralContainers"
        | "volumes"
        | "env"
        | "imagePullSecrets"
        | "resourceClaims"
        | "claims" => "name",
        "volumeMounts" => "mountPath",
        "volumeDevices" => "devicePath",
        "ports" => "containerPort",
        "hostAliases" => "ip",
        "topologySpreadConstraints" => "topologyKey",
        _ => return None,
    })
}

/// Lays a patch over a value.
pub(super) fn merge(target: &mut Value, patch: Value, field: &str) -> Result<(), String> {
    merge_within(target, patch, field, DEPTH)
}

fn merge_within(target: &mut Value, patch: Value, field: &str, depth: usize) -> Result<(), String> {
    let depth = depth
        .checked_sub(1)
        .ok_or("the patch is nested too deeply")?;
    match (target, patch) {
        (Value::Object(target), Value::Object(patch)) => objects(target, patch, depth),
        (Value::Array(target), Value::Array(patch)) if key_of(field).is_some() => {
            let key = key_of(field).unwrap_or_default();
            lists(target, patch, (field, key), depth)
        }
        (target, patch) => {
            *target = fresh(patch, field, depth)?;
            Ok(())
        }
    }
}

fn objects(
    target: &mut Map<String, Value>,
    mut patch: Map<String, Value>,
    depth: usize,
) -> Result<(), String> {
    match directive(&mut patch)? {
        Directive::Merge => {}
        Directive::Replace => target.clear(),
        Directive::Delete => {
            target.clear();
            return Ok(());
        }
    }
    for (name, value) in patch {
        if name.starts_with('$') {
            return Err(format!("the directive {name} is not supported"));
        }
        if value.is_null() {
            target.remove(&name);
        } else if let Some(there) = target.get_mut(&name) {
            merge_within(there, value, &name, depth)?;
        } else {
            let value = fresh(value, &name, depth)?;
            target.insert(name, value);
        }
    }
    Ok(())
}

fn lists(
    target: &mut Vec<Value>,
    patch: Vec<Value>,
    (field, key): (&str, &str),
    depth: usize,
) -> Result<(), String> {
    let replaces = |element: &Value| {
        element.get(DIRECTIVE).and_then(Value::as_str) == Some("replace")
            && element.get(key).is_none()
    };
    if patch.iter().any(replaces) {
        let rest: Vec<Value> = patch.into_iter().filter(|e| !replaces(e)).collect();
        target.clear();
        return lists(target, rest, (field, key), depth);
    }
    for mut element in patch {
        let Some(name) = element.get(key).cloned() else {
            return Err(format!("an element of {field} has no {key}"));
        };
        let deletes = match element.as_object_mut() {
            Some(element) => element.get(DIRECTIVE).and_then(Value::as_str) == Some("delete"),
            None => return Err(format!("an element of {field} is no object")),
        };
        let there = target
            .iter()
            .position(|there| there.get(key) == Some(&name));
        match (there, deletes) {
            (Some(at), true) => {
                target.remove(at);
            }
            (None, true) => {}
            (Some(at), false) => {
                if let Some(there) = target.get_mut(at) {
                    merge_within(there, element, "", depth)?;
                }
            }
            (None, false) => target.push(fresh(element, "", depth)?),
        }
    }
    Ok(())
}

/// What a patch adds where nothing was: without its directives and nulls.
fn fresh(value: Value, field: &str, depth: usize) -> Result<Value, String> {
    match value {
        Value::Object(patch) => {
            let mut target = Map::new();
            let depth = depth
                .checked_sub(1)
                .ok_or("the patch is nested too deeply")?;
            objects(&mut target, patch, depth)?;
            Ok(Value::Object(target))
        }
        Value::Array(patch) if key_of(field).is_some() => {
            let mut target = Vec::new();
            let key = key_of(field).unwrap_or_default();
            lists(&mut target, patch, (field, key), depth)?;
            Ok(Value::Array(target))
        }
        other => Ok(other),
    }
}

enum Directive {
    Merge,
    Replace,
    Delete,
}

fn directive(patch: &mut Map<String, Value>) -> Result<Directive, String> {
    match patch.remove(DIRECTIVE) {
        None => Ok(Directive::Merge),
        Some(Value::String(word)) if word == "merge" => Ok(Directive::Merge),
        Some(Value::String(word)) if word == "replace" => Ok(Directive::Replace),
        Some(Value::String(word)) if word == "delete" => Ok(Directive::Delete),
        Some(other) => Err(format!("there is no {DIRECTIVE}: {other}")),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn merged(mut target: Value, patch: Value) -> Value {
        merge(&mut target, patch, "").unwrap();
        target
    }

    #[test]
    fn lists_merge_by_their_key() {
        let pod = json!({"containers": [
            {"name": "main", "image": "a", "env": [{"name": "X", "value": "1"}], "args": ["a", "b"]},
            {"name": "side"},
        ]});
        let patch = json!({"containers": [
            {"name": "main", "args": ["c"], "env": [{"name": "X", "value": "2"}, {"name": "Y"}]},
            {"name": "new", "image": null},
        ]});
        assert_eq!(
            merged(pod, patch),
            json!({"containers": [
                {"name": "main", "image": "a", "env": [{"name": "X", "value": "2"}, {"name": "Y"}],
                 "args": ["c"]},
                {"name": "side"},
                {"name": "new"},
            ]})
        );
    }

    #[test]
    fn directives_delete_and_replace() {
        let pod = json!({"containers": [{"name": "a"}, {"name": "b"}], "x": {"y": 1}, "z": 1});
        let patch = json!({"containers": [{"name": "a", "$patch": "delete"}],
            "x": {"$patch": "replace", "w": 2}, "z": null});
        assert_eq!(
            merged(pod, patch),
            json!({"containers": [{"name": "b"}], "x": {"w": 2}})
        );
        let pod = json!({"env": [{"name": "a"}]});
        let patch = json!({"env": [{"$patch": "replace"}, {"name": "b"}]});
        assert_eq!(merged(pod, patch), json!({"env": [{"name": "b"}]}));
    }

    #[test]
    fn what_no_merge_does_is_an_error() {
        for patch in [
            json!({"containers": [{"image": "x"}]}),
            json!({"$retainKeys": ["x"]}),
            json!({"x": {"$patch": "explode"}}),
            json!({"containers": ["x"]}),
        ] {
            let mut pod = json!({"containers": [{"name": "main"}], "x": {}});
            assert!(merge(&mut pod, patch.clone(), "").is_err(), "{patch}");
        }
        let deep = (0..100).fold(json!({}), |inner, _| json!({"a": inner}));
        assert!(merge(&mut json!({}), deep, "").is_err());
    }
}
