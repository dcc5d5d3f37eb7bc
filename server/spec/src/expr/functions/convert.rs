//! Conversions between types and encodings.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::super::budget::Budget;
use super::super::error::ExprError;
use super::super::value::Value;
use super::super::write::{self, Layout};
use super::{Arguments, Function, function};

pub(super) const TABLE: &[Function] = &[
    function("type", 1, 1, |b, a| b.text(a.get(0).type_name())),
    function("int", 1, 1, |_, a| to_int(a)),
    function("asInt", 1, 1, |_, a| to_int(a)),
    function("float", 1, 1, |_, a| to_float(a)),
    function("asFloat", 1, 1, |_, a| to_float(a)),
    function("string", 1, 1, |b, a| {
        let text = go_text(a.get(0), b)?;
        b.text(text)
    }),
    function("toJSON", 1, 1, |b, a| {
        let text = write::json(a.get(0), Layout::Indented, b)?;
        b.text(text)
    }),
    function("toJson", 1, 1, |b, a| {
        let text = write::json(a.get(0), Layout::Compact, b)?;
        b.text(text)
    }),
    function("fromJSON", 1, 1, |b, a| from_json(b, a.text(0)?, a)),
    function("toBase64", 1, 1, |b, a| b.text(STANDARD.encode(a.text(0)?))),
    function("fromBase64", 1, 1, from_base64),
];

/// Go's `%v` of scalars; lists and maps as JSON.
pub(crate) fn go_text(value: &Value, budget: &mut Budget) -> Result<String, ExprError> {
    match value {
        Value::List(_) | Value::Map(_) => write::json(value, Layout::Compact, budget),
        scalar => {
            let text = write::scalar(scalar);
            budget.bytes(text.len())?;
            Ok(text)
        }
    }
}

fn to_int(args: &Arguments<'_>) -> Result<Value, ExprError> {
    let value = args.get(0);
    match value {
        Value::Int(_) => Ok(value.clone()),
        Value::Float(f) if f.abs() < 9.2e18 => Ok(Value::Int(*f as i64)),
        Value::Duration(nanos) => Ok(Value::Int(*nanos)),
        Value::Text(text) => match text.trim().parse() {
            Ok(number) => Ok(Value::Int(number)),
            Err(_) => Err(args.malformed(format!("{} is not a whole number", excerpt(text)))),
        },
        _ => Err(args.wrong(0, "a number or a string")),
    }
}

fn to_float(args: &Arguments<'_>) -> Result<Value, ExprError> {
    match args.get(0) {
        Value::Text(text) => match text.trim().parse() {
            Ok(number) => Ok(Value::Float(number)),
            Err(_) => Err(args.malformed(format!("{} is not a number", excerpt(text)))),
        },
        _ => args.number(0).map(Value::Float),
    }
}

/// The beginning of a text, quoted, for a message.
pub(crate) fn excerpt(text: &str) -> String {
    let shown: String = text.chars().take(40).collect();
    format!("{shown:?}")
}

/// Reads a JSON document.
pub(crate) fn from_json(
    budget: &mut Budget,
    text: &str,
    args: &Arguments<'_>,
) -> Result<Value, ExprError> {
    // Paid before it is made: each value stands behind one of these signs.
    let signs = text
        .bytes()
        .filter(|c| matches!(c, b',' | b':' | b'[' | b'{'));
    let values = signs.count().saturating_add(1);
    budget.step(values)?;
    budget.bytes(
        values
            .saturating_mul(VALUE_BYTES)
            .saturating_add(text.len()),
    )?;
    let json: serde_json::Value = serde_json::from_str(text)
        .map_err(|error| args.malformed(format!("{} is not JSON: {error}", excerpt(text))))?;
    Value::from_json(&json)
}

/// Memory of one value while a document is read: the parser's form and ours.
const VALUE_BYTES: usize = size_of::<serde_json::Value>() + size_of::<Value>();

fn from_base64(budget: &mut Budget, args: &Arguments<'_>) -> Result<Value, ExprError> {
    let text = decode(args.text(0)?).ok_or_else(|| {
        args.malformed(format!(
            "{} is not base 64",
            excerpt(args.text(0).unwrap_or_default())
        ))
    })?;
    budget.text(text)
}

/// Standard base 64; bytes that are no UTF-8 become replacement signs, as they would in JSON.
pub(crate) fn decode(text: &str) -> Option<String> {
    let bytes = STANDARD.decode(text).ok()?;
    Some(String::from_utf8_lossy(&bytes).into_owned())
}
