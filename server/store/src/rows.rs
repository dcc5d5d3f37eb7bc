//! Versioned rows: the third set of types, beside the domain's and the wire's. A row's first byte is
//! its version, the rest is postcard. Each version that was ever released is read for ever;
//! `tests/golden` holds one of each.
//!
//! Enums of the domain become fixed numbers here, so that their order in the source means nothing.

use serde::{Deserialize, Serialize};
use steading_types::artifact::Artifact;

use crate::StoreError;

pub(crate) mod archive;
pub(crate) mod document;
pub(crate) mod event;
pub(crate) mod head;
pub(crate) mod hold;
pub(crate) mod log;
pub(crate) mod memo;
pub(crate) mod node;
pub(crate) mod object;
pub(crate) mod outbox;
pub(crate) mod run_event;
pub(crate) mod template;
pub(crate) mod tenant;
pub(crate) mod token;

/// Writes a row: its version, then its fields.
fn encode<T: Serialize>(version: u8, row: &T) -> Result<Vec<u8>, StoreError> {
    postcard::to_extend(row, vec![version])
        .map_err(|_| StoreError::damaged("a row can not be written"))
}

/// Splits a row into its version and its fields.
fn version(row: &[u8]) -> Result<(u8, &[u8]), StoreError> {
    row.split_first()
        .map(|(version, fields)| (*version, fields))
        .ok_or_else(|| StoreError::damaged("an empty row"))
}

/// Reads the fields of a row of a known version.
fn fields<'r, T: Deserialize<'r>>(what: &'static str, fields: &'r [u8]) -> Result<T, StoreError> {
    postcard::from_bytes(fields).map_err(|_| StoreError::damaged(format!("a row of {what}")))
}

/// The answer to a version that this program does not know.
fn newer(what: &'static str, version: u8, known: u8) -> StoreError {
    StoreError::Newer {
        what,
        version: version.into(),
        known: known.into(),
    }
}

/// Artifacts in a row: JSON, because what a foreign store is told is its own business.
fn write_artifacts<'a>(
    artifacts: impl IntoIterator<Item = &'a Artifact>,
) -> Result<Vec<String>, StoreError> {
    let written = artifacts.into_iter().map(serde_json::to_string);
    let written: Result<_, _> = written.collect();
    written.map_err(|_| StoreError::damaged("an artifact can not be written"))
}

fn read_artifacts(rows: &[String]) -> Result<Vec<Artifact>, StoreError> {
    let read = rows.iter().map(|row| serde_json::from_str(row));
    let read: Result<_, _> = read.collect();
    read.map_err(|_| StoreError::damaged("an artifact in a row"))
}

/// Numbers for the values of an enum, in both directions.
macro_rules! numbers {
    ($number:ident, $value:ident, $what:literal, $enum:ty { $($variant:ident = $code:literal),* $(,)? }) => {
        pub(crate) fn $number(value: $enum) -> u8 {
            match value {
                $(<$enum>::$variant => $code,)*
            }
        }
        pub(crate) fn $value(number: u8) -> Result<$enum, $crate::StoreError> {
            match number {
                $($code => Ok(<$enum>::$variant),)*
                _ => Err($crate::StoreError::damaged(concat!("an unknown ", $what))),
            }
        }
    };
}
pub(crate) use numbers;

/// Reads a JSON text that a row carries.
fn json(text: &str) -> Result<serde_json::Value, StoreError> {
    serde_json::from_str(text).map_err(|_| StoreError::damaged("a JSON text in a row"))
}

/// Reads a name that a row carries.
fn name<T: std::str::FromStr>(text: &str) -> Result<T, StoreError> {
    text.parse()
        .map_err(|_| StoreError::damaged("a name in a row"))
}

#[cfg(test)]
mod tests;
