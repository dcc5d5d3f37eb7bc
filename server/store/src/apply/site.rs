//! Changes of what outlives runs: tenants, templates, tokens, settings.

use serde_json::Value;
use steading_types::{Millis, WorkflowName};

use super::Applying;
use crate::StoreError;
use crate::batch::Owner;
use crate::error::Conflict;
use crate::key::{Key, TenantNo};
use crate::rows::event::{EventItem, TemplateChange};
use crate::rows::template::{self, TemplateKind};
use crate::rows::tenant::{self, Tenant};
use crate::rows::token::{self, Token, TokenHash};
use crate::tables::Table;

impl Applying<'_, '_> {
    pub(super) fn put_tenant(&mut self, tenant: &Tenant) -> Result<(), StoreError> {
        let number = match self.tenant(&tenant.name) {
            Ok(number) => number,
            Err(StoreError::Conflict(Conflict::TenantMissing { .. })) => self.next_tenant()?,
            Err(error) => return Err(error),
        };
        let key = Key::empty().text(tenant.name.as_str());
        self.tx
            .put(Table::Tenants, &key, &tenant::write(number, tenant)?)?;
        self.tx.put(
            Table::TenantNames,
            &Key::tenant(number),
            tenant.name.as_str().as_bytes(),
        )?;
        self.say(&tenant.name, EventItem::Tenant);
        Ok(())
    }

    /// A number that no tenant ever had.
    fn next_tenant(&mut self) -> Result<TenantNo, StoreError> {
        let key = Key::empty().text("tenants");
        let last = self.tx.get(Table::Meta, &key)?.unwrap_or_default();
        let last = last.first_chunk().copied().map_or(0, u32::from_le_bytes);
        let next = last
            .checked_add(1)
            .ok_or_else(|| StoreError::damaged("no tenant numbers are left"))?;
        self.tx.put(Table::Meta, &key, &next.to_le_bytes())?;
        Ok(TenantNo(next))
    }

    pub(super) fn template_key(
        &mut self,
        owner: &Owner,
        kind: TemplateKind,
        name: &WorkflowName,
    ) -> Result<Key, StoreError> {
        Ok(Key::tenant(self.owner(owner)?)
            .u8(template::kind_number(kind))
            .text(name.as_str()))
    }

    pub(super) fn put_template(
        &mut self,
        owner: &Owner,
        kind: TemplateKind,
        name: &WorkflowName,
        created: Millis,
        object: &Value,
    ) -> Result<(), StoreError> {
        let key = self.template_key(owner, kind, name)?;
        let created = match self.tx.get_long(Table::Templates, &key)? {
            Some(row) => template::read(kind, name.clone(), &row)?.created,
            None => created,
        };
        let row = template::write(self.seq, created, object)?;
        self.tx.put_long(Table::Templates, &key, &row)?;
        self.say_template(owner, kind, name, TemplateChange::Put);
        Ok(())
    }

    pub(super) fn delete_template(
        &mut self,
        owner: &Owner,
        kind: TemplateKind,
        name: &WorkflowName,
    ) -> Result<(), StoreError> {
        let key = self.template_key(owner, kind, name)?;
        if self.tx.remove_long(Table::Templates, &key)? {
            self.say_template(owner, kind, name, TemplateChange::Deleted);
        }
        Ok(())
    }

    /// The feed is of tenants: who uses the site's templates reads them when a run is submitted.
    fn say_template(
        &mut self,
        owner: &Owner,
        kind: TemplateKind,
        name: &WorkflowName,
        change: TemplateChange,
    ) {
        if let Owner::Tenant(tenant) = owner {
            let name = name.clone();
            self.say(tenant, EventItem::Template { kind, name, change });
        }
    }

    pub(super) fn put_token(&mut self, hash: &TokenHash, token: &Token) -> Result<(), StoreError> {
        let key = Key::empty().bytes(&hash.0);
        self.tx.put_long(Table::Tokens, &key, &token::write(token)?)
    }

    pub(super) fn revoke_token(&mut self, hash: &TokenHash, at: Millis) -> Result<(), StoreError> {
        let key = Key::empty().bytes(&hash.0);
        let Some(row) = self.tx.get_long(Table::Tokens, &key)? else {
            return Ok(());
        };
        let mut token = token::read(&row)?;
        token.revoked = Some(token.revoked.map_or(at, |earlier| earlier.min(at)));
        self.put_token(hash, &token)
    }

    fn owner(&mut self, owner: &Owner) -> Result<TenantNo, StoreError> {
        match owner {
            Owner::Site => Ok(TenantNo::SITE),
            Owner::Tenant(tenant) => self.tenant(tenant),
        }
    }

    fn setting_key(&mut self, owner: &Owner, key: &str) -> Result<Key, StoreError> {
        Ok(Key::tenant(self.owner(owner)?).text(key))
    }

    pub(super) fn put_setting(
        &mut self,
        owner: &Owner,
        key: &str,
        value: &[u8],
    ) -> Result<(), StoreError> {
        let key = self.setting_key(owner, key)?;
        self.tx.put_long(Table::Settings, &key, value)
    }

    pub(super) fn delete_setting(&mut self, owner: &Owner, key: &str) -> Result<(), StoreError> {
        let key = self.setting_key(owner, key)?;
        self.tx.remove_long(Table::Settings, &key).map(drop)
    }
}
