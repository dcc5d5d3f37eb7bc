//! Defaults, choices and questions about types.

use super::super::budget::Budget;
use super::super::error::ExprError;
use super::super::functions::{Arguments, Function, MANY, function};
use super::super::value::Value;
use super::loose;

pub(super) const TABLE: &[Function] = &[
    function("default", 1, 2, |_, a| {
        let given = a.get(1);
        let chosen = if loose::is_empty(given) {
            a.get(0)
        } else {
            given
        };
        Ok(chosen.clone())
    }),
    function("empty", 1, 1, |_, a| Ok(loose::is_empty(a.get(0)).into())),
    function("coalesce", 0, MANY, |_, a| {
        let mut values = a.values.iter();
        Ok(values
            .find(|value| !loose::is_empty(value))
            .cloned()
            .unwrap_or_default())
    }),
    function("all", 0, MANY, |_, a| {
        Ok(a.values.iter().all(|v| !loose::is_empty(v)).into())
    }),
    function("any", 0, MANY, |_, a| {
        Ok(a.values.iter().any(|v| !loose::is_empty(v)).into())
    }),
    function("ternary", 3, 3, |_, a| {
        let chosen = if matches!(a.get(2), Value::Bool(true)) {
            0
        } else {
            1
        };
        Ok(a.get(chosen).clone())
    }),
    function("fail", 1, 1, |_, a| {
        Err(ExprError::Malformed(a.text(0)?.to_owned()))
    }),
    function("toString", 1, 1, |b, a| {
        let text = loose::text(b, a.get(0))?;
        b.text(text)
    }),
    function("toStrings", 1, 1, |b, a| {
        let texts = loose::texts(b, a.get(0))?;
        b.texts(texts.iter().map(String::as_str))
    }),
    function("kindOf", 1, 1, |b, a| b.text(kind(a.get(0)))),
    function("kindIs", 2, 2, |_, a| {
        Ok((kind(a.get(1)) == a.text(0)?).into())
    }),
    function("typeOf", 1, 1, |b, a| b.text(go_type(a.get(0)))),
    function("typeIs", 2, 2, |_, a| {
        Ok((go_type(a.get(1)) == a.text(0)?).into())
    }),
    function("typeIsLike", 2, 2, type_is_like),
    function("deepEqual", 2, 2, |b, a| {
        a.get(0).equals(a.get(1), b).map(Value::Bool)
    }),
];

/// Go's `reflect.Kind`.
fn kind(value: &Value) -> &'static str {
    match value {
        Value::Nil => "invalid",
        Value::Bool(_) => "bool",
        Value::Int(_) => "int",
        Value::Float(_) => "float64",
        Value::Text(_) => "string",
        Value::List(_) => "slice",
        Value::Map(_) => "map",
        Value::Time(_) => "struct",
        Value::Duration(_) => "int64",
    }
}

/// Go's `%T`.
fn go_type(value: &Value) -> &'static str {
    match value {
        Value::Nil => "<nil>",
        Value::List(_) => "[]interface {}",
        Value::Map(_) => "map[string]interface {}",
        Value::Time(_) | Value::Duration(_) => value.type_name(),
        scalar => kind(scalar),
    }
}

fn type_is_like(_: &mut Budget, args: &Arguments<'_>) -> Result<Value, ExprError> {
    let wanted = args.text(0)?;
    Ok((go_type(args.get(1)) == wanted.trim_start_matches('*')).into())
}
