//! What authors of workflows are told.

mod hostile;
mod references;

use super::*;
use crate::resolve::NoLibrary;
use crate::{Limits, Mode, Object, parse};

/// A workflow with these fields in its spec.
fn workflow(spec: &str) -> Workflow {
    let indented: String = spec.lines().map(|line| format!("  {line}\n")).collect();
    let text = format!(
        "apiVersion: argoproj.io/v1alpha1\nkind: Workflow\nmetadata: {{name: w}}\nspec:\n{indented}"
    );
    let document = parse(text.as_bytes(), Mode::Strict, &Limits::default())
        .unwrap_or_else(|faults| panic!("{faults:?}\n{text}"))
        .remove(0);
    match document.object {
        Object::Workflow(workflow) => *workflow,
        other => panic!("{other:?}"),
    }
}

/// The faults of a workflow, as `path: message`.
fn faults(spec: &str) -> Vec<String> {
    match check(&workflow(spec), &NoLibrary) {
        Ok(_) => Vec::new(),
        Err(faults) => faults
            .iter()
            .map(|f| format!("{}: {}", f.path, f.message))
            .collect(),
    }
}

/// A workflow whose template `main` has this body, beside a template `leaf` that takes `p` and gives `o`.
fn main_with(body: &str) -> Vec<String> {
    faults(&format!(
        "entrypoint: main\ntemplates:\n- name: leaf\n  inputs: {{parameters: [{{name: p, value: d}}]}}\n  outputs: {{parameters: [{{name: o, valueFrom: {{path: /o}}}}]}}\n  container: {{image: x, args: ['{{{{inputs.parameters.p}}}}']}}\n- name: strict\n  inputs: {{parameters: [{{name: p}}]}}\n  container: {{image: x}}\n- name: main\n{}",
        body.lines()
            .map(|line| format!("  {line}\n"))
            .collect::<String>()
    ))
}

/// Checks that a template body has exactly this fault.
fn refuses(body: &str, path: &str, message: &str) {
    assert_eq!(main_with(body), [format!("{path}: {message}")], "{body}");
}

fn accepts(body: &str) {
    assert_eq!(main_with(body), Vec::<String>::new(), "{body}");
}

#[test]
fn a_run_needs_an_entrypoint_that_exists() {
    let leaf = "templates: [{name: a, container: {image: x}}]";
    assert_eq!(
        faults(leaf),
        ["spec.entrypoint: spec.entrypoint is required"]
    );
    assert_eq!(
        faults(&format!("entrypoint: b\n{leaf}")),
        ["spec.entrypoint: template name 'b' undefined"]
    );
    assert_eq!(
        faults(&format!("entrypoint: a\n{leaf}")),
        Vec::<String>::new()
    );
}

#[test]
fn templates_have_one_type_and_a_name_of_their_own() {
    let choose = "choose one of: container, containerSet, steps, script, resource, dag, suspend, template, template ref";
    refuses(
        "{}".replace("{}", "timeout: 5s").as_str(),
        "spec.templates[2]",
        &format!("templates.main template type unspecified. {choose}"),
    );
    refuses(
        "container: {image: x}\nsuspend: {}",
        "spec.templates[2]",
        &format!("templates.main multiple template types specified. {choose}"),
    );
    assert_eq!(
        faults(
            "entrypoint: a\ntemplates: [{name: a, suspend: {}}, {name: a, suspend: {}}, {suspend: {}}, {name: 'a b', suspend: {}}]"
        ),
        [
            "spec.templates[1].name: spec.templates[1].name 'a' is not unique",
            "spec.templates[2].name: spec.templates[2].name is required",
            "spec.templates[3].name: spec.templates[3].name: 'a b' is invalid: use at most 128 letters, digits and '-', beginning with a letter or digit",
        ]
    );
}

#[test]
fn arguments_have_values_and_stay_within_their_choices() {
    let with = |parameter: &str| {
        faults(&format!(
            "entrypoint: a\narguments: {{parameters: [{parameter}]}}\ntemplates: [{{name: a, suspend: {{}}}}]"
        ))
    };
    assert_eq!(
        with("{name: m}"),
        ["spec.arguments.parameters[0].value: spec.arguments.m.value is required"]
    );
    assert_eq!(
        with("{name: m, value: c, enum: [a, b]}"),
        [
            "spec.arguments.parameters[0].value: spec.arguments.m.value should be present in spec.arguments.m.enum list"
        ]
    );
    assert_eq!(
        with("{name: m, value: c, enum: []}"),
        [
            "spec.arguments.parameters[0].enum: spec.arguments.m.enum should contain at least one value"
        ]
    );
    assert_eq!(
        with("{name: m, value: 1, enum: ['1']}"),
        Vec::<String>::new()
    );
}

