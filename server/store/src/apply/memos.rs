//! Changes of a tenant's caches.

use steading_types::TenantName;

use super::Applying;
use crate::StoreError;
use crate::key::Key;
use crate::rows::memo::{self, MemoKey, MemoRow};
use crate::tables::Table;

impl Applying<'_, '_> {
    fn memo_key(&mut self, tenant: &TenantName, key: &MemoKey) -> Result<Key, StoreError> {
        let tenant = Key::tenant(self.tenant(tenant)?);
        Ok(tenant.text(&key.cache).text(&key.key))
    }

    pub(super) fn put_memo(
        &mut self,
        tenant: &TenantName,
        key: &MemoKey,
        row: &MemoRow,
    ) -> Result<(), StoreError> {
        let key = self.memo_key(tenant, key)?;
        self.tx.put_long(Table::Memos, &key, &memo::write(row)?)
    }

    pub(super) fn delete_memos(
        &mut self,
        tenant: &TenantName,
        keys: &[MemoKey],
    ) -> Result<(), StoreError> {
        for key in keys {
            let key = self.memo_key(tenant, key)?;
            self.tx.remove_long(Table::Memos, &key)?;
        }
        Ok(())
    }
}
