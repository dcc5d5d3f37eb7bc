//! `successCondition` and `failureCondition` of `resource` templates: label-selector syntax over the fields
//! of an object, and the outputs that are read from it.

use std::collections::BTreeMap;

use serde_json::Value as Json;
use steading_domain::selector::{LabelSelector, SelectorError, Term};
use steading_spec::expr::{self, Limits, Value};
use steading_spec::scope::MapScope;

use crate::clock::now;

/// When the work on an object is over.
#[derive(Debug)]
pub(super) struct Conditions {
    success: LabelSelector,
    failure: LabelSelector,
}

/// What the conditions say of an object as it is.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Judgement {
    /// Neither: look again.
    Open,
    /// It is done well.
    Success,
    /// It has failed, as this sentence tells.
    Failure(String),
}

impl Conditions {
    /// Reads both; an empty one never holds, and without any the work is over at once.
    pub(super) fn parse(success: &str, failure: &str) -> Result<Self, SelectorError> {
        Ok(Self {
            success: LabelSelector::parse(success)?,
            failure: LabelSelector::parse(failure)?,
        })
    }

    /// Looks at an object. One term of the failure is enough; all of the success must hold (Argo's rule).
    pub(super) fn judge(&self, object: &Json) -> Judgement {
        for term in self.failure.terms() {
            if holds(term, object) {
                let key = key(term);
                let value = field(object, key).unwrap_or_default();
                let message = format!("failure condition on '{key}' holds: it is '{value}'");
                return Judgement::Failure(message);
            }
        }
        let mut terms = self.success.terms().iter();
        let none = self.success.terms().is_empty();
        if none && self.failure.terms().is_empty() || !none && terms.all(|t| holds(t, object)) {
            return Judgement::Success;
        }
        Judgement::Open
    }
}

fn holds(term: &Term, object: &Json) -> bool {
    let key = key(term);
    let found = field(object, key).map(|value| (key.to_owned(), value));
    let labels: BTreeMap<String, String> = found.into_iter().collect();
    term.matches(&labels)
}

fn key(term: &Term) -> &str {
    match term {
        Term::Exists(key)
        | Term::Missing(key)
        | Term::In(key, _)
        | Term::NotIn(key, _)
        | Term::Above(key, _)
        | Term::Below(key, _) => key,
    }
}

/// The field at a dotted path, as text; members of lists by their number.
fn field(object: &Json, path: &str) -> Option<String> {
    let mut at = object;
    for name in path.split('.') {
        at = match at {
            Json::Object(fields) => fields.get(name)?,
            Json::Array(items) => items.get(name.parse::<usize>().ok()?)?,
            _ => return None,
        };
    }
    Some(match at {
        Json::Null => return None,
        Json::String(text) => text.clone(),
        other => other.to_string(),
    })
}

/// Kubernetes' JSONPath over an object: texts with `{.a.b}` in them, or one path without braces.
pub(super) fn json_path(object: &Json, template: &str) -> Result<String, String> {
    if !template.contains('{') {
        return one_path(object, template);
    }
    let mut text = String::new();
    let mut rest = template;
    while let Some((before, after)) = rest.split_once('{') {
        let (path, after) = after.split_once('}').ok_or("a '{' is not closed")?;
        text.push_str(before);
        text.push_str(&one_path(object, path)?);
        rest = after;
    }
    text.push_str(rest);
    Ok(text)
}

fn one_path(object: &Json, path: &str) -> Result<String, String> {
    let path = path.trim();
    let path = if path.starts_with('$') {
        path.to_owned()
    } else {
        format!("${path}")
    };
    let limits = Limits::at(now());
    let told = |error: expr::ExprError| error.to_string();
    let mut scope = MapScope::new();
    scope.set("object", Value::from_json(object).map_err(told)?);
    scope.set("path", path.as_str());
    let value = expr::evaluate("jsonpath(object, path)", &scope, &limits).map_err(told)?;
    // A list of all that was found is written as kubectl does: one after the other.
    match &value {
        Value::List(list) if path.contains(['*', '?', ',']) => {
            let items = list.items().iter().map(|item| item.to_text(&limits));
            let items: Result<Vec<_>, _> = items.collect();
            Ok(items.map_err(told)?.join(" "))
        }
        value => value.to_text(&limits).map_err(told),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn judged(success: &str, failure: &str, object: &Json) -> Judgement {
        Conditions::parse(success, failure).unwrap().judge(object)
    }

    #[test]
    fn conditions_are_judged_as_argo_does() {
        let run = json!({"status": {"phase": "Succeeded", "succeeded": 3, "list": [{"a": "b"}]}});
        for (success, failure) in [
            ("status.phase == Succeeded", ""),
            ("status.phase in (Succeeded, Failed)", ""),
            ("status.succeeded > 2", "status.failed > 0"),
            ("status.phase == Succeeded, status.list.0.a == b", ""),
            ("", ""),
        ] {
            assert_eq!(
                judged(success, failure, &run),
                Judgement::Success,
                "{success}"
            );
        }
        for (success, failure) in [
            ("status.phase == Failed", ""),
            ("status.succeeded > 3", ""),
            ("status.phase == Succeeded, status.absent", ""),
            ("", "status.phase == Failed"),
        ] {
            assert_eq!(judged(success, failure, &run), Judgement::Open, "{success}");
        }
        let failed = judged("status.phase == Succeeded", "status.phase != Failed", &run);
        assert!(matches!(failed, Judgement::Failure(why) if why.contains("Succeeded")));
        assert!(Conditions::parse("status.phase ==", "(").is_err());
    }

    #[test]
    fn json_paths_read_as_kubectl_writes_them() {
        let object =
            json!({"metadata": {"name": "x"}, "items": [{"n": 1}, {"n": 2}], "flag": true});
        for (path, value) in [
            ("{.metadata.name}", "x"),
            (".metadata.name", "x"),
            ("$.items[1].n", "2"),
            ("{.items[*].n}", "1 2"),
            ("{.metadata.name}/{.flag}", "x/true"),
            ("{.items}", r#"[{"n":1},{"n":2}]"#),
        ] {
            assert_eq!(json_path(&object, path).as_deref(), Ok(value), "{path}");
        }
        assert!(json_path(&object, "{.absent}").is_err());
        assert!(json_path(&object, "{.open").is_err());
    }
}
