//! Filling in texts of the document: the bridge to the language's substitution and expressions.

use serde_json::Value;
use steading_spec::expr::{self, Limits};
use steading_spec::model::{self, IntOrString};
use steading_spec::sequence::{Sequence, SequenceSpec};
use steading_spec::template::{
    Compiled, Tag, TemplateError, Unresolved, sole_tag, substitute, substitute_str,
};
use steading_types::Millis;

use crate::error::EngineError;
use crate::scope::View;

/// A text with its tags replaced. Unknown variables are an error.
pub(crate) fn render(text: &str, view: &View<'_>) -> Result<String, EngineError> {
    if !text.contains("{{") {
        return Ok(text.to_owned());
    }
    let rendered = substitute_str(text, view, Unresolved::Refuse, &view.limits());
    view.checked(rendered.map_err(wrong))
}

/// Every text of a document with its tags replaced.
pub(crate) fn render_json(value: &Value, view: &View<'_>) -> Result<Value, EngineError> {
    let rendered = substitute(value, view, Unresolved::Refuse, &view.limits());
    view.checked(rendered.map_err(wrong))
}

/// A prepared document with its tags replaced.
pub(crate) fn render_compiled(body: &Compiled, view: &View<'_>) -> Result<Value, EngineError> {
    let rendered = body.render(view, Unresolved::Refuse, &view.limits());
    view.checked(rendered.map_err(wrong))
}

/// Prepares a document for many renderings.
pub(crate) fn compile(value: &Value) -> Result<Compiled, EngineError> {
    Compiled::new(value, &Limits::at(Millis(0))).map_err(wrong)
}

/// A whole number that may be written with tags.
pub(crate) fn number(given: &IntOrString, view: &View<'_>) -> Result<i64, EngineError> {
    let wrong = |error: model::NotAnInteger| EngineError::Value(error.to_string());
    match given {
        IntOrString::Text(text) if given.is_templated() => IntOrString::Text(render(text, view)?)
            .value()
            .map_err(wrong),
        plain => plain.value().map_err(wrong),
    }
}

/// The value of an expression without braces, as text; nothing for `nil`.
pub(crate) fn evaluate_text(source: &str, view: &View<'_>) -> Result<Option<String>, EngineError> {
    let limits = view.limits();
    let value = view.checked(evaluated(source, view, &limits))?;
    if value.is_nil() {
        return Ok(None);
    }
    let text = value.to_text(&limits);
    text.map(Some).map_err(|error| failed(source, &error))
}

/// Whether an expression without braces holds.
pub(crate) fn test(source: &str, view: &View<'_>) -> Result<bool, EngineError> {
    let value = view.checked(evaluated(source, view, &view.limits()))?;
    match value {
        expr::Value::Bool(holds) => Ok(holds),
        other => Err(EngineError::Value(format!(
            "the expression '{source}' gives a {} instead of true or false",
            other.type_name()
        ))),
    }
}

fn evaluated(source: &str, view: &View<'_>, limits: &Limits) -> Result<expr::Value, EngineError> {
    expr::evaluate(source, view, limits).map_err(|error| failed(source, &error))
}

fn failed(source: &str, error: &expr::ExprError) -> EngineError {
    let shown: String = source.chars().take(120).collect();
    EngineError::Value(format!("failed to evaluate expression '{shown}': {error}"))
}

/// Whether a substituted `when` holds.
pub(crate) fn when(text: &str) -> Result<bool, EngineError> {
    steading_spec::when::when(text).map_err(|error| EngineError::When {
        text: text.chars().take(200).collect(),
        reason: error.to_string(),
    })
}

/// The name in a text that is one plain tag and nothing else.
pub(crate) fn sole_name(text: &str) -> Option<String> {
    match sole_tag(text, &Limits::at(Millis(0))) {
        Ok(Some(Tag::Simple(name))) => Some(name),
        _ => None,
    }
}

/// Whether a text is one plain tag and nothing else.
pub(crate) fn is_one_tag(text: &str) -> bool {
    sole_name(text).is_some()
}

/// The items of a sequence.
pub(crate) fn sequence(
    given: &model::Sequence,
    view: &View<'_>,
    limit: usize,
) -> Result<Vec<Value>, EngineError> {
    let bound = |bound: &Option<IntOrString>| {
        let bound = bound.as_ref().map(|bound| render(&bound.to_string(), view));
        bound.transpose()
    };
    let (count, start, end) = (
        bound(&given.count)?,
        bound(&given.start)?,
        bound(&given.end)?,
    );
    let format = render(&given.format, view)?;
    let spec = SequenceSpec {
        count: count.as_deref(),
        start: start.as_deref(),
        end: end.as_deref(),
        format: Some(format.as_str()),
    };
    let sequence =
        Sequence::new(spec, limit).map_err(|error| EngineError::Loop(error.to_string()))?;
    Ok(sequence.iter().map(Value::String).collect())
}

fn wrong(error: TemplateError) -> EngineError {
    match error {
        TemplateError::Absent(name) => EngineError::Absent(name),
        other => EngineError::Value(other.to_string()),
    }
}
