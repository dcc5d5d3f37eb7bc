//! What a plain YAML scalar means. Kubernetes' tools follow YAML 1.1 here (through sigs.k8s.io/yaml), and
//! people's files rely on it: `yes` is true, `0777` is octal, `~` is null.

use serde_json::{Number, Value};

/// A tag of YAML's core schema that decides a scalar's type.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// Quoted, or tagged as text.
    Text,
    /// Plain: the text decides.
    Plain,
}

/// The value of a scalar; nothing for numbers that JSON can not write (`.inf`, `.nan`).
pub(super) fn resolve(text: &str, kind: Kind) -> Option<Value> {
    if kind == Kind::Text {
        return Some(Value::from(text));
    }
    match text {
        "" | "~" | "null" | "Null" | "NULL" => return Some(Value::Null),
        "y" | "Y" | "yes" | "Yes" | "YES" | "on" | "On" | "ON" | "true" | "True" | "TRUE" => {
            return Some(Value::Bool(true));
        }
        "n" | "N" | "no" | "No" | "NO" | "off" | "Off" | "OFF" | "false" | "False" | "FALSE" => {
            return Some(Value::Bool(false));
        }
        ".nan" | ".NaN" | ".NAN" => return None,
        _ => {}
    }
    if is_infinity(text) {
        return None;
    }
    let begins_like_a_number = |c: char| c.is_ascii_digit() || matches!(c, '+' | '-' | '.');
    if !text.starts_with(begins_like_a_number) {
        return Some(Value::from(text));
    }
    Some(number(text).map_or_else(|| Value::from(text), Value::Number))
}

fn is_infinity(text: &str) -> bool {
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    matches!(unsigned, ".inf" | ".Inf" | ".INF")
}

fn number(text: &str) -> Option<Number> {
    let digits = text.replace('_', "");
    let (negative, magnitude) = match digits.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, digits.strip_prefix('+').unwrap_or(&digits)),
    };
    if let Some(value) = integer(magnitude) {
        if !negative {
            return Some(Number::from(value));
        }
        if let Some(value) = 0i64.checked_sub_unsigned(value) {
            return Some(Number::from(value));
        }
    }
    if !is_decimal(magnitude) {
        return None;
    }
    let value: f64 = magnitude.parse().ok()?;
    Number::from_f64(if negative { -value } else { value })
}

/// Decimal, `0x`, `0b`, `0o`, and octal by a leading zero.
fn integer(text: &str) -> Option<u64> {
    let lower = text.to_ascii_lowercase();
    let (digits, radix) = if let Some(rest) = lower.strip_prefix("0x") {
        (rest, 16)
    } else if let Some(rest) = lower.strip_prefix("0b") {
        (rest, 2)
    } else if let Some(rest) = lower.strip_prefix("0o") {
        (rest, 8)
    } else if let Some(rest) = lower.strip_prefix('0').filter(|rest| !rest.is_empty()) {
        (rest, 8)
    } else {
        (lower.as_str(), 10)
    };
    // Rust accepts a sign here, YAML does not.
    if digits.starts_with(['+', '-']) {
        return None;
    }
    u64::from_str_radix(digits, radix).ok()
}

/// `[0-9]*(.[0-9]*)?([eE][+-]?[0-9]+)?` with at least one digit before the exponent.
fn is_decimal(text: &str) -> bool {
    let (mantissa, exponent) = match text.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, Some(exponent)),
        None => (text, None),
    };
    let all_digits = |t: &str| t.bytes().all(|c| c.is_ascii_digit());
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let exponent_is_right = exponent.is_none_or(|e| {
        let e = e.strip_prefix(['+', '-']).unwrap_or(e);
        !e.is_empty() && all_digits(e)
    });
    all_digits(whole)
        && all_digits(fraction)
        && !(whole.is_empty() && fraction.is_empty())
        && exponent_is_right
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn plain_scalars_mean_what_kubernetes_tools_make_of_them() {
        for (text, value) in [
            ("", json!(null)),
            ("~", json!(null)),
            ("yes", json!(true)),
            ("off", json!(false)),
            ("True", json!(true)),
            ("yEs", json!("yEs")),
            ("0777", json!(511)),
            ("0o17", json!(15)),
            ("0x1F", json!(31)),
            ("0b101", json!(5)),
            ("089", json!(89.0)),
            ("1_000", json!(1000)),
            ("-5", json!(-5)),
            ("+5", json!(5)),
            ("-9223372036854775808", json!(i64::MIN)),
            ("18446744073709551615", json!(u64::MAX)),
            ("1.5", json!(1.5)),
            (".5", json!(0.5)),
            ("5.", json!(5.0)),
            ("1e3", json!(1000.0)),
            ("1e", json!("1e")),
            ("-", json!("-")),
            (".", json!(".")),
            ("..", json!("..")),
            ("--1", json!("--1")),
            ("1.2.3", json!("1.2.3")),
            ("2026-01-01", json!("2026-01-01")),
            ("12:30", json!("12:30")),
            ("100m", json!("100m")),
            ("hello", json!("hello")),
        ] {
            assert_eq!(resolve(text, Kind::Plain), Some(value), "{text:?}");
            assert_eq!(resolve(text, Kind::Text), Some(json!(text)));
        }
        for text in [".inf", "-.Inf", ".nan"] {
            assert_eq!(resolve(text, Kind::Plain), None, "{text}");
        }
    }
}
