//! Text to JSON values: YAML as Kubernetes' tools read it, and JSON.
//!
//! The events come from saphyr-parser; the tree is built here, on a stack of our own, because the bounds
//! are the point: no document may cost more memory than [`Limits`] allow, however its aliases multiply,
//! and no depth may reach the machine's stack.

mod build;
mod json;
mod locate;
mod repair;
mod scalar;

use serde_json::Value;

pub use locate::locate;

use crate::fault::{Code, Fault};

/// Bounds of one text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of the text.
    pub bytes: usize,
    /// Lists and mappings inside each other.
    pub depth: usize,
    /// Values of all documents, aliases written out.
    pub nodes: usize,
    /// Bytes of one key.
    pub key: usize,
    /// Documents in the text.
    pub documents: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            bytes: 16 * 1024 * 1024,
            depth: 100,
            nodes: 1_000_000,
            key: 1024,
            documents: 1_000,
        }
    }
}

/// Reads every document that is not empty, with its position among all documents of the text.
///
/// # Errors
/// The first thing that is not YAML, not JSON, or beyond a bound.
pub(crate) fn documents(bytes: &[u8], limits: &Limits) -> Result<Vec<(usize, Value)>, Fault> {
    let text = text(bytes, limits)?;
    // A JSON document has escapes that YAML does not know (surrogate pairs), so JSON comes first.
    if text.trim_start().starts_with(['{', '[']) {
        match json::document(text, limits) {
            Ok(value) => return Ok(vec![(0, value)]),
            Err(json::Problem::Fault(fault)) => return Err(fault),
            Err(json::Problem::NotJson) => {}
        }
    }
    build::documents(text, limits)
}

/// Checks a value that came from elsewhere against the bounds of depth and number.
///
/// # Errors
/// The bound that it exceeds.
pub(crate) fn within(value: &Value, limits: &Limits) -> Result<(), Fault> {
    fn count(value: &Value, depth: usize, nodes: &mut usize, limits: &Limits) -> Result<(), Fault> {
        *nodes += 1;
        if *nodes > limits.nodes {
            return Err(too_many_nodes(limits));
        }
        if depth > limits.depth {
            return Err(too_deep(limits));
        }
        match value {
            Value::Array(items) => items
                .iter()
                .try_for_each(|item| count(item, depth + 1, nodes, limits)),
            Value::Object(fields) => fields
                .values()
                .try_for_each(|field| count(field, depth + 1, nodes, limits)),
            _ => Ok(()),
        }
    }
    count(value, 0, &mut 0, limits)
}

fn text<'a>(bytes: &'a [u8], limits: &Limits) -> Result<&'a str, Fault> {
    if bytes.len() > limits.bytes {
        let message = format!(
            "the text has {} bytes, more than the {} allowed",
            bytes.len(),
            limits.bytes
        );
        return Err(Fault::new(Code::TooLarge, "", message));
    }
    let text = std::str::from_utf8(bytes).map_err(|error| {
        let before = bytes.get(..error.valid_up_to()).unwrap_or_default();
        at_end_of(before, "the text is not UTF-8")
    })?;
    if let Some(nul) = bytes.iter().position(|byte| *byte == 0) {
        let before = bytes.get(..nul).unwrap_or_default();
        return Err(at_end_of(before, "the text holds a NUL character"));
    }
    Ok(text.strip_prefix('\u{feff}').unwrap_or(text))
}

/// A fault of the character after `before`.
fn at_end_of(before: &[u8], message: &str) -> Fault {
    let line = before.iter().filter(|byte| **byte == b'\n').count();
    let last = before.rsplit(|byte| *byte == b'\n').next();
    let column = last.map_or(0, |line| String::from_utf8_lossy(line).chars().count());
    Fault::new(Code::Encoding, "", message)
        .at(line + 1, column + 1)
        .with_fix("save the file as UTF-8 text")
}

fn too_deep(limits: &Limits) -> Fault {
    let message = format!("the document nests deeper than {} levels", limits.depth);
    Fault::new(Code::TooDeep, "", message)
}

fn too_many_nodes(limits: &Limits) -> Fault {
    let message = format!("the text holds more than {} values", limits.nodes);
    Fault::new(Code::TooManyNodes, "", message)
        .with_fix("pass long lists by a file or an artifact, or loop with withSequence")
}

fn key_too_long(limits: &Limits) -> Fault {
    let message = format!("a key is longer than {} bytes", limits.key);
    Fault::new(Code::KeyTooLong, "", message)
}

fn duplicate_key(key: &str) -> Fault {
    let key: String = key.chars().take(80).collect();
    Fault::new(
        Code::DuplicateKey,
        "",
        format!("the key {key:?} is given twice"),
    )
}

#[cfg(test)]
mod tests;
