//! Which variables are known where.

use std::collections::{HashMap, HashSet};

use super::{Check, Place, tags};
use crate::model::{Artifact, ObjectMeta, Parameter, Template, TemplateType};
use crate::resolve::{Purpose, Resolved};

/// The variables of the run: `workflow.…`.
pub(super) struct Globals {
    parameters: Names,
    labels: Names,
    annotations: Names,
    output_parameters: Names,
    output_artifacts: Names,
}

/// Names that are known, or all, where the document alone can not tell.
enum Names {
    All,
    Some(HashSet<String>),
}

impl Names {
    fn of<'n>(names: impl Iterator<Item = &'n str>) -> Self {
        let names: HashSet<String> = names.map(str::to_owned).collect();
        if names.iter().any(|name| name.contains("{{")) {
            Self::All
        } else {
            Self::Some(names)
        }
    }

    fn has(&self, name: &str) -> bool {
        match self {
            Self::All => true,
            Self::Some(names) => names.contains(name),
        }
    }
}

impl Globals {
    pub(super) fn of(resolved: &Resolved, metadata: &ObjectMeta, purpose: Purpose) -> Self {
        let templates = || resolved.entries().map(|(_, entry)| &entry.template);
        let output_parameters = Names::of(templates().flat_map(|template| {
            let parameters = template.output_parameters().iter();
            parameters
                .map(|p| p.global_name.as_str())
                .filter(|name| !name.is_empty())
        }));
        let output_artifacts = Names::of(templates().flat_map(|template| {
            let artifacts = template.output_artifacts().iter();
            artifacts
                .map(|a| a.global_name.as_str())
                .filter(|name| !name.is_empty())
        }));
        if purpose == Purpose::Template {
            // The workflow that uses the template brings its own.
            return Self {
                parameters: Names::All,
                labels: Names::All,
                annotations: Names::All,
                output_parameters: Names::All,
                output_artifacts: Names::All,
            };
        }
        let spec = &resolved.spec;
        let added = spec.workflow_metadata.clone().unwrap_or_default();
        let labels = metadata.labels.keys().chain(added.labels.keys());
        let labels = labels.chain(added.labels_from.keys());
        let annotations = metadata.annotations.keys().chain(added.annotations.keys());
        Self {
            parameters: Names::of(spec.arguments.parameters.iter().map(|p| p.name.as_str())),
            labels: Names::of(labels.map(String::as_str)),
            annotations: Names::of(annotations.map(String::as_str)),
            output_parameters,
            output_artifacts,
        }
    }
}

/// Labels and annotations under this prefix are set by the server itself.
const SERVER_PREFIX: &str = "workflows.argoproj.io/";

/// A variable of the run.
pub(super) fn global(check: &Check<'_>, tag: &str) -> bool {
    let Some(name) = tag.strip_prefix("workflow.") else {
        return false;
    };
    let globals = &check.globals;
    let (first, rest) = name.split_once('.').unwrap_or((name, ""));
    match first {
        "name" | "namespace" | "uid" | "mainEntrypoint" | "serviceAccountName" | "priority"
        | "duration" | "status" | "failures" | "scheduledTime" => rest.is_empty(),
        "creationTimestamp" => true,
        "parameters" => matches!(rest, "" | "json") || globals.parameters.has(rest),
        "labels" => {
            matches!(rest, "" | "json")
                || rest.starts_with(SERVER_PREFIX)
                || globals.labels.has(rest)
        }
        "annotations" => {
            matches!(rest, "" | "json")
                || rest.starts_with(SERVER_PREFIX)
                || globals.annotations.has(rest)
        }
        "outputs" => match rest.split_once('.') {
            Some(("parameters", name)) => globals.output_parameters.has(name),
            Some(("artifacts", name)) => globals.output_artifacts.has(name),
            _ => false,
        },
        _ => false,
    }
}

/// A variable that every template has: of the run, its own inputs, the place it runs at.
pub(super) fn own(check: &Check<'_>, place: &Place<'_>, tag: &str) -> bool {
    if matches!(tag, "steps.name" | "tasks.name" | "pod.name") || global(check, tag) {
        return true;
    }
    // Artifacts and parameters of the template itself, in metrics and in its commands.
    if tag.starts_with("outputs.") || input(check.interface(place.ix), tag) {
        return true;
    }
    // An inline template sees its caller's scope too.
    place.entry.inline_of.is_some_and(|parent| {
        input(check.interface(parent), tag)
            || ["steps.", "tasks.", "item."]
                .iter()
                .any(|prefix| tag.starts_with(prefix))
    })
}

