//! What one expression may use. Every loop and every allocation asks here first.

use std::sync::Arc;

use regex::{Regex, RegexBuilder};
use steading_types::Millis;

use super::error::ExprError;
use super::value::{Entries, Value};

/// Limits of one evaluation, and the clock that `now()` shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// The time that `now()` gives.
    pub now: Millis,
    /// Bytes of an expression's source.
    pub source: usize,
    /// Elementary operations.
    pub steps: u64,
    /// Bytes of values made on the way, and of a substituted document.
    pub bytes: usize,
}

impl Limits {
    /// The usual limits at a point in time: 64 KiB of source, a million operations, 16 MiB.
    pub fn at(now: Millis) -> Self {
        Self {
            now,
            source: 64 * 1024,
            steps: 1_000_000,
            bytes: 16 * 1024 * 1024,
        }
    }
}

/// Bytes of a compiled pattern.
const PATTERN_SIZE: usize = 256 * 1024;
/// Compiling a pattern costs as much as this many other steps.
const PATTERN_STEPS: usize = 2_000;
/// Bytes read, times states of the pattern, that one step pays for.
const PATTERN_WORK: usize = 256;
/// Patterns kept, so that a predicate compiles its own once.
const PATTERNS_KEPT: usize = 8;

/// What is left of the limits during one evaluation.
pub(crate) struct Budget {
    limits: Limits,
    steps: u64,
    bytes: usize,
    patterns: Vec<(Arc<str>, Regex)>,
}

impl Budget {
    pub(crate) fn new(limits: &Limits) -> Self {
        Self {
            steps: limits.steps,
            bytes: limits.bytes,
            limits: limits.clone(),
            patterns: Vec::new(),
        }
    }

    pub(crate) fn now(&self) -> Millis {
        self.limits.now
    }

    /// Pays for `n` elementary operations.
    pub(crate) fn step(&mut self, n: usize) -> Result<(), ExprError> {
        match self.steps.checked_sub(n as u64) {
            Some(left) => self.steps = left,
            None => {
                return Err(ExprError::Limit {
                    what: "operations",
                    limit: self.limits.steps,
                });
            }
        }
        Ok(())
    }

    /// Pays for `n` bytes that are about to be made, and for the work of making them.
    pub(crate) fn bytes(&mut self, n: usize) -> Result<(), ExprError> {
        match self.bytes.checked_sub(n) {
            Some(left) => self.bytes = left,
            None => {
                return Err(ExprError::Limit {
                    what: "bytes",
                    limit: self.limits.bytes as u64,
                });
            }
        }
        self.step(n / 64)
    }

    /// Pays for a list of `n` items that is about to be made.
    pub(crate) fn items(&mut self, n: usize) -> Result<(), ExprError> {
        self.step(n)?;
        self.bytes(n.saturating_mul(size_of::<Value>()))
    }

    /// A new text, paid for.
    pub(crate) fn text(&mut self, text: impl Into<Arc<str>>) -> Result<Value, ExprError> {
        let text = text.into();
        self.bytes(text.len())?;
        Ok(Value::Text(text))
    }

    /// A new list, paid for.
    pub(crate) fn list(&mut self, items: Vec<Value>) -> Result<Value, ExprError> {
        self.items(items.len())?;
        Value::list(items)
    }

    /// A new list of texts, paid for.
    pub(crate) fn texts<'t>(
        &mut self,
        texts: impl Iterator<Item = &'t str>,
    ) -> Result<Value, ExprError> {
        let mut items = Vec::new();
        for text in texts {
            self.step(1)?;
            items.push(self.text(text)?);
        }
        self.list(items)
    }

    /// A new map, paid for.
    pub(crate) fn map(&mut self, entries: Entries) -> Result<Value, ExprError> {
        self.items(entries.len().saturating_mul(2))?;
        Value::map(entries)
    }

    /// Pays for reading through a value once: texts by their length, lists by their items.
    pub(crate) fn read(&mut self, value: &Value) -> Result<(), ExprError> {
        let size = match value {
            Value::Text(text) => text.len(),
            Value::List(list) => list.items().len(),
            Value::Map(map) => map.entries().len(),
            _ => return Ok(()),
        };
        self.step(size / 64)
    }

    /// A compiled pattern, about to be run over `length` bytes. Go's syntax and this one's agree
    /// on everything but rarities.
    pub(crate) fn pattern(&mut self, pattern: &str, length: usize) -> Result<Regex, ExprError> {
        let work = length.saturating_mul(complexity(pattern));
        self.step((work / PATTERN_WORK).saturating_add(1))?;
        let known = |kept: &[(Arc<str>, Regex)]| {
            let found = kept.iter().find(|(p, _)| &**p == pattern);
            found.map(|(_, regex)| regex.clone())
        };
        if let Some(regex) = known(&self.patterns) {
            return Ok(regex);
        }
        self.step(PATTERN_STEPS)?;
        let regex = RegexBuilder::new(pattern)
            .size_limit(PATTERN_SIZE)
            .dfa_size_limit(PATTERN_SIZE)
            .nest_limit(50)
            .build()
            .map_err(|error| ExprError::Malformed(pattern_error(pattern, &error)))?;
        let kept = &mut self.patterns;
        if kept.len() == PATTERNS_KEPT {
            kept.remove(0);
        }
        kept.push((Arc::from(pattern), regex.clone()));
        Ok(regex)
    }
}

/// An upper bound of the states in which a pattern can be at once: its length, times its counted
/// repetitions.
fn complexity(pattern: &str) -> usize {
    let counts = pattern.split('{').skip(1);
    let largest = |count: &str| {
        let numbers = count.split('}').next().unwrap_or_default().split(',');
        numbers
            .filter_map(|number| number.trim().parse::<usize>().ok())
            .max()
    };
    let repetitions = counts.filter_map(largest);
    repetitions.fold(pattern.len().max(1), |product, count| {
        product.saturating_mul(count.max(1))
    })
}

fn pattern_error(pattern: &str, error: &regex::Error) -> String {
    let shown: String = pattern.chars().take(60).collect();
    match error {
        regex::Error::CompiledTooBig(_) => {
            format!("the regular expression '{shown}' becomes too large")
        }
        _ => format!("'{shown}' is not a regular expression"),
    }
}
