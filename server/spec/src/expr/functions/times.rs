//! Times and spans: their functions, and the methods that Go's types have.

use jiff::tz::TimeZone;
use jiff::{Span, Zoned};

use super::super::budget::Budget;
use super::super::error::ExprError;
use super::super::value::Value;
use super::super::{go_duration, go_time};
use super::convert::excerpt;
use super::{Arguments, Function, function};

pub(super) const TABLE: &[Function] = &[
    function("now", 0, 0, |b, _| Ok(now(b))),
    function("duration", 1, 1, duration),
    function("date", 1, 3, date),
    function("timezone", 1, 1, |b, a| {
        zone(a, a.text(0)?)?;
        b.text(a.text(0)?)
    }),
];

/// Layouts that a date without a layout may have.
const LAYOUTS: &[&str] = &[
    "2006-01-02",
    "15:04:05",
    "2006-01-02 15:04:05",
    go_time::RFC3339,
    "02 Jan 06 15:04 MST",
    "Monday, 02-Jan-06 15:04:05 MST",
    "Mon, 02 Jan 2006 15:04:05 MST",
];

pub(crate) fn now(budget: &Budget) -> Value {
    Value::Time(Box::new(go_time::from_millis(budget.now())))
}

fn zone(args: &Arguments<'_>, name: &str) -> Result<TimeZone, ExprError> {
    go_time::zone(name)
        .ok_or_else(|| args.malformed(format!("{} is not a time zone", excerpt(name))))
}

fn duration(_: &mut Budget, args: &Arguments<'_>) -> Result<Value, ExprError> {
    let text = args.text(0)?;
    match go_duration::parse(text) {
        Some(nanos) => Ok(Value::Duration(nanos)),
        None => Err(args.malformed(format!("{} is not a duration such as 1h30m", excerpt(text)))),
    }
}

fn date(budget: &mut Budget, args: &Arguments<'_>) -> Result<Value, ExprError> {
    let text = args.text(0)?;
    let zone = match args.optional_text(2)? {
        Some(name) => zone(args, name)?,
        None => TimeZone::UTC,
    };
    let given = args.optional_text(1)?;
    let layouts = given.as_slice();
    let layouts = if layouts.is_empty() { LAYOUTS } else { layouts };
    for layout in layouts {
        budget.step(layout.len().saturating_add(text.len()))?;
        if let Some(time) = go_time::parse(text, layout, &zone) {
            return Ok(Value::Time(Box::new(time)));
        }
    }
    Err(args.malformed(format!("{} is not a date", excerpt(text))))
}

/// Calls a method of a time or a span; the value itself is the first argument.
pub(crate) fn method(
    budget: &mut Budget,
    name: &str,
    values: &[Value],
) -> Result<Value, ExprError> {
    budget.step(1)?;
    let args = Arguments {
        name: "a method",
        values,
    };
    let found = match args.get(0) {
        Value::Time(time) => time_method(budget, time, name, &args)?,
        Value::Duration(nanos) => duration_method(*nanos, name, &args)?,
        _ => None,
    };
    found.ok_or_else(|| {
        ExprError::Member(format!("{} has no method {name}", args.get(0).type_name()))
    })
}

fn boxed(time: Option<Zoned>) -> Result<Option<Value>, ExprError> {
    match time {
        Some(time) => Ok(Some(Value::Time(Box::new(time)))),
        None => Err(ExprError::Arithmetic("the time is out of range".into())),
    }
}

fn other_time<'v>(args: &Arguments<'v>) -> Result<&'v Zoned, ExprError> {
    match args.get(1) {
        Value::Time(other) => Ok(other),
        _ => Err(args.wrong(1, "a time")),
    }
}

fn span(args: &Arguments<'_>, position: usize) -> Result<i64, ExprError> {
    match args.get(position) {
        Value::Duration(nanos) | Value::Int(nanos) => Ok(*nanos),
        _ => Err(args.wrong(position, "a duration")),
    }
}