fn input(interface: Option<&Interface<'_>>, tag: &str) -> bool {
    let (Some(interface), Some(name)) = (interface, tag.strip_prefix("inputs.")) else {
        return false;
    };
    match name.split_once('.') {
        None => matches!(name, "parameters" | "artifacts"),
        Some(("parameters", name)) => interface.input_parameters.contains(name),
        Some(("artifacts", name)) => has_artifact(&interface.input_artifacts, name),
        _ => false,
    }
}

/// `<artifact>` or `<artifact>.path`.
fn has_artifact(artifacts: &HashSet<&str>, name: &str) -> bool {
    artifacts.contains(name)
        || name
            .strip_suffix(".path")
            .is_some_and(|name| artifacts.contains(name))
}

/// Checks the tags of a leaf template.
pub(super) fn leaf(check: &mut Check<'_>, place: &Place<'_>) {
    tags::check(check, place.template, place.path, &|check, tag| {
        own(check, place, tag)
    });
}

/// Checks the tags of a steps or dag template outside its steps and tasks.
pub(super) fn around_callers(check: &mut Check<'_>, place: &Place<'_>) {
    let template = place.template;
    let resolves = |check: &Check<'_>, tag: &str| own(check, place, tag);
    tags::check(check, &template.inputs, &place.at("inputs"), &resolves);
    tags::check(check, &template.metadata, &place.at("metadata"), &resolves);
    tags::check(check, &template.metrics, &place.at("metrics"), &resolves);
}

/// The item of a loop.
pub(super) fn is_item(tag: &str) -> bool {
    tag.starts_with("item.")
}

/// Splits `steps.<name>.<what>`; names may hold no dot.
pub(super) fn node<'t>(tag: &'t str, prefix: &str) -> Option<(&'t str, &'t str)> {
    tag.strip_prefix(prefix)?.strip_prefix('.')?.split_once('.')
}

/// Whether a node that runs `callee` has this: `outputs.parameters.x`, `status` … Without a callee (its
/// name is computed, or it is missing and reported elsewhere) everything is believed.
pub(super) fn node_has(callee: Option<&Interface<'_>>, what: &str) -> bool {
    let Some(callee) = callee else {
        return true;
    };
    let kind = callee.template.template_type();
    match what {
        "id" | "name" | "status" | "startedAt" | "finishedAt" | "hostNodeName" => return true,
        "exitCode" => return kind.is_none_or(TemplateType::is_leaf),
        "ip" => return callee.template.daemon == Some(true),
        "outputs.result" => {
            return kind.is_none_or(|kind| kind.is_leaf() && kind != TemplateType::Suspend);
        }
        "outputs.parameters" | "outputs.artifacts" => return true,
        _ => {}
    }
    if let Some(name) = what.strip_prefix("outputs.parameters.") {
        return callee.output_parameters.contains(name);
    }
    what.strip_prefix("outputs.artifacts.")
        .is_some_and(|name| has_artifact(&callee.output_artifacts, name))
}

/// What a template takes and gives, by name.
pub(super) struct Interface<'a> {
    pub(super) template: &'a Template,
    input_parameters: HashSet<&'a str>,
    input_artifacts: HashSet<&'a str>,
    output_parameters: HashSet<&'a str>,
    output_artifacts: HashSet<&'a str>,
}

impl<'a> Interface<'a> {
    pub(super) fn of(template: &'a Template) -> Self {
        let parameters = |list: &'a [Parameter]| list.iter().map(|p| p.name.as_str()).collect();
        let artifacts = |list: &'a [Artifact]| list.iter().map(|a| a.name.as_str()).collect();
        Self {
            template,
            input_parameters: parameters(template.input_parameters()),
            input_artifacts: artifacts(template.input_artifacts()),
            output_parameters: parameters(template.output_parameters()),
            output_artifacts: artifacts(template.output_artifacts()),
        }
    }
}

/// The steps or tasks of a template by name, with what they run.
pub(super) fn nodes<'a>(
    check: &Check<'a>,
    place: &Place<'a>,
) -> HashMap<&'a str, Option<&'a Interface<'a>>> {
    let callers = place.template.callers();
    callers
        .map(|(caller, _)| (caller.name(), check.callee(place.ix, caller.call())))
        .collect()
}
