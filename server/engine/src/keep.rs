//! Where the output artifacts of an attempt go: their keys, and when they are reclaimed.

use steading_spec::model::{self, Template, WorkflowSpec};
use steading_types::artifact::{Artifact, Packing, Place, Reclaim};
use steading_types::task::{Given, Reach, Taken};
use steading_types::{AttemptId, Millis};

use crate::artifacts::packing;
use crate::error::EngineError;
use crate::locate::{joined, named_place, stored_at};
use crate::node::Node;
use crate::run::Run;
use crate::scope::View;
use crate::text;

/// One output artifact that an attempt may give.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Keep {
    /// Its name, place, packing and path; not its size.
    pub artifact: Artifact,
    /// When it goes.
    pub reclaim: Reclaim,
}

impl Run {
    /// The artifacts of an attempt that has ended, with the places that they are to be kept at.
    ///
    /// # Errors
    /// [`EngineError`] when the attempt is over, or a key can not be worked out.
    pub fn keeps(&self, attempt: AttemptId, now: Millis) -> Result<Vec<Keep>, EngineError> {
        let node = self.open_pod(attempt).ok_or(EngineError::NoAttempt)?;
        let template = self.live(node.ix).and_then(|live| live.template);
        let template = self
            .plan
            .template(template.ok_or(EngineError::NoAttempt)?)?;
        let view = View::node(self, now, node.ix);
        let outputs = template.output_artifacts().iter();
        outputs
            .map(|output| {
                Ok(Keep {
                    artifact: self.destination(node, template, output, &view)?,
                    reclaim: reclaim(output, &self.plan.resolved.spec),
                })
            })
            .collect()
    }

    fn destination(
        &self,
        node: &Node,
        template: &Template,
        output: &model::Artifact,
        view: &View<'_>,
    ) -> Result<Artifact, EngineError> {
        let path = text::render(&output.path, view)?;
        let packing = packing(output.archive.as_ref()).unwrap_or_default();
        let file = file_name(&output.name, &path, packing);
        let place = match named_place(output, view)? {
            Some(place) => place,
            None => self.usual_place(node, template, &file, view)?,
        };
        Ok(Artifact {
            name: output.name.clone(),
            place,
            packing,
            path,
            size: None,
            sha256: None,
        })
    }

    /// Where an artifact goes that does not say: below the template's `archiveLocation`, else into the repository
    /// that the run names, else at the site's convention `<tenant>/<pipeline>/<run>/<pod>/<file>`.
    fn usual_place(
        &self,
        node: &Node,
        template: &Template,
        file: &str,
        view: &View<'_>,
    ) -> Result<Place, EngineError> {
        let below = template.archive_location.as_ref();
        if let Some((kind, words)) = below.and_then(model::ArtifactLocation::store) {
            let words = text::render_json(&words, view)?;
            let place = stored_at(kind, words, view);
            return joined(place, file).ok_or_else(|| keyless(template));
        }
        if let Some(repository) = &self.plan.resolved.repository {
            let key = text::render(&repository.key_format(), view)?;
            let key = format!("{}/{file}", key.trim_matches('/'));
            let location = repository.object(&key);
            return Ok(Place::Store { location });
        }
        let pod = self.pod_name(node.ix).unwrap_or_default();
        let (tenant, run) = (self.head.tenant.as_str(), self.head.id);
        let key = format!("{tenant}/{}/{run}/{pod}/{file}", self.plan.pipeline);
        Ok(Place::Repository { key })
    }
}

fn keyless(template: &Template) -> EngineError {
    EngineError::Value(format!(
        "template '{}': its archiveLocation names no key",
        template.name
    ))
}

/// The input artifacts of a node as its task takes them, and where each lies.
pub(crate) fn takes(node: &Node, template: &Template) -> (Vec<Taken>, Vec<Artifact>) {
    let inputs = template.inputs.as_ref();
    let declared = node.artifacts.iter().filter_map(|artifact| {
        let declared = inputs?.artifact(&artifact.name)?;
        let mode = declared.mode.and_then(|mode| u32::try_from(mode).ok());
        let taken = Taken {
            name: artifact.name.clone(),
            path: artifact.path.clone(),
            packing: artifact.packing,
            mode: mode.map(|mode| mode & 0o777),
            reach: match declared.recurse_mode {
                true => Reach::Everything,
                false => Reach::Itself,
            },
        };
        Some((taken, artifact.clone()))
    });
    declared.unzip()
}

/// The output artifacts that a template declares, as its task gives them.
pub(crate) fn gives(template: &Template, view: &View<'_>) -> Result<Vec<Given>, EngineError> {
    let outputs = template.output_artifacts().iter();
    outputs
        .map(|output| {
            Ok(Given {
                name: output.name.clone(),
                path: text::render(&output.path, view)?,
                packing: packing(output.archive.as_ref()).unwrap_or_default(),
            })
        })
        .collect()
}

/// The last part of a key (Argo's rule).
fn file_name(name: &str, path: &str, packing: Packing) -> String {
    match packing {
        Packing::Usual | Packing::Tar(_) => format!("{name}.tgz"),
        Packing::Zip => format!("{name}.zip"),
        Packing::None => {
            let base = path.trim_end_matches('/').rsplit('/').next();
            base.filter(|base| !base.is_empty())
                .unwrap_or(name)
                .to_owned()
        }
    }
}

/// The artifact's own strategy, else the run's.
fn reclaim(output: &model::Artifact, spec: &WorkflowSpec) -> Reclaim {
    let own = output.artifact_gc.as_ref().map(|gc| gc.strategy.as_str());
    let run = spec.artifact_gc.as_ref().map(|gc| gc.strategy.as_str());
    match own.filter(|strategy| !strategy.is_empty()).or(run) {
        Some("OnWorkflowCompletion") => Reclaim::OnWorkflowCompletion,
        Some("OnWorkflowDeletion") => Reclaim::OnWorkflowDeletion,
        _ => Reclaim::Never,
    }
}
