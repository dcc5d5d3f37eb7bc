//! Artifacts inside a run: what a call passes on, what a template finds by itself, what a steps or dag template
//! gives. Here an artifact is a value that says where its content lies; nothing is read or written.

use steading_spec::model::{self, ArchiveStrategy, Arguments, Template};
use steading_types::NodeIx;
use steading_types::artifact::{Artifact, Packing, Place};

use crate::error::EngineError;
use crate::locate::{joined, place};
use crate::node::Node;
use crate::run::Run;
use crate::scope::View;
use crate::text;
use crate::turn::Turn;

impl Turn<'_> {
    /// Gives a new node the input artifacts that its caller left to its template, and each its path.
    pub(crate) fn complete_artifacts(&mut self, ix: NodeIx) -> Result<(), EngineError> {
        let Some(template) = self.run.live(ix).and_then(|live| live.template) else {
            return Ok(());
        };
        let declared = self.run.plan.template(template)?.input_artifacts();
        if declared.is_empty() {
            return Ok(());
        }
        let all = completed(self.run, ix, declared, &View::node(self.run, self.now, ix))?;
        let heavier = all.iter().map(size).sum::<usize>();
        let before = self.run.node(ix).map_or(0, weight);
        self.run.weight = self
            .run
            .weight
            .saturating_sub(before)
            .saturating_add(heavier);
        if let Some(node) = self.edit(ix) {
            node.artifacts = all;
        }
        Ok(())
    }

    /// The artifacts that a steps or dag node gives.
    pub(crate) fn flow_artifacts(&self, ix: NodeIx) -> Result<Vec<Artifact>, EngineError> {
        let Some(template) = self.run.live(ix).and_then(|live| live.template) else {
            return Ok(Vec::new());
        };
        let declared = self.run.plan.template(template)?.output_artifacts();
        let view = View::flow(self.run, self.now, ix);
        let mut given = Vec::new();
        for output in declared {
            match source(output, &view)? {
                Some(artifact) => given.push(Artifact {
                    name: output.name.clone(),
                    ..artifact
                }),
                None if output.optional => {}
                None => return Err(EngineError::ArtifactMissing(output.name.clone())),
            }
        }
        Ok(given)
    }
}

/// What a call passes to a template; what it does not name is left to the template.
pub(crate) fn passed(
    callee: &Template,
    arguments: &Arguments,
    view: &View<'_>,
) -> Result<Vec<Artifact>, EngineError> {
    let mut passed = Vec::new();
    for declared in callee.input_artifacts() {
        let Some(argument) = arguments.artifact(&declared.name) else {
            continue;
        };
        match source(argument, view)? {
            Some(artifact) => passed.push(Artifact {
                name: declared.name.clone(),
                packing: packing(argument.archive.as_ref())
                    .or_else(|| packing(declared.archive.as_ref()))
                    .unwrap_or(artifact.packing),
                ..artifact
            }),
            None if declared.optional || argument.optional => {}
            None if names_nothing(argument) => {}
            None => return Err(EngineError::ArtifactMissing(declared.name.clone())),
        }
    }
    Ok(passed)
}

/// The passed artifacts and the template's own, in the template's order.
fn completed(
    run: &Run,
    ix: NodeIx,
    declared: &[model::Artifact],
    view: &View<'_>,
) -> Result<Vec<Artifact>, EngineError> {
    let node = run.node(ix);
    let mut all = Vec::new();
    for input in declared {
        let passed = node.and_then(|node| named(&node.artifacts, &input.name));
        let found = match passed {
            Some(passed) => Some(passed.clone()),
            None => source(input, view)?.map(|own| Artifact {
                name: input.name.clone(),
                packing: packing(input.archive.as_ref()).unwrap_or(own.packing),
                ..own
            }),
        };
        match found {
            Some(artifact) => all.push(Artifact {
                path: text::render(&input.path, view)?,
                ..artifact
            }),
            None if input.optional => {}
            None => return Err(EngineError::ArtifactNotSupplied(input.name.clone())),
        }
    }
    Ok(all)
}

