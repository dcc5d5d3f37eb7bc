//! What somebody did to a run: kept with the run for as long as it is.

use serde::{Deserialize, Serialize};
use steading_types::{Millis, RunId};

use super::{encode, fields, newer, numbers, version};
use crate::StoreError;

const VERSION: u8 = 1;

/// What was done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names are those of the verbs")]
pub enum Deed {
    Suspend,
    Resume,
    Stop,
    Terminate,
    Set,
    Skip,
    Retry,
    /// This run was submitted again, as the other one.
    ResubmittedAs,
    /// This run came from the other one.
    ResubmittedFrom,
    /// A node of this run made the other one.
    Made,
    /// A node of the other run made this one.
    MadeBy,
}

numbers!(deed_number, deed, "deed", Deed {
    Suspend = 0, Resume = 1, Stop = 2, Terminate = 3, Set = 4, Skip = 5, Retry = 6,
    ResubmittedAs = 7, ResubmittedFrom = 8, Made = 9, MadeBy = 10,
});

/// What somebody did to a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunEvent {
    /// When.
    pub at: Millis,
    /// What.
    pub deed: Deed,
    /// Who.
    pub who: String,
    /// Why, if they said.
    pub why: Option<String>,
    /// Which nodes: a node field selector; the whole run when absent.
    pub nodes: Option<String>,
    /// Parameters or outputs that were given.
    pub values: Vec<(String, String)>,
    /// The other run, and its name then.
    pub other: Option<(RunId, String)>,
}

#[derive(Serialize, Deserialize)]
struct V1<'r> {
    at: u64,
    deed: u8,
    who: &'r str,
    why: Option<&'r str>,
    nodes: Option<&'r str>,
    #[serde(borrow)]
    values: Vec<(&'r str, &'r str)>,
    other: Option<([u8; 16], &'r str)>,
}

/// The row of an event.
pub(crate) fn write(event: &RunEvent) -> Result<Vec<u8>, StoreError> {
    let values = event.values.iter();
    let other = event.other.as_ref();
    let row = V1 {
        at: event.at.get(),
        deed: deed_number(event.deed),
        who: &event.who,
        why: event.why.as_deref(),
        nodes: event.nodes.as_deref(),
        values: values.map(|(k, v)| (k.as_str(), v.as_str())).collect(),
        other: other.map(|(run, name)| (run.to_bytes(), name.as_str())),
    };
    encode(VERSION, &row)
}

/// The event behind a row.
pub(crate) fn read(row: &[u8]) -> Result<RunEvent, StoreError> {
    let (found, bytes) = version(row)?;
    if found != VERSION {
        return Err(newer("an event of a run", found, VERSION));
    }
    let row: V1<'_> = fields("an event of a run", bytes)?;
    let values = row.values.into_iter();
    Ok(RunEvent {
        at: Millis(row.at),
        deed: deed(row.deed)?,
        who: row.who.to_owned(),
        why: row.why.map(str::to_owned),
        nodes: row.nodes.map(str::to_owned),
        values: values.map(|(k, v)| (k.to_owned(), v.to_owned())).collect(),
        other: row
            .other
            .map(|(run, name)| (RunId::from_bytes(run), name.to_owned())),
    })
}
