//! Why an artifact is not taken over.

use std::io;

use rustix::io::Errno;

use crate::images::ImageError;

/// Display is one sentence for the user of the task.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Fault {
    /// The path in the template makes no sense.
    #[error("the path '{0}' must be absolute, without '..' and without control characters")]
    Path(String),
    /// It would be dangerous to take over, or can not be read.
    #[error("it is not taken over: {0}")]
    Hostile(String),
    /// There is something that is no file and no directory.
    #[error("{0} is no regular file and no directory")]
    Kind(String),
    /// More than allowed.
    #[error("it is larger than the {0} bytes that an artifact may have")]
    TooLarge(u64),
    /// It holds too many files, or unfolds to far more than it is.
    #[error("it unfolds to more than its size allows")]
    Bomb,
    /// The disk or the memory of the task's directory is full.
    #[error("there is no room for it")]
    Full,
    /// A file or system call failed.
    #[error("{0}")]
    Io(io::Error),
}

impl Fault {
    /// The stable code.
    pub(crate) fn code(&self) -> &'static str {
        match self {
            Self::Path(_) => "artifact.path",
            Self::Hostile(_) | Self::Bomb => "artifact.hostile",
            Self::Kind(_) => "artifact.kind",
            Self::TooLarge(_) => "artifact.too-large",
            Self::Full => "artifact.disk-full",
            Self::Io(_) => "artifact.file",
        }
    }

    pub(super) fn hostile(why: impl Into<String>) -> Self {
        Self::Hostile(why.into())
    }
}

impl From<io::Error> for Fault {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Self::Full,
            // What readers of archives say of what they read.
            io::ErrorKind::InvalidData
            | io::ErrorKind::InvalidInput
            | io::ErrorKind::UnexpectedEof => Self::Hostile(error.to_string()),
            _ => Self::Io(error),
        }
    }
}

impl From<Errno> for Fault {
    fn from(errno: Errno) -> Self {
        match errno {
            // A link stands where a directory should be.
            Errno::LOOP => Self::hostile("a name in it leads through a link"),
            errno => io::Error::from(errno).into(),
        }
    }
}

impl From<ImageError> for Fault {
    fn from(error: ImageError) -> Self {
        match error {
            ImageError::Io(error) => error.into(),
            ImageError::BadArchive { why } => Self::Hostile(why),
            other => Self::Hostile(other.to_string()),
        }
    }
}

impl From<zip::result::ZipError> for Fault {
    fn from(error: zip::result::ZipError) -> Self {
        match error {
            zip::result::ZipError::Io(error) => error.into(),
            other => Self::Hostile(other.to_string()),
        }
    }
}
