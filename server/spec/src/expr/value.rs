//! The values of the expression language. Cheap to clone: texts, lists and maps are shared.
//!
//! Lists and maps know how deep they are and refuse to grow beyond `DEPTH`, so that every walk
//! over a value, its destruction included, may recurse.

use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Zoned;

use super::budget::Budget;
use super::error::ExprError;

/// Levels of lists and maps inside each other.
pub(super) const DEPTH: u16 = 100;

/// A value. A variable that is known but has no value (the output of a skipped step) is [`Value::Nil`].
#[derive(Debug, Clone, Default)]
pub enum Value {
    /// Nothing.
    #[default]
    Nil,
    /// True or false.
    Bool(bool),
    /// A whole number.
    Int(i64),
    /// Any other number.
    Float(f64),
    /// A text.
    Text(Arc<str>),
    /// A list.
    List(List),
    /// A map from text to values, in the order of its keys.
    Map(Map),
    /// A point in time in a zone.
    Time(Box<Zoned>),
    /// A span in nanoseconds, as in Go.
    Duration(i64),
}

/// A shared list.
#[derive(Debug, Clone)]
pub struct List {
    items: Arc<[Value]>,
    depth: u16,
}

/// A shared map.
#[derive(Debug, Clone)]
pub struct Map {
    entries: Arc<Entries>,
    depth: u16,
}

/// What a map holds.
pub type Entries = BTreeMap<Arc<str>, Value>;

impl List {
    /// The items.
    pub fn items(&self) -> &[Value] {
        &self.items
    }
}

impl Map {
    /// The entries.
    pub fn entries(&self) -> &Entries {
        &self.entries
    }
}

impl Value {
    /// A text.
    pub fn text(text: impl Into<Arc<str>>) -> Self {
        Self::Text(text.into())
    }

    /// A list.
    ///
    /// # Errors
    /// [`ExprError::Limit`] when it would be deeper than 100 levels.
    pub fn list(items: Vec<Self>) -> Result<Self, ExprError> {
        let depth = deeper(items.iter().map(Self::depth).max())?;
        let items = items.into();
        Ok(Self::List(List { items, depth }))
    }

    /// A map.
    ///
    /// # Errors
    /// [`ExprError::Limit`] when it would be deeper than 100 levels.
    pub fn map(entries: Entries) -> Result<Self, ExprError> {
        let depth = deeper(entries.values().map(Self::depth).max())?;
        let entries = Arc::new(entries);
        Ok(Self::Map(Map { entries, depth }))
    }

    /// The value of a JSON document.
    ///
    /// # Errors
    /// [`ExprError::Limit`] when it is deeper than 100 levels.
    pub fn from_json(json: &serde_json::Value) -> Result<Self, ExprError> {
        Self::from_json_below(json, 0)
    }

    fn from_json_below(json: &serde_json::Value, level: u16) -> Result<Self, ExprError> {
        let level = deeper(Some(level))?;
        Ok(match json {
            serde_json::Value::Null => Self::Nil,
            serde_json::Value::Bool(b) => Self::Bool(*b),
            serde_json::Value::Number(n) => match n.as_i64() {
                Some(whole) => Self::Int(whole),
                None => Self::Float(n.as_f64().unwrap_or(f64::NAN)),
            },
            serde_json::Value::String(text) => Self::text(text.as_str()),
            serde_json::Value::Array(items) => {
                let items = items.iter().map(|i| Self::from_json_below(i, level));
                Self::list(items.collect::<Result<_, _>>()?)?
            }
            serde_json::Value::Object(entries) => {
                let pair = |(k, v): (&String, &serde_json::Value)| {
                    Ok((Arc::from(k.as_str()), Self::from_json_below(v, level)?))
                };
                Self::map(entries.iter().map(pair).collect::<Result<_, _>>()?)?
            }
        })
    }

