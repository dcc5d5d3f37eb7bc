//! Carries a batch out on a transaction: first its requirements, then its changes in order.
//! Domain types become rows here and nowhere else.

mod memos;
mod objects;
mod runs;
mod site;

use steading_engine::command::Timer;
use steading_types::{AttemptId, Millis, NodeIx, TenantName};

use crate::batch::{Batch, Change, Require};
use crate::error::Conflict;
use crate::key::{Key, TenantNo};
use crate::rows::event::{self, ChangedNodes, Event, EventItem};
use crate::rows::{hold, log, outbox, template};
use crate::tables::Table;
use crate::tx::Tx;
use crate::{RunRef, Seq, StoreError};

/// One batch under way.
pub(crate) struct Applying<'a, 't> {
    tx: &'a mut Tx<'t>,
    seq: Seq,
    items: Vec<(TenantName, EventItem)>,
}

/// Writes a batch as commit `seq`, trims the feed to `feed_rows`, and answers the event.
pub(crate) fn apply(
    tx: &mut Tx<'_>,
    batch: &Batch,
    seq: Seq,
    feed_rows: u64,
) -> Result<Event, StoreError> {
    let mut applying = Applying {
        tx,
        seq,
        items: Vec::new(),
    };
    for require in &batch.requires {
        applying.check(require)?;
    }
    for change in &batch.changes {
        applying.change(change)?;
    }
    let event = Event {
        seq,
        items: applying.items,
    };
    tx.put(Table::Feed, &feed_key(seq), &event::write(&event.items)?)?;
    if let Some(old) = seq.0.checked_sub(feed_rows) {
        tx.remove(Table::Feed, feed_key(Seq(old)).as_slice())?;
    }
    tx.put(Table::Meta, &Key::empty().text("seq"), &seq.0.to_le_bytes())?;
    Ok(event)
}

/// The key of a feed row.
pub(crate) fn feed_key(seq: Seq) -> Key {
    Key::empty().u64(seq.0)
}

impl Applying<'_, '_> {
    fn check(&mut self, require: &Require) -> Result<(), StoreError> {
        match require {
            Require::RunNameFree(tenant, name) => self.name_free(tenant, name),
            Require::RunExists(run) => self.residence(run).map(drop),
            Require::RunActive(run) => self.active(run).map(drop),
            Require::TimerIs(run, timer, due) => {
                let key = Key::timer(self.tenant(&run.tenant)?, run.id, *timer);
                match self.tx.get(Table::Timers, &key)? {
                    Some(row) if row == due.get().to_le_bytes() => Ok(()),
                    _ => Err(Conflict::TimerMoved { run: run.id }.into()),
                }
            }
            Require::TemplateVersion(owner, kind, name, version) => {
                let key = self.template_key(owner, *kind, name)?;
                let stored = self.tx.get_long(Table::Templates, &key)?;
                let stored = stored
                    .map(|row| template::read(*kind, name.clone(), &row))
                    .transpose()?;
                if stored.is_some_and(|template| template.version == *version) {
                    Ok(())
                } else {
                    Err(Conflict::TemplateChanged { name: name.clone() }.into())
                }
            }
            Require::TemplateAbsent(owner, kind, name) => {
                let key = self.template_key(owner, *kind, name)?;
                match self.tx.get_long(Table::Templates, &key)? {
                    None => Ok(()),
                    Some(_) => Err(Conflict::TemplateExists { name: name.clone() }.into()),
                }
            }
            Require::ObjectIs(tenant, kind, name, version) => {
                self.object_is(tenant, *kind, name, *version)
            }
            Require::TenantAbsent(tenant) => match self.tenant(tenant) {
                Err(StoreError::Conflict(Conflict::TenantMissing { .. })) => Ok(()),
                Ok(_) => Err(Conflict::TenantExists {
                    tenant: tenant.clone(),
                }
                .into()),
                Err(error) => Err(error),
            },
        }
    }

