//! Changes of runs: their rows while they are active, and their way to the archive and back.

use std::collections::BTreeMap;

use steading_engine::command::Timer;
use steading_engine::document::Document;
use steading_engine::head::Head;
use steading_engine::node::Node;
use steading_types::{NodeIx, TenantName, WorkflowName};

use super::Applying;
use crate::error::Conflict;
use crate::index;
use crate::key::{Key, TenantNo};
use crate::rows::archive::{Part, Source};
use crate::rows::event::{EventItem, RunChange};
use crate::rows::run_event::RunEvent;
use crate::rows::{document, head, node, run_event};
use crate::tables::Table;
use crate::{RunRef, StoreError, long};

/// Bytes of rows in one part of an archived run, before compression.
const PART: usize = 1024 * 1024;

/// Where a run lies.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Residence {
    Active,
    Archived,
}

impl Residence {
    fn table(self) -> Table {
        match self {
            Self::Active => Table::Runs,
            Self::Archived => Table::Archive,
        }
    }
}

impl Applying<'_, '_> {
    pub(super) fn name_free(
        &mut self,
        tenant: &TenantName,
        name: &WorkflowName,
    ) -> Result<(), StoreError> {
        let key = Key::tenant(self.tenant(tenant)?).text(name.as_str());
        match self.tx.get(Table::RunNames, &key)? {
            None => Ok(()),
            Some(_) => Err(Conflict::RunNameTaken {
                tenant: tenant.clone(),
                name: name.clone(),
            }
            .into()),
        }
    }

    /// Where the run lies, and its row.
    pub(super) fn residence(&mut self, run: &RunRef) -> Result<Stored, StoreError> {
        let tenant = self.tenant(&run.tenant)?;
        let key = Key::run(tenant, run.id);
        for residence in [Residence::Active, Residence::Archived] {
            if let Some(row) = self.tx.get_long(residence.table(), &key)? {
                let head = head::read(&run.tenant, run.id, &row)?;
                return Ok(Stored {
                    tenant,
                    key,
                    residence,
                    head,
                    row,
                });
            }
        }
        Err(Conflict::RunMissing { run: run.id }.into())
    }

    /// The run, which must lie there.
    fn resident(&mut self, run: &RunRef, wanted: Residence) -> Result<Stored, StoreError> {
        let stored = self.residence(run)?;
        if stored.residence == wanted {
            return Ok(stored);
        }
        let found = match stored.residence {
            Residence::Active => "active",
            Residence::Archived => "archived",
        };
        Err(Conflict::RunResidence { run: run.id, found }.into())
    }

    pub(super) fn active(&mut self, run: &RunRef) -> Result<Stored, StoreError> {
        self.resident(run, Residence::Active)
    }

    /// The key of an active run, whose row is not needed.
    pub(super) fn active_key(&mut self, run: &RunRef) -> Result<(TenantNo, Key), StoreError> {
        let tenant = self.tenant(&run.tenant)?;
        let key = Key::run(tenant, run.id);
        match self.tx.get(Table::Runs, &long::piece_key(&key, 0))? {
            Some(_) => Ok((tenant, key)),
            None => self.active(run).map(|stored| (stored.tenant, stored.key)),
        }
    }

    pub(super) fn put_run(&mut self, head: &Head) -> Result<(), StoreError> {
        let run = RunRef {
            tenant: head.tenant.clone(),
            id: head.id,
        };
        let change = match self.active_key(&run) {
            Ok(_) => RunChange::Changed,
            Err(StoreError::Conflict(Conflict::RunMissing { .. })) => {
                self.name_free(&head.tenant, &head.name)?;
                let name = Key::tenant(self.tenant(&head.tenant)?).text(head.name.as_str());
                self.tx.put(Table::RunNames, &name, &head.id.to_bytes())?;
                RunChange::Created
            }
            Err(error) => return Err(error),
        };
        let key = Key::run(self.tenant(&head.tenant)?, head.id);
        self.tx.put_long(Table::Runs, &key, &head::write(head)?)?;
        self.say_run(&run, &head.name, change);
        Ok(())
    }

    pub(super) fn put_document(
        &mut self,
        run: &RunRef,
        document: &Document,
    ) -> Result<(), StoreError> {
        let (_, key) = self.active_key(run)?;
        self.tx
            .put_long(Table::Documents, &key, &document::write(document)?)
    }

    pub(super) fn put_nodes(&mut self, run: &RunRef, nodes: &[Node]) -> Result<(), StoreError> {
        let (_, key) = self.active_key(run)?;
        for node in nodes {
            let key = key.clone().u32(node.ix.0);
            self.tx.put_long(Table::Nodes, &key, &node::write(node)?)?;
        }
        self.say_nodes(run, nodes.iter().map(|node| node.ix));
        Ok(())
    }

    pub(super) fn remove_nodes(
        &mut self,
        run: &RunRef,
        nodes: &[NodeIx],
    ) -> Result<(), StoreError> {
        let (_, key) = self.active_key(run)?;
        for ix in nodes {
            self.tx.remove_long(Table::Nodes, &key.clone().u32(ix.0))?;
        }
        self.say_nodes(run, nodes.iter().copied());
        Ok(())
    }

    /// Removes what only an active run has.
    fn clear_work(&mut self, key: &Key) -> Result<(), StoreError> {
        for table in [
            Table::Nodes,
            Table::Logs,
            Table::Outbox,
            Table::Timers,
            Table::Holds,
        ] {
            self.tx.remove_all(table, key)?;
        }
        Ok(())
    }

