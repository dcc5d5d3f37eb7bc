//! Reading what outlives runs: tenants, templates, tokens, settings.

use steading_types::{TenantName, WorkflowName};

use super::Snapshot;
use crate::key::{Key, Parts, TenantNo};
use crate::rows::{template, tenant, token};
use crate::tables::Table;
use crate::{Owner, StoreError, Template, TemplateKind, Tenant, Token, TokenHash};

impl Snapshot {
    /// One tenant.
    ///
    /// # Errors
    /// The disk's errors.
    pub fn tenant(&self, name: &TenantName) -> Result<Option<Tenant>, StoreError> {
        let row = self.get(Table::Tenants, &Key::empty().text(name.as_str()))?;
        let read = row.map(|row| tenant::read(name, &row)).transpose()?;
        Ok(read.map(|(_, tenant)| tenant))
    }

    /// All tenants, by name.
    ///
    /// # Errors
    /// The disk's errors.
    pub fn tenants(&self) -> Result<Vec<Tenant>, StoreError> {
        let rows = self.range(Table::Tenants, &Key::empty())?;
        rows.map(|row| {
            let (key, row) = row?;
            let name = Parts::new(key.value())
                .text()?
                .parse()
                .map_err(|_| StoreError::damaged("the name of a tenant"))?;
            tenant::read(&name, row.value()).map(|(_, tenant)| tenant)
        })
        .collect()
    }

    /// One template.
    ///
    /// # Errors
    /// The disk's errors.
    pub fn template(
        &self,
        owner: &Owner,
        kind: TemplateKind,
        name: &WorkflowName,
    ) -> Result<Option<Template>, StoreError> {
        let Some(number) = self.owner(owner)? else {
            return Ok(None);
        };
        let key = Key::tenant(number)
            .u8(template::kind_number(kind))
            .text(name.as_str());
        let row = self.long(Table::Templates, &key)?;
        row.map(|row| template::read(kind, name.clone(), &row))
            .transpose()
    }

    /// An owner's templates of a kind, by name.
    ///
    /// # Errors
    /// The disk's errors.
    pub fn templates(
        &self,
        owner: &Owner,
        kind: TemplateKind,
    ) -> Result<Vec<Template>, StoreError> {
        let Some(number) = self.owner(owner)? else {
            return Ok(Vec::new());
        };
        let prefix = Key::tenant(number).u8(template::kind_number(kind));
        let rows = self.long_rows(Table::Templates, &prefix)?;
        rows.map(|row| {
            let (key, row) = row?;
            let mut parts = Parts::new(&key);
            parts.tenant()?;
            parts.u8()?;
            let name = parts
                .text()?
                .parse()
                .map_err(|_| StoreError::damaged("the name of a template"))?;
            template::read(kind, name, &row)
        })
        .collect()
    }

    /// The number that an owner has in keys.
    fn owner(&self, owner: &Owner) -> Result<Option<TenantNo>, StoreError> {
        match owner {
            Owner::Site => Ok(Some(TenantNo::SITE)),
            Owner::Tenant(tenant) => self.number(tenant),
        }
    }

    /// What is known of a token. Looked up before anybody knows the tenant.
    ///
    /// # Errors
    /// The disk's errors.
    pub fn token(&self, hash: &TokenHash) -> Result<Option<Token>, StoreError> {
        let row = self.long(Table::Tokens, &Key::empty().bytes(&hash.0))?;
        row.map(|row| token::read(&row)).transpose()
    }

    /// All tokens.
    ///
    /// # Errors
    /// The disk's errors.
    pub fn tokens(&self) -> Result<Vec<(TokenHash, Token)>, StoreError> {
        let rows = self.long_rows(Table::Tokens, &Key::empty())?;
        rows.map(|row| {
            let (key, row) = row?;
            let hash = key
                .try_into()
                .map_err(|_| StoreError::damaged("the key of a token"))?;
            Ok((TokenHash(hash), token::read(&row)?))
        })
        .collect()
    }

    /// The small values of an owner whose keys begin so, by key.
    ///
    /// # Errors
    /// The disk's errors.
    pub fn settings(
        &self,
        owner: &Owner,
        prefix: &str,
    ) -> Result<Vec<(String, Vec<u8>)>, StoreError> {
        let Some(number) = self.owner(owner)? else {
            return Ok(Vec::new());
        };
        let rows = self.long_rows(
            Table::Settings,
            &Key::tenant(number).bytes(prefix.as_bytes()),
        )?;
        rows.map(|row| {
            let (key, row) = row?;
            let mut parts = Parts::new(&key);
            parts.tenant()?;
            Ok((parts.text()?.to_owned(), row))
        })
        .collect()
    }

    /// A small value.
    ///
    /// # Errors
    /// The disk's errors.
    pub fn setting(&self, owner: &Owner, key: &str) -> Result<Option<Vec<u8>>, StoreError> {
        let Some(number) = self.owner(owner)? else {
            return Ok(None);
        };
        self.long(Table::Settings, &Key::tenant(number).text(key))
    }
}
