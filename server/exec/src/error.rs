//! What can go wrong in local execution.

use std::io;

use thiserror::Error;

use crate::images::ImageError;

/// An error of local execution.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ExecError {
    /// A file or system call failed.
    #[error("{doing} failed")]
    Io {
        /// What was being done.
        doing: String,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The keeper of spawners is gone.
    #[error("the process that starts tasks is gone")]
    SpawnerLost,
    /// The spawner said no.
    #[error("{message}")]
    Refused {
        /// A stable dotted code.
        code: String,
        /// One sentence.
        message: String,
    },
    /// An image is missing or broken.
    #[error(transparent)]
    Image(#[from] ImageError),
}

impl ExecError {
    /// The stable code.
    pub fn code(&self) -> &str {
        match self {
            Self::Io { .. } => "exec.io",
            Self::SpawnerLost => "exec.spawner-lost",
            Self::Refused { code, .. } => code,
            Self::Image(error) => error.code(),
        }
    }

    /// What to do about it.
    pub fn fix(&self) -> Option<String> {
        match self {
            Self::Io { .. } | Self::Refused { .. } => None,
            Self::SpawnerLost => {
                Some("restart steading: tasks that run go on and are found again".into())
            }
            Self::Image(error) => error.fix(),
        }
    }
}

/// Names what was being done when an I/O error came.
pub(crate) trait Doing<T> {
    fn doing(self, what: impl Into<String>) -> Result<T, ExecError>;
}

impl<T, E: Into<io::Error>> Doing<T> for Result<T, E> {
    fn doing(self, what: impl Into<String>) -> Result<T, ExecError> {
        self.map_err(|source| ExecError::Io {
            doing: what.into(),
            source: source.into(),
        })
    }
}
