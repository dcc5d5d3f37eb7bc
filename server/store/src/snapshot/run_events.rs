//! Reading what people did to runs.

use super::Snapshot;
use crate::key::Key;
use crate::rows::run_event::{self, RunEvent};
use crate::tables::Table;
use crate::{RunRef, StoreError};

impl Snapshot {
    /// What was done to a run, in order.
    ///
    /// # Errors
    /// The disk's errors.
    pub fn run_events(&self, run: &RunRef) -> Result<Vec<RunEvent>, StoreError> {
        let Some(tenant) = self.number(&run.tenant)? else {
            return Ok(Vec::new());
        };
        let rows = self.long_rows(Table::RunEvents, &Key::run(tenant, run.id))?;
        rows.map(|row| run_event::read(&row?.1)).collect()
    }
}