    fn depth(&self) -> u16 {
        match self {
            Self::List(list) => list.depth,
            Self::Map(map) => map.depth,
            _ => 0,
        }
    }

    /// Whether there is nothing.
    pub fn is_nil(&self) -> bool {
        matches!(self, Self::Nil)
    }

    /// The text, if it is one.
    pub fn as_text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }

    /// The number, whole or not.
    pub fn as_number(&self) -> Option<f64> {
        match self {
            Self::Int(i) => Some(*i as f64),
            Self::Float(f) => Some(*f),
            _ => None,
        }
    }

    /// The name of its type, as the function `type` gives it.
    pub fn type_name(&self) -> &'static str {
        match self {
            Self::Nil => "nil",
            Self::Bool(_) => "bool",
            Self::Int(_) => "int",
            Self::Float(_) => "float",
            Self::Text(_) => "string",
            Self::List(_) => "array",
            Self::Map(_) => "map",
            Self::Time(_) => "time.Time",
            Self::Duration(_) => "time.Duration",
        }
    }

    /// Equality across number types; values of different types differ.
    pub(crate) fn equals(&self, other: &Self, budget: &mut Budget) -> Result<bool, ExprError> {
        budget.step(1)?;
        if let Self::Text(_) = self {
            budget.read(self)?;
        }
        Ok(match (self, other) {
            (Self::Nil, Self::Nil) => true,
            (Self::Bool(a), Self::Bool(b)) => a == b,
            (Self::Int(a), Self::Int(b)) => a == b,
            (Self::Text(a), Self::Text(b)) => a == b,
            (Self::Duration(a), Self::Duration(b)) => a == b,
            (Self::Time(a), Self::Time(b)) => a.timestamp() == b.timestamp(),
            (Self::List(a), Self::List(b)) => {
                if a.items.len() != b.items.len() {
                    return Ok(false);
                }
                for (x, y) in a.items.iter().zip(b.items.iter()) {
                    if !x.equals(y, budget)? {
                        return Ok(false);
                    }
                }
                true
            }
            (Self::Map(a), Self::Map(b)) => {
                if a.entries.len() != b.entries.len() {
                    return Ok(false);
                }
                for ((j, x), (k, y)) in a.entries.iter().zip(b.entries.iter()) {
                    if j != k || !x.equals(y, budget)? {
                        return Ok(false);
                    }
                }
                true
            }
            _ => matches!((self.as_number(), other.as_number()), (Some(a), Some(b)) if a == b),
        })
    }

    /// The order of two numbers, texts, times or spans; nothing for other pairs.
    pub(crate) fn order(&self, other: &Self) -> Option<Ordering> {
        match (self, other) {
            (Self::Int(a), Self::Int(b)) => Some(a.cmp(b)),
            (Self::Text(a), Self::Text(b)) => Some(a.cmp(b)),
            (Self::Duration(a), Self::Duration(b)) => Some(a.cmp(b)),
            (Self::Time(a), Self::Time(b)) => Some(a.timestamp().cmp(&b.timestamp())),
            (Self::Bool(a), Self::Bool(b)) => Some(a.cmp(b)),
            _ => self.as_number()?.partial_cmp(&other.as_number()?),
        }
    }
}

fn deeper(inner: Option<u16>) -> Result<u16, ExprError> {
    let depth = inner.unwrap_or(0).saturating_add(1);
    if depth > DEPTH {
        return Err(ExprError::Limit {
            what: "levels of nested values",
            limit: u64::from(DEPTH),
        });
    }
    Ok(depth)
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::text(text)
    }
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Self::text(text)
    }
}

impl From<Arc<str>> for Value {
    fn from(text: Arc<str>) -> Self {
        Self::Text(text)
    }
}

impl From<i64> for Value {
    fn from(number: i64) -> Self {
        Self::Int(number)
    }
}

impl From<bool> for Value {
    fn from(truth: bool) -> Self {
        Self::Bool(truth)
    }
}
