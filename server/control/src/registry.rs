//! Runs in memory. A run is loaded when something happens to it and dropped when it is over or when a
//! commit of it failed; what is on disk is always the truth.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use steading_engine::Run;
use steading_engine::error::EngineError;
use steading_engine::plan::Plan;
use steading_store::{Lineage, Residence, RunRef, Store};
use steading_types::{RunId, TenantName};

use crate::error::ControlError;
use crate::objects::TenantValues;

/// The runs that are in memory.
#[derive(Debug, Default)]
pub(crate) struct Registry(Mutex<HashMap<RunId, Arc<Cell>>>);

/// One run in memory. Commands to a run are applied one at a time under its lock.
#[derive(Debug)]
pub(crate) struct Cell {
    run: Mutex<Option<Run>>,
    /// The run's steps since it came into memory: each builds upon the ones before.
    pub(crate) lineage: Lineage,
}

impl Cell {
    fn of(run: Run) -> Arc<Self> {
        Arc::new(Self {
            run: Mutex::new(Some(run)),
            lineage: Lineage::default(),
        })
    }

    /// The run; nothing once it was dropped, and then the registry must be asked again.
    pub(crate) fn lock(&self) -> MutexGuard<'_, Option<Run>> {
        self.run.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Registry {
    /// Keeps a new run.
    pub(crate) fn insert(&self, run: Run) -> Arc<Cell> {
        let id = run.head().id;
        let cell = Cell::of(run);
        self.map().insert(id, Arc::clone(&cell));
        cell
    }

    /// The run, loaded when needed. Archived runs are not loaded: nothing happens to them.
    pub(crate) fn get(
        &self,
        store: &Store,
        tenant: &TenantName,
        id: RunId,
    ) -> Result<Arc<Cell>, ControlError> {
        if let Some(cell) = self.map().get(&id) {
            return Ok(Arc::clone(cell));
        }
        let run = load(store, tenant, id)?;
        // Somebody else may have loaded it meanwhile: the first one stays.
        let mut map = self.map();
        Ok(Arc::clone(map.entry(id).or_insert_with(|| Cell::of(run))))
    }

    /// The run, only if it is in memory.
    pub(crate) fn held(&self, id: RunId) -> Option<Arc<Cell>> {
        self.map().get(&id).map(Arc::clone)
    }

    /// Drops the run as this cell holds it; whoever holds the cell sees that. A run that was loaded anew
    /// meanwhile stays.
    pub(crate) fn evict(&self, id: RunId, cell: &Arc<Cell>) {
        cell.lock().take();
        let mut map = self.map();
        if map.get(&id).is_some_and(|known| Arc::ptr_eq(known, cell)) {
            map.remove(&id);
        }
    }

    fn map(&self) -> MutexGuard<'_, HashMap<RunId, Arc<Cell>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn load(store: &Store, tenant: &TenantName, id: RunId) -> Result<Run, ControlError> {
    let run = RunRef {
        tenant: tenant.clone(),
        id,
    };
    let rows = store.read(|snapshot| {
        let Some((head, Residence::Active)) = snapshot.run(&run)? else {
            return Ok(None);
        };
        Ok(Some((
            head,
            snapshot.document(&run)?,
            snapshot.nodes(&run)?,
            snapshot.holds_of(&run)?,
        )))
    })?;
    let (head, document, nodes, holds) = rows.ok_or_else(|| ControlError::NoRun(id.to_string()))?;
    let damaged = |error: EngineError| ControlError::Damaged(error.to_string());
    let document =
        document.ok_or_else(|| ControlError::Damaged("its document is missing".to_owned()))?;
    let values = TenantValues::of(store, tenant);
    let run = Run::load(head, Plan::new(&document).map_err(damaged)?, nodes, holds);
    Ok(run.map_err(damaged)?.reading(values))
}
