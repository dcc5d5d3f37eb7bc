//! The powers that the server lends to plugins, as traits that it implements, and their way into a
//! guest. What a plugin is not granted is not linked: there is no check to forget.

mod basic;
mod exec;
mod kv;

use std::pin::Pin;
use std::sync::Arc;

use steading_types::{PluginId, TenantName};
use wasmtime::component::{HasSelf, Linker};

use crate::bindings::steading::plugin as wit;
use crate::call::CallState;
use crate::exec::{LogStream, Spec, Status};
use crate::manifest::Capability;

pub use crate::bindings::steading::plugin::kv::{Entry, Expect};
pub use crate::bindings::steading::plugin::log::Level as LogLevel;

/// An answer that may take time.
pub type Answer<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// On whose behalf a plugin calls the host. Made by the host; the guest has no say in it.
#[derive(Debug, Clone)]
pub struct Scope {
    /// The calling plugin.
    pub plugin: PluginId,
    /// The tenant for whom it was called.
    pub tenant: TenantName,
    /// The compute environment or trigger.
    pub instance: Arc<str>,
}

/// Tasks on this host (`exec`). Texts of errors are sentences for a person.
///
/// Ids come from the guest: an implementation answers only for tasks of `scope.tenant`.
pub trait ExecHost: Send + Sync {
    /// Starts a task, or finds the one that `spec.key` already started; answers its id.
    fn start<'a>(&'a self, scope: &'a Scope, spec: Spec) -> Answer<'a, Result<String, String>>;
    /// One status per id, in the same order.
    fn inspect<'a>(&'a self, scope: &'a Scope, ids: Vec<String>) -> Answer<'a, Vec<Status>>;
    /// Bytes of a log from `offset`, and whether nothing will follow them.
    fn read_log<'a>(
        &'a self,
        scope: &'a Scope,
        id: String,
        stream: LogStream,
        offset: u64,
        max: u32,
    ) -> Answer<'a, Result<(Vec<u8>, bool), String>>;
    /// Sends a signal (its number). An ended task is no error.
    fn kill<'a>(
        &'a self,
        scope: &'a Scope,
        id: String,
        signal: u8,
    ) -> Answer<'a, Result<(), String>>;
    /// Forgets an ended task.
    fn remove<'a>(&'a self, scope: &'a Scope, id: String) -> Answer<'a, Result<(), String>>;
}

/// Small durable values of one plugin instance (`kv`). Keys of different scopes never meet.
pub trait KvHost: Send + Sync {
    /// The entry under a key.
    fn get<'a>(&'a self, scope: &'a Scope, key: String) -> Answer<'a, Option<Entry>>;
    /// Writes when the expectation holds; answers the new version.
    fn put<'a>(
        &'a self,
        scope: &'a Scope,
        key: String,
        value: Vec<u8>,
        expect: Expect,
        ttl_ms: Option<u64>,
    ) -> Answer<'a, Result<u64, String>>;
    /// Removes when the expectation holds.
    fn delete<'a>(
        &'a self,
        scope: &'a Scope,
        key: String,
        expect: Expect,
    ) -> Answer<'a, Result<(), String>>;
    /// Entries whose keys begin with `prefix`, in order, after a key, at most `limit`.
    fn scan<'a>(
        &'a self,
        scope: &'a Scope,
        prefix: String,
        after: Option<String>,
        limit: u32,
    ) -> Answer<'a, Vec<Entry>>;
}

/// Takes the log lines of plugins. Lines are already within the call's budget.
pub trait LogSink: Send + Sync {
    /// One line.
    fn line(&self, scope: &Scope, level: LogLevel, message: &str, fields: &[(String, String)]);
}

/// Sends the lines of plugins to the server's own log.
#[derive(Debug, Clone, Copy, Default)]
pub struct ServerLog;

impl LogSink for ServerLog {
    fn line(&self, scope: &Scope, level: LogLevel, message: &str, fields: &[(String, String)]) {
        let (plugin, tenant, instance) = (
            scope.plugin.as_str(),
            scope.tenant.as_str(),
            &*scope.instance,
        );
        macro_rules! at {
            ($level:ident) => {
                tracing::$level!(target: "steading::plugin", plugin, tenant, instance, ?fields, "{message}")
            };
        }
        match level {
            LogLevel::Trace => at!(trace),
            LogLevel::Debug => at!(debug),
            LogLevel::Info => at!(info),
            LogLevel::Warn => at!(warn),
            LogLevel::Error => at!(error),
        }
    }
}

/// What the server offers. A capability without an implementation is refused by name.
#[derive(Clone)]
pub struct Services {
    /// Tasks on this host.
    pub exec: Option<Arc<dyn ExecHost>>,
    /// Small durable values.
    pub kv: Option<Arc<dyn KvHost>>,
    /// Log lines.
    pub log: Arc<dyn LogSink>,
}

impl Default for Services {
    fn default() -> Self {
        Self {
            exec: None,
            kv: None,
            log: Arc::new(ServerLog),
        }
    }
}

impl Services {
    /// True when this server can lend the capability. `http` and `secrets` are part of the
    /// contract, and no server has them yet.
    pub(crate) fn offer(&self, capability: Capability) -> bool {
        match capability {
            Capability::Exec => self.exec.is_some(),
            Capability::Kv => self.kv.is_some(),
            Capability::Http | Capability::Secrets => false,
        }
    }
}

/// Links what every plugin gets: log, clock, random, and WASI 0.2 with everything denied, because
/// components from other languages import it. Never wasi:http, whose default is to send.
pub(crate) fn link_basics(linker: &mut Linker<CallState>) -> wasmtime::Result<()> {
    wit::log::add_to_linker::<_, HasSelf<CallState>>(linker, |state| state)?;
    wit::clock::add_to_linker::<_, HasSelf<CallState>>(linker, |state| state)?;
    wit::random::add_to_linker::<_, HasSelf<CallState>>(linker, |state| state)?;
    wit::types::add_to_linker::<_, HasSelf<CallState>>(linker, |state| state)?;
    wasmtime_wasi::p2::add_to_linker_async(linker)
}

/// Links one granted capability.
pub(crate) fn link(capability: Capability, linker: &mut Linker<CallState>) -> wasmtime::Result<()> {
    match capability {
        Capability::Exec => wit::exec::add_to_linker::<_, HasSelf<CallState>>(linker, |s| s),
        Capability::Kv => wit::kv::add_to_linker::<_, HasSelf<CallState>>(linker, |s| s),
        Capability::Http | Capability::Secrets => Ok(()),
    }
}
