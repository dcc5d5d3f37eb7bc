//! Outputs: each has exactly one source, of a kind that its template's type can give.

use super::{Check, Code, Place, check_names, is_parameter_name, scope, short, tags, type_name};
use crate::model::{Parameter, TemplateType, ValueFrom};

const CHOICES: &str = "choose one of: path, jqFilter, jsonPath, parameter, raw, expression";

pub(super) fn check(check: &mut Check<'_>, place: &Place<'_>, kind: TemplateType) {
    let template = place.template;
    let parameters = template.output_parameters();
    let paths = |i| place.at(&format!("outputs.parameters[{i}]"));
    check_names(
        check,
        parameters
            .iter()
            .enumerate()
            .map(|(i, p)| (p.name.as_str(), paths(i))),
        &format!("{}.outputs.parameters", place.name),
        is_parameter_name,
    );
    for (i, parameter) in parameters.iter().enumerate() {
        source(check, place, parameter, kind, &paths(i));
    }
    // Those of a leaf were checked with the rest of it.
    let Some(outputs) = template.outputs.as_ref().filter(|_| !kind.is_leaf()) else {
        return;
    };
    let nodes = scope::nodes(check, place);
    let own_nodes = match kind {
        TemplateType::Steps => "steps",
        _ => "tasks",
    };
    tags::check(check, outputs, &place.at("outputs"), &|check, tag| {
        scope::own(check, place, tag)
            || scope::node(tag, own_nodes).is_some_and(|(name, what)| {
                nodes
                    .get(name)
                    .is_some_and(|callee| scope::node_has(*callee, what))
            })
    });
}

fn source(
    check: &mut Check<'_>,
    place: &Place<'_>,
    parameter: &Parameter,
    kind: TemplateType,
    path: &str,
) {
    let name = format!(
        "{}.outputs.parameters.{}",
        place.name,
        short(&parameter.name)
    );
    let Some(from) = &parameter.value_from else {
        if parameter.value.is_none() {
            let message = format!("{name}.valueFrom is required");
            check.fault(Code::Output, path, message);
        }
        return;
    };
    let at = format!("{path}.valueFrom");
    match sources(from) {
        0 => {
            let message = format!("{name}.valueFrom type unspecified. {CHOICES}");
            return check.fault(Code::Output, at, message);
        }
        1 => {}
        _ => {
            let message = format!("{name}.valueFrom multiple valueFrom types specified. {CHOICES}");
            return check.fault(Code::Output, at, message);
        }
    }
    let right = match kind {
        TemplateType::Container | TemplateType::ContainerSet | TemplateType::Script => {
            !from.path.is_empty() || !from.expression.is_empty()
        }
        TemplateType::Steps | TemplateType::Dag => {
            !from.parameter.is_empty() || !from.expression.is_empty()
        }
        TemplateType::Http => !from.expression.is_empty(),
        TemplateType::Resource => !from.json_path.is_empty() || !from.jq_filter.is_empty(),
        TemplateType::Suspend => from.supplied.is_some() || !from.expression.is_empty(),
        _ => true,
    };
    if !right {
        let needed = match kind {
            TemplateType::Steps | TemplateType::Dag => "parameter or expression",
            TemplateType::Suspend => "supplied",
            TemplateType::Http => "expression",
            TemplateType::Resource => "jsonPath",
            _ => "path",
        };
        let message = format!(
            "{name}.valueFrom.{needed} must be specified for {} templates",
            type_name(kind)
        );
        check.fault(Code::Output, &at, message);
    }
    if !from.path.is_empty() && !from.path.starts_with(['/', '{']) {
        let message = format!("'{}' is not an absolute path", from.path);
        check.fault(Code::Output, format!("{at}.path"), message);
    }
    if !from.expression.contains("{{") {
        tags::expression(check, &from.expression, &format!("{at}.expression"));
    }
}

fn sources(from: &ValueFrom) -> usize {
    [
        !from.path.is_empty(),
        !from.json_path.is_empty(),
        !from.jq_filter.is_empty(),
        !from.event.is_empty(),
        !from.parameter.is_empty(),
        !from.expression.is_empty(),
        from.supplied.is_some(),
        from.config_map_key_ref.is_some(),
    ]
    .into_iter()
    .filter(|given| *given)
    .count()
}
