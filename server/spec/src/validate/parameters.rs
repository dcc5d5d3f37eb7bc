//! Arguments and inputs: present, allowed, supplied by every caller.

use std::collections::HashSet;

use super::scope::Interface;
use super::{Check, Code, Fault, Place, check_names, is_parameter_name, short};
use crate::model::{Arguments, Parameter, Template};
use crate::resolve::Purpose;

/// The arguments of the run, and what its entrypoint needs of them.
pub(super) fn workflow_arguments(check: &mut Check<'_>) {
    let resolved = check.resolved;
    let arguments = &resolved.spec.arguments;
    names(check, arguments, "spec.arguments", "spec.arguments");
    for (i, parameter) in arguments.parameters.iter().enumerate() {
        let at = format!("spec.arguments.parameters[{i}]");
        let name = format!("spec.arguments.{}", short(&parameter.name));
        let has_value = parameter.value.is_some() || parameter.value_from.is_some();
        if !has_value && check.purpose == Purpose::Run {
            let message = format!("{name}.value is required");
            check.report(
                Fault::new(Code::Parameter, format!("{at}.value"), message).with_fix(format!(
                    "give it a value, for instance with -p {}=…",
                    short(&parameter.name)
                )),
            );
        }
        choices(check, parameter, &name, &at);
    }
    if check.purpose == Purpose::Run
        && let Some(entry) = resolved.entry(resolved.entrypoint)
    {
        supplied(check, arguments, &entry.template, "", "spec.entrypoint");
    }
}

/// The inputs of a template.
pub(super) fn inputs(check: &mut Check<'_>, place: &Place<'_>) {
    let Some(inputs) = &place.template.inputs else {
        return;
    };
    names(
        check,
        inputs,
        &format!("{}.inputs", place.name),
        &place.at("inputs"),
    );
    for (i, parameter) in inputs.parameters.iter().enumerate() {
        let name = format!(
            "{}.inputs.parameters.{}",
            place.name,
            short(&parameter.name)
        );
        choices(
            check,
            parameter,
            &name,
            &place.at(&format!("inputs.parameters[{i}]")),
        );
    }
}

fn names(check: &mut Check<'_>, arguments: &Arguments, list: &str, path: &str) {
    let parameters = arguments.parameters.iter().enumerate();
    check_names(
        check,
        parameters.map(|(i, p)| (p.name.as_str(), format!("{path}.parameters[{i}]"))),
        &format!("{list}.parameters"),
        is_parameter_name,
    );
    let artifacts = arguments.artifacts.iter().enumerate();
    check_names(
        check,
        artifacts.map(|(i, a)| (a.name.as_str(), format!("{path}.artifacts[{i}]"))),
        &format!("{list}.artifacts"),
        is_parameter_name,
    );
}

/// A parameter with an `enum` takes one of its values.
fn choices(check: &mut Check<'_>, parameter: &Parameter, name: &str, path: &str) {
    let Some(choices) = &parameter.choices else {
        return;
    };
    if choices.is_empty() {
        let message = format!("{name}.enum should contain at least one value");
        check.fault(Code::Parameter, format!("{path}.enum"), message);
        return;
    }
    let Some(value) = parameter.value.as_ref().filter(|v| !v.contains("{{")) else {
        return;
    };
    if !choices.contains(value) {
        let allowed: Vec<_> = choices.iter().take(20).map(|c| short(c)).collect();
        let message = format!("{name}.value should be present in {name}.enum list");
        check.report(
            Fault::new(Code::Parameter, format!("{path}.value"), message)
                .with_fix(format!("use one of {}", allowed.join(", "))),
        );
    }
}

/// Checks the arguments of a call, and that they supply what the callee needs. `caller` is how Argo's
/// sentences call the step or task.
pub(super) fn call(
    check: &mut Check<'_>,
    arguments: &Arguments,
    callee: Option<&Interface<'_>>,
    caller: &str,
    path: &str,
) {
    let at = format!("{path}.arguments");
    names(check, arguments, &format!("{caller}.arguments"), &at);
    for (i, parameter) in arguments.parameters.iter().enumerate() {
        if parameter.value.is_none() && parameter.value_from.is_none() {
            let message = format!(
                "{caller}.arguments.{}.value is required",
                short(&parameter.name)
            );
            check.fault(Code::Parameter, format!("{at}.parameters[{i}]"), message);
        }
    }
    if let Some(callee) = callee {
        supplied(check, arguments, callee.template, caller, path);
    }
}

fn supplied(
    check: &mut Check<'_>,
    arguments: &Arguments,
    callee: &Template,
    caller: &str,
    path: &str,
) {
    let space = if caller.is_empty() { "" } else { " " };
    let given: HashSet<&str> = arguments
        .parameters
        .iter()
        .map(|p| p.name.as_str())
        .collect();
    for input in callee.input_parameters() {
        let has_own =
            input.value.is_some() || input.default.is_some() || input.value_from.is_some();
        if !has_own && !given.contains(input.name.as_str()) {
            let message = format!(
                "{caller}{space}templates.{} inputs.parameters.{} was not supplied",
                short(&callee.name),
                short(&input.name)
            );
            check.fault(Code::Parameter, path, message);
        }
    }
    let given: HashSet<&str> = arguments
        .artifacts
        .iter()
        .map(|a| a.name.as_str())
        .collect();
    for input in callee.input_artifacts() {
        let needed = !input.optional && !has_location(input);
        if needed && !given.contains(input.name.as_str()) {
            let message = format!(
                "{caller}{space}templates.{} inputs.artifacts.{} was not supplied",
                short(&callee.name),
                short(&input.name)
            );
            check.fault(Code::Artifact, path, message);
        }
    }
}

fn has_location(artifact: &crate::model::Artifact) -> bool {
    artifact.raw.is_some()
        || artifact.s3.is_some()
        || artifact.git.is_some()
        || [
            &artifact.artifactory,
            &artifact.azure,
            &artifact.gcs,
            &artifact.hdfs,
            &artifact.http,
            &artifact.oss,
            &artifact.plugin,
        ]
        .into_iter()
        .any(Option::is_some)
        || !artifact.from.is_empty()
        || !artifact.from_expression.is_empty()
}