/// Where a written artifact comes from; nothing when it names no place, or an output that did not come.
fn source(written: &model::Artifact, view: &View<'_>) -> Result<Option<Artifact>, EngineError> {
    let found = if !written.from.is_empty() {
        let name = text::sole_name(&written.from);
        referred(&written.from, name.as_deref(), view)?
    } else if !written.from_expression.is_empty() {
        match text::evaluate_text(&written.from_expression, view)? {
            Some(name) => referred(&written.from_expression, Some(&name), view)?,
            None => None,
        }
    } else {
        place(written, view)?.map(|place| Artifact {
            name: written.name.clone(),
            place,
            packing: packing(written.archive.as_ref()).unwrap_or_default(),
            path: String::new(),
            size: None,
            sha256: None,
        })
    };
    let Some(artifact) = found else {
        return Ok(None);
    };
    if written.sub_path.is_empty() {
        return Ok(Some(artifact));
    }
    let below = text::render(&written.sub_path, view)?;
    within(artifact, &below).map(Some)
}

/// The artifact of the run that a name stands for. A text of the document, or of a task, can choose among those
/// that are seen from here; it can never say where one lies.
fn referred(
    written: &str,
    name: Option<&str>,
    view: &View<'_>,
) -> Result<Option<Artifact>, EngineError> {
    let found = name.and_then(|name| view.artifact(name));
    found.ok_or_else(|| EngineError::NoArtifact(written.chars().take(200).collect()))
}

/// The artifact of this name.
pub(crate) fn named<'a>(artifacts: &'a [Artifact], name: &str) -> Option<&'a Artifact> {
    artifacts.iter().find(|artifact| artifact.name == name)
}

/// A part of an artifact that is kept file by file.
fn within(artifact: Artifact, below: &str) -> Result<Artifact, EngineError> {
    let Artifact { name, place, .. } = &artifact;
    let place = joined(place.clone(), below).ok_or_else(|| {
        EngineError::Value(format!(
            "artifact '{name}': only an object of a store with keys has a subPath"
        ))
    })?;
    Ok(Artifact {
        place,
        size: None,
        sha256: None,
        ..artifact
    })
}

/// True for an argument that has only a name: the template's own place counts then.
fn names_nothing(argument: &model::Artifact) -> bool {
    argument.from.is_empty() && argument.from_expression.is_empty()
}

/// How an archive strategy packs; nothing when none is written.
pub(crate) fn packing(archive: Option<&ArchiveStrategy>) -> Option<Packing> {
    let archive = archive?;
    if archive.none.is_some() {
        return Some(Packing::None);
    }
    if archive.zip.is_some() {
        return Some(Packing::Zip);
    }
    let level = archive.tar.as_ref()?.compression_level;
    Some(level.map_or(Packing::Usual, |level| {
        Packing::Tar(u8::try_from(level.clamp(0, 9)).unwrap_or(0))
    }))
}

/// An artifact in Argo's words, as it stands in the status of a node.
pub(crate) fn shown(artifact: &Artifact) -> serde_json::Value {
    let mut shown = match &artifact.place {
        Place::Repository { key } => serde_json::json!({"s3": {"key": key}}),
        Place::Raw { data } => serde_json::json!({"raw": {"data": data}}),
        Place::Store { location } => location.clone(),
    };
    if let Some(fields) = shown.as_object_mut() {
        fields.insert("name".to_owned(), artifact.name.clone().into());
        if !artifact.path.is_empty() {
            fields.insert("path".to_owned(), artifact.path.clone().into());
        }
        let archive = match artifact.packing {
            Packing::Usual => None,
            Packing::Tar(level) => Some(serde_json::json!({"tar": {"compressionLevel": level}})),
            Packing::None => Some(serde_json::json!({"none": {}})),
            Packing::Zip => Some(serde_json::json!({"zip": {}})),
        };
        if let Some(archive) = archive {
            fields.insert("archive".to_owned(), archive);
        }
    }
    shown
}

/// Bytes of a node's artifacts in its row.
pub(crate) fn weight(node: &Node) -> usize {
    node.artifacts.iter().map(size).sum()
}

fn size(artifact: &Artifact) -> usize {
    let place = match &artifact.place {
        Place::Repository { key } => key.len(),
        Place::Raw { data } => data.len(),
        Place::Store { location } => location.to_string().len(),
    };
    artifact.name.len() + artifact.path.len() + place
}
