//! Rows written and removed, as bytes: the payload of a journal record and of a backup.
//!
//! Each: `what: u8 (1 put, 2 remove), table: u8, key length: u16 LE, value length: u32 LE, key, value`.

use crate::StoreError;
use crate::tables::Table;

const PUT: u8 = 1;
const REMOVE: u8 = 2;
const FRAME: usize = 8;

/// What happened to a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Op<'b> {
    Put(&'b [u8]),
    Remove,
}

/// Appends one.
pub(crate) fn write(
    to: &mut Vec<u8>,
    table: Table,
    key: &[u8],
    op: Op<'_>,
) -> Result<(), StoreError> {
    let wrong = || StoreError::damaged("a row too long to be written");
    let (what, value) = match op {
        Op::Put(value) => (PUT, value),
        Op::Remove => (REMOVE, [].as_slice()),
    };
    let key_length = u16::try_from(key.len()).map_err(|_| wrong())?;
    let value_length = u32::try_from(value.len()).map_err(|_| wrong())?;
    to.push(what);
    to.push(table.code());
    to.extend_from_slice(&key_length.to_le_bytes());
    to.extend_from_slice(&value_length.to_le_bytes());
    to.extend_from_slice(key);
    to.extend_from_slice(value);
    Ok(())
}

type Row<'b> = (Table, &'b [u8], Op<'b>);

/// Reads them all, in order; after an error nothing more comes.
pub(crate) fn read(mut bytes: &[u8]) -> impl Iterator<Item = Result<Row<'_>, StoreError>> {
    std::iter::from_fn(move || {
        if bytes.is_empty() {
            return None;
        }
        let row = one(bytes);
        bytes = row.map(|(_, rest)| rest).unwrap_or_default();
        Some(
            row.map(|(row, _)| row)
                .ok_or_else(|| StoreError::damaged("a record of the journal or of a backup")),
        )
    })
}

fn one(bytes: &[u8]) -> Option<(Row<'_>, &[u8])> {
    let ([what, table, k0, k1, v0, v1, v2, v3], rest) = bytes.split_first_chunk::<FRAME>()?;
    let key_length = usize::from(u16::from_le_bytes([*k0, *k1]));
    let value_length = u32::from_le_bytes([*v0, *v1, *v2, *v3]) as usize;
    let (key, rest) = rest.split_at_checked(key_length)?;
    let (value, rest) = rest.split_at_checked(value_length)?;
    let op = match *what {
        PUT => Op::Put(value),
        REMOVE => Op::Remove,
        _ => return None,
    };
    Some(((Table::from_code(*table)?, key, op), rest))
}
