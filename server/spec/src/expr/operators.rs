//! The operators on two evaluated values. The ones that may leave their right side alone (`and`,
//! `or`, `??`) are the evaluator's.

use std::cmp::Ordering;

use super::ast::Binary;
use super::budget::Budget;
use super::error::ExprError;
use super::eval;
use super::functions::{convert, overflow};
use super::go_time;
use super::value::Value;

fn mismatch(sign: &str, left: &Value, right: &Value) -> ExprError {
    ExprError::Type(format!(
        "{} {sign} {} has no meaning",
        left.type_name(),
        right.type_name()
    ))
}

/// Applies an operator.
pub(crate) fn binary(
    operator: Binary,
    left: &Value,
    right: &Value,
    budget: &mut Budget,
) -> Result<Value, ExprError> {
    for value in [left, right] {
        if let Value::Text(_) = value {
            budget.read(value)?;
        }
    }
    let truth = |truth: bool| Ok(Value::Bool(truth));
    match operator {
        Binary::Equal => left.equals(right, budget).map(Value::Bool),
        Binary::NotEqual => left.equals(right, budget).map(|same| Value::Bool(!same)),
        Binary::Less => compare("<", left, right, Ordering::is_lt),
        Binary::LessOrEqual => compare("<=", left, right, Ordering::is_le),
        Binary::Greater => compare(">", left, right, Ordering::is_gt),
        Binary::GreaterOrEqual => compare(">=", left, right, Ordering::is_ge),
        Binary::In => is_in(left, right, budget).and_then(truth),
        Binary::NotIn => is_in(left, right, budget).and_then(|found| truth(!found)),
        Binary::Matches => matches(left, right, budget).and_then(truth),
        Binary::NotMatches => matches(left, right, budget).and_then(|found| truth(!found)),
        Binary::Contains => in_text("contains", left, right, |a, b| a.contains(b)).and_then(truth),
        Binary::NotContains => {
            in_text("contains", left, right, |a, b| !a.contains(b)).and_then(truth)
        }
        Binary::StartsWith => {
            in_text("startsWith", left, right, |a, b| a.starts_with(b)).and_then(truth)
        }
        Binary::NotStartsWith => {
            in_text("startsWith", left, right, |a, b| !a.starts_with(b)).and_then(truth)
        }
        Binary::EndsWith => in_text("endsWith", left, right, |a, b| a.ends_with(b)).and_then(truth),
        Binary::NotEndsWith => {
            in_text("endsWith", left, right, |a, b| !a.ends_with(b)).and_then(truth)
        }
        Binary::Range => range(left, right, budget),
        Binary::Add => add(left, right, budget),
        Binary::Subtract => subtract(left, right),
        Binary::Multiply => multiply(left, right),
        Binary::Divide => divide(left, right),
        Binary::Remainder => remainder(left, right),
        Binary::Power => match (left.as_number(), right.as_number()) {
            (Some(base), Some(exponent)) => Ok(Value::Float(base.powf(exponent))),
            _ => Err(mismatch("**", left, right)),
        },
        Binary::And | Binary::Or | Binary::Coalesce => Err(mismatch("and", left, right)),
    }
}

fn compare(
    sign: &str,
    left: &Value,
    right: &Value,
    wanted: fn(Ordering) -> bool,
) -> Result<Value, ExprError> {
    match left.order(right) {
        Some(order) => Ok(Value::Bool(wanted(order))),
        // Not a number has no order, but is no mistake of types.
        None if left.as_number().is_some() && right.as_number().is_some() => Ok(false.into()),
        None => Err(mismatch(sign, left, right)),
    }
}

fn is_in(left: &Value, right: &Value, budget: &mut Budget) -> Result<bool, ExprError> {
    match right {
        Value::Nil => Ok(false),
        Value::List(list) => {
            for item in list.items() {
                if left.equals(item, budget)? {
                    return Ok(true);
                }
            }
            Ok(false)
        }
        Value::Map(map) => Ok(map.entries().contains_key(&*eval::key_of(left)?)),
        _ => Err(mismatch("in", left, right)),
    }
}

fn matches(left: &Value, right: &Value, budget: &mut Budget) -> Result<bool, ExprError> {
    match (left, right) {
        (Value::Nil, _) => Ok(false),
        (Value::Text(text), Value::Text(pattern)) => {
            Ok(budget.pattern(pattern, text.len())?.is_match(text))
        }
        _ => Err(mismatch("matches", left, right)),
    }
}

