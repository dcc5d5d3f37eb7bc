//! A loaded plugin: the functions of the contract, typed, each call on its own.

use std::sync::Arc;

use steading_types::TenantName;
use tokio::sync::Semaphore;
use tokio::time::timeout;

use crate::bindings::ComputeBackendLocalPre;
use crate::bindings::steading::plugin::types::Context;
use crate::call::{Call, CallState, store, verdict};
use crate::capability::{Scope, Services};
use crate::compute::{Chunk, Descriptor, Error, Finding, Job, Page, Status, Step, SubmitStep};
use crate::error::PluginError;
use crate::limits::Limits;
use crate::manifest::Manifest;
use crate::ticker::Ticker;

/// Bytes of a continuation state, a handle, a log cursor: rows of the caller's store.
const STATE_LIMIT: usize = 64 * 1024;
const HANDLE_LIMIT: usize = 1024;
/// Handles of one poll or cancel call; longer lists are divided.
const BATCH: usize = 256;

/// For whom a plugin is called.
#[derive(Debug, Clone)]
pub struct CallContext {
    /// The tenant.
    pub tenant: TenantName,
    /// The compute environment or trigger.
    pub instance: Arc<str>,
    /// Its configuration, JSON.
    pub config: Arc<str>,
    /// W3C trace context, when there is one.
    pub trace_parent: Option<String>,
}

/// A plugin that passed every check at load. Cheap to call, from any number of tasks at once.
pub struct Plugin {
    manifest: Manifest,
    guest: ComputeBackendLocalPre<CallState>,
    services: Services,
    limits: Limits,
    permits: Arc<Semaphore>,
    ticker: Ticker,
}

/// Calls one function of the guest, and drops the instance.
macro_rules! guest {
    ($plugin:ident, $context:expr, $name:literal, $function:ident ( $($argument:expr),* )) => {{
        let mut call = $plugin.begin($context, $name).await?;
        let outcome = {
            let compute = call.guest.steading_plugin_compute();
            timeout(call.wall, compute.$function(&mut call.store, $($argument),*)).await
        };
        call.end(outcome)
    }};
}

impl Plugin {
    pub(crate) fn new(
        manifest: Manifest,
        guest: ComputeBackendLocalPre<CallState>,
        services: Services,
        limits: Limits,
        permits: Arc<Semaphore>,
        ticker: Ticker,
    ) -> Self {
        Self {
            manifest,
            guest,
            services,
            limits,
            permits,
            ticker,
        }
    }

    /// What the plugin's maker signed.
    pub fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// What it says of itself: the same for every context, which only names who asks.
    pub async fn describe(&self, context: &CallContext) -> Result<Descriptor, PluginError> {
        guest!(self, context, "describe", call_describe())
    }

    /// Brings a stored configuration to the plugin's current form.
    pub async fn migrate_config(
        &self,
        context: &CallContext,
        from_version: u32,
        config: &str,
    ) -> Result<String, PluginError> {
        let config = config.to_owned();
        guest!(
            self,
            context,
            "migrate-config",
            call_migrate_config(from_version, &config)
        )?
        .map_err(answered)
    }

    /// All faults of the configuration in `context`.
    pub async fn validate(
        &self,
        context: &CallContext,
        depth: Depth,
    ) -> Result<Vec<Finding>, PluginError> {
        let deep = depth == Depth::AskTheOtherSide;
        guest!(
            self,
            context,
            "validate",
            call_validate(&wire(context), deep)
        )?
        .map_err(answered)
    }

    /// Choices for a field of the configuration.
    pub async fn list_options(
        &self,
        context: &CallContext,
        field: &str,
        query: &str,
        after: Option<&str>,
    ) -> Result<Page, PluginError> {
        guest!(
            self,
            context,
            "list-options",
            call_list_options(&wire(context), field, query, after)
        )?
        .map_err(answered)
    }

    /// One step of making what the environment needs.
    pub async fn provision(
        &self,
        context: &CallContext,
        state: Option<&[u8]>,
    ) -> Result<Step, PluginError> {
        let step = guest!(
            self,
            context,
            "provision",
            call_provision(&wire(context), state)
        )?;
        self.checked_step(step, "provision")
    }

    /// One step of removing it.
    pub async fn dispose(
        &self,
        context: &CallContext,
        state: Option<&[u8]>,
    ) -> Result<Step, PluginError> {
        let step = guest!(
            self,
            context,
            "dispose",
            call_dispose(&wire(context), state)
        )?;
        self.checked_step(step, "dispose")
    }

    /// One step of handing a job over. Store the state of [`SubmitStep::Again`] before the next.
    pub async fn submit(
        &self,
        context: &CallContext,
        job: &Job,
        state: Option<&[u8]>,
    ) -> Result<SubmitStep, PluginError> {
        let step = guest!(
            self,
            context,
            "submit",
            call_submit(&wire(context), job, state)
        )?;
        let fits = match &step {
            SubmitStep::Accepted(accepted) => accepted.handle.len() <= HANDLE_LIMIT,
            SubmitStep::Again(again) => again.state.len() <= STATE_LIMIT,
            SubmitStep::Failed(_) => true,
        };
        self.when(fits, "submit", step)
    }

