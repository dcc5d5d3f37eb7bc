//! Reading timers: all of them at start, one when it is due.

use steading_engine::command::Timer;
use steading_types::Millis;

use super::Snapshot;
use crate::key::{Key, Parts};
use crate::tables::Table;
use crate::{RunRef, StoreError};

impl Snapshot {
    /// When a timer of a run is due; nothing when it is not set.
    ///
    /// # Errors
    /// The disk's errors.
    pub fn timer(&self, run: &RunRef, timer: Timer) -> Result<Option<Millis>, StoreError> {
        let Some(tenant) = self.number(&run.tenant)? else {
            return Ok(None);
        };
        let row = self.get(Table::Timers, &Key::timer(tenant, run.id, timer))?;
        row.map(|row| due(&row)).transpose()
    }

    /// Every timer of every tenant.
    ///
    /// # Errors
    /// The disk's errors.
    pub fn timers(
        &self,
    ) -> Result<impl Iterator<Item = Result<(RunRef, Timer, Millis), StoreError>> + '_, StoreError>
    {
        let rows = self.range(Table::Timers, &Key::empty())?;
        Ok(rows.map(|row| {
            let (key, due) = row?;
            let mut parts = Parts::new(key.value());
            let run = RunRef {
                tenant: self.name(parts.tenant()?)?,
                id: parts.run()?,
            };
            Ok((run, parts.timer()?, self::due(due.value())?))
        }))
    }
}

fn due(row: &[u8]) -> Result<Millis, StoreError> {
    let row = row.try_into().map_err(|_| StoreError::damaged("a timer"))?;
    Ok(Millis(u64::from_le_bytes(row)))
}
