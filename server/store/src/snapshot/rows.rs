//! Walking over the rows of a table, pieces put together.

use redb::Range;

use crate::StoreError;
use crate::key::Key;
use crate::long::{Row, Unpacking, piece_key};
use crate::snapshot::Snapshot;
use crate::tables::Table;

/// Rows that may lie in pieces: each with its key, without the piece's number.
pub(crate) struct LongRows {
    range: Range<'static, &'static [u8], &'static [u8]>,
}

impl LongRows {
    fn read(&mut self) -> Result<Option<Row>, StoreError> {
        let Some(first) = self.range.next() else {
            return Ok(None);
        };
        let (key, value) = first?;
        let wrong = || StoreError::damaged("the key of a long row");
        let (base, piece) = key.value().split_last_chunk::<2>().ok_or_else(wrong)?;
        if *piece != [0, 0] {
            return Err(wrong());
        }
        let base = base.to_vec();
        let mut row = Unpacking::begin(value.value())?;
        while row.missing() > 0 {
            let (_, value) = self.range.next().ok_or_else(wrong)??;
            row.add(value.value());
        }
        Ok(Some((base, row.finish()?)))
    }
}

impl Iterator for LongRows {
    type Item = Result<Row, StoreError>;

    fn next(&mut self) -> Option<Self::Item> {
        self.read().transpose()
    }
}

impl Snapshot {
    /// A row that may lie in pieces.
    pub(crate) fn long(&self, table: Table, key: &Key) -> Result<Option<Vec<u8>>, StoreError> {
        let table = self.table(table)?;
        let Some(first) = table.get(piece_key(key, 0).as_slice())? else {
            return Ok(None);
        };
        let mut row = Unpacking::begin(first.value())?;
        for piece in 1..=row.missing() {
            if let Some(bytes) = table.get(piece_key(key, piece).as_slice())? {
                row.add(bytes.value());
            }
        }
        row.finish().map(Some)
    }

    /// The rows whose key begins so, in order.
    pub(crate) fn range(
        &self,
        table: Table,
        prefix: &Key,
    ) -> Result<Range<'static, &'static [u8], &'static [u8]>, StoreError> {
        let table = self.table(table)?;
        Ok(match prefix.end_of_prefix() {
            Some(end) => table.range::<&[u8]>(prefix.as_slice()..end.as_slice())?,
            None => table.range::<&[u8]>(prefix.as_slice()..)?,
        })
    }

    /// The long rows whose key begins so, in order.
    pub(crate) fn long_rows(&self, table: Table, prefix: &Key) -> Result<LongRows, StoreError> {
        self.range(table, prefix).map(|range| LongRows { range })
    }
}
