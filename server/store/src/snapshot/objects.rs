//! Reading ConfigMaps, Secrets and claims.

use steading_types::{ObjectName, TenantName};

use super::Snapshot;
use crate::StoreError;
use crate::key::{Key, Parts};
use crate::rows::object::{self, ObjectKind, StoredObject};
use crate::tables::Table;

impl Snapshot {
    /// One object.
    ///
    /// # Errors
    /// The disk's errors.
    pub fn object(
        &self,
        tenant: &TenantName,
        kind: ObjectKind,
        name: &ObjectName,
    ) -> Result<Option<StoredObject>, StoreError> {
        let Some(number) = self.number(tenant)? else {
            return Ok(None);
        };
        let key = Key::tenant(number)
            .u8(object::kind_number(kind))
            .text(name.as_str());
        let row = self.long(Table::Objects, &key)?;
        row.map(|row| object::read(kind, name.clone(), &row))
            .transpose()
    }

    /// A tenant's objects of a kind, by name.
    ///
    /// # Errors
    /// The disk's errors.
    pub fn objects(
        &self,
        tenant: &TenantName,
        kind: ObjectKind,
    ) -> Result<Vec<StoredObject>, StoreError> {
        let Some(number) = self.number(tenant)? else {
            return Ok(Vec::new());
        };
        let prefix = Key::tenant(number).u8(object::kind_number(kind));
        let rows = self.long_rows(Table::Objects, &prefix)?;
        rows.map(|row| {
            let (key, row) = row?;
            let mut parts = Parts::new(&key);
            parts.tenant()?;
            parts.u8()?;
            let name = parts.text()?.parse();
            let name = name.map_err(|_| StoreError::damaged("the name of an object"))?;
            object::read(kind, name, &row)
        })
        .collect()
    }
}
