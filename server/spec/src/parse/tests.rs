//! What reading documents promises.

use serde_json::json;

use super::*;

const HELLO: &str = "apiVersion: argoproj.io/v1alpha1\nkind: Workflow\nmetadata: {generateName: hello-}\nspec:\n  entrypoint: main\n  templates:\n  - name: main\n    container: {image: busybox, command: [echo, hi]}\n";

fn strict(text: &str) -> Result<Vec<Document>, Vec<Fault>> {
    parse(text.as_bytes(), Mode::Strict, &Limits::default())
}

fn lenient(value: Value) -> Result<Document, Vec<Fault>> {
    from_json(
        value,
        Some(Kind::Workflow),
        Mode::Lenient,
        &Limits::default(),
    )
}

fn workflow(document: Document) -> Workflow {
    match document.object {
        Object::Workflow(workflow) => *workflow,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_workflow_reads_as_written() {
    let document = strict(HELLO).unwrap().remove(0);
    assert_eq!(document.raw["metadata"]["generateName"], "hello-");
    let workflow = workflow(document);
    assert_eq!(workflow.spec.entrypoint, "main");
    assert_eq!(
        workflow.spec.templates[0]
            .container
            .as_ref()
            .unwrap()
            .command,
        ["echo", "hi"]
    );
}

#[test]
fn every_unknown_field_is_refused_with_its_place() {
    let text = HELLO
        .replace("entrypoint", "entrypoints")
        .replace("image:", "imgae:");
    let faults = strict(&text).unwrap_err();
    let found: Vec<_> = faults
        .iter()
        .map(|f| (f.message.as_str(), f.line))
        .collect();
    assert_eq!(
        found,
        [
            ("unknown field \"spec.entrypoints\"", Some(5)),
            (
                "unknown field \"spec.templates[0].container.imgae\"",
                Some(8)
            ),
        ]
    );
}

#[test]
fn every_wrong_type_is_reported_at_once() {
    let text = HELLO
        .replace("[echo, hi]", "echo, args: [1]")
        .replace("main\n  templates", "[main]\n  templates");
    let faults = strict(&text).unwrap_err();
    let found: Vec<_> = faults.iter().map(|f| (f.code, f.path.as_str())).collect();
    assert_eq!(
        found,
        [
            (Code::WrongType, "spec.entrypoint"),
            (Code::WrongType, "spec.templates[0].container.command"),
            (Code::WrongType, "spec.templates[0].container.args[0]"),
        ]
    );
    assert_eq!(faults[2].fix.as_deref(), Some("put the value in quotes"));
}

#[test]
fn objects_of_go_programs_are_understood() {
    let document = lenient(json!({
        "metadata": {"creationTimestamp": null, "generatename": "x-"},
        "Spec": {"arguments": {}, "EntryPoint": "main", "podgc": {"strategy": "OnPodCompletion"},
                 "templates": [{"name": "main", "inputs": {}, "outputs": {}, "metadata": {}, "container": {"name": "", "image": "x", "resources": {}}}]},
        "status": {"startedAt": null, "finishedAt": null},
    }))
    .unwrap();
    assert_eq!(document.warnings, []);
    let workflow = workflow(document);
    assert_eq!(workflow.metadata.generate_name, "x-");
    assert_eq!(workflow.spec.entrypoint, "main");
    assert!(workflow.spec.pod_gc.is_some());
}

#[test]
fn unknown_fields_of_programs_are_warnings() {
    let document = lenient(json!({"spec": {"newField": 1}})).unwrap();
    assert_eq!(document.warnings[0].path, "spec.newField");
    assert_eq!(document.raw["spec"]["newField"], 1);
}

#[test]
fn spellings_of_version_3_become_those_of_version_4() {
    let text = "apiVersion: argoproj.io/v1alpha1\nkind: CronWorkflow\nmetadata: {name: c}\nspec:\n  schedule: ' * * * * *'\n  concurrencyPolicy: ' Forbid'\n  workflowSpec:\n    synchronization: {mutex: {name: m}}\n    podPriority: 5\n    templates:\n    - name: a\n      synchronization: {semaphore: {configMapKeyRef: {name: sizes, key: k}}}\n      steps: [[{name: s, template: b, onExit: e}]]\n";
    let document = strict(text).unwrap().remove(0);
    let paths: Vec<_> = document.warnings.iter().map(|w| w.path.as_str()).collect();
    assert_eq!(
        paths,
        [
            "spec.schedule",
            "spec.workflowSpec.podPriority",
            "spec.workflowSpec.synchronization.mutex",
            "spec.workflowSpec.templates[0].synchronization.semaphore",
            "spec.workflowSpec.templates[0].steps[0][0].onExit",
        ]
    );
    let Object::CronWorkflow(cron) = document.object else {
        panic!()
    };
    assert_eq!(cron.spec.schedules, ["* * * * *"]);
    assert_eq!(cron.spec.concurrency_policy, "Forbid");
    let spec = cron.spec.workflow_spec;
    assert_eq!(spec.synchronization.unwrap().mutexes[0].name, "m");
    let steps = spec.templates[0].steps.as_ref().unwrap();
    assert_eq!(steps[0][0].hooks["exit"].template, "e");
}

#[test]
fn other_kinds_are_told_apart_and_wrong_ones_refused() {
    let all = strict(
        "apiVersion: v1\nkind: ConfigMap\ndata: {a: b}\n---\napiVersion: v1\nkind: Service\n",
    )
    .unwrap();
    assert!(matches!(&all[0].object, Object::ConfigMap(map) if map.data["a"] == "b"));
    assert!(matches!(&all[1].object, Object::Other { kind, .. } if kind == "Service"));
    for text in [
        "kind: Workflow",
        "a: 1",
        "[1]",
        "apiVersion: v1\nkind: Workflow",
    ] {
        assert_eq!(strict(text).unwrap_err()[0].code, Code::Kind, "{text}");
    }
    assert_eq!(strict("# nothing").unwrap_err()[0].code, Code::Empty);
    assert_eq!(
        lenient(json!({"kind": "CronWorkflow"})).unwrap_err()[0].code,
        Code::Kind
    );
}

#[test]
fn a_typed_document_writes_itself_as_it_was_read() {
    let document = strict(HELLO).unwrap().remove(0);
    let raw = document.raw.clone();
    assert_eq!(serde_json::to_value(workflow(document)).unwrap(), raw);
}
