//! A ConfigMap, Secret or claim. What a Secret hides lies here sealed; the store has no key.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use steading_types::{Millis, ObjectName, RunId};

use super::{encode, fields, json, newer, numbers, version};
use crate::{Seq, StoreError};

const VERSION: u8 = 1;

/// What kind of object it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ObjectKind {
    /// Values by name.
    ConfigMap,
    /// Values that are sealed.
    Secret,
    /// A directory with a quota.
    Claim,
}

/// The number of a kind in keys.
pub(crate) fn kind_number(kind: ObjectKind) -> u8 {
    match kind {
        ObjectKind::ConfigMap => 1,
        ObjectKind::Secret => 2,
        ObjectKind::Claim => 3,
    }
}

/// Whether an object is on its way out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lease {
    /// It is there.
    Held,
    /// What it stands for is being removed; the row goes when nothing is left.
    Ending,
}

numbers!(lease_number, lease, "lease of an object", Lease { Held = 0, Ending = 1 });

/// What is kept under a name.
#[derive(Debug, Clone, PartialEq)]
pub struct ObjectRow {
    /// When it was first written.
    pub created: Millis,
    /// Everything that may be shown: `metadata` and what is no secret.
    pub object: Value,
    /// A Secret's values, sealed.
    pub sealed: Option<Vec<u8>>,
    /// The run that it was made for and ends with.
    pub run: Option<RunId>,
    /// Whether it is on its way out.
    pub lease: Lease,
}

/// An object as it is stored.
#[derive(Debug, Clone, PartialEq)]
pub struct StoredObject {
    /// What it is.
    pub kind: ObjectKind,
    /// Unique per tenant and kind.
    pub name: ObjectName,
    /// The commit that wrote it.
    pub version: Seq,
    /// What is kept.
    pub row: ObjectRow,
}

#[derive(Serialize, Deserialize)]
struct V1<'r> {
    version: u64,
    created: u64,
    #[serde(borrow)]
    object: std::borrow::Cow<'r, str>,
    sealed: Option<Vec<u8>>,
    run: Option<[u8; 16]>,
    lease: u8,
}

/// The row of an object.
pub(crate) fn write(version: Seq, row: &ObjectRow) -> Result<Vec<u8>, StoreError> {
    let row = V1 {
        version: version.0,
        created: row.created.get(),
        object: row.object.to_string().into(),
        sealed: row.sealed.clone(),
        run: row.run.map(RunId::to_bytes),
        lease: lease_number(row.lease),
    };
    encode(VERSION, &row)
}

/// The object behind a row and its key.
pub(crate) fn read(
    kind: ObjectKind,
    name: ObjectName,
    row: &[u8],
) -> Result<StoredObject, StoreError> {
    let (found, bytes) = version(row)?;
    if found != VERSION {
        return Err(newer("an object", found, VERSION));
    }
    let row: V1<'_> = fields("an object", bytes)?;
    Ok(StoredObject {
        kind,
        name,
        version: Seq(row.version),
        row: ObjectRow {
            created: Millis(row.created),
            object: json(&row.object)?,
            sealed: row.sealed,
            run: row.run.map(RunId::from_bytes),
            lease: lease(row.lease)?,
        },
    })
}
