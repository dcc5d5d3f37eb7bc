//! Reading a tenant's caches.

use steading_types::TenantName;

use super::Snapshot;
use crate::StoreError;
use crate::key::{Key, Parts, TenantNo};
use crate::rows::memo::{self, MemoKey, MemoRow};
use crate::tables::Table;

impl Snapshot {
    /// What a cache remembers under a key.
    ///
    /// # Errors
    /// The disk's errors.
    pub fn memo(&self, tenant: &TenantName, key: &MemoKey) -> Result<Option<MemoRow>, StoreError> {
        let Some(number) = self.number(tenant)? else {
            return Ok(None);
        };
        let key = Key::tenant(number).text(&key.cache).text(&key.key);
        let row = self.long(Table::Memos, &key)?;
        row.map(|row| memo::read(&row)).transpose()
    }

    /// The entries of a cache, or of all caches of a tenant, by cache and key.
    ///
    /// # Errors
    /// The disk's errors.
    pub fn memos(
        &self,
        tenant: &TenantName,
        cache: Option<&str>,
    ) -> Result<impl Iterator<Item = Result<(MemoKey, MemoRow), StoreError>>, StoreError> {
        let rows = match self.number(tenant)? {
            Some(number) => {
                let all = Key::tenant(number);
                let prefix = cache.map_or(all.clone(), |cache| all.text(cache));
                Some(self.long_rows(Table::Memos, &prefix)?)
            }
            None => None,
        };
        Ok(rows.into_iter().flatten().map(|row| {
            let (key, row) = row?;
            let (_, key) = read_key(&key)?;
            Ok((key, memo::read(&row)?))
        }))
    }

    /// Every entry of every tenant.
    ///
    /// # Errors
    /// The disk's errors.
    pub fn all_memos(
        &self,
    ) -> Result<
        impl Iterator<Item = Result<(TenantName, MemoKey, MemoRow), StoreError>> + '_,
        StoreError,
    > {
        let rows = self.long_rows(Table::Memos, &Key::empty())?;
        Ok(rows.map(|row| {
            let (key, row) = row?;
            let (tenant, key) = read_key(&key)?;
            Ok((self.name(tenant)?, key, memo::read(&row)?))
        }))
    }
}

fn read_key(key: &[u8]) -> Result<(TenantNo, MemoKey), StoreError> {
    let mut parts = Parts::new(key);
    let tenant = parts.tenant()?;
    let key = MemoKey {
        cache: parts.text()?.to_owned(),
        key: parts.text()?.to_owned(),
    };
    Ok((tenant, key))
}
