//! The `exec` grant: what a plugin asks, carried out by the execution crate for tasks of its tenant only.

use steading_control::identity::uid_base;
use steading_exec::{Exec, State, Stop};
use steading_plugin_host::capability::{Answer, ExecHost, Scope};
use steading_plugin_host::exec::{Isolation, LogStream, Spec, Status};
use steading_store::Store;
use steading_types::task::{Level, Task};

use super::Owners;

/// Tasks on this host, for plugins.
pub(crate) struct LocalExec {
    pub(crate) exec: Exec,
    pub(crate) store: Store,
    pub(crate) owners: Owners,
    /// The site's default level.
    pub(crate) level: Level,
}

/// What a plugin is told about a task that is not its tenant's: the same as for none.
const NO_TASK: &str = "there is no such task";
const SIGKILL: u8 = 9;

impl LocalExec {
    async fn begin(&self, scope: &Scope, spec: Spec) -> Result<String, String> {
        let attempt = self
            .owners
            .checked(&spec.key, &scope.tenant)
            .ok_or(NO_TASK)?;
        let text = spec.extra.ok_or("a task document is needed in 'extra'")?;
        let mut task: Task = serde_json::from_str(&text)
            .map_err(|error| format!("the task document can not be read: {error}"))?;
        // One that is known has what it was lent.
        if self.exec.state(attempt) == State::Unknown {
            let lent = self.owners.lent(attempt);
            lent.put_into(&mut task)
                .map_err(|error| error.to_string())?;
        }
        let level = match spec.isolation {
            Some(Isolation::Process) => Level::Process,
            Some(Isolation::Sandbox) => Level::Sandbox,
            Some(Isolation::Image) => Level::Image,
            None => self.level,
        };
        let uids = uid_base(&self.store, &scope.tenant).map_err(|error| error.to_string())?;
        self.exec
            .start(attempt, level, uids, &task)
            .await
            .map_err(|error| error.to_string())?;
        Ok(spec.key)
    }

    fn status(&self, scope: &Scope, id: &str) -> Status {
        let Some(attempt) = self.owners.checked(id, &scope.tenant) else {
            return Status::gone();
        };
        match self.exec.state(attempt) {
            State::Unknown => Status::gone(),
            State::Running { started, ready } => {
                let started = started.map(|at| at.get());
                if ready {
                    Status::serving(started)
                } else {
                    Status::under_way(started)
                }
            }
            State::Ended(report) => Status::ended(&report),
        }
    }
}

impl ExecHost for LocalExec {
    fn start<'a>(&'a self, scope: &'a Scope, spec: Spec) -> Answer<'a, Result<String, String>> {
        Box::pin(self.begin(scope, spec))
    }

    fn inspect<'a>(&'a self, scope: &'a Scope, ids: Vec<String>) -> Answer<'a, Vec<Status>> {
        Box::pin(async move { ids.iter().map(|id| self.status(scope, id)).collect() })
    }

    fn read_log<'a>(
        &'a self,
        scope: &'a Scope,
        id: String,
        stream: LogStream,
        offset: u64,
        max: u32,
    ) -> Answer<'a, Result<(Vec<u8>, bool), String>> {
        Box::pin(async move {
            let attempt = self.owners.checked(&id, &scope.tenant).ok_or(NO_TASK)?;
            if stream != LogStream::Both {
                return Err("one stream of a log is read through the server".to_owned());
            }
            let path = steading_exec::logs::path(self.exec.data_dir(), attempt);
            let over = !matches!(self.exec.state(attempt), State::Running { .. });
            tokio::task::spawn_blocking(move || read_range(&path, offset, max, over))
                .await
                .map_err(|error| error.to_string())?
        })
    }

    fn kill<'a>(
        &'a self,
        scope: &'a Scope,
        id: String,
        signal: u8,
    ) -> Answer<'a, Result<(), String>> {
        Box::pin(async move {
            let attempt = self.owners.checked(&id, &scope.tenant).ok_or(NO_TASK)?;
            let how = if signal == SIGKILL {
                Stop::Forced
            } else {
                Stop::Polite
            };
            self.exec
                .stop(attempt, how)
                .await
                .map_err(|error| error.to_string())
        })
    }

    fn remove<'a>(&'a self, scope: &'a Scope, id: String) -> Answer<'a, Result<(), String>> {
        Box::pin(async move {
            let attempt = self.owners.checked(&id, &scope.tenant).ok_or(NO_TASK)?;
            self.exec
                .remove(attempt)
                .await
                .map_err(|error| error.to_string())
        })
    }
}

/// Bytes of a file from an offset, and whether nothing follows. A log that does not exist is empty.
fn read_range(
    path: &std::path::Path,
    offset: u64,
    max: u32,
    over: bool,
) -> Result<(Vec<u8>, bool), String> {
    use std::io::{Read, Seek, SeekFrom};
    let Ok(mut file) = std::fs::File::open(path) else {
        return Ok((Vec::new(), over));
    };
    let length = file.metadata().map_err(|error| error.to_string())?.len();
    file.seek(SeekFrom::Start(offset))
        .map_err(|error| error.to_string())?;
    let mut bytes = Vec::new();
    file.take(u64::from(max))
        .read_to_end(&mut bytes)
        .map_err(|error| error.to_string())?;
    let end = offset.saturating_add(bytes.len() as u64) >= length;
    Ok((bytes, over && end))
}
