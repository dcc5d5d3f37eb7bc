//! Templates that the server carries out itself: `http`, `data`, `resource`.

use super::{Check, Code, Fault, Place, short, tags};
use crate::model::{Data, Http, ResourceTemplate};
use steading_types::server_task::ResourceAction;

pub(super) fn check(check: &mut Check<'_>, place: &Place<'_>) {
    if let Some(http) = &place.template.http {
        request(check, place, http);
    }
    if let Some(data) = &place.template.data {
        list(check, place, data);
    }
    if let Some(resource) = &place.template.resource {
        object(check, place, resource);
    }
}

fn request(check: &mut Check<'_>, place: &Place<'_>, http: &Http) {
    let name = &place.name;
    let url = http.url.as_str();
    if url.is_empty() {
        let message = format!("{name}.http.url is required");
        check.fault(Code::Value, place.at("http.url"), message);
    } else if !url.contains("{{") && !is_url(url) {
        let message = format!("'{}' is no http or https address", short(url));
        check.fault(Code::Value, place.at("http.url"), message);
    }
    let method = http.method.as_str();
    if !method.contains("{{") && !method.chars().all(|c| c.is_ascii_uppercase()) {
        let fault = format!("'{}' is no method of HTTP", short(method));
        let fault = Fault::new(Code::Value, place.at("http.method"), fault);
        check.report(fault.with_fix("use GET, PUT, POST, PATCH, DELETE, HEAD or OPTIONS"));
    }
    if http.timeout_seconds.is_some_and(|seconds| seconds <= 0) {
        let message = format!("{name}.http.timeoutSeconds must be positive");
        check.fault(Code::Value, place.at("http.timeoutSeconds"), message);
    }
    if !http.body.is_empty() && http.body_from.is_some() {
        let message = format!("{name}.http has both body and bodyFrom");
        check.fault(Code::Value, place.at("http.bodyFrom"), message);
    }
    for (i, header) in http.headers.iter().enumerate() {
        let at = place.at(&format!("http.headers[{i}]"));
        if header.name.is_empty() {
            check.fault(Code::Name, &at, "a header must have a name");
        }
        let secret = header.value_from.as_ref();
        let secret = secret.map(|from| from.secret_key_ref.as_ref());
        if secret.is_some_and(|key| key.is_none_or(|k| k.name.is_empty() || k.key.is_empty())) {
            let message = "valueFrom must have a secretKeyRef with name and key";
            check.fault(Code::Value, format!("{at}.valueFrom"), message);
        }
    }
    expression(
        check,
        &http.success_condition,
        &place.at("http.successCondition"),
    );
}

fn is_url(text: &str) -> bool {
    let rest = text
        .strip_prefix("http://")
        .or_else(|| text.strip_prefix("https://"));
    rest.is_some_and(|rest| !rest.is_empty() && !rest.starts_with(['/', '?', '#']))
}

fn list(check: &mut Check<'_>, place: &Place<'_>, data: &Data) {
    let source = data.source.as_ref();
    if source
        .and_then(|source| source.artifact_paths.as_ref())
        .is_none()
    {
        let message = format!("{}.data.source.artifactPaths is required", place.name);
        check.fault(Code::Value, place.at("data.source"), message);
    }
    for (i, step) in data.transformation.iter().enumerate() {
        let at = place.at(&format!("data.transformation[{i}].expression"));
        if step.expression.is_empty() {
            check.fault(Code::Expression, &at, "the expression is missing");
        }
        expression(check, &step.expression, &at);
    }
}

fn object(check: &mut Check<'_>, place: &Place<'_>, resource: &ResourceTemplate) {
    let name = &place.name;
    if ResourceAction::parse(&resource.action).is_none() && !resource.action.contains("{{") {
        let message = format!(
            "{name}.resource.action must be one of: get, create, apply, delete, replace, patch"
        );
        check.fault(Code::Value, place.at("resource.action"), message);
    }
    match (
        !resource.manifest.is_empty(),
        resource.manifest_from.is_some(),
    ) {
        (true, false) | (false, true) => {}
        (true, true) => {
            let message = "shouldn't have both manifest and manifestFrom specified";
            check.fault(
                Code::Value,
                place.at("resource.manifestFrom"),
                format!("{name}.resource {message}"),
            );
        }
        (false, false) => {
            let message = format!(
                "either {name}.resource.manifest or {name}.resource.manifestFrom must be specified"
            );
            check.fault(Code::Value, place.at("resource"), message);
        }
    }
    let strategy = resource.merge_strategy.as_str();
    if !matches!(strategy, "" | "strategic" | "merge" | "json") {
        let message = format!("'{}' is no mergeStrategy", short(strategy));
        check.report(
            Fault::new(Code::Value, place.at("resource.mergeStrategy"), message)
                .with_fix("use strategic, merge or json"),
        );
    }
}

/// An expression, unless only its filled-in text will be one.
fn expression(check: &mut Check<'_>, source: &str, path: &str) {
    if !source.contains("{{") {
        tags::expression(check, source, path);
    }
}
