//! The claims that a run makes for itself and ends with (`volumeClaimTemplates`).

use serde_json::{Value, json};
use steading_spec::model::{Volume, WorkflowSpec};
use steading_types::{Millis, WorkflowPhase};

use crate::error::EngineError;
use crate::run::Run;
use crate::scope::View;
use crate::text;

/// Each is a volume of every pod of the run, under the name of its template.
pub(crate) fn volumes(spec: &WorkflowSpec) -> impl Iterator<Item = Volume> + '_ {
    spec.volume_claim_templates.iter().map(|template| {
        let name = &template.metadata.name;
        let source = json!({"claimName": format!("{{{{workflow.name}}}}-{name}")});
        Volume {
            name: name.clone(),
            other: [("persistentVolumeClaim".to_owned(), source)]
                .into_iter()
                .collect(),
            ..Volume::default()
        }
    })
}

impl Run {
    /// Whether it makes claims.
    pub fn has_claims(&self) -> bool {
        !self.plan.resolved.spec.volume_claim_templates.is_empty()
    }

    /// The claims that it needs before its first node, as objects with names of their own.
    ///
    /// # Errors
    /// [`EngineError`] when one can not be filled in.
    pub fn claims(&self, now: Millis) -> Result<Vec<Value>, EngineError> {
        let view = View::run(self, now);
        let templates = self.plan.resolved.spec.volume_claim_templates.iter();
        let made = templates.map(|template| {
            let spec = serde_json::to_value(&template.spec)
                .map_err(|error| EngineError::Document(error.to_string()))?;
            let (metadata, run) = (&template.metadata, &self.head.name);
            Ok(json!({
                "apiVersion": "v1",
                "kind": "PersistentVolumeClaim",
                "metadata": {
                    "name": format!("{run}-{}", metadata.name),
                    "labels": metadata.labels,
                    "annotations": metadata.annotations,
                },
                "spec": text::render_json(&spec, &view)?,
            }))
        });
        made.collect()
    }

    /// Whether a claim is one of those that it makes.
    pub fn makes_claim(&self, name: &str) -> bool {
        let mut templates = self.plan.resolved.spec.volume_claim_templates.iter();
        let prefix = self.head.name.as_str();
        let rest = name.strip_prefix(prefix).and_then(|r| r.strip_prefix('-'));
        rest.is_some_and(|rest| templates.any(|template| template.metadata.name == rest))
    }

    /// Whether its claims end with it, as it has ended (`volumeClaimGC`). Those that stay go with the run.
    pub fn gives_claims_up(&self) -> bool {
        let gc = self.plan.resolved.spec.volume_claim_gc.as_ref();
        match gc.map(|gc| gc.strategy.as_str()) {
            Some("OnWorkflowCompletion") => self.head.phase.completed(),
            _ => self.head.phase == WorkflowPhase::Succeeded,
        }
    }
}
