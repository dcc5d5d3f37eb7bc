//! Functions on numbers, alone or in lists.

use super::super::budget::Budget;
use super::super::error::ExprError;
use super::super::operators;
use super::super::value::Value;
use super::{Arguments, Function, MANY, function};

pub(super) const TABLE: &[Function] = &[
    function("min", 1, MANY, |b, a| {
        extreme(b, a, std::cmp::Ordering::Less)
    }),
    function("max", 1, MANY, |b, a| {
        extreme(b, a, std::cmp::Ordering::Greater)
    }),
    function("mean", 1, MANY, mean),
    function("median", 1, MANY, median),
    function("abs", 1, 1, |_, a| match a.get(0) {
        Value::Int(i) => i.checked_abs().map(Value::Int).ok_or_else(overflow),
        _ => Ok(Value::Float(a.number(0)?.abs())),
    }),
    function("ceil", 1, 1, |_, a| Ok(Value::Float(a.number(0)?.ceil()))),
    function("floor", 1, 1, |_, a| Ok(Value::Float(a.number(0)?.floor()))),
    function("round", 1, 1, |_, a| Ok(Value::Float(a.number(0)?.round()))),
    function("bitand", 2, 2, |_, a| Ok(Value::Int(a.int(0)? & a.int(1)?))),
    function("bitor", 2, 2, |_, a| Ok(Value::Int(a.int(0)? | a.int(1)?))),
    function("bitxor", 2, 2, |_, a| Ok(Value::Int(a.int(0)? ^ a.int(1)?))),
    function("bitnand", 2, 2, |_, a| {
        Ok(Value::Int(a.int(0)? & !a.int(1)?))
    }),
    function("bitnot", 1, 1, |_, a| Ok(Value::Int(!a.int(0)?))),
    function("bitshl", 2, 2, |_, a| shift(a, i64::checked_shl)),
    function("bitshr", 2, 2, |_, a| shift(a, i64::checked_shr)),
    function("bitushr", 2, 2, |_, a| {
        shift(a, |number, by| {
            (number as u64)
                .checked_shr(by)
                .map(|shifted| shifted as i64)
        })
    }),
];

pub(crate) fn overflow() -> ExprError {
    ExprError::Arithmetic("the result does not fit into 64 bits".into())
}

fn shift(
    args: &Arguments<'_>,
    shift: impl Fn(i64, u32) -> Option<i64>,
) -> Result<Value, ExprError> {
    let by = u32::try_from(args.int(1)?).map_err(|_| args.wrong(1, "a number from 0 on"))?;
    Ok(Value::Int(shift(args.int(0)?, by).unwrap_or(0)))
}

/// The arguments, with one level of lists opened.
fn spread<'v>(budget: &mut Budget, args: &Arguments<'v>) -> Result<Vec<&'v Value>, ExprError> {
    let mut out = Vec::new();
    for value in args.values {
        match value {
            Value::List(list) => {
                budget.step(list.items().len())?;
                out.extend(list.items());
            }
            other => out.push(other),
        }
    }
    budget.step(out.len())?;
    Ok(out)
}

fn extreme(
    budget: &mut Budget,
    args: &Arguments<'_>,
    wanted: std::cmp::Ordering,
) -> Result<Value, ExprError> {
    let mut best: Option<&Value> = None;
    for (position, value) in spread(budget, args)?.into_iter().enumerate() {
        if value.as_number().is_none() {
            return Err(args.wrong(position, "a number"));
        }
        if best.is_none_or(|best| value.order(best) == Some(wanted)) {
            best = Some(value);
        }
    }
    best.cloned()
        .ok_or_else(|| args.malformed("the list has no item"))
}

fn numbers(budget: &mut Budget, args: &Arguments<'_>) -> Result<Vec<f64>, ExprError> {
    let values = spread(budget, args)?;
    let numbers = values.iter().enumerate();
    numbers
        .map(|(position, value)| {
            value
                .as_number()
                .ok_or_else(|| args.wrong(position, "a number"))
        })
        .collect()
}

fn mean(budget: &mut Budget, args: &Arguments<'_>) -> Result<Value, ExprError> {
    let numbers = numbers(budget, args)?;
    if numbers.is_empty() {
        return Ok(Value::Float(0.0));
    }
    Ok(Value::Float(
        numbers.iter().sum::<f64>() / numbers.len() as f64,
    ))
}

fn median(budget: &mut Budget, args: &Arguments<'_>) -> Result<Value, ExprError> {
    let mut numbers = numbers(budget, args)?;
    budget.step(numbers.len().saturating_mul(16))?;
    numbers.sort_by(f64::total_cmp);
    let middle = numbers.len() / 2;
    let upper = numbers.get(middle).copied().unwrap_or(0.0);
    if numbers.len() % 2 == 1 {
        return Ok(Value::Float(upper));
    }
    let lower = middle.checked_sub(1).and_then(|at| numbers.get(at));
    Ok(Value::Float((lower.copied().unwrap_or(0.0) + upper) / 2.0))
}

/// The sum of a list, whole when all its numbers are.
pub(crate) fn sum(budget: &mut Budget, values: &[Value]) -> Result<Value, ExprError> {
    let mut total = Value::Int(0);
    for value in values {
        budget.step(1)?;
        if value.as_number().is_none() {
            return Err(ExprError::Type(format!(
                "sum: each item must be a number, not {}",
                value.type_name()
            )));
        }
        total = operators::add(&total, value, budget)?;
    }
    Ok(total)
}
