//! Reading a Secret: its values go into their own type, and nowhere else.

use serde_json::{Map, Value};

use super::{Mode, typed};
use crate::fault::{Code, Fault};
use crate::model::Secret;
use crate::objects::LAST_APPLIED;

/// Reads a Secret.
///
/// # Errors
/// As for every kind, but without the values that serde repeats.
pub(super) fn read(
    raw: &Value,
    mode: Mode,
    warnings: &mut Vec<Fault>,
) -> Result<Box<Secret>, Vec<Fault>> {
    let mut secret: Box<Secret> = typed::read(raw, mode, warnings).map_err(without_values)?;
    secret.metadata.annotations.remove(LAST_APPLIED);
    Ok(secret)
}

fn without_values(faults: Vec<Fault>) -> Vec<Fault> {
    let told = faults.into_iter().map(|fault| match fault.code {
        Code::WrongType => Fault {
            message: "the field holds another type than a Secret has there".to_owned(),
            ..fault
        },
        _ => fault,
    });
    told.collect()
}

/// Takes the values out of a Secret's document, wherever clients leave them and however they spell it.
pub(super) fn conceal(raw: &mut Value) {
    let Some(fields) = raw.as_object_mut() else {
        return;
    };
    fields.retain(|key, _| !is(key, "data") && !is(key, "stringData"));
    for annotations in inside(fields, "metadata").flat_map(|meta| inside(meta, "annotations")) {
        annotations.retain(|key, _| key != LAST_APPLIED);
    }
}

fn is(key: &str, name: &str) -> bool {
    key.eq_ignore_ascii_case(name)
}

fn inside<'v>(
    fields: &'v mut Map<String, Value>,
    name: &'static str,
) -> impl Iterator<Item = &'v mut Map<String, Value>> {
    let named = fields.iter_mut().filter(move |(key, _)| is(key, name));
    named.filter_map(|(_, value)| value.as_object_mut())
}
