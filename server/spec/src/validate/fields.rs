//! Fields that only some types have, and the values they may take.

use steading_types::parse_duration;

use super::{Check, Code, Fault, Place, locks, metrics, scope, short, tags, type_name};
use crate::model::{
    APPROVALS, AnyString, Hooks, IntOrString, RetryStrategy, Template, TemplateType, Volume,
};

/// The run's own fields.
pub(super) fn workflow(check: &mut Check<'_>) {
    let spec = &check.resolved.spec;
    let positive = |value: Option<i64>| value.is_none_or(|n| n > 0);
    if !positive(spec.parallelism) {
        check.fault(
            Code::Value,
            "spec.parallelism",
            "spec.parallelism must be positive",
        );
    }
    if spec.active_deadline_seconds.is_some_and(|n| n < 0) {
        check.fault(
            Code::Value,
            "spec.activeDeadlineSeconds",
            "spec.activeDeadlineSeconds must not be negative",
        );
    }
    if !matches!(spec.shutdown.as_str(), "" | "Stop" | "Terminate") {
        check.fault(
            Code::Value,
            "spec.shutdown",
            format!(
                "'{}' is not a way to shut down: use Stop or Terminate",
                short(&spec.shutdown)
            ),
        );
    }
    retry(check, spec.retry_strategy.as_ref(), "spec.retryStrategy");
    metrics::check(check, spec.metrics.as_ref(), "spec.metrics");
    let synchronization = spec.synchronization.as_ref();
    locks::check(check, synchronization, "spec.synchronization");
    if let Some(synchronization) = synchronization {
        let at = "spec.synchronization";
        tags::check(check, synchronization, at, &|check, tag| {
            scope::global(check, tag)
        });
    }
    volumes(check, &spec.volumes, "spec.volumes");
    hooks(check, &spec.hooks, "spec.hooks");
    for (name, hook) in &spec.hooks {
        tags::check(check, hook, &format!("spec.hooks.{name}"), &|check, tag| {
            scope::global(check, tag)
        });
    }
    if let Some(metadata) = &spec.workflow_metadata {
        for (label, from) in &metadata.labels_from {
            let at = format!("spec.workflowMetadata.labelsFrom.{label}.expression");
            tags::expression(check, &from.expression, &at);
        }
    }
}

/// A template's fields.
pub(super) fn template(check: &mut Check<'_>, place: &Place<'_>, kind: TemplateType) {
    let template = place.template;
    by_type(check, place, kind);
    for (field, text) in [
        ("timeout", &template.timeout),
        ("pendingTimeout", &template.pending_timeout),
    ] {
        duration(check, Some(text), &place.at(field));
    }
    if let Some(suspend) = &template.suspend {
        let text = suspend.duration.as_ref().map(|text| &text.0);
        duration(check, text, &place.at("suspend.duration"));
    }
    retry(
        check,
        template.retry_strategy.as_ref(),
        &place.at("retryStrategy"),
    );
    metrics::check(check, template.metrics.as_ref(), &place.at("metrics"));
    memoize(check, place);
    let synchronization = template.synchronization.as_ref();
    locks::check(check, synchronization, &place.at("synchronization"));
    approvals(check, place);
    volumes(check, &template.volumes, &place.at("volumes"));
    for (caller, at) in template.callers() {
        hooks(check, caller.hooks(), &place.at(&format!("{at}.hooks")));
    }
}

fn by_type(check: &mut Check<'_>, place: &Place<'_>, kind: TemplateType) {
    let Template {
        active_deadline_seconds,
        timeout,
        parallelism,
        pod_resources,
        ..
    } = place.template;
    let name = &place.name;
    if let Some(deadline) = active_deadline_seconds {
        let at = place.at("activeDeadlineSeconds");
        if !kind.is_leaf() {
            let message = format!("{name}.activeDeadlineSeconds is only valid for leaf templates");
            check.fault(Code::FieldOfType, at, message);
        } else if !deadline.is_templated() && !deadline.value().is_ok_and(|n| n > 0) {
            let message = format!(
                "{name}.activeDeadlineSeconds must be a positive integer > 0 or an argo variable"
            );
            check.fault(Code::Value, at, message);
        }
    }
    if !timeout.is_empty() && !kind.is_leaf() {
        let message = format!("{} template doesn't support timeout field", type_name(kind));
        check.fault(Code::FieldOfType, place.at("timeout"), message);
    }
    if let Some(parallelism) = parallelism {
        let at = place.at("parallelism");
        if kind.is_leaf() {
            let message = format!("{name}.parallelism is only valid for steps and dag templates");
            check.fault(Code::FieldOfType, at, message);
        } else if *parallelism <= 0 {
            check.fault(
                Code::Value,
                at,
                format!("{name}.parallelism must be positive"),
            );
        }
    }
    let is_pod = matches!(
        kind,
        TemplateType::Container
            | TemplateType::ContainerSet
            | TemplateType::Script
            | TemplateType::Resource
            | TemplateType::Data
    );
    if pod_resources.is_some() && !is_pod {
        let message = format!(
            "{name}.podResources is not supported for {} templates",
            type_name(kind)
        );
        check.fault(Code::FieldOfType, place.at("podResources"), message);
    }
}

