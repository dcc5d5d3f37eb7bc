//! Reading locks: what runs have and wait for.

use steading_engine::lock::{Hold, Holder};
use steading_types::TenantName;

use super::Snapshot;
use crate::key::{Key, Parts};
use crate::rows::hold;
use crate::tables::Table;
use crate::{RunRef, StoreError};

impl Snapshot {
    /// What the parts of one run have and wait for.
    ///
    /// # Errors
    /// The disk's errors.
    pub fn holds_of(&self, run: &RunRef) -> Result<Vec<(Holder, Hold)>, StoreError> {
        let Some(number) = self.number(&run.tenant)? else {
            return Ok(Vec::new());
        };
        let rows = self.long_rows(Table::Holds, &Key::run(number, run.id))?;
        rows.map(|row| {
            let (key, row) = row?;
            let mut parts = Parts::new(&key);
            parts.tenant()?;
            parts.run()?;
            Ok((parts.holder()?, hold::read(&row)?))
        })
        .collect()
    }

    /// What the runs of one tenant have and wait for.
    ///
    /// # Errors
    /// The disk's errors.
    pub fn holds_in(&self, tenant: &TenantName) -> Result<Vec<Hold>, StoreError> {
        let Some(number) = self.number(tenant)? else {
            return Ok(Vec::new());
        };
        let rows = self.long_rows(Table::Holds, &Key::tenant(number))?;
        rows.map(|row| hold::read(&row?.1)).collect()
    }

    /// What every run of every tenant has and waits for: taken up again when a server starts.
    ///
    /// # Errors
    /// The disk's errors.
    pub fn holds(&self) -> Result<Vec<(RunRef, Holder, Hold)>, StoreError> {
        let rows = self.long_rows(Table::Holds, &Key::empty())?;
        rows.map(|row| {
            let (key, row) = row?;
            let mut parts = Parts::new(&key);
            let run = RunRef {
                tenant: self.name(parts.tenant()?)?,
                id: parts.run()?,
            };
            Ok((run, parts.holder()?, hold::read(&row)?))
        })
        .collect()
    }
}
