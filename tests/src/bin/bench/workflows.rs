//! The workloads as documents.

use serde_json::{Value, json};

fn workflow(templates: Value) -> Value {
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
    let steps: Vec<_> = (0..length)
        .map(|step| json!([{"name": format!("s{step}"), "template": "step"}]))
        .collect();
    workflow(json!([{"name": "main", "steps": steps}, step("host")]))
}

/// Steps side by side, each `true` in that image.
pub(crate) fn fan(width: usize, image: &str) -> Value {
    let all =
        json!({"name": "s", "template": "step", "withSequence": {"count": width.to_string()}});
    workflow(json!([{"name": "main", "steps": [[all]]}, step(image)]))
}

fn step(image: &str) -> Value {
    json!({"name": "step", "container": {"image": image, "command": ["true"]}})
}

/// A run that ends at once: its only step is skipped.
pub(crate) fn nothing() -> Value {
    let never = json!([{"name": "s", "template": "step", "when": "1 == 2"}]);
    workflow(json!([{"name": "main", "steps": [never]}, step("host")]))
}
