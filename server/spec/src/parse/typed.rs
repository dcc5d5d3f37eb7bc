//! One JSON value to one type, with every fault that is in it.

use serde::de::DeserializeOwned;
use serde_json::Value;

use super::Mode;
use crate::fault::{Code, Fault};
use crate::model::case::spelling;
use crate::path::{of_error, of_ignored};

/// Wrong types reported for one document; more say nothing new.
const MAX_WRONG_TYPES: usize = 20;

/// Unknown fields reported for one document.
const MAX_UNKNOWN: usize = 1_000;

/// A step towards a value.
type Segment = serde_path_to_error::Segment;

/// Reads a value as `T`. Unknown fields are errors or warnings, by mode.
///
/// # Errors
/// All wrong types, or else, in [`Mode::Strict`], all unknown fields.
pub(super) fn read<T: DeserializeOwned>(
    raw: &Value,
    mode: Mode,
    warnings: &mut Vec<Fault>,
) -> Result<T, Vec<Fault>> {
    let mut value = without_nulls(raw);
    let mut wrong = Vec::new();
    loop {
        match once::<T>(&value) {
            Ok((object, unknown)) => {
                if !wrong.is_empty() {
                    return Err(wrong);
                }
                // What lies below a respelled field is looked at only now, so it may take several turns.
                if mode == Mode::Lenient && respell(&mut value, &unknown) {
                    continue;
                }
                return accept(object, &unknown, mode, warnings);
            }
            Err(Wrong { fault, path }) => {
                wrong.push(fault);
                // Without the wrong value the rest can be read, and its faults found.
                if wrong.len() >= MAX_WRONG_TYPES || !remove(&mut value, &path) {
                    return Err(wrong);
                }
            }
        }
    }
}

fn accept<T>(
    object: T,
    unknown: &[Unknown],
    mode: Mode,
    warnings: &mut Vec<Fault>,
) -> Result<T, Vec<Fault>> {
    let faults = unknown.iter().map(|unknown| {
        let message = format!("unknown field \"{}\"", unknown.path);
        let fault = Fault::new(Code::UnknownField, &unknown.path, message);
        match unknown.keys.last().and_then(|key| spelling(key)) {
            Some(name) => fault.with_fix(format!("write {name}")),
            None => fault,
        }
    });
    match mode {
        Mode::Strict if !unknown.is_empty() => Err(faults.collect()),
        _ => {
            warnings.extend(faults);
            Ok(object)
        }
    }
}

/// A field that no type took.
struct Unknown {
    path: String,
    /// Keys and positions from the document down.
    keys: Vec<String>,
}

/// A field of the wrong type.
struct Wrong {
    fault: Fault,
    path: serde_path_to_error::Path,
}

fn once<T: DeserializeOwned>(value: &Value) -> Result<(T, Vec<Unknown>), Wrong> {
    let mut unknown = Vec::new();
    let mut track = serde_path_to_error::Track::new();
    let read = serde_ignored::deserialize(
        serde_path_to_error::Deserializer::new(value, &mut track),
        |path| {
            if unknown.len() < MAX_UNKNOWN {
                unknown.push(Unknown {
                    path: of_ignored(&path),
                    keys: keys(&path),
                });
            }
        },
    );
    match read {
        Ok(object) => Ok((object, unknown)),
        Err(error) => {
            let path = track.path();
            let message = error.to_string();
            let fault = Fault::new(Code::WrongType, of_error(&path), &message);
            let fault = if message.ends_with("expected a string") {
                fault.with_fix("put the value in quotes")
            } else {
                fault
            };
            Err(Wrong { fault, path })
        }
    }
}

fn keys(path: &serde_ignored::Path<'_>) -> Vec<String> {
    use serde_ignored::Path;
    let with = |parent, key: String| {
        let mut all = keys(parent);
        all.push(key);
        all
    };
    match path {
        Path::Root => Vec::new(),
        Path::Seq { parent, index } => with(parent, index.to_string()),
        Path::Map { parent, key } => with(parent, key.clone()),
        Path::Some { parent }
        | Path::NewtypeStruct { parent }
        | Path::NewtypeVariant { parent } => keys(parent),
    }
}

/// A copy without the fields that are null: Go's decoder takes them as absent. Nulls in lists stay, and
/// so do those in a loop's items, which are data.
fn without_nulls(value: &Value) -> Value {
    match value {
        Value::Object(fields) => Value::Object(
            fields
                .iter()
                .filter(|(_, value)| !value.is_null())
                .map(|(key, value)| {
                    let value = if key == "withItems" {
                        value.clone()
                    } else {
                        without_nulls(value)
                    };
                    (key.clone(), value)
                })
                .collect(),
        ),
        Value::Array(items) => Value::Array(items.iter().map(without_nulls).collect()),
        other => other.clone(),
    }
}

/// Gives unknown keys the language's spelling where they differ only in case; true when one did.
fn respell(value: &mut Value, unknown: &[Unknown]) -> bool {
    let mut changed = false;
    for Unknown { keys, .. } in unknown {
        let Some((key, above)) = keys.split_last() else {
            continue;
        };
        let Some(name) = spelling(key) else { continue };
        let parent = above
            .iter()
            .try_fold(&mut *value, |value, key| match value {
                Value::Object(fields) => fields.get_mut(key),
                Value::Array(items) => items.get_mut(key.parse::<usize>().ok()?),
                _ => None,
            });
        if let Some(Value::Object(fields)) = parent
            && !fields.contains_key(name)
            && let Some(value) = fields.remove(key)
        {
            fields.insert(name.to_owned(), value);
            changed = true;
        }
    }
    changed
}

/// Removes the field at a path, or the nearest one above it (elements of lists keep their positions, so
/// that later paths stay true); false when only the document is left.
fn remove(value: &mut Value, path: &serde_path_to_error::Path) -> bool {
    let segments: Vec<&Segment> = path.iter().collect();
    (1..=segments.len()).rev().any(|length| {
        segments
            .get(..length)
            .is_some_and(|segments| remove_at(value, segments))
    })
}

fn remove_at(value: &mut Value, segments: &[&Segment]) -> bool {
    let Some((last, above)) = segments.split_last() else {
        return false;
    };
    let parent = above
        .iter()
        .try_fold(value, |value, segment| match segment {
            Segment::Map { key } => value.as_object_mut()?.get_mut(key),
            Segment::Seq { index } => value.as_array_mut()?.get_mut(*index),
            _ => None,
        });
    match (parent, last) {
        (Some(Value::Object(fields)), Segment::Map { key }) => fields.remove(key).is_some(),
        _ => false,
    }
}
