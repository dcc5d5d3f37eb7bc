//! References between objects, and what a run takes from them.

use std::sync::Arc;

use super::*;
use crate::model::{Call, Origin};
use crate::resolve::{Library, Scope, TemplateIx};

/// A library of one namespaced template, `lib`, and one cluster template, `wide`.
struct Two(Arc<WorkflowTemplate>, Arc<WorkflowTemplate>);

impl Library for Two {
    fn template(&self, name: &str, scope: Scope) -> Option<Arc<WorkflowTemplate>> {
        match (name, scope) {
            ("lib", Scope::Namespaced) => Some(Arc::clone(&self.0)),
            ("wide", Scope::Cluster) => Some(Arc::clone(&self.1)),
            _ => None,
        }
    }
}

fn template(name: &str, spec: &str) -> Arc<WorkflowTemplate> {
    let workflow = workflow(spec);
    Arc::new(WorkflowTemplate {
        metadata: ObjectMeta {
            name: name.to_owned(),
            ..ObjectMeta::default()
        },
        spec: workflow.spec,
        ..WorkflowTemplate::default()
    })
}

fn library() -> Two {
    let lib = "entrypoint: go\narguments: {parameters: [{name: m, value: a, enum: [a, b]}, {name: k, value: c}]}\npriority: 1\ntemplates:\n- {name: go, steps: [[{name: s, template: leaf}, {name: w, templateRef: {name: wide, template: leaf, clusterScope: true}}]]}\n- {name: leaf, container: {image: x}}\n- {name: unused, container: {image: x}}";
    let wide = "templates: [{name: leaf, container: {image: z}}]";
    Two(template("lib", lib), template("wide", wide))
}

fn found(spec: &str) -> Vec<String> {
    let faults = check(&workflow(spec), &library()).unwrap_err();
    faults
        .iter()
        .map(|f| format!("{}: {}", f.path, f.message))
        .collect()
}

#[test]
fn a_run_made_from_a_template_wins_over_it_field_by_field() {
    let spec = "workflowTemplateRef: {name: lib}\npriority: 7\narguments: {parameters: [{name: m, value: b}]}";
    let resolved = check(&workflow(spec), &library()).unwrap().resolved;
    let spec = &resolved.spec;
    assert_eq!((spec.entrypoint.as_str(), spec.priority), ("go", Some(7)));
    let values: Vec<_> = spec
        .arguments
        .parameters
        .iter()
        .map(|p| (p.name.as_str(), p.value.as_deref().unwrap()))
        .collect();
    assert_eq!(values, [("m", "b"), ("k", "c")]);
    let outside =
        "workflowTemplateRef: {name: lib}\narguments: {parameters: [{name: m, value: z}]}";
    assert_eq!(
        found(outside),
        [
            "spec.arguments.parameters[0].value: spec.arguments.m.value should be present in spec.arguments.m.enum list"
        ]
    );
}

#[test]
fn templates_of_other_objects_are_collected_with_all_that_they_call() {
    let spec = "entrypoint: main\ntemplates: [{name: main, dag: {tasks: [{name: t, templateRef: {name: lib, template: go}}]}}]";
    let resolved = check(&workflow(spec), &library()).unwrap().resolved;
    let names: Vec<_> = resolved
        .entries()
        .map(|(_, e)| (e.origin.clone(), e.template.name.as_str()))
        .collect();
    assert_eq!(
        names,
        [
            (Origin::Workflow, "main"),
            (Origin::Namespaced("lib".into()), "go"),
            (Origin::Namespaced("lib".into()), "leaf"),
            (Origin::Cluster("wide".into()), "leaf"),
        ]
    );
    // A name is looked up in the object that calls it.
    let call = Call {
        caller: "s",
        template: "leaf",
        template_ref: None,
    };
    assert_eq!(resolved.target(TemplateIx(1), call), Some(TemplateIx(2)));
    assert_eq!(resolved.target(TemplateIx(0), call), None);
}

#[test]
fn references_that_lead_nowhere_are_told_apart() {
    let with = |call: &str| {
        format!("entrypoint: main\ntemplates: [{{name: main, steps: [[{{name: s, {call}}}]]}}]")
    };
    for (call, fault) in [
        (
            "template: nope",
            "spec.templates[0].steps[0][0].template: template name 'nope' undefined",
        ),
        (
            "templateRef: {name: nope, template: leaf}",
            "spec.templates[0].steps[0][0].templateRef: workflow template nope not found",
        ),
        (
            "templateRef: {name: lib, template: nope}",
            "spec.templates[0].steps[0][0]: template nope not found in workflow template lib",
        ),
        (
            "when: 'true'",
            "spec.templates[0].steps[0][0]: one of template, templateRef or inline is required",
        ),
        (
            "templateRef: {name: '{{x}}', template: a}",
            "spec.templates[0].steps[0][0].templateRef: a templateRef that is computed at run time is not supported yet",
        ),
    ] {
        assert_eq!(found(&with(call)), [fault]);
    }
    assert_eq!(
        found("workflowTemplateRef: {name: nope}"),
        ["spec.workflowTemplateRef: workflow template nope not found"]
    );
    assert_eq!(
        found("workflowTemplateRef: {name: lib}\ntemplates: [{name: a, suspend: {}}]"),
        [
            "spec.templates: Templates is invalid field in spec if workflow referred WorkflowTemplate reference"
        ]
    );
}

