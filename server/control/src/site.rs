//! What the faces ask of the host beside runs: logs, images, the doctor. Traits here, implemented by the
//! program with the execution crate, so that HTTP knows nothing of processes and files.

use std::path::PathBuf;

use steading_api::image::ImageBody;
use steading_api::log::{LogLine, LogQuery};
use steading_api::site::DoctorCheck;
use steading_store::LogFile;
use steading_types::{AttemptId, Millis, ObjectName, TenantName};
use tokio::sync::mpsc;

use crate::backend::Later;

/// Output of attempts, in files.
pub trait Logs: Send + Sync + 'static {
    /// What lies on disk for an attempt that ended: its row in the index.
    fn index(&self, tenant: &TenantName, attempt: AttemptId) -> Option<Vec<LogFile>>;
    /// Lines of these attempts, merged by time. `next` is the offset to go on at, for one attempt.
    fn read<'a>(
        &'a self,
        tenant: &'a TenantName,
        sources: &'a [LogSource],
        query: &'a LogQuery,
    ) -> Later<'a, Result<LogSlice, SiteError>>;
    /// Sends lines of an attempt as they are written, from an offset on, until it is over or nobody listens.
    fn follow<'a>(
        &'a self,
        tenant: &'a TenantName,
        source: LogSource,
        query: &'a LogQuery,
        lines: mpsc::Sender<LogLine>,
    ) -> Later<'a, Result<(), SiteError>>;
    /// Removes everything that these attempts printed.
    fn remove<'a>(&'a self, tenant: &'a TenantName, attempts: &'a [AttemptId]) -> Later<'a, ()>;
}

/// One attempt whose output is wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogSource {
    /// The attempt.
    pub attempt: AttemptId,
    /// Its Argo pod name, for the lines.
    pub pod: String,
    /// When it started: orders sources.
    pub started: Option<Millis>,
}

/// Some lines.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct LogSlice {
    /// The lines.
    pub lines: Vec<LogLine>,
    /// Where to go on, when there is more.
    pub next: Option<u64>,
}

/// Images of the site.
pub trait Images: Send + Sync + 'static {
    /// All of them.
    fn list<'a>(&'a self) -> Later<'a, Result<Vec<ImageBody>, SiteError>>;
    /// One, by a name as workflows write it, or by digest.
    fn inspect<'a>(&'a self, name: &'a str) -> Later<'a, Result<ImageBody, SiteError>>;
    /// Imports an archive that was received into a file.
    fn import<'a>(&'a self, archive: PathBuf) -> Later<'a, Result<Vec<ImageBody>, SiteError>>;
    /// A further name.
    fn tag<'a>(&'a self, image: &'a str, name: &'a str) -> Later<'a, Result<(), SiteError>>;
    /// Removes a name.
    fn remove<'a>(&'a self, name: &'a str) -> Later<'a, Result<(), SiteError>>;
    /// Removes what no name refers to; answers the bytes freed.
    fn collect<'a>(&'a self) -> Later<'a, Result<u64, SiteError>>;
    /// A fresh file for an archive that is being received.
    fn inbox(&self) -> PathBuf;
}

/// Directories of claims. Every call may be repeated.
pub trait Claims: Send + Sync + 'static {
    /// The directory of a claim, made when absent.
    ///
    /// # Errors
    /// The disk's.
    fn provide(&self, tenant: &TenantName, name: &ObjectName) -> std::io::Result<PathBuf>;
    /// Bytes on disk that it takes.
    fn used<'a>(
        &'a self,
        tenant: &'a TenantName,
        name: &'a ObjectName,
    ) -> Later<'a, std::io::Result<u64>>;
    /// Removes it with all that is in it.
    fn remove<'a>(
        &'a self,
        tenant: &'a TenantName,
        name: &'a ObjectName,
    ) -> Later<'a, std::io::Result<()>>;
}

/// What the host provides.
pub trait Doctor: Send + Sync + 'static {
    /// Looks, anew.
    fn checks<'a>(&'a self) -> Later<'a, Vec<DoctorCheck>>;
}

/// Why the host did not do it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct SiteError {
    /// Stable and dotted.
    pub code: String,
    /// One sentence.
    pub message: String,
    /// What to do.
    pub fix: Option<String>,
}
