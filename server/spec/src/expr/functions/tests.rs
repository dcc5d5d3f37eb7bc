use jiff::{Timestamp, tz::TimeZone};
use proptest::prelude::*;
use steading_types::Millis;

use super::*;
use crate::expr::Limits;

/// Values at the edges of their types, and texts that functions take for something else.
fn edges() -> Vec<Value> {
    let time = |stamp: Timestamp| Value::Time(Box::new(stamp.to_zoned(TimeZone::UTC)));
    let texts = [
        "",
        "a",
        "ä😀",
        "-5",
        "0x",
        "{",
        "[1]",
        "{\"a\":{\"b\":[null]}}",
        "2006-01-02",
        "1h",
        "asc",
        "_",
        "(",
        "$0$1",
        "/a/../..",
        "u:p@h:80?#",
        "aGk=",
        "MZXW6===",
        "1e308",
        "Europe/Zurich",
        "9223372036854775808",
        "%",
        "\n\t\0",
    ];
    let mut all: Vec<Value> = texts.into_iter().map(Value::from).collect();
    all.extend([0, 1, -1, 2, 63, 64, 65, i64::MIN, i64::MAX].map(Value::Int));
    let floats = [0.5, -0.0, 1e19, f64::MIN, f64::NAN, f64::INFINITY];
    all.extend(floats.map(Value::Float));
    all.extend([i64::MIN, -1, i64::MAX].map(Value::Duration));
    all.extend([
        time(Timestamp::MIN),
        time(Timestamp::MAX),
        time(Timestamp::UNIX_EPOCH),
    ]);
    all.extend([
        Value::Nil,
        Value::Bool(true),
        Value::text("x".repeat(5_000)),
    ]);
    let pair = Value::list(vec!["k".into(), Value::Int(1)]).unwrap();
    all.push(Value::list(vec![pair.clone(), Value::Nil, Value::Float(f64::NAN)]).unwrap());
    all.push(Value::list(vec![pair; 3]).unwrap());
    all.push(Value::list(Vec::new()).unwrap());
    all.push(Value::map([("a".into(), Value::Int(1))].into()).unwrap());
    all
}

fn any_value() -> impl Strategy<Value = Value> {
    prop::sample::select(edges())
}

const METHODS: &[&str] = &[
    "Unix",
    "UnixMilli",
    "UnixMicro",
    "UnixNano",
    "Year",
    "Month",
    "Day",
    "Hour",
    "Weekday",
    "YearDay",
    "UTC",
    "In",
    "Format",
    "String",
    "Add",
    "AddDate",
    "Sub",
    "Before",
    "After",
    "Equal",
    "Truncate",
    "Round",
    "Hours",
    "Minutes",
    "Seconds",
    "Milliseconds",
    "Abs",
    "None",
];

#[test]
fn every_function_answers_for_every_edge() {
    let edges = edges();
    let limits = Limits {
        steps: 5_000,
        bytes: 1 << 20,
        ..Limits::at(Millis(0))
    };
    for function in BUILT_IN.values().chain(SPRIG.values()) {
        for (index, first) in edges.iter().enumerate() {
            for second in edges.iter().cycle().skip(index).step_by(3).take(8) {
                let values = [first.clone(), second.clone(), first.clone()];
                for count in 0..=3 {
                    if function.check_count(count).is_ok() {
                        let values = &values[..count];
                        let name = function.name;
                        let _ =
                            (function.call)(&mut Budget::new(&limits), &Arguments { name, values });
                    }
                }
            }
        }
    }
}

proptest! {
    #[test]
    fn no_function_panics(
        function in prop::sample::select(BUILT_IN.values().chain(SPRIG.values()).copied().collect::<Vec<_>>()),
        values in prop::collection::vec(any_value(), 0..5),
    ) {
        if function.check_count(values.len()).is_ok() {
            let arguments = Arguments { name: function.name, values: &values };
            let _ = (function.call)(&mut Budget::new(&Limits::at(Millis(0))), &arguments);
        }
    }

    #[test]
    fn no_method_panics(
        name in prop::sample::select(METHODS),
        values in prop::collection::vec(any_value(), 1..5),
    ) {
        let _ = times::method(&mut Budget::new(&Limits::at(Millis(0))), name, &values);
    }
}