#[test]
fn inline_templates_see_their_callers_inputs_and_are_found_by_their_caller() {
    let spec = "entrypoint: main\nonExit: bye\ntemplateDefaults: {timeout: 9s, container: {imagePullPolicy: Never}}\nretryStrategy: {limit: 3}\narguments: {parameters: [{name: a, value: 1}]}\ntemplates:\n- name: main\n  inputs: {parameters: [{name: a}]}\n  dag: {tasks: [{name: t, inline: {container: {image: x, args: ['{{inputs.parameters.a}}']}}}]}\n- {name: bye, container: {image: z}}";
    // Defaults that only leaves may have must not reach the graph.
    let spec = spec.replace("timeout: 9s, ", "");
    let resolved = check(&workflow(&spec), &NoLibrary).unwrap().resolved;
    let call = Call {
        caller: "t",
        template: "",
        template_ref: None,
    };
    let inline = resolved.target(resolved.entrypoint, call).unwrap();
    let entry = resolved.entry(inline).unwrap();
    assert_eq!(entry.inline_of, Some(resolved.entrypoint));
    assert_eq!(
        entry.template.container.as_ref().unwrap().image_pull_policy,
        "Never"
    );
    assert_eq!(
        entry
            .template
            .retry_strategy
            .as_ref()
            .unwrap()
            .limit
            .as_ref()
            .unwrap()
            .value(),
        Ok(3)
    );
    let exit = &resolved.spec.hooks["exit"];
    let bye = resolved.workflow_target(exit.call("exit")).unwrap();
    assert_eq!(resolved.entry(bye).unwrap().template.name, "bye");
}

#[test]
fn recursion_is_legal_and_computed_local_names_are_found_later() {
    assert_eq!(
        faults(
            "entrypoint: a\ntemplates: [{name: a, steps: [[{name: s, template: a, when: 'false'}]]}]"
        ),
        Vec::<String>::new()
    );
    assert_eq!(
        faults(
            "entrypoint: a\narguments: {parameters: [{name: t, value: b}]}\ntemplates: [{name: a, steps: [[{name: s, template: '{{workflow.parameters.t}}'}]]}, {name: b, suspend: {}}]"
        ),
        Vec::<String>::new()
    );
}

#[test]
fn a_template_may_leave_to_its_callers_what_a_run_needs() {
    let open = template(
        "t",
        "arguments: {parameters: [{name: m}]}\ntemplates: [{name: a, inputs: {parameters: [{name: p}]}, container: {image: x, args: ['{{workflow.parameters.other}}']}}]",
    );
    assert_eq!(check_template(&open, &NoLibrary), Ok(vec![]));
    let broken = template(
        "t",
        "entrypoint: gone\ntemplates: [{name: a, container: {}}]",
    );
    assert_eq!(check_template(&broken, &NoLibrary).unwrap_err().len(), 2);
}

#[test]
fn a_stored_definition_loads_as_it_was() {
    let spec = "entrypoint: main\ntemplates: [{name: main, steps: [[{name: s, inline: {suspend: {}}}, {name: r, templateRef: {name: lib, template: leaf}}]]}]";
    let resolved = check(&workflow(spec), &library()).unwrap().resolved;
    let stored = serde_json::to_string(&resolved).unwrap();
    let mut loaded: Resolved = serde_json::from_str(&stored).unwrap();
    assert_eq!(serde_json::to_string(&loaded).unwrap(), stored);
    let call = Call {
        caller: "s",
        template: "",
        template_ref: None,
    };
    assert_eq!(
        loaded.target(TemplateIx(0), call),
        resolved.target(TemplateIx(0), call)
    );
    loaded = serde_json::from_str(&stored).unwrap();
    assert!(loaded.target(TemplateIx(0), call).is_some());
    assert!(
        serde_json::from_str::<Resolved>(&stored.replace("\"format\":1", "\"format\":9")).is_err()
    );
}

/// A definition as version 0.1 stored it.
const FORMAT_1: &str = r#"{"format":1,"spec":{"entrypoint":"main","arguments":{"parameters":[{"name":"m","value":"hi"}]}},"entrypoint":0,"templates":[{"origin":"workflow","template":{"name":"main","steps":[[{"name":"s","withItems":[1,"a",{"k":true}]},{"name":"r","templateRef":{"name":"lib","template":"leaf"}}]]}},{"origin":"workflow","inlineOf":0,"inlineName":"s","template":{"suspend":{"duration":"5"}}},{"origin":{"namespaced":"lib"},"template":{"name":"leaf","script":{"image":"x","command":["sh"],"source":"echo"}}}]}"#;

#[test]
fn every_released_form_loads_for_ever() {
    let loaded: Resolved = serde_json::from_str(FORMAT_1).unwrap();
    assert_eq!(loaded.entries().count(), 3);
    assert_eq!(serde_json::to_string(&loaded).unwrap(), FORMAT_1);
}
