//! Changes of a tenant's ConfigMaps, Secrets and claims.

use steading_types::{ObjectName, TenantName};

use super::Applying;
use crate::error::Conflict;
use crate::key::Key;
use crate::rows::object::{self, ObjectKind, ObjectRow, StoredObject};
use crate::tables::Table;
use crate::{Seq, StoreError};

impl Applying<'_, '_> {
    fn object_key(
        &mut self,
        tenant: &TenantName,
        kind: ObjectKind,
        name: &ObjectName,
    ) -> Result<Key, StoreError> {
        Ok(Key::tenant(self.tenant(tenant)?)
            .u8(object::kind_number(kind))
            .text(name.as_str()))
    }

    fn object(
        &mut self,
        key: &Key,
        kind: ObjectKind,
        name: &ObjectName,
    ) -> Result<Option<StoredObject>, StoreError> {
        let row = self.tx.get_long(Table::Objects, key)?;
        row.map(|row| object::read(kind, name.clone(), &row))
            .transpose()
    }

    pub(super) fn object_is(
        &mut self,
        tenant: &TenantName,
        kind: ObjectKind,
        name: &ObjectName,
        version: Option<Seq>,
    ) -> Result<(), StoreError> {
        let key = self.object_key(tenant, kind, name)?;
        let found = self.object(&key, kind, name)?.map(|object| object.version);
        if found == version {
            return Ok(());
        }
        Err(Conflict::ObjectChanged { name: name.clone() }.into())
    }

    pub(super) fn put_object(
        &mut self,
        tenant: &TenantName,
        kind: ObjectKind,
        name: &ObjectName,
        row: &ObjectRow,
    ) -> Result<(), StoreError> {
        let key = self.object_key(tenant, kind, name)?;
        let row = object::write(self.seq, row)?;
        self.tx.put_long(Table::Objects, &key, &row)
    }

    pub(super) fn delete_object(
        &mut self,
        tenant: &TenantName,
        kind: ObjectKind,
        name: &ObjectName,
    ) -> Result<(), StoreError> {
        let key = self.object_key(tenant, kind, name)?;
        self.tx.remove_long(Table::Objects, &key).map(drop)
    }
}
