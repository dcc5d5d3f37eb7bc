//! Reading runs, wherever they lie.

use steading_engine::document::Document;
use steading_engine::head::Head;
use steading_engine::node::Node;
use steading_types::{AttemptId, NodeIx, TenantName, WorkflowName};

use super::Snapshot;
use crate::key::{Key, Parts};
use crate::rows::archive::{Part, Source};
use crate::rows::{document, head, log, node, outbox};
use crate::tables::Table;
use crate::{LogFile, OutboxRow, RunRef, StoreError};

/// Where a run lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Residence {
    /// Among the runs that may change.
    Active,
    /// In the archive.
    Archived,
}

impl Snapshot {
    fn run_key(&self, run: &RunRef) -> Result<Option<Key>, StoreError> {
        let tenant = self.number(&run.tenant)?;
        Ok(tenant.map(|tenant| Key::run(tenant, run.id)))
    }

    /// A run and where it lies.
    ///
    /// # Errors
    /// The disk's errors.
    pub fn run(&self, run: &RunRef) -> Result<Option<(Head, Residence)>, StoreError> {
        let Some(key) = self.run_key(run)? else {
            return Ok(None);
        };
        for (table, residence) in [
            (Table::Runs, Residence::Active),
            (Table::Archive, Residence::Archived),
        ] {
            if let Some(row) = self.long(table, &key)? {
                return Ok(Some((head::read(&run.tenant, run.id, &row)?, residence)));
            }
        }
        Ok(None)
    }

    /// The run of this name.
    ///
    /// # Errors
    /// The disk's errors.
    pub fn run_named(
        &self,
        tenant: &TenantName,
        name: &WorkflowName,
    ) -> Result<Option<RunRef>, StoreError> {
        let Some(number) = self.number(tenant)? else {
            return Ok(None);
        };
        let key = Key::tenant(number).text(name.as_str());
        let Some(row) = self.get(Table::RunNames, &key)? else {
            return Ok(None);
        };
        Ok(Some(RunRef {
            tenant: tenant.clone(),
            id: Parts::new(&row).run()?,
        }))
    }

    /// What a run was asked to do.
    ///
    /// # Errors
    /// The disk's errors.
    pub fn document(&self, run: &RunRef) -> Result<Option<Document>, StoreError> {
        let Some(key) = self.run_key(run)? else {
            return Ok(None);
        };
        let row = self.long(Table::Documents, &key)?;
        row.map(|row| document::read(&row)).transpose()
    }

    /// Hands over each node of a run in the order of their positions, one at a time, wherever the
    /// run lies. The visitor's error ends the walk.
    ///
    /// # Errors
    /// The visitor's and the disk's.
    pub fn for_each_node<E: From<StoreError>>(
        &self,
        run: &RunRef,
        mut visit: impl FnMut(Node) -> Result<(), E>,
    ) -> Result<(), E> {
        self.each_row(run, Table::Nodes, Source::Node, |rest, row| {
            visit(node::read(Parts::new(rest).node()?, row)?)
        })
    }

    /// All nodes of a run.
    ///
    /// # Errors
    /// The disk's errors.
    pub fn nodes(&self, run: &RunRef) -> Result<Vec<Node>, StoreError> {
        let mut nodes = Vec::new();
        self.for_each_node(run, |node| {
            nodes.push(node);
            Ok::<_, StoreError>(())
        })?;
        Ok(nodes)
    }

    /// One node of a run.
    ///
    /// # Errors
    /// The disk's errors.
    pub fn node(&self, run: &RunRef, ix: NodeIx) -> Result<Option<Node>, StoreError> {
        let Some(key) = self.run_key(run)? else {
            return Ok(None);
        };
        if let Some(row) = self.long(Table::Nodes, &key.clone().u32(ix.0))? {
            return node::read(ix, &row).map(Some);
        }
        let wanted = Key::empty().u32(ix.0);
        for part in self.long_rows(Table::ArchiveParts, &key)? {
            let (_, part) = part?;
            let part = Part::read(&part)?;
            let found = part
                .rows(Source::Node)
                .iter()
                .find(|(rest, _)| *rest == wanted.as_slice());
            if let Some((_, row)) = found {
                return node::read(ix, row).map(Some);
            }
        }
        Ok(None)
    }

