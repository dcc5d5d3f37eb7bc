//! What the SDK reports, in our words.

use std::error::Error;
use std::sync::Arc;

use aws_sdk_s3::error::{ProvideErrorMetadata, SdkError};
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;

use crate::error::ArtifactError;
use crate::network::{deepest, forbidden};
use crate::text::line;

/// The store's own code for a failure, such as `NoSuchUpload`.
pub(super) fn code_of<E: ProvideErrorMetadata>(error: &SdkError<E, HttpResponse>) -> Option<&str> {
    error
        .as_service_error()
        .and_then(ProvideErrorMetadata::code)
}

/// Translates; `key` is what a missing object is called.
pub(super) fn translate<E>(
    store: &str,
    key: &str,
    error: SdkError<E, HttpResponse>,
) -> ArtifactError
where
    E: Error + ProvideErrorMetadata + Send + Sync + 'static,
{
    let answered = error.raw_response().map(|raw| raw.status().as_u16());
    let Some(status) = answered else {
        return unanswered(store, error);
    };
    let code = line(code_of(&error).unwrap_or_default());
    let said = error
        .as_service_error()
        .and_then(ProvideErrorMetadata::message);
    let why = match (code.as_str(), said) {
        ("", None) => format!("it answered {status}"),
        (code, None) => code.to_owned(),
        (code, Some(message)) => format!("{code}: {}", line(message)),
    };
    let store = store.to_owned();
    match (status, code.as_str()) {
        (_, "NoSuchBucket") => ArtifactError::NoRepository { store },
        // What the SDK could not read, though the status was good: an answer that broke off or is none.
        (200..=299, _) => ArtifactError::Damaged {
            store,
            why: deepest(&error),
        },
        (300..=399, _) => ArtifactError::Refused {
            store,
            why: format!("{why}; it sends us elsewhere: see the endpoint and the region"),
        },
        (404, _) => ArtifactError::NotFound {
            store,
            key: key.to_owned(),
        },
        (401 | 403, _) => ArtifactError::Denied { store, why },
        // A call that this store does not know: asking again changes nothing.
        (501, _) => ArtifactError::Refused { store, why },
        (408 | 429 | 500.., _) | (_, "RequestTimeout" | "SlowDown") => ArtifactError::StoreDown {
            store,
            why,
            cause: None,
        },
        _ => ArtifactError::Refused { store, why },
    }
}

fn unanswered<E>(store: &str, error: SdkError<E, HttpResponse>) -> ArtifactError
where
    E: Error + Send + Sync + 'static,
{
    if let Some(destination) = forbidden(&error) {
        return ArtifactError::Egress { destination };
    }
    if let SdkError::ConstructionFailure(_) = error {
        return ArtifactError::Repository {
            why: deepest(&error),
        };
    }
    ArtifactError::StoreDown {
        store: store.to_owned(),
        why: deepest(&error),
        cause: Some(Arc::new(error)),
    }
}