#[test]
fn every_caller_supplies_what_its_template_takes() {
    refuses(
        "steps: [[{name: s, template: strict}]]",
        "spec.templates[2].steps[0][0]",
        "templates.main.steps[0].s templates.strict inputs.parameters.p was not supplied",
    );
    refuses(
        "dag: {tasks: [{name: t, template: strict}]}",
        "spec.templates[2].dag.tasks[0]",
        "templates.main.tasks.t templates.strict inputs.parameters.p was not supplied",
    );
    accepts(
        "steps: [[{name: s, template: strict, arguments: {parameters: [{name: p, value: 1}]}}]]",
    );
    accepts("steps: [[{name: s, template: leaf}]]");
    assert_eq!(
        faults(
            "entrypoint: a\ntemplates: [{name: a, inputs: {parameters: [{name: p}]}, suspend: {}}]"
        ),
        ["spec.entrypoint: templates.a inputs.parameters.p was not supplied"]
    );
}

#[test]
fn a_tag_names_something_that_is_known_where_it_stands() {
    refuses(
        "container: {image: x, args: ['{{inputs.parameters.q}}']}",
        "spec.templates[2].container.args[0]",
        "failed to resolve {{inputs.parameters.q}}",
    );
    refuses(
        "container: {image: x, args: ['{{workflow.parameters.q}} {{workflow.name}}']}",
        "spec.templates[2].container.args[0]",
        "failed to resolve {{workflow.parameters.q}}",
    );
    // Tags of other languages are left alone, and so are names that only a running node has.
    accepts(
        "container: {image: x, args: ['{{ .Values.a }} {{retries}} {{lastRetry.status}} {{pod.name}} {{item}} {{=item}}']}",
    );
    accepts(
        "script: {image: x, source: '{{outputs.parameters.o.path}} {{workflow.creationTimestamp.Y}}'}\noutputs: {parameters: [{name: o, valueFrom: {path: /o}}]}",
    );
}

#[test]
fn a_step_sees_earlier_groups_and_a_task_what_it_waits_for() {
    let arg =
        |tag: &str| format!("arguments: {{parameters: [{{name: p, value: '{{{{{tag}}}}}'}}]}}");
    let steps = |tag: &str| {
        format!(
            "steps: [[{{name: a, template: leaf}}], [{{name: b, template: leaf, {}}}]]",
            arg(tag)
        )
    };
    for known in [
        "steps.a.outputs.parameters.o",
        "steps.a.status",
        "steps.a.outputs.result",
        "steps.name",
    ] {
        accepts(&steps(known));
    }
    for unknown in [
        "steps.b.status",
        "steps.c.status",
        "steps.a.outputs.parameters.x",
        "steps.a.ip",
        "tasks.a.status",
        "item.x",
    ] {
        refuses(
            &steps(unknown),
            "spec.templates[2].steps[1][0].arguments.parameters[0].value",
            &format!("failed to resolve {{{{{unknown}}}}}"),
        );
    }
    let dag = |tag: &str| {
        format!(
            "dag: {{tasks: [{{name: a, template: leaf}}, {{name: m, template: leaf, depends: a}}, {{name: other, template: leaf}}, {{name: b, template: leaf, depends: m.Failed, {}}}]}}",
            arg(tag)
        )
    };
    accepts(&dag("tasks.a.outputs.parameters.o"));
    refuses(
        &dag("tasks.other.status"),
        "spec.templates[2].dag.tasks[3].arguments.parameters[0].value",
        "failed to resolve {{tasks.other.status}}",
    );
    accepts(
        "steps: [[{name: a, template: leaf, hooks: {exit: {template: leaf, arguments: {parameters: [{name: p, value: '{{steps.a.outputs.parameters.o}}'}]}}}}]]",
    );
    accepts(
        "steps: [[{name: a, template: leaf, withItems: [{k: 1}], arguments: {parameters: [{name: p, value: '{{item.k}}'}]}}]]\noutputs: {parameters: [{name: all, valueFrom: {parameter: '{{steps.a.outputs.parameters.o}}'}}]}",
    );
    refuses(
        "steps: [[{name: a, template: leaf}]]\noutputs: {parameters: [{name: o, valueFrom: {parameter: '{{steps.z.outputs.parameters.o}}'}}]}",
        "spec.templates[2].outputs.parameters[0].valueFrom.parameter",
        "failed to resolve {{steps.z.outputs.parameters.o}}",
    );
}