fn in_text(
    word: &str,
    left: &Value,
    right: &Value,
    look: fn(&str, &str) -> bool,
) -> Result<bool, ExprError> {
    match (left, right) {
        (Value::Nil, _) | (_, Value::Nil) => Ok(look("", "\0")),
        (Value::Text(text), Value::Text(part)) => Ok(look(text, part)),
        _ => Err(mismatch(word, left, right)),
    }
}

fn range(left: &Value, right: &Value, budget: &mut Budget) -> Result<Value, ExprError> {
    let (Value::Int(from), Value::Int(to)) = (left, right) else {
        return Err(mismatch("..", left, right));
    };
    let length = to.saturating_sub(*from).saturating_add(1).max(0);
    budget.items(usize::try_from(length).unwrap_or(usize::MAX))?;
    Value::list((*from..=*to).map(Value::Int).collect())
}

/// `left + right`
pub(crate) fn add(left: &Value, right: &Value, budget: &mut Budget) -> Result<Value, ExprError> {
    match (left, right) {
        (Value::Int(a), Value::Int(b)) => a.checked_add(*b).map(Value::Int).ok_or_else(overflow),
        (Value::Text(a), Value::Text(b)) => {
            budget.bytes(a.len().saturating_add(b.len()))?;
            Ok(format!("{a}{b}").into())
        }
        (Value::Time(time), Value::Duration(nanos))
        | (Value::Duration(nanos), Value::Time(time)) => {
            let moved = go_time::plus(time, *nanos).ok_or_else(overflow)?;
            Ok(Value::Time(Box::new(moved)))
        }
        (Value::Duration(a), Value::Duration(b)) => {
            a.checked_add(*b).map(Value::Duration).ok_or_else(overflow)
        }
        _ => numbers("+", left, right, |a, b| a + b),
    }
}

fn subtract(left: &Value, right: &Value) -> Result<Value, ExprError> {
    match (left, right) {
        (Value::Int(a), Value::Int(b)) => a.checked_sub(*b).map(Value::Int).ok_or_else(overflow),
        (Value::Time(a), Value::Time(b)) => Ok(Value::Duration(go_time::between(b, a))),
        (Value::Time(time), Value::Duration(nanos)) => {
            let back = nanos
                .checked_neg()
                .and_then(|back| go_time::plus(time, back));
            Ok(Value::Time(Box::new(back.ok_or_else(overflow)?)))
        }
        (Value::Duration(a), Value::Duration(b)) => {
            a.checked_sub(*b).map(Value::Duration).ok_or_else(overflow)
        }
        _ => numbers("-", left, right, |a, b| a - b),
    }
}

fn multiply(left: &Value, right: &Value) -> Result<Value, ExprError> {
    match (left, right) {
        (Value::Int(a), Value::Int(b)) => a.checked_mul(*b).map(Value::Int).ok_or_else(overflow),
        (Value::Duration(a), Value::Int(b) | Value::Duration(b))
        | (Value::Int(a), Value::Duration(b)) => {
            a.checked_mul(*b).map(Value::Duration).ok_or_else(overflow)
        }
        _ => numbers("*", left, right, |a, b| a * b),
    }
}

/// Always a fraction, as in the language that workflows were written for.
fn divide(left: &Value, right: &Value) -> Result<Value, ExprError> {
    if right.as_number() == Some(0.0) {
        return Err(ExprError::Arithmetic("division by zero".into()));
    }
    numbers("/", left, right, |a, b| a / b)
}

fn remainder(left: &Value, right: &Value) -> Result<Value, ExprError> {
    match (left, right) {
        (Value::Int(_), Value::Int(0)) => Err(ExprError::Arithmetic("division by zero".into())),
        (Value::Int(a), Value::Int(b)) => Ok(Value::Int(a.checked_rem(*b).unwrap_or(0))),
        _ => Err(mismatch("%", left, right)),
    }
}

fn numbers(
    sign: &str,
    left: &Value,
    right: &Value,
    apply: fn(f64, f64) -> f64,
) -> Result<Value, ExprError> {
    match (left.as_number(), right.as_number()) {
        (Some(a), Some(b)) => Ok(Value::Float(apply(a, b))),
        _ => Err(with_hint(sign, left, right)),
    }
}

/// Parameters are texts: the usual mistake deserves the usual remedy.
fn with_hint(sign: &str, left: &Value, right: &Value) -> ExprError {
    let ExprError::Type(sentence) = mismatch(sign, left, right) else {
        return mismatch(sign, left, right);
    };
    let text = [left, right].into_iter().find_map(Value::as_text);
    ExprError::Type(match text {
        Some(text) => format!(
            "{sentence}: {} is a text; asInt or asFloat make a number of it, string makes a text",
            convert::excerpt(text)
        ),
        None => sentence,
    })
}
