//! `withItems`, `withParam`, `withSequence`.

use super::{Check, Code};
use crate::model::Caller;

/// Checks the loop of a step or task. `name` is how Argo's sentences call it.
pub(super) fn check(check: &mut Check<'_>, caller: &dyn Caller, name: &str, path: &str) {
    let given = [
        caller.with_items().is_some(),
        caller.with_param().is_some(),
        caller.with_sequence().is_some(),
    ];
    if given.iter().filter(|given| **given).count() > 1 {
        let message =
            format!("{name} only one of withItems, withParam, withSequence can be specified");
        check.fault(Code::Loop, path, message);
    }
    let Some(sequence) = caller.with_sequence() else {
        return;
    };
    let at = format!("{path}.withSequence");
    match (&sequence.count, &sequence.end) {
        (Some(_), Some(_)) => {
            let message = format!("{name} only one of count or end can be defined in withSequence");
            check.fault(Code::Loop, &at, message);
        }
        (None, None) => {
            let message = format!("{name} must have one of count or end in withSequence");
            check.fault(Code::Loop, &at, message);
        }
        _ => {}
    }
    for (field, value) in [
        ("count", &sequence.count),
        ("start", &sequence.start),
        ("end", &sequence.end),
    ] {
        let Some(value) = value.as_ref().filter(|value| !value.is_templated()) else {
            continue;
        };
        match value.value() {
            Ok(n) if n < 0 && field == "count" => {
                check.fault(
                    Code::Loop,
                    format!("{at}.count"),
                    "the count of a sequence can not be negative",
                );
            }
            Ok(_) => {}
            Err(error) => check.fault(Code::Loop, format!("{at}.{field}"), error.to_string()),
        }
    }
}
