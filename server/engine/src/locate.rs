//! Where an artifact lies, in the words of a document: in the run's repository, in a store of its own, or in the
//! document itself.

use steading_spec::model;
use steading_spec::repository::key_field;
use steading_types::artifact::Place;

use crate::error::EngineError;
use crate::run::Run;
use crate::scope::View;
use crate::text;

/// Where an artifact lies by its own words.
pub(crate) fn place(
    written: &model::Artifact,
    view: &View<'_>,
) -> Result<Option<Place>, EngineError> {
    if let Some(raw) = &written.raw {
        let data = text::render(&raw.data, view)?;
        return Ok(Some(Place::Raw { data }));
    }
    named_place(written, view)
}

/// The store, or the key of the run's repository, that an artifact names.
pub(crate) fn named_place(
    written: &model::Artifact,
    view: &View<'_>,
) -> Result<Option<Place>, EngineError> {
    let Some((kind, location)) = written.location() else {
        return Ok(None);
    };
    let location = text::render_json(&location, view)?;
    Ok(Some(stored_at(kind, location, view)))
}

/// An object of the store that these words describe; words of a key alone mean the run's repository.
pub(crate) fn stored_at(kind: &str, words: serde_json::Value, view: &View<'_>) -> Place {
    let run = view.the_run();
    let Some(key) = model::key_of_own_repository(kind, &words) else {
        return Place::Store {
            location: serde_json::json!({ kind: words }),
        };
    };
    match &run.plan.resolved.repository {
        Some(repository) => Place::Store {
            location: repository.object(key),
        },
        None => Place::Repository {
            key: below_tenant(run, key),
        },
    }
}

/// What lies below an object, in a store that has keys and when the object has one.
pub(crate) fn joined(place: Place, below: &str) -> Option<Place> {
    let join = |key: &str| {
        let key = key.trim_end_matches('/');
        (!key.is_empty()).then(|| format!("{key}/{}", below.trim_matches('/')))
    };
    match place {
        Place::Repository { key } => join(&key).map(|key| Place::Repository { key }),
        Place::Store { mut location } => {
            let (kind, words) = location.as_object_mut()?.iter_mut().next()?;
            let field = key_field(kind);
            let key = join(words.get(field)?.as_str()?)?;
            words.as_object_mut()?.insert(field.to_owned(), key.into());
            Some(Place::Store { location })
        }
        Place::Raw { .. } => None,
    }
}

/// A key of the site's repository: a tenant's keys lie below its name, whatever it writes.
fn below_tenant(run: &Run, key: &str) -> String {
    let key = key.trim_matches('/');
    let tenant = run.head().tenant.as_str();
    match key.split_once('/') {
        Some((first, _)) if first == tenant => key.to_owned(),
        _ => format!("{tenant}/{key}"),
    }
}