fn time_method(
    budget: &mut Budget,
    time: &Zoned,
    name: &str,
    args: &Arguments<'_>,
) -> Result<Option<Value>, ExprError> {
    let stamp = time.timestamp();
    let whole = |number: i64| Ok(Some(Value::Int(number)));
    match name {
        "Unix" => whole(stamp.as_second()),
        "UnixMilli" => whole(stamp.as_millisecond()),
        "UnixMicro" => whole(stamp.as_microsecond()),
        "UnixNano" => whole(go_time::between(
            &go_time::from_millis(Default::default()),
            time,
        )),
        "Year" => whole(time.year().into()),
        "Month" => whole(time.month().into()),
        "Day" => whole(time.day().into()),
        "Hour" => whole(time.hour().into()),
        "Minute" => whole(time.minute().into()),
        "Second" => whole(time.second().into()),
        "Nanosecond" => whole(time.subsec_nanosecond().into()),
        "YearDay" => whole(time.day_of_year().into()),
        "Weekday" => whole(time.weekday().to_sunday_zero_offset().into()),
        "UTC" => boxed(Some(stamp.to_zoned(TimeZone::UTC))),
        "In" => boxed(Some(stamp.to_zoned(zone(args, args.text(1)?)?))),
        "Format" => {
            let layout = args.text(1)?;
            budget.bytes(layout.len().saturating_mul(5))?;
            Ok(Some(go_time::format(time, layout).into()))
        }
        "String" => Ok(Some(
            go_time::format(time, "2006-01-02 15:04:05.999999999 -0700 MST").into(),
        )),
        "Add" => boxed(go_time::plus(time, span(args, 1)?)),
        "AddDate" => {
            let moved = add_date(time, args.int(1)?, args.int(2)?, args.int(3)?);
            boxed(moved)
        }
        "Sub" => Ok(Some(Value::Duration(go_time::between(
            other_time(args)?,
            time,
        )))),
        "Before" => Ok(Some((stamp < other_time(args)?.timestamp()).into())),
        "After" => Ok(Some((stamp > other_time(args)?.timestamp()).into())),
        "Equal" => Ok(Some((stamp == other_time(args)?.timestamp()).into())),
        "Truncate" => {
            let unit = i128::from(span(args, 1)?.max(1));
            let nanos = stamp.as_nanosecond().rem_euclid(unit);
            let back = i64::try_from(nanos).ok().and_then(i64::checked_neg);
            boxed(back.and_then(|back| go_time::plus(time, back)))
        }
        _ => Ok(None),
    }
}

fn add_date(time: &Zoned, years: i64, months: i64, days: i64) -> Option<Zoned> {
    let span = Span::new().try_years(years).ok()?.try_months(months).ok()?;
    time.checked_add(span.try_days(days).ok()?).ok()
}

fn duration_method(
    nanos: i64,
    name: &str,
    args: &Arguments<'_>,
) -> Result<Option<Value>, ExprError> {
    let parts = |unit: f64| Ok(Some(Value::Float(nanos as f64 / unit)));
    match name {
        "Hours" => parts(3.6e12),
        "Minutes" => parts(6e10),
        "Seconds" => parts(1e9),
        "Milliseconds" => Ok(Some(Value::Int(nanos / 1_000_000))),
        "Microseconds" => Ok(Some(Value::Int(nanos / 1_000))),
        "Nanoseconds" => Ok(Some(Value::Int(nanos))),
        "Abs" => Ok(Some(Value::Duration(nanos.saturating_abs()))),
        "String" => Ok(Some(go_duration::text(nanos).into())),
        "Truncate" => {
            let unit = span(args, 1)?.max(1);
            Ok(Some(Value::Duration(nanos.saturating_sub(nanos % unit))))
        }
        "Round" => {
            let unit = span(args, 1)?.max(1);
            let half = if nanos < 0 { -(unit / 2) } else { unit / 2 };
            let moved = nanos.saturating_add(half);
            Ok(Some(Value::Duration(moved.saturating_sub(moved % unit))))
        }
        _ => Ok(None),
    }
}