    fn change(&mut self, change: &Change) -> Result<(), StoreError> {
        match change {
            Change::PutTenant(tenant) => self.put_tenant(tenant),
            Change::PutRun(head) => self.put_run(head),
            Change::PutDocument(run, document) => self.put_document(run, document),
            Change::PutNodes(run, nodes) => self.put_nodes(run, nodes),
            Change::RemoveNodes(run, nodes) => self.remove_nodes(run, nodes),
            Change::PutHold(run, holder, row) => {
                let key = Key::hold(self.active_key(run)?.0, run.id, *holder);
                self.tx.put_long(Table::Holds, &key, &hold::write(row)?)
            }
            Change::RemoveHold(run, holder) => {
                let key = Key::hold(self.tenant(&run.tenant)?, run.id, *holder);
                self.tx.remove_long(Table::Holds, &key).map(drop)
            }
            Change::PutOutbox(tenant, attempt, row) => {
                let key = self.attempt_key(tenant, *attempt)?;
                self.tx.put_long(Table::Outbox, &key, &outbox::write(row)?)
            }
            Change::RemoveOutbox(tenant, attempt) => {
                let key = Key::attempt(self.tenant(tenant)?, *attempt);
                self.tx.remove_long(Table::Outbox, &key).map(drop)
            }
            Change::SetTimer(run, timer, due) => self.set_timer(run, *timer, *due),
            Change::ClearTimer(run, timer) => {
                let key = Key::timer(self.tenant(&run.tenant)?, run.id, *timer);
                self.tx.remove(Table::Timers, key.as_slice()).map(drop)
            }
            Change::PutLogIndex(tenant, attempt, files) => {
                let key = self.attempt_key(tenant, *attempt)?;
                self.tx.put_long(Table::Logs, &key, &log::write(files)?)
            }
            Change::DeleteRun(run) => self.delete_run(run),
            Change::Archive(run) => self.archive(run),
            Change::Unarchive(run) => self.unarchive(run),
            Change::PutTemplate {
                owner,
                kind,
                name,
                created,
                object,
            } => self.put_template(owner, *kind, name, *created, object),
            Change::DeleteTemplate(owner, kind, name) => self.delete_template(owner, *kind, name),
            Change::PutObject(tenant, kind, name, row) => self.put_object(tenant, *kind, name, row),
            Change::DeleteObject(tenant, kind, name) => self.delete_object(tenant, *kind, name),
            Change::PutRunEvent(run, event) => self.put_run_event(run, event),
            Change::PutMemo(tenant, key, row) => self.put_memo(tenant, key, row),
            Change::DeleteMemos(tenant, keys) => self.delete_memos(tenant, keys),
            Change::PutToken(hash, token) => self.put_token(hash, token),
            Change::RevokeToken(hash, at) => self.revoke_token(hash, *at),
            Change::PutSetting(owner, key, value) => self.put_setting(owner, key, value),
            Change::DeleteSetting(owner, key) => self.delete_setting(owner, key),
        }
    }

    /// The key of an attempt of an active run.
    fn attempt_key(&mut self, tenant: &TenantName, attempt: AttemptId) -> Result<Key, StoreError> {
        let run = RunRef {
            tenant: tenant.clone(),
            id: attempt.run,
        };
        let (tenant, _) = self.active_key(&run)?;
        Ok(Key::attempt(tenant, attempt))
    }

    fn set_timer(&mut self, run: &RunRef, timer: Timer, due: Millis) -> Result<(), StoreError> {
        let key = Key::timer(self.active_key(run)?.0, run.id, timer);
        self.tx.put(Table::Timers, &key, &due.get().to_le_bytes())
    }

    /// The tenant's number.
    fn tenant(&mut self, tenant: &TenantName) -> Result<TenantNo, StoreError> {
        let key = Key::empty().text(tenant.as_str());
        match self.tx.get(Table::Tenants, &key)? {
            Some(row) => Ok(crate::rows::tenant::read(tenant, &row)?.0),
            None => Err(Conflict::TenantMissing {
                tenant: tenant.clone(),
            }
            .into()),
        }
    }

    fn say(&mut self, tenant: &TenantName, item: EventItem) {
        self.items.push((tenant.clone(), item));
    }

    fn say_nodes(&mut self, run: &RunRef, nodes: impl Iterator<Item = NodeIx>) {
        let nodes = ChangedNodes::Listed(nodes.collect());
        self.say(&run.tenant, EventItem::Nodes { run: run.id, nodes });
    }
}
