//! One transaction on its way: reads and writes rows, keeps what a batch wrote for the journal, and
//! can take back a batch without ending the transaction, because others share it.

use redb::{AccessGuard, ReadableTable, WriteTransaction};

use crate::StoreError;
use crate::journal::RECORD_LIMIT;
use crate::key::Key;
use crate::long;
use crate::ops::{self, Op};
use crate::tables::Table;

type Open<'t> = redb::Table<'t, &'static [u8], &'static [u8]>;

/// The state of a row before a batch touched it.
struct Before {
    table: Table,
    key: Vec<u8>,
    value: Option<Vec<u8>>,
}

/// A write transaction with its tables opened as they are needed.
pub(crate) struct Tx<'t> {
    txn: &'t WriteTransaction,
    open: Vec<Option<Open<'t>>>,
    before: Vec<Before>,
    written: Vec<u8>,
}

impl<'t> Tx<'t> {
    pub(crate) fn new(txn: &'t WriteTransaction) -> Self {
        Self {
            txn,
            open: (0..=Table::last_code()).map(|_| None).collect(),
            before: Vec::new(),
            written: Vec::new(),
        }
    }

    fn table(&mut self, table: Table) -> Result<&mut Open<'t>, StoreError> {
        let slot = self
            .open
            .get_mut(usize::from(table.code()))
            .ok_or_else(|| StoreError::damaged("an unknown table"))?;
        match slot {
            Some(open) => Ok(open),
            None => Ok(slot.insert(self.txn.open_table(table.definition())?)),
        }
    }

    /// The value of a row.
    pub(crate) fn get(&mut self, table: Table, key: &Key) -> Result<Option<Vec<u8>>, StoreError> {
        let value = self.table(table)?.get(key.as_slice())?;
        Ok(value.map(|value| value.value().to_vec()))
    }

    /// Writes a row.
    pub(crate) fn put(&mut self, table: Table, key: &Key, value: &[u8]) -> Result<(), StoreError> {
        let old = self.table(table)?.insert(key.as_slice(), value)?;
        let old = old.map(|old| old.value().to_vec());
        self.remember(table, key.as_slice(), old, Op::Put(value))
    }

    /// Removes a row; true when it was there.
    pub(crate) fn remove(&mut self, table: Table, key: &[u8]) -> Result<bool, StoreError> {
        let old = self.table(table)?.remove(key)?;
        let Some(old) = old.map(|old| old.value().to_vec()) else {
            return Ok(false);
        };
        self.remember(table, key, Some(old), Op::Remove)?;
        Ok(true)
    }

    fn remember(
        &mut self,
        table: Table,
        key: &[u8],
        value: Option<Vec<u8>>,
        op: Op<'_>,
    ) -> Result<(), StoreError> {
        ops::write(&mut self.written, table, key, op)?;
        self.before.push(Before {
            table,
            key: key.to_vec(),
            value,
        });
        if self.written.len() > RECORD_LIMIT {
            return Err(StoreError::TooLarge {
                bytes: self.written.len(),
                limit: RECORD_LIMIT,
            });
        }
        Ok(())
    }

    /// Makes the tables that are missing.
    pub(crate) fn create_tables(&mut self) -> Result<(), StoreError> {
        for table in Table::ALL {
            self.table(*table)?;
        }
        Ok(())
    }

    /// Every row whose key begins so, in order.
    pub(crate) fn scan(
        &mut self,
        table: Table,
        prefix: &Key,
    ) -> Result<Vec<long::Row>, StoreError> {
        let table = self.table(table)?;
        let range = match prefix.end_of_prefix() {
            Some(end) => table.range::<&[u8]>(prefix.as_slice()..end.as_slice())?,
            None => table.range::<&[u8]>(prefix.as_slice()..)?,
        };
        let own = |guard: AccessGuard<'_, &'static [u8]>| guard.value().to_vec();
        range
            .map(|row| row.map(|(key, value)| (own(key), own(value))))
            .collect::<Result<_, _>>()
            .map_err(StoreError::from)
    }

    /// Removes every row whose key begins so.
    pub(crate) fn remove_all(&mut self, table: Table, prefix: &Key) -> Result<(), StoreError> {
        for (key, _) in self.scan(table, prefix)? {
            self.remove(table, &key)?;
        }
        Ok(())
    }

    /// Reads a row that may lie in pieces.
    pub(crate) fn get_long(
        &mut self,
        table: Table,
        key: &Key,
    ) -> Result<Option<Vec<u8>>, StoreError> {
        let Some(first) = self.get(table, &long::piece_key(key, 0))? else {
            return Ok(None);
        };
        let mut row = long::Unpacking::begin(&first)?;
        for piece in 1..=row.missing() {
            if let Some(bytes) = self.get(table, &long::piece_key(key, piece))? {
                row.add(&bytes);
            }
        }
        row.finish().map(Some)
    }

    /// Writes a row that may have to lie in pieces.
    pub(crate) fn put_long(
        &mut self,
        table: Table,
        key: &Key,
        row: &[u8],
    ) -> Result<(), StoreError> {
        let pieces = long::pack(row)?;
        let first = long::piece_key(key, 0);
        let old = match self.get(table, &first)? {
            Some(old) => long::more_pieces(&old)?,
            None => 0,
        };
        for (number, piece) in (0u16..).zip(&pieces) {
            self.put(table, &long::piece_key(key, number), piece)?;
        }
        for number in (0..=old).skip(pieces.len()) {
            self.remove(table, long::piece_key(key, number).as_slice())?;
        }
        Ok(())
    }

    /// Removes a row with its pieces; true when it was there.
    pub(crate) fn remove_long(&mut self, table: Table, key: &Key) -> Result<bool, StoreError> {
        let first = long::piece_key(key, 0);
        let Some(old) = self.get(table, &first)? else {
            return Ok(false);
        };
        for number in 0..=long::more_pieces(&old)? {
            self.remove(table, long::piece_key(key, number).as_slice())?;
        }
        Ok(true)
    }

    /// Ends a batch: its rows in the form of the journal.
    pub(crate) fn keep(&mut self) -> Vec<u8> {
        self.before.clear();
        std::mem::take(&mut self.written)
    }

    /// Takes back all that the current batch wrote.
    pub(crate) fn take_back(&mut self) -> Result<(), StoreError> {
        self.written.clear();
        for before in std::mem::take(&mut self.before).into_iter().rev() {
            let table = self.table(before.table)?;
            match before.value {
                Some(value) => table.insert(before.key.as_slice(), value.as_slice())?,
                None => table.remove(before.key.as_slice())?,
            };
        }
        Ok(())
    }

    /// Writes rows out of the journal.
    pub(crate) fn replay(&mut self, payload: &[u8]) -> Result<(), StoreError> {
        for op in ops::read(payload) {
            let (table, key, op) = op?;
            let table = self.table(table)?;
            match op {
                Op::Put(value) => table.insert(key, value)?,
                Op::Remove => table.remove(key)?,
            };
        }
        Ok(())
    }
}
