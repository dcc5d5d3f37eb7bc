//! Typed reading from one point in time. Every getter of a tenant's data asks for the tenant; one
//! that does not exist has nothing.

mod holds;
mod memos;
mod objects;
mod rows;
mod run_events;
mod runs;
mod site;
mod timers;

use std::sync::{Arc, RwLockReadGuard};

use redb::{Database, ReadOnlyTable, ReadTransaction, ReadableDatabase};
use steading_types::TenantName;

use crate::key::{Key, TenantNo};
use crate::open::meta;
use crate::rows::{event, tenant};
use crate::shared::Shared;
use crate::tables::Table;
use crate::{Event, Seq, StoreError};

pub use runs::Residence;

type Reading = ReadOnlyTable<&'static [u8], &'static [u8]>;

/// The store as it was when reading began.
pub struct Snapshot {
    txn: ReadTransaction,
}

/// A snapshot, and what keeps the database open under it.
pub(crate) struct Taken<'s> {
    snapshot: Snapshot,
    _database: RwLockReadGuard<'s, Option<Database>>,
}

impl Taken<'_> {
    pub(crate) fn get(&self) -> &Snapshot {
        &self.snapshot
    }
}

impl Snapshot {
    pub(crate) fn take(shared: &Shared) -> Result<Taken<'_>, StoreError> {
        let database = shared.database();
        let txn = database.as_ref().ok_or(StoreError::Closed)?.begin_read()?;
        Ok(Taken {
            snapshot: Self { txn },
            _database: database,
        })
    }

    pub(crate) fn table(&self, table: Table) -> Result<Reading, StoreError> {
        Ok(self.txn.open_table(table.definition())?)
    }

    fn get(&self, table: Table, key: &Key) -> Result<Option<Vec<u8>>, StoreError> {
        let value = self.table(table)?.get(key.as_slice())?;
        Ok(value.map(|value| value.value().to_vec()))
    }

    /// The place of the last commit in this snapshot.
    ///
    /// # Errors
    /// The disk's errors.
    pub fn seq(&self) -> Result<Seq, StoreError> {
        let value = self.get(Table::Meta, &meta("seq"))?;
        let bytes = value.and_then(|value| value.try_into().ok());
        Ok(Seq(u64::from_le_bytes(bytes.unwrap_or_default())))
    }

    /// The number of a tenant.
    pub(crate) fn number(&self, name: &TenantName) -> Result<Option<TenantNo>, StoreError> {
        let row = self.get(Table::Tenants, &Key::empty().text(name.as_str()))?;
        let read = row.map(|row| tenant::read(name, &row)).transpose()?;
        Ok(read.map(|(number, _)| number))
    }

    /// The name of a tenant.
    pub(crate) fn name(&self, number: TenantNo) -> Result<TenantName, StoreError> {
        let wrong = || StoreError::damaged("a tenant without a name");
        let row = self
            .get(Table::TenantNames, &Key::tenant(number))?
            .ok_or_else(wrong)?;
        std::str::from_utf8(&row)
            .ok()
            .and_then(|text| text.parse().ok())
            .ok_or_else(wrong)
    }

    /// Commits after a place, in order, at most `limit`.
    pub(crate) fn events(&self, after: Seq, limit: usize) -> Result<Vec<Arc<Event>>, StoreError> {
        let table = self.table(Table::Feed)?;
        let from = crate::apply::feed_key(after.next());
        let events: Vec<_> = table
            .range::<&[u8]>(from.as_slice()..)?
            .take(limit)
            .map(|row| {
                let (key, row) = row?;
                let seq = key
                    .value()
                    .try_into()
                    .map_err(|_| StoreError::damaged("a key of the change feed"))?;
                event::read(Seq(u64::from_be_bytes(seq)), row.value()).map(Arc::new)
            })
            .collect::<Result<_, StoreError>>()?;
        match events.first() {
            Some(first) if first.seq == after.next() => Ok(events),
            Some(first) => Err(StoreError::Gone { oldest: first.seq }),
            None => Ok(events),
        }
    }
}