    /// The status of each handle, in the same order. Where the statuses of a batch are too much for
    /// one answer, it is asked in parts.
    pub async fn poll(
        &self,
        context: &CallContext,
        handles: &[String],
    ) -> Result<Vec<Status>, PluginError> {
        let mut statuses = Vec::with_capacity(handles.len());
        let mut parts: Vec<&[String]> = handles.chunks(BATCH).rev().collect();
        while let Some(part) = parts.pop() {
            match self.poll_part(context, part).await {
                Ok(answer) => statuses.extend(answer),
                Err(PluginError::AnswerTooLarge { .. } | PluginError::Memory { .. })
                    if part.len() > 1 =>
                {
                    let (first, second) = part.split_at(part.len() / 2);
                    parts.extend([second, first]);
                }
                Err(error) => return Err(error),
            }
        }
        Ok(statuses)
    }

    async fn poll_part(
        &self,
        context: &CallContext,
        handles: &[String],
    ) -> Result<Vec<Status>, PluginError> {
        let statuses =
            guest!(self, context, "poll", call_poll(&wire(context), handles))?.map_err(answered)?;
        let same = statuses.iter().map(|status| &status.handle).eq(handles);
        if !same {
            return Err(self.invalid("poll", "one status per handle, in the same order"));
        }
        Ok(statuses)
    }

    /// The next part of a job's output. `stream` is `stdout`, `stderr`, or empty for both.
    pub async fn logs(
        &self,
        context: &CallContext,
        handle: &str,
        stream: &str,
        cursor: Option<&[u8]>,
        max_bytes: u32,
    ) -> Result<Chunk, PluginError> {
        let chunk = guest!(
            self,
            context,
            "logs",
            call_logs(&wire(context), handle, stream, cursor, max_bytes)
        )?
        .map_err(answered)?;
        let fits = chunk.cursor.len() <= HANDLE_LIMIT && chunk.data.len() <= max_bytes as usize;
        self.when(fits, "logs", chunk)
    }

    /// Stops jobs; one answer per handle, in the same order.
    pub async fn cancel(
        &self,
        context: &CallContext,
        handles: &[String],
        how: Stop,
    ) -> Result<Vec<Result<(), Error>>, PluginError> {
        let force = how == Stop::Forced;
        let mut answers = Vec::with_capacity(handles.len());
        for part in handles.chunks(BATCH) {
            let part_answers = guest!(
                self,
                context,
                "cancel",
                call_cancel(&wire(context), part, force)
            )?;
            if part_answers.len() != part.len() {
                return Err(self.invalid("cancel", "one answer per handle"));
            }
            answers.extend(part_answers);
        }
        Ok(answers)
    }

    /// A fresh instance in a store of its own.
    async fn begin(&self, context: &CallContext, name: &'static str) -> Result<Call, PluginError> {
        let permit = Arc::clone(&self.permits)
            .acquire_owned()
            .await
            .map_err(|error| PluginError::Engine(error.to_string()))?;
        let ticking = self.ticker.ticking();
        let scope = Scope {
            plugin: self.manifest.id.clone(),
            tenant: context.tenant.clone(),
            instance: Arc::clone(&context.instance),
        };
        let state = CallState::new(scope, self.services.clone(), self.limits);
        let mut store = store(self.guest.engine(), state);
        // The component's own start code runs here: it is under the same limits.
        let guest = match timeout(self.limits.wall, self.guest.instantiate_async(&mut store)).await
        {
            Ok(Ok(guest)) => guest,
            Ok(Err(error)) => return Err(verdict(&error, store.data(), name)),
            Err(_) => {
                let plugin = self.manifest.id.clone();
                return Err(PluginError::Deadline { plugin, call: name });
            }
        };
        Ok(Call {
            store,
            guest,
            name,
            wall: self.limits.wall,
            _ticking: ticking,
            _permit: permit,
        })
    }

    fn checked_step(&self, step: Step, call: &'static str) -> Result<Step, PluginError> {
        let fits = match &step {
            Step::Again(again) => again.state.len() <= STATE_LIMIT,
            Step::Done(_) | Step::Failed(_) => true,
        };
        self.when(fits, call, step)
    }

    fn when<T>(&self, fits: bool, call: &'static str, answer: T) -> Result<T, PluginError> {
        if fits {
            return Ok(answer);
        }
        let plugin = self.manifest.id.clone();
        Err(PluginError::AnswerTooLarge { plugin, call })
    }

    fn invalid(&self, call: &'static str, reason: &'static str) -> PluginError {
        PluginError::AnswerInvalid {
            plugin: self.manifest.id.clone(),
            call,
            reason,
        }
    }
}

/// How far a configuration is checked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Depth {
    /// By itself.
    Offline,
    /// The other side may be asked as well.
    AskTheOtherSide,
}

/// How a job is stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stop {
    /// It may clean up.
    Polite,
    /// At once.
    Forced,
}

fn wire(context: &CallContext) -> Context {
    Context {
        tenant: context.tenant.as_str().to_owned(),
        instance_id: context.instance.to_string(),
        config: context.config.to_string(),
        trace_parent: context.trace_parent.clone(),
    }
}

fn answered(error: Error) -> PluginError {
    PluginError::Answered(Box::new(error))
}
