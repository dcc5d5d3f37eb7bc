//! One call: a store of its own, its budgets, and the verdict when it ends badly. The store is
//! dropped with the call, whatever happened: nothing of a trapped instance is used again.

use std::time::{Duration, Instant};

use tokio::sync::OwnedSemaphorePermit;
use wasmtime::component::ResourceTable;
use wasmtime::{Store, Trap, UpdateDeadline};
use wasmtime_wasi::{WasiCtx, WasiCtxBuilder, WasiCtxView, WasiView};

use crate::bindings::ComputeBackendLocal;
use crate::capability::{LogLevel, Scope, Services};
use crate::error::PluginError;
use crate::limits::{Limits, MemoryLimiter};
use crate::ticker::{TICK, Ticking};

/// Bytes of a guest's error line that are repeated in the error of its call.
const LAST_WORDS: usize = 1024;

/// Resources that a guest may hold of WASI.
const WASI_RESOURCES: usize = 1024;

/// Why a host function ended the guest.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Halt {
    #[error("{0}")]
    Budget(String),
    #[error("its own code ran too long")]
    Cpu,
    #[error("the host: {0}")]
    Host(String),
}

/// What the host knows while a guest runs.
pub(crate) struct CallState {
    scope: Scope,
    services: Services,
    limits: Limits,
    memory: MemoryLimiter,
    host_calls: u32,
    log_left: usize,
    last_words: Option<String>,
    begun: Instant,
    /// Made when the guest first asks WASI for something; most never do.
    wasi: Option<WasiCtx>,
    table: ResourceTable,
}

impl CallState {
    pub(crate) fn new(scope: Scope, services: Services, limits: Limits) -> Self {
        let mut table = ResourceTable::new();
        table.set_max_capacity(WASI_RESOURCES);
        Self {
            scope,
            services,
            limits,
            memory: MemoryLimiter::new(limits.memory_mib),
            host_calls: 0,
            log_left: limits.log_bytes,
            last_words: None,
            begun: Instant::now(),
            wasi: None,
            table,
        }
    }

    pub(crate) fn scope(&self) -> &Scope {
        &self.scope
    }

    pub(crate) fn services(&self) -> &Services {
        &self.services
    }

    pub(crate) fn age(&self) -> Duration {
        self.begun.elapsed()
    }

    /// Counts one host call.
    pub(crate) fn spend(&mut self) -> wasmtime::Result<()> {
        self.host_calls = self.host_calls.saturating_add(1);
        if self.host_calls > self.limits.host_calls {
            let most = self.limits.host_calls;
            return Err(Halt::Budget(format!("more than {most} host calls")).into());
        }
        Ok(())
    }

    /// Passes a log line of `bytes` on while the budget lasts.
    pub(crate) fn log(
        &mut self,
        level: LogLevel,
        message: String,
        fields: &[(String, String)],
        bytes: usize,
    ) {
        let sink = &self.services.log;
        match self.log_left.checked_sub(bytes) {
            Some(left) => {
                self.log_left = left;
                sink.line(&self.scope, level, &message, fields);
            }
            None if self.log_left > 0 => {
                self.log_left = 0;
                let mark = "this plugin's further log lines of this call are dropped";
                sink.line(&self.scope, LogLevel::Warn, mark, &[]);
            }
            None => {}
        }
        if level == LogLevel::Error {
            let end = message.floor_char_boundary(LAST_WORDS);
            self.last_words = message.get(..end).map(str::to_owned);
        }
    }
}

impl WasiView for CallState {
    /// Closed input, swallowed output, no environment, no directory, no network.
    fn ctx(&mut self) -> WasiCtxView<'_> {
        WasiCtxView {
            ctx: self.wasi.get_or_insert_with(|| {
                WasiCtxBuilder::new()
                    .max_random_size(64 * 1024)
                    .allow_tcp(false)
                    .allow_udp(false)
                    .allow_ip_name_lookup(false)
                    .build()
            }),
            table: &mut self.table,
        }
    }
}

/// A store with every limit set.
pub(crate) fn store(engine: &wasmtime::Engine, state: CallState) -> Store<CallState> {
    let limits = state.limits;
    let mut store = Store::new(engine, state);
    store.limiter(|state| &mut state.memory);
    store.set_hostcall_fuel(limits.transfer);
    store.set_epoch_deadline(1);
    let mut ticks = limits.cpu.as_millis() / TICK.as_millis();
    store.epoch_deadline_callback(move |_| {
        // Each tick the guest gives way to the other tasks of its thread.
        ticks = ticks.checked_sub(1).ok_or(Halt::Cpu)?;
        Ok(UpdateDeadline::Yield(1))
    });
    store
}

/// A call under way: an instance in its store. Dropping it ends the guest.
pub(crate) struct Call {
    pub(crate) store: Store<CallState>,
    pub(crate) guest: ComputeBackendLocal,
    pub(crate) name: &'static str,
    pub(crate) wall: Duration,
    pub(crate) _ticking: Ticking,
    pub(crate) _permit: OwnedSemaphorePermit,
}

/// The outcome of a guest function under a wall limit.
pub(crate) type Outcome<T> = Result<wasmtime::Result<T>, tokio::time::error::Elapsed>;

impl Call {
    /// The answer, or the reason why there is none.
    pub(crate) fn end<T>(self, outcome: Outcome<T>) -> Result<T, PluginError> {
        match outcome {
            Ok(Ok(answer)) => Ok(answer),
            Ok(Err(error)) => Err(verdict(&error, self.store.data(), self.name)),
            Err(_) => Err(PluginError::Deadline {
                plugin: self.store.data().scope.plugin.clone(),
                call: self.name,
            }),
        }
    }
}

/// What a failed call means. A refused growth makes the guest abort in its own way, so the memory
/// limit is looked at before the trap.
pub(crate) fn verdict(
    error: &wasmtime::Error,
    state: &CallState,
    call: &'static str,
) -> PluginError {
    let plugin = state.scope.plugin.clone();
    if state.memory.denied() {
        let limit_mib = state.limits.memory_mib;
        return PluginError::Memory {
            plugin,
            call,
            limit_mib,
        };
    }
    match error.downcast_ref::<Halt>() {
        Some(Halt::Cpu) => return PluginError::Deadline { plugin, call },
        Some(Halt::Budget(reason)) => {
            let reason = reason.clone();
            return PluginError::Budget {
                plugin,
                call,
                reason,
            };
        }
        Some(Halt::Host(_)) | None => {}
    }
    if transfer_exhausted(error) {
        return PluginError::AnswerTooLarge { plugin, call };
    }
    let trap = error.downcast_ref::<Trap>();
    let cause = trap.map_or_else(|| error.root_cause().to_string(), ToString::to_string);
    let reason = match &state.last_words {
        Some(words) => format!("{cause}; its last error line: {words}"),
        None => cause,
    };
    PluginError::Trap {
        plugin,
        call,
        reason,
    }
}

/// wasmtime keeps the type of this error to itself; a test holds its text in place.
fn transfer_exhausted(error: &wasmtime::Error) -> bool {
    error
        .root_cause()
        .to_string()
        .contains("fuel allocated for hostcalls")
}
