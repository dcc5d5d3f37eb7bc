//! Directories of claims, for the loops.

use std::io;
use std::path::{Path, PathBuf};

use steading_control::backend::Later;
use steading_control::site::Claims;
use steading_exec::claims::Claims as Directories;
use steading_types::{ObjectName, TenantName};

/// The claims of a data directory.
pub(crate) struct HostClaims(Directories);

impl HostClaims {
    /// Those below a data directory.
    pub(crate) fn open(data: &Path) -> Self {
        Self(Directories::at(data))
    }

    fn apart<'a, T: Send + 'static>(
        &'a self,
        tenant: &TenantName,
        name: &ObjectName,
        work: fn(&Directories, &TenantName, &ObjectName) -> io::Result<T>,
    ) -> Later<'a, io::Result<T>> {
        let (directories, tenant, name) = (self.0.clone(), tenant.clone(), name.clone());
        let done = tokio::task::spawn_blocking(move || work(&directories, &tenant, &name));
        Box::pin(async move { done.await.unwrap_or_else(|lost| Err(lost.into())) })
    }
}

impl Claims for HostClaims {
    fn provide(&self, tenant: &TenantName, name: &ObjectName) -> io::Result<PathBuf> {
        self.0.provide(tenant, name)
    }

    fn used<'a>(
        &'a self,
        tenant: &'a TenantName,
        name: &'a ObjectName,
    ) -> Later<'a, io::Result<u64>> {
        self.apart(tenant, name, Directories::used)
    }

    fn remove<'a>(
        &'a self,
        tenant: &'a TenantName,
        name: &'a ObjectName,
    ) -> Later<'a, io::Result<()>> {
        self.apart(tenant, name, Directories::remove)
    }
}
