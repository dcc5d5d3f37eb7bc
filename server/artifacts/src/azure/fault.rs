//! What Azure's failures mean to us.

use std::sync::Arc;

use azure_core::error::ErrorKind;

use crate::error::ArtifactError;
use crate::network::{deepest, forbidden};
use crate::text::line;

/// Translates; `key` is what a missing object is called.
pub(super) fn translate(store: &str, key: &str, error: azure_core::Error) -> ArtifactError {
    if let Some(destination) = forbidden(&error) {
        return ArtifactError::Egress { destination };
    }
    let store = store.to_owned();
    let (status, code) = match error.kind() {
        ErrorKind::HttpResponse {
            status, error_code, ..
        } => (
            u16::from(*status),
            line(error_code.as_deref().unwrap_or_default()),
        ),
        // What the SDK could not read.
        ErrorKind::DataConversion => {
            return ArtifactError::Damaged {
                store,
                why: line(&deepest(&error)),
            };
        }
        ErrorKind::Connection | ErrorKind::Io => {
            return ArtifactError::StoreDown {
                store,
                why: line(&deepest(&error)),
                cause: Some(Arc::new(error)),
            };
        }
        _ => {
            return ArtifactError::Repository {
                why: line(&deepest(&error)),
            };
        }
    };
    let why = match code.as_str() {
        "" => format!("it answered {status}"),
        code => code.to_owned(),
    };
    match (status, code.as_str()) {
        (_, "ContainerNotFound" | "ContainerBeingDeleted") => ArtifactError::NoRepository { store },
        (404, _) => ArtifactError::NotFound {
            store,
            key: key.to_owned(),
        },
        (412, _) => ArtifactError::Damaged {
            store,
            why: "it was replaced while it was read".to_owned(),
        },
        (401 | 403, _) => ArtifactError::Denied { store, why },
        (200..=299, _) => ArtifactError::Damaged { store, why },
        (501, _) => ArtifactError::Refused { store, why },
        (408 | 429 | 500.., _) => ArtifactError::StoreDown {
            store,
            why,
            cause: None,
        },
        _ => ArtifactError::Refused { store, why },
    }
}
