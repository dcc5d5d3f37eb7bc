//! A tenant.

use serde::{Deserialize, Serialize};
use steading_types::{Millis, TenantName};

use super::{encode, fields, newer, version};
use crate::StoreError;
use crate::key::TenantNo;

const VERSION: u8 = 1;

/// A tenant as it is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tenant {
    /// Its name.
    pub name: TenantName,
    /// When it was made.
    pub created: Millis,
}

#[derive(Serialize, Deserialize)]
struct V1 {
    number: u32,
    created: u64,
}

/// The row of a tenant; its name stands in the key.
pub(crate) fn write(number: TenantNo, tenant: &Tenant) -> Result<Vec<u8>, StoreError> {
    let row = V1 {
        number: number.0,
        created: tenant.created.get(),
    };
    encode(VERSION, &row)
}

/// The tenant behind a row.
pub(crate) fn read(name: &TenantName, row: &[u8]) -> Result<(TenantNo, Tenant), StoreError> {
    let (found, bytes) = version(row)?;
    if found != VERSION {
        return Err(newer("a tenant", found, VERSION));
    }
    let row: V1 = fields("a tenant", bytes)?;
    let tenant = Tenant {
        name: name.clone(),
        created: Millis(row.created),
    };
    Ok((TenantNo(row.number), tenant))
}
