//! Documents made to hurt: whatever they hold, the answer is a definition or faults, soon and in bounded
//! memory.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::{Kind, from_json};

/// A document that uses most of the language.
fn valid() -> Value {
    json!({
        "apiVersion": "argoproj.io/v1alpha1", "kind": "Workflow",
        "metadata": {"generateName": "w-", "labels": {"a": "b"}},
        "spec": {
            "entrypoint": "main", "onExit": "leaf", "parallelism": 3, "priority": 1, "activeDeadlineSeconds": 60,
            "arguments": {"parameters": [{"name": "m", "value": "x", "enum": ["x", "y"]}]},
            "volumes": [{"name": "v", "emptyDir": {"medium": "Memory", "sizeLimit": "1Mi"}}],
            "templateDefaults": {"container": {"imagePullPolicy": "Never"}},
            "retryStrategy": {"limit": "2", "backoff": {"duration": "1s", "factor": 2}},
            "hooks": {"run": {"template": "leaf", "expression": "workflow.status == 'Running'"}},
            "templates": [
                {"name": "main", "steps": [
                    [{"name": "a", "template": "leaf", "withItems": [1, "b", {"k": [2]}], "arguments": {"parameters": [{"name": "p", "value": "{{item}}"}]}}],
                    [{"name": "b", "template": "graph", "when": "{{workflow.parameters.m}} == x", "continueOn": {"failed": true}}]]},
                {"name": "graph", "dag": {"target": "u", "tasks": [
                    {"name": "t", "template": "leaf", "withSequence": {"start": 1, "end": "3"}},
                    {"name": "u", "depends": "t.AnySucceeded", "inline": {"script": {"image": "x", "source": "{{=1+1}}"}}}]},
                 "outputs": {"parameters": [{"name": "r", "valueFrom": {"parameter": "{{tasks.u.outputs.result}}"}}]}},
                {"name": "leaf", "inputs": {"parameters": [{"name": "p", "value": "d"}]}, "timeout": "5m",
                 "outputs": {"parameters": [{"name": "o", "valueFrom": {"path": "/o", "default": 1}, "globalName": "g"}]},
                 "container": {"image": "x", "command": ["c"], "env": [{"name": "E", "value": "1"}],
                    "resources": {"limits": {"cpu": 1, "memory": "64Mi"}},
                    "volumeMounts": [{"name": "v", "mountPath": "/v"}]}}]}
    })
}

/// Paths to every value of a document.
fn paths(value: &Value, path: &str, out: &mut Vec<String>) {
    out.push(path.to_owned());
    match value {
        Value::Object(fields) => fields
            .iter()
            .for_each(|(key, value)| paths(value, &format!("{path}/{key}"), out)),
        Value::Array(items) => items
            .iter()
            .enumerate()
            .for_each(|(i, value)| paths(value, &format!("{path}/{i}"), out)),
        _ => {}
    }
}

fn anything() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        "\\PC{0,20}".prop_map(Value::from),
        prop::sample::select(vec![
            "main",
            "leaf",
            "graph",
            "a",
            "t",
            "{{item}}",
            "{{workflow.name}}",
            "{{tasks.t.status}}",
            "{{{{",
            "}}",
            "{{=",
            "{{=1}}",
            "{{inputs.parameters.p}}",
            "t && u",
            "!t",
            "-1",
            "5s",
            "\0",
            "../../etc",
            "é".repeat(300).leak(),
        ])
        .prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 12, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map(
                prop::sample::select(vec![
                    "name",
                    "template",
                    "value",
                    "container",
                    "steps",
                    "dag",
                    "inline",
                    "templates",
                    "<<",
                    "x",
                ]),
                inner,
                0..4
            )
            .prop_map(|fields| fields
                .into_iter()
                .map(|(key, value)| (key.to_owned(), value))
                .collect::<serde_json::Map<_, _>>()
                .into()),
        ]
    })
}

#[test]
fn the_document_that_is_mutated_is_valid() {
    let document = from_json(valid(), None, Mode::Strict, &Limits::default()).unwrap();
    let Object::Workflow(workflow) = document.object else {
        panic!()
    };
    check(&workflow, &NoLibrary).unwrap();
}

proptest! {
    #[test]
    fn any_value_at_any_place_is_accepted_or_a_fault(
        changes in prop::collection::vec((any::<prop::sample::Index>(), anything()), 1..4),
        strict in any::<bool>(),
    ) {
        let mut document = valid();
        for (at, value) in changes {
            let mut all = Vec::new();
            paths(&document, "", &mut all);
            *document.pointer_mut(at.get::<String>(&all)).unwrap() = value;
        }
        let mode = if strict { Mode::Strict } else { Mode::Lenient };
        let Ok(document) = from_json(document, Some(Kind::Workflow), mode, &Limits::default()) else {
            return Ok(());
        };
        let Object::Workflow(workflow) = document.object else { panic!() };
        if let Ok(checked) = check(&workflow, &NoLibrary) {
            let stored = serde_json::to_string(&checked.resolved).unwrap();
            let loaded: Resolved = serde_json::from_str(&stored).unwrap();
            prop_assert_eq!(serde_json::to_string(&loaded).unwrap(), stored);
        }
    }
}

#[test]
fn very_large_documents_are_checked_in_linear_time() {
    let count = 20_000;
    let tasks: Vec<Value> = (0..count)
        .map(|i| {
            let depends = if i == 0 {
                String::new()
            } else {
                format!("t{}", i - 1)
            };
            json!({"name": format!("t{i}"), "template": "leaf", "depends": depends,
                   "arguments": {"parameters": [{"name": "p", "value": "{{tasks.t0.status}}"}]}})
        })
        .skip(1)
        .chain([json!({"name": "t0", "template": "leaf"})])
        .collect();
    let mut document = valid();
    document["spec"]["templates"][1] = json!({"name": "graph", "dag": {"tasks": tasks}});
    let read = from_json(document, None, Mode::Strict, &Limits::default()).unwrap();
    let Object::Workflow(workflow) = read.object else {
        panic!()
    };
    check(&workflow, &NoLibrary).unwrap();
}

#[test]
fn long_names_and_many_faults_do_not_multiply() {
    let long = "n".repeat(1_000_000);
    let steps: Vec<Value> = (0..5_000)
        .map(|i| json!({"name": format!("s{i}"), "template": "leaf", "arguments": {"parameters": [{"name": "p", "value": "{{steps.no.id}}"}]}}))
        .collect();
    let mut document = valid();
    document["spec"]["templates"][0] = json!({"name": long, "steps": [steps]});
    let read = from_json(document, None, Mode::Strict, &Limits::default()).unwrap();
    let Object::Workflow(workflow) = read.object else {
        panic!()
    };
    let faults = check(&workflow, &NoLibrary).unwrap_err();
    assert!(faults.len() <= 1_001, "{}", faults.len());
    assert!(faults.iter().all(|fault| fault.message.len() < 1_000));
}
