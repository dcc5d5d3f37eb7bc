//! The backend that the loops see: calls of the plugin, and the ends that the execution crate reports.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use steading_control::backend::{
    Accepted, Backend, BackendError, Epoch, Hope, Known, Later, Observed, Order, Seen, Stage,
};
use steading_exec::{Ended, Exec, State};
use steading_plugin_host::compute::{ErrorKind, Job, Phase, Resources, Status, SubmitStep};
use steading_plugin_host::exec::SERVING;
use steading_plugin_host::{CallContext, Plugin, Stop};
use steading_types::task::{End, TaskReport};
use steading_types::{AttemptId, TenantName};
use tokio::sync::{Mutex, mpsc};

use super::Owners;

/// Ends that are asked about with one call.
const BATCH: usize = 256;
/// Before a plugin that failed to answer is asked again.
const PAUSE: Duration = Duration::from_secs(1);

/// This host as a compute environment.
pub(crate) struct LocalBackend {
    plugin: Arc<Plugin>,
    exec: Exec,
    owners: Owners,
    host: String,
    ended: Mutex<Ended>,
    /// Ends that were reported before their attempt was (again) ours.
    again: (
        mpsc::UnboundedSender<AttemptId>,
        Mutex<mpsc::UnboundedReceiver<AttemptId>>,
    ),
}

impl LocalBackend {
    pub(crate) fn new(plugin: Arc<Plugin>, exec: Exec, ended: Ended, owners: Owners) -> Self {
        let (sender, receiver) = mpsc::unbounded_channel();
        let host = rustix::system::uname()
            .nodename()
            .to_string_lossy()
            .into_owned();
        Self {
            plugin,
            exec,
            owners,
            host,
            ended: Mutex::new(ended),
            again: (sender, Mutex::new(receiver)),
        }
    }

    fn context(&self, tenant: &TenantName) -> CallContext {
        CallContext {
            tenant: tenant.clone(),
            instance: Arc::from("local"),
            config: Arc::from("{}"),
            trace_parent: None,
        }
    }

    async fn hand_over(&self, order: Order) -> Result<Accepted, BackendError> {
        let Order {
            tenant,
            attempt,
            name,
            task,
            lent,
            epoch,
        } = order;
        let known = !matches!(self.exec.state(attempt), State::Unknown);
        let lent = match lent {
            Ok(lent) => lent,
            Err(_) if known => Arc::default(),
            Err(missing) => return Err(missing),
        };
        self.owners
            .set(attempt, tenant.clone(), task.container_names());
        let _held = self.owners.lend(attempt, lent);
        if epoch == Epoch::Earlier
            && let Err(error) = self.exec.lose(attempt)
        {
            return Err(BackendError {
                code: error.code().to_owned(),
                message: error.to_string(),
                hope: Hope::Later,
            });
        }
        let document = serde_json::to_string(&task)
            .map_err(|error| refused("task.document", error.to_string()))?;
        let main = task.main;
        let job = Job {
            key: attempt.to_string(),
            name,
            image: main.image,
            command: main.command.into_iter().chain(main.args).collect(),
            env: Vec::new(),
            secret_env: Vec::new(),
            resources: Resources {
                cpu_milli: main.cpu.map_or(0, |cpu| cpu.0),
                memory_bytes: main.memory.map_or(0, |memory| memory.0),
                gpu: 0,
                gpu_kind: None,
                disk_bytes: 0,
                wall_ms: task.deadline.map(|span| span.get()),
            },
            labels: Vec::new(),
            work_dir: main.workdir.unwrap_or_default(),
            role: "task".to_owned(),
            extra: Some(document),
        };
        match self.plugin.submit(&self.context(&tenant), &job, None).await {
            Ok(SubmitStep::Accepted(accepted)) => {
                let state = self.exec.state(attempt);
                if known && !matches!(state, State::Running { ready: false, .. }) {
                    let _ = self.again.0.send(attempt);
                }
                Ok(Accepted {
                    handle: accepted.handle,
                    stage: Stage::Running,
                    host: Some(self.host.clone()),
                })
            }
            Ok(SubmitStep::Again(_)) => Err(refused(
                "plugin.steps",
                "this environment takes a job in one step".to_owned(),
            )),
            Ok(SubmitStep::Failed(error)) => {
                let hope = if matches!(error.kind, ErrorKind::Transient | ErrorKind::RateLimited) {
                    Hope::Later
                } else {
                    Hope::None
                };
                Err(BackendError {
                    code: error.code,
                    message: error.message,
                    hope,
                })
            }
            Err(error) => Err(refused(error.code(), error.to_string())),
        }
    }

    /// Attempts that ended, and services that became ready: waits for the first, takes what else is there.
    async fn next(&self) -> Vec<AttemptId> {
        let (mut ended, mut again) = (self.ended.lock().await, self.again.1.lock().await);
        let first = tokio::select! {
            Some(attempt) = ended.next() => attempt,
            Some(attempt) = again.recv() => attempt,
            else => std::future::pending().await,
        };
        let mut batch = vec![first];
        while batch.len() < BATCH {
            match ended
                .next()
                .now_or_never()
                .flatten()
                .or_else(|| again.try_recv().ok())
            {
                Some(attempt) => batch.push(attempt),
                None => break,
            }
        }
        batch
    }

