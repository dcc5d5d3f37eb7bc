//! The functions that an expression can call: one table a file, found by name when the expression is
//! parsed. All are pure: the same arguments and the same clock give the same answer.

pub(crate) mod convert;
mod lists;
mod numbers;
mod strings;
pub(crate) mod times;

pub(crate) use lists::{Order, order_from, sort, unique};
pub(crate) use numbers::{overflow, sum};
pub(crate) use strings::{repeat, replace_in};

use std::collections::HashMap;
use std::sync::LazyLock;

use super::budget::Budget;
use super::error::ExprError;
use super::value::{Entries, Value};
use super::{jsonpath, sprig};

/// A function and how many arguments it takes.
#[derive(Debug)]
pub(crate) struct Function {
    pub(crate) name: &'static str,
    least: usize,
    most: usize,
    pub(crate) call: Call,
}

/// The work of a function.
pub(crate) type Call = fn(&mut Budget, &Arguments<'_>) -> Result<Value, ExprError>;

/// Any number of arguments from the least on.
pub(crate) const MANY: usize = usize::MAX;

/// One row of a table.
pub(crate) const fn function(
    name: &'static str,
    least: usize,
    most: usize,
    call: Call,
) -> Function {
    Function {
        name,
        least,
        most,
        call,
    }
}

impl Function {
    /// A sentence when the function can not take this many arguments.
    pub(crate) fn check_count(&self, count: usize) -> Result<(), String> {
        let Self {
            name, least, most, ..
        } = self;
        if (*least..=*most).contains(&count) {
            return Ok(());
        }
        Err(match (*least, *most) {
            (n, m) if n == m => format!("{name} takes {n} arguments, not {count}"),
            (n, MANY) => format!("{name} takes at least {n} arguments, not {count}"),
            (n, m) => format!("{name} takes {n} to {m} arguments, not {count}"),
        })
    }
}

type Index = HashMap<&'static str, &'static Function>;

static BUILT_IN: LazyLock<Index> = LazyLock::new(|| {
    let tables = [
        strings::TABLE,
        lists::TABLE,
        numbers::TABLE,
        times::TABLE,
        convert::TABLE,
        jsonpath::TABLE,
    ];
    index(&tables)
});
static SPRIG: LazyLock<Index> = LazyLock::new(|| index(sprig::TABLES));

fn index(tables: &[&'static [Function]]) -> Index {
    let rows = tables.iter().flat_map(|table| table.iter());
    rows.map(|function| (function.name, function)).collect()
}

/// The function of a name; those of sprig begin with `sprig.`.
pub(crate) fn find(name: &str) -> Result<&'static Function, ExprError> {
    let found = match name.strip_prefix("sprig.") {
        Some(member) => {
            if let Some(reason) = sprig::refusal(member) {
                return Err(ExprError::Refused {
                    function: name.to_owned(),
                    reason,
                });
            }
            // Ours always say what is wrong, so `mustToJson` is `toJson`.
            SPRIG
                .get(member)
                .or_else(|| SPRIG.get(&*without_must(member)?))
        }
        None => BUILT_IN.get(name),
    };
    found
        .copied()
        .ok_or_else(|| ExprError::UnknownFunction(name.to_owned()))
}

fn without_must(name: &str) -> Option<String> {
    let mut rest = name.strip_prefix("must")?.chars();
    let first = rest.next()?.to_ascii_lowercase();
    Some(format!("{first}{}", rest.as_str()))
}

/// The evaluated arguments of one call.
pub(crate) struct Arguments<'v> {
    pub(crate) name: &'static str,
    pub(crate) values: &'v [Value],
}

static NIL: Value = Value::Nil;

impl<'v> Arguments<'v> {
    pub(crate) fn len(&self) -> usize {
        self.values.len()
    }

    /// The argument at a position; nothing beyond the last.
    pub(crate) fn get(&self, position: usize) -> &'v Value {
        self.values.get(position).unwrap_or(&NIL)
    }

    pub(crate) fn wrong(&self, position: usize, wanted: &str) -> ExprError {
        ExprError::Type(format!(
            "{}: argument {} must be {wanted}, not {}",
            self.name,
            position.saturating_add(1),
            self.get(position).type_name()
        ))
    }

    pub(crate) fn malformed(&self, what: impl std::fmt::Display) -> ExprError {
        ExprError::Malformed(format!("{}: {what}", self.name))
    }

    pub(crate) fn text(&self, position: usize) -> Result<&'v str, ExprError> {
        let value = self.get(position);
        value
            .as_text()
            .ok_or_else(|| self.wrong(position, "a string"))
    }

    pub(crate) fn optional_text(&self, position: usize) -> Result<Option<&'v str>, ExprError> {
        if position < self.len() {
            return self.text(position).map(Some);
        }
        Ok(None)
    }

    pub(crate) fn int(&self, position: usize) -> Result<i64, ExprError> {
        match self.get(position) {
            Value::Int(i) => Ok(*i),
            Value::Float(f) if f.fract() == 0.0 && f.abs() < 9e15 => Ok(*f as i64),
            _ => Err(self.wrong(position, "a whole number")),
        }
    }

    /// A number of things: never negative.
    pub(crate) fn size(&self, position: usize) -> Result<usize, ExprError> {
        usize::try_from(self.int(position)?).map_err(|_| self.wrong(position, "a number from 0 on"))
    }

    pub(crate) fn number(&self, position: usize) -> Result<f64, ExprError> {
        let value = self.get(position);
        value
            .as_number()
            .ok_or_else(|| self.wrong(position, "a number"))
    }

    pub(crate) fn list(&self, position: usize) -> Result<&'v [Value], ExprError> {
        match self.get(position) {
            Value::List(list) => Ok(list.items()),
            _ => Err(self.wrong(position, "an array")),
        }
    }

    pub(crate) fn map(&self, position: usize) -> Result<&'v Entries, ExprError> {
        match self.get(position) {
            Value::Map(map) => Ok(map.entries()),
            _ => Err(self.wrong(position, "a map")),
        }
    }
}

#[cfg(test)]
mod tests;
