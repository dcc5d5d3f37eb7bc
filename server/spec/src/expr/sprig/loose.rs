//! Sprig's forgiving conversions.

use super::super::budget::Budget;
use super::super::error::ExprError;
use super::super::functions::{Arguments, convert};
use super::super::value::Value;
use super::super::write;

/// A whole number out of anything; 0 where there is none.
pub(super) fn int(value: &Value) -> i64 {
    match value {
        Value::Int(i) | Value::Duration(i) => *i,
        Value::Float(f) => *f as i64,
        Value::Bool(b) => i64::from(*b),
        Value::Text(text) => {
            let text = text.trim();
            let whole = text.parse().ok();
            whole
                .or_else(|| text.parse::<f64>().ok().map(|f| f as i64))
                .unwrap_or(0)
        }
        _ => 0,
    }
}

/// A number out of anything; 0 where there is none.
pub(super) fn float(value: &Value) -> f64 {
    match value {
        Value::Float(f) => *f,
        Value::Text(text) => text.trim().parse().unwrap_or(0.0),
        other => int(other) as f64,
    }
}

/// A number of things, at least 0.
pub(super) fn size(value: &Value) -> usize {
    usize::try_from(int(value)).unwrap_or(0)
}

/// A text out of anything, as sprig's `toString`.
pub(super) fn text(budget: &mut Budget, value: &Value) -> Result<String, ExprError> {
    match value {
        Value::Nil => Ok(String::new()),
        other => convert::go_text(other, budget),
    }
}

/// The texts of a list; nothing is left out, as in sprig's `join`.
pub(super) fn texts(budget: &mut Budget, value: &Value) -> Result<Vec<String>, ExprError> {
    match value {
        Value::List(list) => {
            budget.items(list.items().len())?;
            let items = list.items().iter().filter(|item| !item.is_nil());
            items.map(|item| text(budget, item)).collect()
        }
        other => Ok(vec![text(budget, other)?]),
    }
}

/// Sprig's `empty`: nothing, false, 0, and what has no content.
pub(super) fn is_empty(value: &Value) -> bool {
    match value {
        Value::Nil => true,
        Value::Bool(b) => !b,
        Value::Int(i) | Value::Duration(i) => *i == 0,
        Value::Float(f) => *f == 0.0,
        Value::Text(text) => text.is_empty(),
        Value::List(list) => list.items().is_empty(),
        Value::Map(map) => map.entries().is_empty(),
        Value::Time(_) => false,
    }
}

/// A key of a map out of anything.
pub(super) fn key(args: &Arguments<'_>, position: usize) -> std::sync::Arc<str> {
    match args.get(position) {
        Value::Text(text) => text.clone(),
        other => write::scalar(other).into(),
    }
}