    async fn poll(&self) -> Vec<Observed> {
        loop {
            let mut by_tenant: BTreeMap<TenantName, Vec<AttemptId>> = BTreeMap::new();
            for attempt in self.next().await {
                // One without an owner is left over, or not yet taken up after a restart: whoever takes
                // it up asks for its state.
                if let Some(tenant) = self.owners.of(attempt) {
                    by_tenant.entry(tenant).or_default().push(attempt);
                }
            }
            let mut seen = Vec::new();
            for (tenant, attempts) in by_tenant {
                seen.extend(self.ask(&tenant, attempts).await);
            }
            if !seen.is_empty() {
                return seen;
            }
        }
    }

    async fn ask(&self, tenant: &TenantName, attempts: Vec<AttemptId>) -> Vec<Observed> {
        let handles: Vec<String> = attempts.iter().map(ToString::to_string).collect();
        match self.plugin.poll(&self.context(tenant), &handles).await {
            Ok(statuses) => attempts
                .into_iter()
                .zip(statuses)
                .filter_map(|(attempt, status)| {
                    Some(Observed {
                        attempt,
                        what: seen(status)?,
                    })
                })
                .collect(),
            Err(error) => {
                tracing::error!(tenant = %tenant, error = %error, "the plugin failed to answer; it will be asked again");
                self.ask_later(attempts);
                Vec::new()
            }
        }
    }

    fn ask_later(&self, attempts: Vec<AttemptId>) {
        let again = self.again.0.clone();
        tokio::spawn(async move {
            tokio::time::sleep(PAUSE).await;
            for attempt in attempts {
                let _ = again.send(attempt);
            }
        });
    }

    async fn end(&self, attempts: Vec<AttemptId>) {
        let mut by_tenant: BTreeMap<TenantName, Vec<String>> = BTreeMap::new();
        for attempt in attempts {
            if let Some(tenant) = self.owners.of(attempt) {
                by_tenant
                    .entry(tenant)
                    .or_default()
                    .push(attempt.to_string());
            }
        }
        for (tenant, handles) in by_tenant {
            // The execution crate turns a polite stop into a forced one after the task's grace.
            if let Err(error) = self
                .plugin
                .cancel(&self.context(&tenant), &handles, Stop::Polite)
                .await
            {
                tracing::error!(tenant = %tenant, error = %error, "the plugin failed to end tasks");
            }
        }
    }
}

fn refused(code: &str, message: String) -> BackendError {
    BackendError {
        code: code.to_owned(),
        message,
        hope: Hope::None,
    }
}

/// What a status means; nothing for one that says nothing new.
fn seen(status: Status) -> Option<Seen> {
    if let Some(report) = status
        .outputs
        .as_deref()
        .and_then(|text| serde_json::from_str::<TaskReport>(text).ok())
    {
        return Some(Seen::Ended(Box::new(report)));
    }
    if status.phase == Phase::Running && status.outputs.as_deref() == Some(SERVING) {
        return Some(Seen::Ready(status.node));
    }
    let end = match status.phase {
        Phase::Queued | Phase::Starting => {
            return Some(Seen::Waiting(status.reason.unwrap_or_default()));
        }
        Phase::Running => return Some(Seen::Started(status.node)),
        Phase::Succeeded => End::Exited {
            container: "main".to_owned(),
            code: 0,
        },
        Phase::Failed => match status.exit_code {
            Some(code) => End::Exited {
                container: "main".to_owned(),
                code,
            },
            None => End::Unprepared {
                code: "backend.failed".to_owned(),
                message: status.reason.unwrap_or_default(),
            },
        },
        Phase::Canceled => End::Signaled {
            container: "main".to_owned(),
            signal: 15,
        },
        Phase::Lost => End::Lost,
    };
    let finished = status
        .finished
        .map_or_else(steading_control::clock::now, steading_types::Millis);
    let report = TaskReport {
        started: status.started.map(steading_types::Millis),
        ..TaskReport::of(end, finished)
    };
    Some(Seen::Ended(Box::new(report)))
}

impl Backend for LocalBackend {
    fn epoch(&self) -> Vec<u8> {
        self.exec.boot().as_bytes().to_vec()
    }

    fn submit<'a>(&'a self, order: Order) -> Later<'a, Result<Accepted, BackendError>> {
        Box::pin(self.hand_over(order))
    }

    fn adopt<'a>(&'a self, known: Known) -> Later<'a, ()> {
        Box::pin(async move {
            let Known {
                tenant,
                attempt,
                containers,
                ..
            } = known;
            self.owners.set(attempt, tenant, containers);
            let waits = matches!(
                self.exec.state(attempt),
                State::Running { ready: false, .. }
            );
            if !waits {
                let _ = self.again.0.send(attempt);
            }
        })
    }

    fn observe<'a>(&'a self) -> Later<'a, Vec<Observed>> {
        Box::pin(self.poll())
    }

    fn cancel<'a>(&'a self, attempts: Vec<AttemptId>) -> Later<'a, ()> {
        Box::pin(self.end(attempts))
    }

    fn release<'a>(&'a self, _tenant: TenantName, attempt: AttemptId) -> Later<'a, ()> {
        Box::pin(async move {
            if let Err(error) = self.exec.remove(attempt).await {
                tracing::warn!(attempt = %attempt, error = %error, "what a task left could not be removed; the next start tries again");
            }
            self.owners.remove(attempt);
        })
    }
}