#[test]
fn a_graph_is_well_formed() {
    let at = "spec.templates[2].dag";
    refuses(
        "dag: {tasks: []}",
        &format!("{at}.tasks"),
        "templates.main must have at least one task",
    );
    refuses(
        "dag: {tasks: [{name: a, template: leaf, depends: b}, {name: b, template: leaf, depends: a}]}",
        &format!("{at}.tasks"),
        "templates.main.tasks dependency cycle detected: a->b->a",
    );
    refuses(
        "dag: {tasks: [{name: a, template: leaf, depends: x.Succeeded}]}",
        &format!("{at}.tasks[0]"),
        "templates.main.tasks.a dependency 'x' not defined",
    );
    refuses(
        "dag: {tasks: [{name: a, template: leaf}, {name: b, template: leaf, depends: a}, {name: c, template: leaf, dependencies: [a]}]}",
        at,
        "templates.main cannot use both 'depends' and 'dependencies' in the same DAG template",
    );
    refuses(
        "dag: {tasks: [{name: a, template: leaf, continueOn: {failed: true}}, {name: b, template: leaf, depends: a}]}",
        &format!("{at}.tasks[0].continueOn"),
        "templates.main.tasks.a cannot use 'continueOn' when using 'depends'. Instead use 'dep-task.Failed'/'dep-task.Errored'",
    );
    refuses(
        "dag: {tasks: [{name: 1a, template: leaf}, {name: b, template: leaf, depends: b1}, {name: b1, template: leaf}]}",
        &format!("{at}.tasks[0].name"),
        "templates.main.tasks.1a name cannot begin with a digit when using either 'depends' or 'dependencies'",
    );
    refuses(
        "dag: {target: 'a z', tasks: [{name: a, template: leaf}]}",
        &format!("{at}.target"),
        "templates.main.targets: target 'z' is not defined",
    );
}

#[test]
fn a_loop_has_one_source() {
    let at = "spec.templates[2].steps[0][0]";
    refuses(
        "steps: [[{name: s, template: leaf, withItems: [1], withParam: '[]'}]]",
        at,
        "templates.main.steps[0].s only one of withItems, withParam, withSequence can be specified",
    );
    refuses(
        "steps: [[{name: s, template: leaf, withSequence: {count: 1, end: 2}}]]",
        &format!("{at}.withSequence"),
        "templates.main.steps[0].s only one of count or end can be defined in withSequence",
    );
    refuses(
        "steps: [[{name: s, template: leaf, withSequence: {count: -1}}]]",
        &format!("{at}.withSequence.count"),
        "the count of a sequence can not be negative",
    );
    accepts("steps: [[{name: s, template: leaf, withSequence: {count: '{{workflow.priority}}'}}]]");
}

#[test]
fn fields_belong_to_types() {
    let steps = "steps: [[{name: s, template: leaf}]]";
    let leaf = "container: {image: x}";
    for (body, field, message) in [
        (
            format!("{steps}\nactiveDeadlineSeconds: 5"),
            "activeDeadlineSeconds",
            "templates.main.activeDeadlineSeconds is only valid for leaf templates",
        ),
        (
            format!("{leaf}\nactiveDeadlineSeconds: 0"),
            "activeDeadlineSeconds",
            "templates.main.activeDeadlineSeconds must be a positive integer > 0 or an argo variable",
        ),
        (
            format!("{leaf}\nactiveDeadlineSeconds: soon"),
            "activeDeadlineSeconds",
            "templates.main.activeDeadlineSeconds must be a positive integer > 0 or an argo variable",
        ),
        (
            format!("{steps}\ntimeout: 5s"),
            "timeout",
            "Steps template doesn't support timeout field",
        ),
        (
            format!("{leaf}\nparallelism: 2"),
            "parallelism",
            "templates.main.parallelism is only valid for steps and dag templates",
        ),
        (
            format!("{steps}\npodResources: {{limits: {{cpu: 1}}}}"),
            "podResources",
            "templates.main.podResources is not supported for Steps templates",
        ),
        (
            format!("{leaf}\ntimeout: soon"),
            "timeout",
            "'soon' is not a duration",
        ),
        (
            format!("{leaf}\nretryStrategy: {{limit: many}}"),
            "retryStrategy.limit",
            "'many' is not a whole number",
        ),
        (
            format!("{leaf}\nretryStrategy: {{retryPolicy: Sometimes}}"),
            "retryStrategy.retryPolicy",
            "'Sometimes' is not a valid RetryPolicy",
        ),
    ] {
        refuses(&body, &format!("spec.templates[2].{field}"), message);
    }
    accepts(&format!(
        "{leaf}\nactiveDeadlineSeconds: '{{{{workflow.priority}}}}'\nretryStrategy: {{limit: '10', expression: 'asInt(lastRetry.exitCode) > 1'}}"
    ));
}