    /// Where the output of a run's attempts lies.
    ///
    /// # Errors
    /// The disk's errors.
    pub fn logs(&self, run: &RunRef) -> Result<Vec<(AttemptId, Vec<LogFile>)>, StoreError> {
        let mut logs = Vec::new();
        self.each_row(run, Table::Logs, Source::Log, |rest, row| {
            let mut parts = Parts::new(rest);
            let attempt = AttemptId {
                run: run.id,
                node: parts.node()?,
                generation: parts.u32()?,
            };
            logs.push((attempt, log::read(row)?));
            Ok::<_, StoreError>(())
        })?;
        Ok(logs)
    }

    /// Where the output of one attempt lies.
    ///
    /// # Errors
    /// The disk's errors.
    pub fn log(
        &self,
        tenant: &TenantName,
        attempt: AttemptId,
    ) -> Result<Option<Vec<LogFile>>, StoreError> {
        let Some(number) = self.number(tenant)? else {
            return Ok(None);
        };
        if let Some(row) = self.long(Table::Logs, &Key::attempt(number, attempt))? {
            return log::read(&row).map(Some);
        }
        let run = RunRef {
            tenant: tenant.clone(),
            id: attempt.run,
        };
        let logs = self.logs(&run)?;
        Ok(logs
            .into_iter()
            .find_map(|(found, files)| (found == attempt).then_some(files)))
    }

    /// Each row below a run, out of a table while it is active, else out of the archive. The
    /// visitor gets what follows the run in the key.
    fn each_row<E: From<StoreError>>(
        &self,
        run: &RunRef,
        table: Table,
        source: Source,
        mut visit: impl FnMut(&[u8], &[u8]) -> Result<(), E>,
    ) -> Result<(), E> {
        let Some(key) = self.run_key(run)? else {
            return Ok(());
        };
        for row in self.long_rows(table, &key)? {
            let (full, row) = row?;
            let rest = full
                .get(key.as_slice().len()..)
                .ok_or_else(|| StoreError::damaged("the key of a row of a run"))?;
            visit(rest, &row)?;
        }
        for part in self.long_rows(Table::ArchiveParts, &key)? {
            let (_, part) = part?;
            for (rest, row) in Part::read(&part)?.rows(source) {
                visit(rest, row)?;
            }
        }
        Ok(())
    }

    /// Every active run of every tenant: what a server takes up again when it starts.
    ///
    /// # Errors
    /// The disk's errors.
    pub fn active_runs(
        &self,
    ) -> Result<impl Iterator<Item = Result<Head, StoreError>> + '_, StoreError> {
        let rows = self.long_rows(Table::Runs, &Key::empty())?;
        Ok(rows.map(|row| {
            let (key, row) = row?;
            let mut parts = Parts::new(&key);
            let tenant = self.name(parts.tenant()?)?;
            head::read(&tenant, parts.run()?, &row)
        }))
    }

    /// Every attempt that a backend has or must be given, of every tenant.
    ///
    /// # Errors
    /// The disk's errors.
    pub fn outbox(
        &self,
    ) -> Result<
        impl Iterator<Item = Result<(TenantName, AttemptId, OutboxRow), StoreError>> + '_,
        StoreError,
    > {
        let rows = self.long_rows(Table::Outbox, &Key::empty())?;
        Ok(rows.map(|row| {
            let (key, row) = row?;
            let mut parts = Parts::new(&key);
            let tenant = self.name(parts.tenant()?)?;
            Ok((tenant, parts.attempt()?, outbox::read(&row)?))
        }))
    }

    /// The state of carrying out one attempt.
    ///
    /// # Errors
    /// The disk's errors.
    pub fn outbox_row(
        &self,
        tenant: &TenantName,
        attempt: AttemptId,
    ) -> Result<Option<OutboxRow>, StoreError> {
        let Some(number) = self.number(tenant)? else {
            return Ok(None);
        };
        let row = self.long(Table::Outbox, &Key::attempt(number, attempt))?;
        row.map(|row| outbox::read(&row)).transpose()
    }
}
