//! Dates. A date may be a time, a number of seconds since 1970, or missing, which means now. The local
//! zone is UTC, so that a workflow means the same everywhere.

use jiff::Zoned;
use jiff::tz::TimeZone;
use steading_types::Millis;

use super::super::budget::Budget;
use super::super::error::ExprError;
use super::super::functions::convert::excerpt;
use super::super::functions::times;
use super::super::functions::{Arguments, Function, function};
use super::super::value::Value;
use super::super::{go_duration, go_time};
use super::loose;

pub(super) const TABLE: &[Function] = &[
    function("now", 0, 0, |b, _| Ok(times::now(b))),
    function("date", 2, 2, |b, a| {
        let time = moment(b, a.get(1));
        format(b, a, &time, a.text(0)?, None)
    }),
    function("dateInZone", 3, 3, in_zone),
    function("date_in_zone", 3, 3, in_zone),
    function("htmlDate", 1, 1, |b, a| {
        let time = moment(b, a.get(0));
        format(b, a, &time, "2006-01-02", None)
    }),
    function("htmlDateInZone", 2, 2, |b, a| {
        let time = moment(b, a.get(0));
        format(b, a, &time, "2006-01-02", Some(a.text(1)?))
    }),
    function("dateModify", 2, 2, modify),
    function("date_modify", 2, 2, modify),
    function("toDate", 2, 2, |_, a| {
        let (layout, text) = (a.text(0)?, a.text(1)?);
        match go_time::parse(text, layout, &TimeZone::UTC) {
            Some(time) => Ok(Value::Time(Box::new(time))),
            None => Err(a.malformed(format!("{} is not a date", excerpt(text)))),
        }
    }),
    function("unixEpoch", 1, 1, |b, a| {
        let seconds = moment(b, a.get(0)).timestamp().as_second();
        b.text(seconds.to_string())
    }),
    function("ago", 1, 1, |b, a| {
        let nanos = go_time::between(&moment(b, a.get(0)), &moment(b, &Value::Nil));
        let whole = nanos.saturating_sub(nanos % 1_000_000_000);
        b.text(go_duration::text(whole))
    }),
    function("duration", 1, 1, |b, a| {
        let nanos = loose::int(a.get(0)).saturating_mul(1_000_000_000);
        b.text(go_duration::text(nanos))
    }),
    function("durationRound", 1, 1, duration_round),
];

fn moment(budget: &Budget, value: &Value) -> Zoned {
    match value {
        Value::Time(time) => (**time).clone(),
        Value::Int(seconds) => {
            let millis = u64::try_from(*seconds).unwrap_or(0).saturating_mul(1000);
            go_time::from_millis(Millis(millis))
        }
        _ => go_time::from_millis(budget.now()),
    }
}

fn format(
    budget: &mut Budget,
    args: &Arguments<'_>,
    time: &Zoned,
    layout: &str,
    zone: Option<&str>,
) -> Result<Value, ExprError> {
    budget.bytes(layout.len().saturating_mul(5))?;
    let zone = zone.unwrap_or("UTC");
    let zone = go_time::zone(zone)
        .ok_or_else(|| args.malformed(format!("{} is not a time zone", excerpt(zone))))?;
    let time = time.timestamp().to_zoned(zone);
    Ok(go_time::format(&time, layout).into())
}

fn in_zone(budget: &mut Budget, args: &Arguments<'_>) -> Result<Value, ExprError> {
    let time = moment(budget, args.get(1));
    format(budget, args, &time, args.text(0)?, Some(args.text(2)?))
}

/// `dateModify "-1.5h" date`
fn modify(budget: &mut Budget, args: &Arguments<'_>) -> Result<Value, ExprError> {
    let text = args.text(0)?;
    let nanos = go_duration::parse(text)
        .ok_or_else(|| args.malformed(format!("{} is not a duration", excerpt(text))))?;
    match go_time::plus(&moment(budget, args.get(1)), nanos) {
        Some(time) => Ok(Value::Time(Box::new(time))),
        None => Err(ExprError::Arithmetic("the time is out of range".into())),
    }
}

/// The largest unit that the span fills: `2h`, `3d`, `1y`.
fn duration_round(budget: &mut Budget, args: &Arguments<'_>) -> Result<Value, ExprError> {
    let nanos = match args.get(0) {
        Value::Text(text) => go_duration::parse(text).unwrap_or(0),
        Value::Time(time) => go_time::between(time, &moment(budget, &Value::Nil)),
        other => loose::int(other),
    };
    const UNITS: [(u64, &str); 7] = [
        (31_536_000, "y"),
        (2_592_000, "mo"),
        (604_800, "w"),
        (86_400, "d"),
        (3_600, "h"),
        (60, "m"),
        (1, "s"),
    ];
    let seconds = nanos.unsigned_abs() / 1_000_000_000;
    let unit = UNITS.iter().find(|(size, _)| seconds >= *size);
    let sign = if nanos < 0 { "-" } else { "" };
    budget.text(match unit {
        Some((size, name)) => format!("{sign}{}{name}", seconds / size),
        None => "0s".into(),
    })
}
