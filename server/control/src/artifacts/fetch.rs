//! Input artifacts: from where they lie to the files that a task starts with.

use std::io::Write;
use std::sync::Arc;

use steading_artifacts::{ArtifactError, blocking};
use steading_types::artifact::{Artifact, Packing, Place};
use steading_types::task::Task;
use steading_types::{AttemptId, TenantName};

use super::{Patience, tree};
use crate::Inner;

impl Inner {
    /// Puts every input artifact of an attempt beside it.
    ///
    /// # Errors
    /// The first one that can not be had.
    pub(crate) async fn fetch(
        self: &Arc<Self>,
        tenant: &TenantName,
        attempt: AttemptId,
        lie: &[Artifact],
        task: &mut Task,
    ) -> Result<(), ArtifactError> {
        for (number, (artifact, taken)) in lie.iter().zip(&mut task.takes).enumerate() {
            let mut patience = Patience::default();
            let packing = loop {
                match self.fetch_one(tenant, attempt, number, artifact).await {
                    Err(error) if self.waits(tenant, attempt, &error, &mut patience).await => {}
                    answer => break answer?,
                }
            };
            if let Some(packing) = packing {
                taken.packing = packing;
            }
        }
        Ok(())
    }

    /// Answers how the content is packed now, when that is not how it lies.
    async fn fetch_one(
        &self,
        tenant: &TenantName,
        attempt: AttemptId,
        number: usize,
        artifact: &Artifact,
    ) -> Result<Option<Packing>, ArtifactError> {
        let staging = Arc::clone(&self.artifacts.staging);
        let file = blocking(move || Ok(staging.input(attempt, number)?)).await?;
        let packing = match &artifact.place {
            Place::Raw { data } => {
                let data = data.clone();
                blocking(move || Ok((&file).write_all(data.as_bytes())?)).await?;
                Some(Packing::None)
            }
            place => {
                let located = self.locate(tenant, place)?;
                let copy = file.try_clone()?;
                match located.store.fetch(&located.key, copy).await {
                    Ok(stored) => {
                        let said = artifact.sha256.as_ref();
                        if said.is_some_and(|said| *said != stored.sha256.to_string()) {
                            return Err(ArtifactError::Damaged {
                                store: "the artifact repository".to_owned(),
                                why: format!("{} has another SHA-256", located.key),
                            });
                        }
                        None
                    }
                    // It is kept file by file, or not at all.
                    Err(missing @ ArtifactError::NotFound { .. }) => {
                        if !tree::join(&located, file).await? {
                            return Err(missing);
                        }
                        Some(Packing::Tar(0))
                    }
                    Err(error) => return Err(error),
                }
            }
        };
        let staging = Arc::clone(&self.artifacts.staging);
        blocking(move || Ok(staging.ready(attempt, number)?)).await?;
        Ok(packing)
    }
}