    pub(super) fn put_run_event(
        &mut self,
        run: &RunRef,
        event: &RunEvent,
    ) -> Result<(), StoreError> {
        let key = match self.residence(run) {
            Ok(stored) => stored.key.u64(self.seq.0),
            Err(StoreError::Conflict(Conflict::RunMissing { .. })) => return Ok(()),
            Err(error) => return Err(error),
        };
        self.tx
            .put_long(Table::RunEvents, &key, &run_event::write(event)?)
    }

    pub(super) fn delete_run(&mut self, run: &RunRef) -> Result<(), StoreError> {
        let stored = self.residence(run)?;
        let key = &stored.key;
        match stored.residence {
            Residence::Active => self.clear_work(key)?,
            Residence::Archived => {
                self.leave_archive(&stored)?;
                self.tx.remove_all(Table::Timers, key)?;
            }
        }
        self.tx.remove_long(stored.residence.table(), key)?;
        self.tx.remove_long(Table::Documents, key)?;
        self.tx.remove_all(Table::RunEvents, key)?;
        let name = Key::tenant(stored.tenant).text(stored.head.name.as_str());
        self.tx.remove(Table::RunNames, name.as_slice())?;
        self.say_run(run, &stored.head.name, RunChange::Deleted);
        Ok(())
    }

    pub(super) fn archive(&mut self, run: &RunRef) -> Result<(), StoreError> {
        let stored = self.active(run)?;
        let nodes = self.long_rows(Table::Nodes, &stored.key)?;
        let logs = self.long_rows(Table::Logs, &stored.key)?;
        let mut parts = Parts::default();
        parts.fill(Source::Node, &nodes)?;
        parts.fill(Source::Log, &logs)?;
        for (number, part) in (0u32..).zip(parts.finish()?) {
            let key = stored.key.clone().u32(number);
            self.tx.put_long(Table::ArchiveParts, &key, &part)?;
        }
        let expiry = Key::timer(stored.tenant, run.id, Timer::Expiry);
        let due = self.tx.get(Table::Timers, &expiry)?;
        self.clear_work(&stored.key)?;
        if let Some(due) = due {
            self.tx.put(Table::Timers, &expiry, &due)?;
        }
        self.tx.remove_long(Table::Runs, &stored.key)?;
        self.tx.put_long(Table::Archive, &stored.key, &stored.row)?;
        for key in index::keys(stored.tenant, &stored.head) {
            self.tx.put(Table::ArchiveIndex, &key, &[])?;
        }
        self.say_run(run, &stored.head.name, RunChange::Archived);
        Ok(())
    }

    pub(super) fn unarchive(&mut self, run: &RunRef) -> Result<(), StoreError> {
        let stored = self.resident(run, Residence::Archived)?;
        for (_, part) in self.long_rows(Table::ArchiveParts, &stored.key)? {
            let part = Part::read(&part)?;
            for (source, table) in [(Source::Node, Table::Nodes), (Source::Log, Table::Logs)] {
                for (rest, row) in part.rows(source) {
                    let key = stored.key.clone().bytes(rest);
                    self.tx.put_long(table, &key, row)?;
                }
            }
        }
        self.leave_archive(&stored)?;
        self.tx.remove_long(Table::Archive, &stored.key)?;
        self.tx.put_long(Table::Runs, &stored.key, &stored.row)?;
        self.say_run(run, &stored.head.name, RunChange::Unarchived);
        Ok(())
    }

    /// Removes what only an archived run has, except its own row.
    fn leave_archive(&mut self, stored: &Stored) -> Result<(), StoreError> {
        self.tx.remove_all(Table::ArchiveParts, &stored.key)?;
        for key in index::keys(stored.tenant, &stored.head) {
            self.tx.remove(Table::ArchiveIndex, key.as_slice())?;
        }
        Ok(())
    }

    /// Whole rows below a run, each with what follows the run in its key.
    fn long_rows(&mut self, table: Table, run: &Key) -> Result<Vec<long::Row>, StoreError> {
        let mut rows: BTreeMap<Vec<u8>, long::Unpacking> = BTreeMap::new();
        for (key, value) in self.tx.scan(table, run)? {
            let wrong = || StoreError::damaged("the key of a long row");
            let rest = key.get(run.as_slice().len()..).ok_or_else(wrong)?;
            let (rest, piece) = rest.split_last_chunk::<2>().ok_or_else(wrong)?;
            if *piece == [0, 0] {
                rows.insert(rest.to_vec(), long::Unpacking::begin(&value)?);
            } else if let Some(row) = rows.get_mut(rest) {
                row.add(&value);
            }
        }
        rows.into_iter()
            .map(|(key, row)| Ok((key, row.finish()?)))
            .collect()
    }

    fn say_run(&mut self, run: &RunRef, name: &WorkflowName, change: RunChange) {
        let item = EventItem::Run {
            run: run.id,
            name: name.clone(),
            change,
        };
        self.say(&run.tenant, item);
    }
}

/// A run as it was found.
pub(super) struct Stored {
    tenant: TenantNo,
    key: Key,
    residence: Residence,
    head: Head,
    row: Vec<u8>,
}

/// Archived rows, gathered into parts of bounded size.
#[derive(Default)]
struct Parts<'r> {
    done: Vec<Vec<u8>>,
    part: Part<'r>,
    size: usize,
}

impl<'r> Parts<'r> {
    fn fill(&mut self, source: Source, rows: &'r [long::Row]) -> Result<(), StoreError> {
        for (key, row) in rows {
            if self.size > PART {
                self.close()?;
            }
            self.size = self.size.saturating_add(row.len());
            self.part.add(source, (key, row));
        }
        Ok(())
    }

    fn close(&mut self) -> Result<(), StoreError> {
        self.done.push(std::mem::take(&mut self.part).write()?);
        self.size = 0;
        Ok(())
    }

    fn finish(mut self) -> Result<Vec<Vec<u8>>, StoreError> {
        self.close()?;
        Ok(self.done)
    }
}
