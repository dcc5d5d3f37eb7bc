//! Which repository a run's artifacts go to: the one that it names, else its tenant's usual one, else the site's.

use steading_spec::model::ArtifactRepositoryRef;
use steading_spec::repository::{ArtifactRepository, USUAL_KEY, USUAL_MAP};
use steading_spec::resolve::Resolved;
use steading_spec::{Code, Fault};
use steading_store::{ObjectKind, StoredObject};
use steading_types::TenantName;

use crate::Inner;
use crate::error::ControlError;

impl Inner {
    /// The repository of a run that is about to begin; nothing for the site's own. It stays the same for all its
    /// nodes, whatever becomes of the ConfigMap.
    ///
    /// # Errors
    /// A fault, when the run names one that is not there or can not be read.
    pub(crate) fn repository(
        &self,
        tenant: &TenantName,
        resolved: &Resolved,
    ) -> Result<Option<ArtifactRepository>, ControlError> {
        let reference = resolved.spec.artifact_repository_ref.as_ref();
        if reference.is_none() && !has_artifacts(resolved) {
            return Ok(None);
        }
        let named = |text: fn(&ArtifactRepositoryRef) -> &str| {
            reference.map(text).filter(|text| !text.is_empty())
        };
        let map = named(|reference| &reference.config_map).unwrap_or(USUAL_MAP);
        let missing = |what: String| match reference {
            None => Ok(None),
            Some(_) => Err(wrong(what)),
        };
        let Some(found) = self.stored(tenant, ObjectKind::ConfigMap, map)? else {
            return missing(format!("there is no ConfigMap {map}"));
        };
        let usual = usual_key(&found).map(str::to_owned);
        let Some(key) = named(|reference| &reference.key)
            .map(str::to_owned)
            .or(usual)
        else {
            return missing(format!(
                "the ConfigMap {map} does not say which entry is the usual one: annotation {USUAL_KEY}"
            ));
        };
        let entry = self.values_of(tenant, &found)?.remove(&key);
        let entry =
            entry.ok_or_else(|| wrong(format!("the ConfigMap {map} has no entry {key}")))?;
        let text = std::str::from_utf8(&entry)
            .map_err(|_| wrong(format!("the entry {key} of the ConfigMap {map} is no text")))?;
        let repository = ArtifactRepository::read(text);
        repository
            .map(Some)
            .map_err(|fault| ControlError::Invalid(vec![fault]))
    }
}

fn usual_key(map: &StoredObject) -> Option<&str> {
    let annotations = map.row.object.get("metadata")?.get("annotations")?;
    annotations.get(USUAL_KEY)?.as_str()
}

fn has_artifacts(resolved: &Resolved) -> bool {
    let mut entries = resolved.entries();
    entries.any(|(_, entry)| {
        let template = &entry.template;
        !(template.input_artifacts().is_empty() && template.output_artifacts().is_empty())
    })
}

fn wrong(message: String) -> ControlError {
    let fault = Fault::new(Code::Value, "spec.artifactRepositoryRef", message);
    ControlError::Invalid(vec![fault])
}