#[test]
fn outputs_have_one_source_that_their_type_can_give() {
    let choose = "choose one of: path, jqFilter, jsonPath, parameter, raw, expression";
    let at = "spec.templates[2].outputs.parameters[0].valueFrom";
    let container = |from: &str| {
        format!(
            "container: {{image: x}}\noutputs: {{parameters: [{{name: o, valueFrom: {from}}}]}}"
        )
    };
    refuses(
        &container("{default: a}"),
        at,
        &format!("templates.main.outputs.parameters.o.valueFrom type unspecified. {choose}"),
    );
    refuses(
        &container("{path: /a, expression: '1'}"),
        at,
        &format!(
            "templates.main.outputs.parameters.o.valueFrom multiple valueFrom types specified. {choose}"
        ),
    );
    refuses(
        &container("{parameter: x}"),
        at,
        "templates.main.outputs.parameters.o.valueFrom.path must be specified for Container templates",
    );
    refuses(
        &container("{path: a}"),
        &format!("{at}.path"),
        "'a' is not an absolute path",
    );
    accepts("suspend: {}\noutputs: {parameters: [{name: o, valueFrom: {supplied: {}}}]}");
}

#[test]
fn containers_name_their_image_and_mount_what_is_declared() {
    refuses(
        "container: {args: [a]}",
        "spec.templates[2].container.image",
        "templates.main.container.image may not be empty",
    );
    refuses(
        "initContainers: [{name: main, image: x}]\ncontainer: {image: x}",
        "spec.templates[2].initContainers[0]",
        "\"main\" is a reserved Argo container name",
    );
    refuses(
        "container: {image: x, volumeMounts: [{name: v, mountPath: /v}]}",
        "spec.templates[2].container.volumeMounts[0].name",
        "volume 'v' not found in workflow spec",
    );
    accepts(
        "volumes: [{name: v, emptyDir: {}}]\ncontainer: {image: x, volumeMounts: [{name: v, mountPath: /v}]}",
    );
}

#[test]
fn expressions_and_metrics_are_read_before_a_run_starts() {
    let found = main_with("container: {image: x, args: ['{{=1 +}}']}");
    assert!(
        found[0].starts_with("spec.templates[2].container.args[0]: "),
        "{found:?}"
    );
    refuses(
        "container: {image: x}\nmetrics: {prometheus: [{name: 'a-b', help: h, counter: {value: '1'}}]}",
        "spec.templates[2].metrics.prometheus[0].name",
        "metric name 'a-b' is invalid. Metric names must contain alphanumeric characters or '_'",
    );
    refuses(
        "container: {image: x}\nmetrics: {prometheus: [{name: a, counter: {value: '1'}}]}",
        "spec.templates[2].metrics.prometheus[0]",
        "metric 'a' must contain a help string under 'help: ' field",
    );
    refuses(
        "container: {image: x}\nmetrics: {prometheus: [{name: a, help: h}]}",
        "spec.templates[2].metrics.prometheus[0]",
        "metric 'a' must be one of counter, gauge and histogram",
    );
    refuses(
        "container: {image: x}\nmetrics: {prometheus: [{name: a, help: h, gauge: {realtime: true, value: '1'}}]}",
        "spec.templates[2].metrics.prometheus[0].gauge.value",
        "metric 'a' is a realtime gauge, so its value is {{duration}} or {{workflow.duration}}",
    );
}

