//! Where an attempt's output lies. The bytes themselves are never in the store.

use serde::{Deserialize, Serialize};

use super::{encode, fields, newer, version};
use crate::StoreError;

const VERSION: u8 = 1;

/// The output of one container of an attempt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogFile {
    /// The container.
    pub container: String,
    /// The file, relative to the log directory.
    pub file: String,
    /// Its length in bytes, when the attempt ended.
    pub bytes: u64,
    /// The offset at which output was cut by policy.
    pub cut: Option<u64>,
}

#[derive(Serialize, Deserialize)]
struct V1<'r> {
    #[serde(borrow)]
    files: Vec<FileV1<'r>>,
}

#[derive(Serialize, Deserialize)]
struct FileV1<'r> {
    container: &'r str,
    file: &'r str,
    bytes: u64,
    cut: Option<u64>,
}

/// The row of an attempt's output.
pub(crate) fn write(files: &[LogFile]) -> Result<Vec<u8>, StoreError> {
    let files = files.iter().map(|file| FileV1 {
        container: &file.container,
        file: &file.file,
        bytes: file.bytes,
        cut: file.cut,
    });
    encode(
        VERSION,
        &V1 {
            files: files.collect(),
        },
    )
}

/// The output behind a row.
pub(crate) fn read(row: &[u8]) -> Result<Vec<LogFile>, StoreError> {
    let (found, bytes) = version(row)?;
    if found != VERSION {
        return Err(newer("a log index", found, VERSION));
    }
    let row: V1<'_> = fields("a log index", bytes)?;
    let files = row.files.into_iter().map(|file| LogFile {
        container: file.container.to_owned(),
        file: file.file.to_owned(),
        bytes: file.bytes,
        cut: file.cut,
    });
    Ok(files.collect())
}
