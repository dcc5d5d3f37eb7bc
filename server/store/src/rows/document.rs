//! What a run was asked to do: two JSON texts.

use serde::{Deserialize, Serialize};
use steading_engine::document::Document;

use super::{encode, fields, json, newer, version};
use crate::StoreError;

const VERSION: u8 = 1;

#[derive(Serialize, Deserialize)]
struct V1<'r> {
    #[serde(borrow)]
    workflow: std::borrow::Cow<'r, str>,
    #[serde(borrow)]
    resolved: std::borrow::Cow<'r, str>,
}

/// The row of a document.
pub(crate) fn write(document: &Document) -> Result<Vec<u8>, StoreError> {
    let row = V1 {
        workflow: document.workflow.to_string().into(),
        resolved: document.resolved.to_string().into(),
    };
    encode(VERSION, &row)
}

/// The document behind a row.
pub(crate) fn read(row: &[u8]) -> Result<Document, StoreError> {
    let (found, bytes) = version(row)?;
    if found != VERSION {
        return Err(newer("a document", found, VERSION));
    }
    let row: V1<'_> = fields("a document", bytes)?;
    Ok(Document {
        workflow: json(&row.workflow)?,
        resolved: json(&row.resolved)?,
    })
}