#[test]
fn locks_have_names_and_semaphores_a_limit() {
    let with = |locks: &str| format!("container: {{image: x}}\nsynchronization: {{{locks}}}");
    let at = "spec.templates[2].synchronization";
    refuses(
        &with("mutexes: [{}]"),
        &format!("{at}.mutexes[0].name"),
        "a lock needs a name",
    );
    for both in [
        "{}",
        "{database: {key: k}, configMapKeyRef: {name: m, key: k}}",
    ] {
        refuses(
            &with(&format!("semaphores: [{both}]")),
            &format!("{at}.semaphores[0]"),
            "a semaphore needs either configMapKeyRef or database",
        );
    }
    accepts(&with(
        "mutexes: [{name: m}], semaphores: [{database: {key: k}}]",
    ));
    let unknown = "entrypoint: a\nsynchronization: {mutexes: [{name: '{{inputs.parameters.p}}'}]}\ntemplates: [{name: a, suspend: {}}]";
    assert!(faults(unknown)[0].starts_with("spec.synchronization"));
}

#[test]
fn what_is_remembered_has_a_place_and_who_approves_is_counted() {
    refuses(
        "container: {image: x}\nmemoize: {key: k}",
        "spec.templates[2].memoize.cache.configMap.name",
        "memoize needs a key and the name of a cache",
    );
    accepts("container: {image: x}\nmemoize: {key: k, cache: {configMap: {name: c}}}");
    let annotations = "spec.templates[2].metadata.annotations";
    refuses(
        "suspend: {}\nmetadata: {annotations: {steading.io/approvals: many}}",
        annotations,
        "steading.io/approvals is a number from 1 to 9, and not 'many'",
    );
    refuses(
        "container: {image: x}\nmetadata: {annotations: {steading.io/approvals: '1'}}",
        annotations,
        "steading.io/approvals is only valid for suspend templates",
    );
}

#[test]
fn what_can_not_run_yet_is_refused_by_name() {
    for (body, field, what) in [
        (
            "container: {image: x, securityContext: {privileged: true}}",
            "container.securityContext.privileged",
            "privileged containers",
        ),
        (
            "container: {image: x}\npodSpecPatch: '{\"hostPID\": true}'",
            "podSpecPatch.hostPID",
            "the host's processes",
        ),
        (
            "container: {image: x}\nvolumes: [{name: v, hostPath: {path: /}}]",
            "volumes[0].hostPath",
            "volumes of the kind hostPath",
        ),
        (
            "data: {source: {artifactPaths: {name: a, s3: {key: b}}}, transformation: []}",
            "data",
            "data templates",
        ),
        (
            "resource: {action: get, manifest: 'kind: Workflow', flags: [x]}",
            "resource.flags",
            "flags of kubectl",
        ),
    ] {
        refuses(
            body,
            &format!("spec.templates[2].{field}"),
            &format!("{what}: not supported by this version"),
        );
    }
    let spec = "entrypoint: a\nhostNetwork: true\ntemplates: [{name: a, suspend: {}}]";
    assert_eq!(
        faults(spec),
        ["spec.hostNetwork: the host's network: not supported by this version"]
    );
}

#[test]
fn what_means_nothing_here_is_kept_and_reported_once() {
    let spec = "entrypoint: a\nserviceAccountName: s\npriority: 5\ntolerations: [{key: a}]\ntemplates:\n- {name: a, container: {image: x, imagePullPolicy: Always}}\n- {name: b, tolerations: [{key: b}], container: {image: x, imagePullPolicy: Always}}";
    let checked = check(&workflow(spec), &NoLibrary).unwrap();
    let paths: Vec<_> = checked.warnings.iter().map(|w| w.path.as_str()).collect();
    assert_eq!(
        paths,
        [
            "spec.tolerations",
            "spec.serviceAccountName",
            "spec.templates[0].container.imagePullPolicy"
        ]
    );
    assert_eq!(checked.resolved.spec.priority, Some(5));
}

#[test]
fn all_faults_are_found_together() {
    let found = faults(
        "entrypoint: x\ntemplates:\n- {name: a, container: {}}\n- {name: b, steps: [[{name: s, template: gone}]]}\n- {name: c, container: {image: x, tty: true, args: ['{{inputs.parameters.no}}']}}",
    );
    assert_eq!(found.len(), 5, "{found:?}");
}
