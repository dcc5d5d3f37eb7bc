//! Values as text: what a tag prints, and JSON. Numbers look as Go prints them, because that is what
//! scripts behind existing workflows parse.

use std::fmt::Write;

use super::budget::Budget;
use super::error::ExprError;
use super::value::Value;
use super::{go_duration, go_time};

/// How JSON is laid out.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Layout {
    /// On one line without spaces.
    Compact,
    /// Two spaces a level.
    Indented,
}

/// The value as a tag prints it: texts as they are, everything else as JSON.
pub(crate) fn text(value: &Value, budget: &mut Budget) -> Result<String, ExprError> {
    match value {
        Value::Text(text) => {
            budget.bytes(text.len())?;
            Ok(text.to_string())
        }
        Value::Time(_) => Ok(scalar(value)),
        _ => json(value, Layout::Compact, budget),
    }
}

/// The value as JSON.
pub(crate) fn json(
    value: &Value,
    layout: Layout,
    budget: &mut Budget,
) -> Result<String, ExprError> {
    let mut writer = Writer {
        out: String::new(),
        layout,
        level: 0,
        paid: 0,
        budget,
    };
    writer.value(value)?;
    writer.pay()?;
    Ok(writer.out)
}

/// A number, truth, time or span on its own, as Go's `%v` prints it.
pub(crate) fn scalar(value: &Value) -> String {
    match value {
        Value::Nil => "nil".into(),
        Value::Bool(b) => b.to_string(),
        Value::Int(i) => i.to_string(),
        Value::Float(f) => float(*f),
        Value::Text(text) => text.to_string(),
        Value::Time(time) => go_time::rfc3339(time),
        Value::Duration(nanos) => go_duration::text(*nanos),
        Value::List(_) | Value::Map(_) => value.type_name().into(),
    }
}

/// Go's shortest form: exponents only below 1e-6 and from 1e21.
pub(crate) fn float(number: f64) -> String {
    let size = number.abs();
    if size != 0.0 && !(1e-6..1e21).contains(&size) && number.is_finite() {
        let text = format!("{number:e}");
        return match text.split_once('e') {
            Some((digits, exponent)) => match exponent.strip_prefix('-') {
                Some(small) => format!("{digits}e-{small:0>2}"),
                None => format!("{digits}e+{exponent:0>2}"),
            },
            None => text,
        };
    }
    if number.is_nan() {
        "NaN".into()
    } else if number.is_infinite() {
        if number > 0.0 { "+Inf" } else { "-Inf" }.into()
    } else {
        format!("{number}")
    }
}

struct Writer<'b> {
    out: String,
    layout: Layout,
    level: usize,
    paid: usize,
    budget: &'b mut Budget,
}

impl Writer<'_> {
    /// Charges for what was written since the last call; shared parts of a value can make its text
    /// far larger than the value.
    fn pay(&mut self) -> Result<(), ExprError> {
        let new = self.out.len().saturating_sub(self.paid);
        self.paid = self.out.len();
        self.budget.step(1)?;
        self.budget.bytes(new)
    }

    fn value(&mut self, value: &Value) -> Result<(), ExprError> {
        self.pay()?;
        match value {
            Value::Nil => self.out.push_str("null"),
            Value::Float(f) if !f.is_finite() => {
                return Err(ExprError::Arithmetic(format!(
                    "{} has no form in JSON",
                    float(*f)
                )));
            }
            Value::Bool(_) | Value::Int(_) | Value::Float(_) => self.out.push_str(&scalar(value)),
            Value::Duration(nanos) => self.out.push_str(&nanos.to_string()),
            Value::Text(text) => self.quoted(text),
            Value::Time(_) => self.quoted(&scalar(value)),
            Value::List(list) => self.sequence('[', ']', list.items().iter(), Self::value)?,
            Value::Map(map) => {
                self.sequence('{', '}', map.entries().iter(), |this, (key, value)| {
                    this.quoted(key);
                    this.out.push(':');
                    if this.layout == Layout::Indented {
                        this.out.push(' ');
                    }
                    this.value(value)
                })?;
            }
        }
        Ok(())
    }

    fn sequence<T>(
        &mut self,
        open: char,
        close: char,
        items: impl ExactSizeIterator<Item = T>,
        mut write: impl FnMut(&mut Self, T) -> Result<(), ExprError>,
    ) -> Result<(), ExprError> {
        let empty = items.len() == 0;
        self.out.push(open);
        self.level = self.level.saturating_add(1);
        for (index, item) in items.enumerate() {
            if index > 0 {
                self.out.push(',');
            }
            self.line();
            write(self, item)?;
        }
        self.level = self.level.saturating_sub(1);
        if !empty {
            self.line();
        }
        self.out.push(close);
        Ok(())
    }

    fn line(&mut self) {
        if self.layout == Layout::Indented {
            self.out.push('\n');
            self.out.extend(std::iter::repeat_n("  ", self.level));
        }
    }

    fn quoted(&mut self, text: &str) {
        self.out.push('"');
        for c in text.chars() {
            match c {
                '"' => self.out.push_str("\\\""),
                '\\' => self.out.push_str("\\\\"),
                '\n' => self.out.push_str("\\n"),
                '\r' => self.out.push_str("\\r"),
                '\t' => self.out.push_str("\\t"),
                c if (c as u32) < 0x20 => {
                    // Writing to a String can not fail.
                    let _ = write!(self.out, "\\u{:04x}", c as u32);
                }
                c => self.out.push(c),
            }
        }
        self.out.push('"');
    }
}
