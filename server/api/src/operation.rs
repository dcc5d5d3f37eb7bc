//! What an operation is.

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::access::{Kind, Reach, Verb};

/// The methods in use.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Method {
    /// Reads.
    Get,
    /// Makes or steers.
    Post,
    /// Replaces.
    Put,
    /// Removes.
    Delete,
}

impl Method {
    /// The word on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Post => "POST",
            Self::Put => "PUT",
            Self::Delete => "DELETE",
        }
    }
}

/// How the answer travels.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Delivery {
    /// One JSON document.
    Json,
    /// Server-sent events; each event's data is one answer.
    Events,
    /// The request's body is a stream of bytes, the answer one JSON document.
    Upload,
    /// The answer is a stream of bytes of any type.
    Bytes,
}

/// One operation of the native API, as a type: the client and the router both use it.
pub trait Operation {
    /// Its row of the table.
    const ROW: Row;
    /// The query; `()` for none.
    type Query: Serialize + DeserializeOwned;
    /// The JSON body; `()` for none.
    type Body: Serialize + DeserializeOwned;
    /// The JSON answer, or the data of one event.
    type Answer: Serialize + DeserializeOwned;
}

/// One row of the table.
#[derive(Debug, Clone, Copy)]
pub struct Row {
    /// Its name: `operationId` in the OpenAPI document.
    pub id: &'static str,
    /// One sentence.
    pub summary: &'static str,
    /// The method.
    pub method: Method,
    /// The path below [`crate::BASE`], with `{tenant}`, `{run}`, `{name}`.
    pub path: &'static str,
    /// What the caller must be allowed to do …
    pub verb: Verb,
    /// … to what …
    pub kind: Kind,
    /// … and where.
    pub reach: Reach,
    /// How the answer travels.
    pub delivery: Delivery,
    /// Codes of the refusals beside those of every operation (`auth.*`, `request.*`, `server.*`).
    pub errors: &'static [&'static str],
}
