//! Output artifacts: from what a task left to where the run keeps them.

use std::collections::BTreeMap;
use std::sync::Arc;

use steading_artifacts::{ArtifactError, Source, blocking};
use steading_engine::Keep;
use steading_types::artifact::Artifact;
use steading_types::task::{Gathered, TaskReport};
use steading_types::{AttemptId, TenantName};

use super::{Patience, tree};
use crate::Inner;
use crate::clock::now;

impl Inner {
    /// Puts away what an attempt gave, and writes into its report what became of each.
    pub(crate) async fn keep_artifacts(
        self: &Arc<Self>,
        tenant: &TenantName,
        attempt: AttemptId,
        report: &mut TaskReport,
    ) {
        let keeps = match self.ask(tenant, attempt, |run| run.keeps(attempt, now())) {
            Ok(keeps) => keeps,
            Err(unknown) => {
                tracing::warn!(%attempt, why = ?unknown.end, "what a task gave has no place");
                Vec::new()
            }
        };
        let mut given = std::mem::take(&mut report.artifacts);
        let mut kept = BTreeMap::new();
        for (number, Keep { artifact, .. }) in keeps.into_iter().enumerate() {
            let name = artifact.name.clone();
            let Some(gathered) = given.remove(&name) else {
                continue;
            };
            let mut patience = Patience::default();
            let outcome = loop {
                let keep = self.keep_one(tenant, attempt, number, artifact.clone(), &gathered);
                match keep.await {
                    Err(error) if self.waits(tenant, attempt, &error, &mut patience).await => {}
                    answer => break answer,
                }
            };
            let outcome = match outcome {
                Ok(Some(artifact)) => Gathered::Kept(Box::new(artifact)),
                Ok(None) => gathered,
                Err(error) => Gathered::Refused {
                    code: error.code().to_owned(),
                    message: error.to_string(),
                },
            };
            kept.insert(name, outcome);
        }
        report.artifacts = kept;
    }

    async fn keep_one(
        &self,
        tenant: &TenantName,
        attempt: AttemptId,
        number: usize,
        artifact: Artifact,
        gathered: &Gathered,
    ) -> Result<Option<Artifact>, ArtifactError> {
        if matches!(gathered, Gathered::Refused { .. } | Gathered::Kept(_)) {
            return Ok(None);
        }
        let located = self.locate(tenant, &artifact.place)?;
        let staging = Arc::clone(&self.artifacts.staging);
        let file = blocking(move || Ok(staging.output(attempt, number)?)).await?;
        if *gathered == Gathered::Tree {
            let size = tree::split(&located, file).await?;
            return Ok(Some(Artifact {
                size: Some(size),
                ..artifact
            }));
        }
        let stored = located.store.put(&located.key, Source::file(file)?).await?;
        Ok(Some(Artifact {
            size: Some(stored.size),
            sha256: Some(stored.sha256.to_string()),
            ..artifact
        }))
    }
}