fn duration(check: &mut Check<'_>, text: Option<&String>, path: &str) {
    let Some(text) = text.filter(|text| !text.is_empty() && !text.contains("{{")) else {
        return;
    };
    if parse_duration(text).is_none() {
        check.report(
            Fault::new(
                Code::Value,
                path,
                format!("'{}' is not a duration", short(text)),
            )
            .with_fix("write a number of seconds, or for instance 90s, 5m, 1h30m"),
        );
    }
}

fn retry(check: &mut Check<'_>, retry: Option<&RetryStrategy>, path: &str) {
    let Some(retry) = retry else { return };
    let policies = ["", "Always", "OnFailure", "OnError", "OnTransientError"];
    let policy = retry.retry_policy.as_str();
    if !policies.contains(&policy) && !policy.contains("{{") {
        check.report(
            Fault::new(
                Code::Value,
                format!("{path}.retryPolicy"),
                format!("'{}' is not a valid RetryPolicy", short(policy)),
            )
            .with_fix("use Always, OnFailure, OnError or OnTransientError"),
        );
    }
    integer(check, retry.limit.as_ref(), &format!("{path}.limit"));
    if !retry.expression.contains("{{") {
        tags::expression(check, &retry.expression, &format!("{path}.expression"));
    }
    let Some(backoff) = &retry.backoff else {
        return;
    };
    integer(
        check,
        backoff.factor.as_ref(),
        &format!("{path}.backoff.factor"),
    );
    let text = |value: &Option<AnyString>| value.as_ref().map(|text| text.0.clone());
    for (field, value) in [
        ("duration", &backoff.duration),
        ("maxDuration", &backoff.max_duration),
        ("cap", &backoff.cap),
    ] {
        duration(
            check,
            text(value).as_ref(),
            &format!("{path}.backoff.{field}"),
        );
    }
}

/// A whole number of zero or more, or a tag.
fn integer(check: &mut Check<'_>, value: Option<&IntOrString>, path: &str) {
    let Some(value) = value.filter(|value| !value.is_templated()) else {
        return;
    };
    match value.value() {
        Ok(n) if n >= 0 => {}
        Ok(n) => check.fault(Code::Value, path, format!("{n} is negative")),
        Err(error) => check.fault(Code::Value, path, error.to_string()),
    }
}

/// Who must approve is counted, and only a node that waits for people can be approved.
fn approvals(check: &mut Check<'_>, place: &Place<'_>) {
    let Some(said) = place.template.approvals() else {
        return;
    };
    let at = place.at("metadata.annotations");
    if !said
        .parse::<u8>()
        .is_ok_and(|count| (1..=9).contains(&count))
    {
        let message = format!(
            "{APPROVALS} is a number from 1 to 9, and not '{}'",
            short(said)
        );
        check.fault(Code::Value, at, message);
    } else if place.template.suspend.is_none() {
        let message = format!("{APPROVALS} is only valid for suspend templates");
        check.fault(Code::FieldOfType, at, message);
    }
}

/// What is remembered must be found again, and must be worth remembering.
fn memoize(check: &mut Check<'_>, place: &Place<'_>) {
    let template = place.template;
    let Some(memoize) = &template.memoize else {
        return;
    };
    let cache = memoize.cache.as_ref();
    let cache = cache.and_then(|cache| cache.config_map.as_ref());
    for (field, text) in [
        ("key", Some(&memoize.key)),
        ("cache.configMap.name", cache.map(|cache| &cache.name)),
    ] {
        if text.is_none_or(String::is_empty) {
            let at = place.at(&format!("memoize.{field}"));
            check.fault(
                Code::Value,
                at,
                "memoize needs a key and the name of a cache",
            );
        }
    }
    duration(check, Some(&memoize.max_age), &place.at("memoize.maxAge"));
    if template.suspend.is_some() || template.daemon == Some(true) {
        let message = "neither a suspend template nor a daemon can be memoized: who waits for it wants it now";
        check.fault(Code::FieldOfType, place.at("memoize"), message);
    }
}

fn volumes(check: &mut Check<'_>, volumes: &[Volume], path: &str) {
    let mut seen = std::collections::HashSet::new();
    for (i, volume) in volumes.iter().enumerate() {
        let at = format!("{path}[{i}]");
        let sources = usize::from(volume.empty_dir.is_some()) + volume.other.len();
        if volume.name.is_empty() {
            check.fault(Code::Name, &at, "a volume must have a name");
        } else if !seen.insert(&volume.name) {
            let message = format!("the volume '{}' is given twice", short(&volume.name));
            check.fault(Code::Name, &at, message);
        }
        if sources != 1 {
            let message = format!(
                "the volume '{}' must have one source, emptyDir for instance",
                short(&volume.name)
            );
            check.fault(Code::Value, &at, message);
        }
    }
}

/// A hook that is not `exit` runs when its expression becomes true, so it must have one.
fn hooks(check: &mut Check<'_>, hooks: &Hooks, path: &str) {
    for (name, hook) in hooks {
        let at = format!("{path}.{name}");
        if name != crate::model::EXIT_HOOK && hook.expression.is_empty() {
            check.fault(
                Code::Expression,
                &at,
                format!("the hook '{name}' must have an expression"),
            );
        }
        if !hook.expression.contains("{{") {
            tags::expression(check, &hook.expression, &format!("{at}.expression"));
        }
    }
}
