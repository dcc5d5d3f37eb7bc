//! The workloads as documents.

use serde_json::{Value, json};

/// A workflow of these templates that begins with `main`.
pub(crate) fn workflow(templates: Value) -> Value {
    json!({
        "apiVersion": "argoproj.io/v1alpha1", "kind": "Workflow",
        "metadata": {"generateName": "bench-"},
        "spec": {"entrypoint": "main", "templates": templates},
    })
}

/// One step that runs a command.
pub(crate) fn one(command: &[&str]) -> Value {
    workflow(json!([{"name": "main", "container": {"image": "host", "command": command}}]))
}

/// Steps one after the other, each `true`.
pub(crate) fn chain(length: usize) -> Value {
    chain_in(length, "host")
}

/// The same in that image.
pub(crate) fn chain_in(length: usize, image: &str) -> Value {
    workflow(json!([{"name": "main", "steps": steps(length)}, step(image)]))
}

/// The same, each step with a sidecar and two volumes that both containers mount.
pub(crate) fn chain_of_pods(length: usize, image: &str) -> Value {
    let mut pod = step(image);
    let mounts = json!([
        {"name": "one", "mountPath": "/mnt/one"}, {"name": "two", "mountPath": "/mnt/two"},
    ]);
    let beside = json!({"name": "beside", "image": image, "command": ["sleep", "1000"],
        "volumeMounts": mounts});
    if let Some(container) = pod.pointer_mut("/container").and_then(Value::as_object_mut) {
        container.insert("volumeMounts".to_owned(), mounts);
    }
    if let Some(fields) = pod.as_object_mut() {
        let volumes = json!([{"name": "one", "emptyDir": {}}, {"name": "two", "emptyDir": {}}]);
        fields.insert("volumes".to_owned(), volumes);
        fields.insert("sidecars".to_owned(), json!([beside]));
    }
    workflow(json!([{"name": "main", "steps": steps(length)}, pod]))
}

fn steps(length: usize) -> Vec<Value> {
    let step = |step| json!([{"name": format!("s{step}"), "template": "step"}]);
    (0..length).map(step).collect()
}

/// Steps side by side, each `true` in that image.
pub(crate) fn fan(width: usize, image: &str) -> Value {
    let all =
        json!({"name": "s", "template": "step", "withSequence": {"count": width.to_string()}});
    workflow(json!([{"name": "main", "steps": [[all]]}, step(image)]))
}

/// A loop over so many items of a list, each of which waits for somebody.
pub(crate) fn items(count: usize) -> Value {
    let list = json!((0..count).collect::<Vec<_>>()).to_string();
    let all = json!({"name": "s", "template": "waits", "withParam": list,
        "arguments": {"parameters": [{"name": "item", "value": "{{item}}"}]}});
    let waits =
        json!({"name": "waits", "suspend": {}, "inputs": {"parameters": [{"name": "item"}]}});
    workflow(json!([{"name": "main", "steps": [[all]]}, waits]))
}

fn step(image: &str) -> Value {
    json!({"name": "step", "container": {"image": image, "command": ["true"]}})
}

/// A run that ends at once: its only step is skipped.
pub(crate) fn nothing() -> Value {
    let never = json!([{"name": "s", "template": "step", "when": "1 == 2"}]);
    workflow(json!([{"name": "main", "steps": [never]}, step("host")]))
}
