//! Numbers.

use super::super::budget::Budget;
use super::super::error::ExprError;
use super::super::functions::{Arguments, Function, MANY, function, overflow};
use super::super::value::Value;
use super::super::write;
use super::loose;

pub(super) const TABLE: &[Function] = &[
    function("add", 1, MANY, |_, a| whole(a, i64::checked_add)),
    function("add1", 1, 1, |_, a| {
        loose::int(a.get(0))
            .checked_add(1)
            .map(Value::Int)
            .ok_or_else(overflow)
    }),
    function("sub", 2, 2, |_, a| whole(a, i64::checked_sub)),
    function("mul", 1, MANY, |_, a| whole(a, i64::checked_mul)),
    function("div", 2, 2, |_, a| whole(a, i64::checked_div)),
    function("mod", 2, 2, |_, a| whole(a, i64::checked_rem)),
    function("max", 1, MANY, |_, a| whole(a, |x, y| Some(x.max(y)))),
    function("biggest", 1, MANY, |_, a| whole(a, |x, y| Some(x.max(y)))),
    function("min", 1, MANY, |_, a| whole(a, |x, y| Some(x.min(y)))),
    function("addf", 1, MANY, |_, a| fraction(a, |x, y| x + y)),
    function("add1f", 1, 1, |_, a| {
        Ok(Value::Float(loose::float(a.get(0)) + 1.0))
    }),
    function("subf", 1, MANY, |_, a| fraction(a, |x, y| x - y)),
    function("mulf", 1, MANY, |_, a| fraction(a, |x, y| x * y)),
    function("divf", 1, MANY, divf),
    function("maxf", 1, MANY, |_, a| fraction(a, f64::max)),
    function("minf", 1, MANY, |_, a| fraction(a, f64::min)),
    function("ceil", 1, 1, |_, a| {
        Ok(Value::Float(loose::float(a.get(0)).ceil()))
    }),
    function("floor", 1, 1, |_, a| {
        Ok(Value::Float(loose::float(a.get(0)).floor()))
    }),
    function("round", 2, 3, |_, a| round(a)),
    function("int", 1, 1, |_, a| Ok(loose::int(a.get(0)).into())),
    function("int64", 1, 1, |_, a| Ok(loose::int(a.get(0)).into())),
    function("atoi", 1, 1, |_, a| Ok(loose::int(a.get(0)).into())),
    function("float64", 1, 1, |_, a| {
        Ok(Value::Float(loose::float(a.get(0))))
    }),
    function("toDecimal", 1, 1, |_, a| {
        let octal = loose_octal(a.get(0));
        Ok(Value::Int(octal.unwrap_or(0)))
    }),
    function("until", 1, 1, |b, a| {
        let end = loose::int(a.get(0));
        count(b, 0, end, if end < 0 { -1 } else { 1 })
    }),
    function("untilStep", 3, 3, |b, a| {
        count(
            b,
            loose::int(a.get(0)),
            loose::int(a.get(1)),
            loose::int(a.get(2)),
        )
    }),
    function("seq", 0, 3, seq),
];

/// Folds whole numbers; division by zero and results beyond 64 bits are errors.
fn whole(args: &Arguments<'_>, apply: fn(i64, i64) -> Option<i64>) -> Result<Value, ExprError> {
    let mut numbers = args.values.iter().map(loose::int);
    let first = numbers.next().unwrap_or(0);
    let folded = numbers.try_fold(first, apply);
    folded.map(Value::Int).ok_or_else(|| {
        ExprError::Arithmetic(format!("{}: division by zero or beyond 64 bits", args.name))
    })
}

fn fraction(args: &Arguments<'_>, apply: fn(f64, f64) -> f64) -> Result<Value, ExprError> {
    let mut numbers = args.values.iter().map(loose::float);
    let first = numbers.next().unwrap_or(0.0);
    let folded = numbers.fold(first, apply);
    // Sprig computes in decimals: 0.1 + 0.2 prints as 0.3, as it does with 15 digits.
    let rounded = format!("{folded:.14e}").parse();
    Ok(Value::Float(rounded.unwrap_or(folded)))
}

fn divf(_: &mut Budget, args: &Arguments<'_>) -> Result<Value, ExprError> {
    let divisors = args.values.iter().skip(1);
    if divisors.map(loose::float).any(|divisor| divisor == 0.0) {
        return Err(ExprError::Arithmetic("divf: division by zero".into()));
    }
    fraction(args, |x, y| x / y)
}

fn round(args: &Arguments<'_>) -> Result<Value, ExprError> {
    let digits = loose::int(args.get(1)).clamp(-300, 300);
    let threshold = match args.get(2) {
        Value::Nil => 0.5,
        other => loose::float(other),
    };
    let scale = 10f64.powi(i32::try_from(digits).unwrap_or(0));
    let number = loose::float(args.get(0)) * scale;
    let rest = (number - number.trunc()).abs();
    let away = if rest >= threshold {
        number.signum()
    } else {
        0.0
    };
    Ok(Value::Float((number.trunc() + away) / scale))
}

fn loose_octal(value: &Value) -> Option<i64> {
    i64::from_str_radix(&write::scalar(value), 8).ok()
}

/// Whole numbers from one to before another; none when the step leads away.
fn count(budget: &mut Budget, from: i64, end: i64, step: i64) -> Result<Value, ExprError> {
    let mut items = Vec::new();
    let mut at = from;
    while (step > 0 && at < end) || (step < 0 && at > end) {
        budget.items(1)?;
        items.push(Value::Int(at));
        at = at.saturating_add(step);
    }
    Value::list(items)
}

/// As the command `seq`: `seq 3`, `seq 2 4`, `seq 10 -5 0`, with blanks between the numbers.
fn seq(budget: &mut Budget, args: &Arguments<'_>) -> Result<Value, ExprError> {
    let toward = |from: i64, to: i64| if to < from { -1 } else { 1 };
    let numbers: Vec<i64> = args.values.iter().map(loose::int).collect();
    let (from, step, to) = match numbers.as_slice() {
        [to] => (1, toward(1, *to), *to),
        [from, to] => (*from, toward(*from, *to), *to),
        [from, step, to] => (*from, *step, *to),
        _ => return Ok("".into()),
    };
    let end = to.saturating_add(step.signum());
    let Value::List(list) = count(budget, from, end, step)? else {
        return Ok("".into());
    };
    let texts: Vec<String> = list.items().iter().map(write::scalar).collect();
    budget.text(texts.join(" "))
}
