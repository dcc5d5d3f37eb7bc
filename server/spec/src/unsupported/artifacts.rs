//! Artifacts that this version does not keep, fetch or reclaim.

use super::Finder;
use crate::model::{Artifact, ArtifactLocation, Template, TemplateType, WorkflowSpec};

/// The kinds of stores that artifacts are read from and written to.
const REACHED: [&str; 5] = ["azure", "gcs", "git", "http", "s3"];

const GC: &str = "reclaiming artifacts with their workflow";

impl Finder {
    /// The artifacts of the run itself.
    pub(super) fn run_artifacts(&mut self, spec: &WorkflowSpec) {
        self.places(&spec.arguments.artifacts, "spec.arguments");
        let gc = spec.artifact_gc.as_ref();
        let reclaims = gc.is_some_and(|gc| reclaims(&gc.strategy));
        self.refuse("spec", &[(reclaims, "artifactGC", GC)]);
    }

    /// The artifacts of a template.
    pub(super) fn template_artifacts(&mut self, template: &Template, path: &str) {
        self.places(template.input_artifacts(), &format!("{path}.inputs"));
        self.places(template.output_artifacts(), &format!("{path}.outputs"));
        let own = template.archive_location.as_ref();
        let foreign = own.is_some_and(foreign);
        let has =
            !(template.input_artifacts().is_empty() && template.output_artifacts().is_empty());
        let kind = template.template_type();
        let holds = matches!(
            kind,
            None | Some(
                TemplateType::Container
                    | TemplateType::Script
                    | TemplateType::ContainerSet
                    | TemplateType::Steps
                    | TemplateType::Dag
            )
        );
        self.refuse(
            path,
            &[
                (foreign, "archiveLocation", "other artifact stores"),
                (
                    has && !holds,
                    "artifacts",
                    "artifacts of this type of template",
                ),
            ],
        );
    }

    /// Artifacts that lie, or shall lie, where nothing here reaches.
    pub(super) fn places(&mut self, artifacts: &[Artifact], path: &str) {
        for (i, artifact) in artifacts.iter().enumerate() {
            let at = format!("{path}.artifacts[{i}]");
            if let Some((kind, _)) = artifact
                .location()
                .filter(|(kind, _)| !REACHED.contains(kind))
            {
                self.refuse_at(
                    format!("{at}.{kind}"),
                    &format!("artifacts in another store ({kind})"),
                );
            }
            let logs = artifact.archive_logs == Some(true);
            let gc = artifact.artifact_gc.as_ref();
            let reclaims = gc.is_some_and(|gc| reclaims(&gc.strategy));
            self.refuse(
                &at,
                &[
                    (logs, "archiveLogs", "logs as artifacts"),
                    (reclaims, "artifactGC", GC),
                ],
            );
        }
    }
}

/// Whether an archive location asks for more than the logs, which are always kept, and a store with keys.
fn foreign(location: &ArtifactLocation) -> bool {
    let served = ArtifactLocation {
        archive_logs: location.archive_logs,
        s3: location.s3.clone(),
        gcs: location.gcs.clone(),
        azure: location.azure.clone(),
        ..Default::default()
    };
    *location != served
}

fn reclaims(strategy: &str) -> bool {
    !matches!(strategy, "" | "Never")
}
