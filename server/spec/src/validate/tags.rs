//! Finds the tags and expressions of a part of a document and asks whether they can be resolved.

use serde::Serialize;
use serde_json::Value;
use steading_types::Millis;

use super::{Check, Code, Fault};
use crate::expr::{Limits, Program};
use crate::path::{push_index, push_key};
use crate::template::{Tag, tags};

/// Whether a tag names something where it stands.
pub(super) type Resolves<'r> = &'r dyn Fn(&Check<'_>, &str) -> bool;

/// First words of names that must be known; Argo leaves all other tags alone, and so they may belong to
/// another language that a script holds.
const PREFIXES: [&str; 7] = [
    "item.",
    "steps.",
    "inputs.",
    "outputs.",
    "pod.",
    "workflow.",
    "tasks.",
];

/// Reports each tag of `part` that `resolves` does not know.
pub(super) fn check(
    check: &mut Check<'_>,
    part: &impl Serialize,
    path: &str,
    resolves: Resolves<'_>,
) {
    // The types write themselves without fail; a value that could not has no tags to check.
    let Ok(value) = serde_json::to_value(part) else {
        return;
    };
    let mut path = path.to_owned();
    walk(check, &value, &mut path, resolves);
}

fn walk(check: &mut Check<'_>, value: &Value, path: &mut String, resolves: Resolves<'_>) {
    let length = path.len();
    match value {
        Value::String(text) => of_text(check, text, path, resolves),
        Value::Array(items) => {
            for (i, item) in items.iter().enumerate() {
                push_index(path, i);
                walk(check, item, path, resolves);
                path.truncate(length);
            }
        }
        Value::Object(fields) => {
            for (key, field) in fields {
                of_text(check, key, path, resolves);
                push_key(path, key);
                walk(check, field, path, resolves);
                path.truncate(length);
            }
        }
        _ => {}
    }
}

fn of_text(check: &mut Check<'_>, text: &str, path: &str, resolves: Resolves<'_>) {
    if !text.contains("{{") {
        return;
    }
    let tags = match tags(text, &limits()) {
        Ok(tags) => tags,
        Err(error) => return check.fault(Code::Expression, path, error.to_string()),
    };
    for tag in tags {
        let Tag::Simple(tag) = tag else { continue };
        let must_be_known = PREFIXES.iter().any(|prefix| tag.starts_with(prefix));
        if must_be_known && !resolves(check, &tag) {
            let shown: String = tag.chars().take(200).collect();
            check.report(
                Fault::new(
                    Code::Unresolved,
                    path,
                    format!("failed to resolve {{{{{shown}}}}}"),
                )
                .with_fix("check the name, and that it is declared where it is used"),
            );
        }
    }
}

/// Nothing is evaluated here, so the time does not matter.
fn limits() -> Limits {
    Limits::at(Millis(0))
}

/// Reports an expression that can not be parsed.
pub(super) fn expression(check: &mut Check<'_>, source: &str, path: &str) {
    if source.is_empty() {
        return;
    }
    if let Err(error) = Program::parse(source, &limits()) {
        check.fault(Code::Expression, path, error.to_string());
    }
}

/// Like [`check`] for a step or task, whose hooks see more than it does.
pub(super) fn check_caller(
    check: &mut Check<'_>,
    caller: &impl Serialize,
    path: &str,
    resolves: Resolves<'_>,
    resolves_in_hooks: Resolves<'_>,
) {
    let Ok(mut value) = serde_json::to_value(caller) else {
        return;
    };
    let hooks = value
        .as_object_mut()
        .and_then(|fields| fields.remove("hooks"));
    let mut at = path.to_owned();
    walk(check, &value, &mut at, resolves);
    if let Some(hooks) = hooks {
        at.push_str(".hooks");
        walk(check, &hooks, &mut at, resolves_in_hooks);
    }
}
