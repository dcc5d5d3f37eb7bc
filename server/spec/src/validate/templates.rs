//! Names and types of templates.

use super::{Check, Code, Place, check_names, is_name};
use crate::model::{Origin, TemplateType};

const CHOICES: &str = "choose one of: container, containerSet, steps, script, resource, dag, suspend, template, template ref";

/// The run's own templates have distinct names. Those of other objects were checked with their object.
pub(super) fn names(check: &mut Check<'_>) {
    let resolved = check.resolved;
    let own = resolved
        .entries()
        .filter(|(_, entry)| entry.origin == Origin::Workflow && entry.inline_of.is_none())
        .map(|(_, entry)| (entry.template.name.as_str(), entry.path.clone()));
    check_names(check, own, "spec.templates", is_name);
    let empty = resolved.entries().next().is_none();
    if empty {
        check.fault(
            Code::TemplateType,
            "spec.templates",
            "spec.templates is required",
        );
    }
}

/// The template's one type; reports none and several.
pub(super) fn type_of(check: &mut Check<'_>, place: &Place<'_>) -> Option<TemplateType> {
    let types = place.template.types();
    match types.as_slice() {
        [one] => return Some(*one),
        [] => check.fault(
            Code::TemplateType,
            place.path,
            format!("{} template type unspecified. {CHOICES}", place.name),
        ),
        _ => check.fault(
            Code::TemplateType,
            place.path,
            format!(
                "{} multiple template types specified. {CHOICES}",
                place.name
            ),
        ),
    }
    None
}
