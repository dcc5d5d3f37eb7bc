//! Artifacts of runs for those who look at them: found by run, node and name, like everything else of a run.

use std::collections::BTreeSet;
use std::ops::Range;

use futures_util::StreamExt;
use steading_api::artifact::{
    ArtifactBody, ArtifactFile, ArtifactFiles, ArtifactFilter, ArtifactList, Form, Side,
};
use steading_artifacts::{ArtifactError, Content, Source};
use steading_engine::node::Node;
use steading_engine::tree::Tree;
use steading_store::RunRef;
use steading_types::TenantName;
use steading_types::artifact::{Artifact, Place};

use super::{Located, unpacked};
use crate::Control;
use crate::error::ControlError;

/// Files of a list.
const LISTED: usize = 10_000;
/// Artifacts of a page, or more where one node has more.
const PAGE: usize = 1_000;

/// What there is at a path of an artifact.
pub enum Found {
    /// Bytes, and their name where they have one of their own.
    File(Option<String>, Content),
    /// The names of what lies below; a directory's name ends with a slash.
    Directory(Vec<String>),
}

/// Which bytes of an artifact are wanted.
#[derive(Debug, Clone, Default)]
pub struct Wanted {
    /// Below the artifact; empty for the artifact itself.
    pub path: String,
    /// As they lie, or the file in them.
    pub form: Form,
    /// A part of what lies in the store.
    pub range: Option<Range<u64>>,
}

impl Control {
    /// The artifact of a node, named by the node's Argo id or its name.
    ///
    /// # Errors
    /// When there is none, or the store can not be read.
    pub fn artifact(
        &self,
        run: &RunRef,
        node: &str,
        side: Side,
        name: &str,
    ) -> Result<Artifact, ControlError> {
        let found = self.0.store.read(|s| {
            let Some((head, _)) = s.run(run)? else {
                return Ok(None);
            };
            let nodes = s.nodes(run)?;
            let found = Tree::new(&head, &nodes).find(node);
            let mut list = found.into_iter().flat_map(|node| of(node, side));
            Ok(list.find(|artifact| artifact.name == name).cloned())
        })?;
        found.ok_or(ControlError::NoArtifact)
    }

    /// What the nodes of a run took and gave.
    ///
    /// # Errors
    /// When the run is not there, or the store can not be read.
    pub fn artifacts(
        &self,
        run: &RunRef,
        filter: &ArtifactFilter,
    ) -> Result<ArtifactList, ControlError> {
        let read = self.0.store.read(|s| Ok((s.run(run)?, s.nodes(run)?)))?;
        let (Some((head, _)), nodes) = read else {
            return Err(ControlError::NoRun(run.id.to_string()));
        };
        let tree = Tree::new(&head, &nodes);
        let mut page = ArtifactList {
            artifacts: Vec::new(),
            next: None,
        };
        let mut last = None;
        let wanted = nodes.iter().filter(|node| {
            filter.after.is_none_or(|after| node.ix.0 > after)
                && filter.node.is_none_or(|only| node.ix.0 == only)
        });
        for node in wanted {
            if page.artifacts.len() >= PAGE {
                page.next = last;
                break;
            }
            last = Some(node.ix.0);
            let mut shown = of_node(&tree, node);
            shown.retain(|one| filter.side.is_none_or(|only| one.side == only));
            page.artifacts.extend(shown);
        }
        Ok(page)
    }

    /// What lies at a path of an artifact.
    ///
    /// # Errors
    /// Of the store of artifacts.
    pub async fn open_artifact(
        &self,
        tenant: &TenantName,
        artifact: &Artifact,
        wanted: &Wanted,
    ) -> Result<Found, ArtifactError> {
        let Wanted { path, form, range } = wanted;
        if let (Place::Raw { data }, "") = (&artifact.place, path.as_str()) {
            let content = Source::bytes(data.clone()).content(range.clone());
            return Ok(Found::File(None, content));
        }
        let located = self.below(tenant, artifact, path)?;
        if *form == Form::Unpacked && range.is_none() {
            match located.store.get(&located.key, None).await {
                Ok(content) => {
                    if let Some((name, content)) = unpacked::first_file(content).await {
                        return Ok(Found::File(Some(name), content));
                    }
                }
                Err(ArtifactError::NotFound { .. }) => {}
                Err(error) => return Err(error),
            }
        }
        match located.store.get(&located.key, range.clone()).await {
            Ok(content) => Ok(Found::File(None, content)),
            Err(missing @ ArtifactError::NotFound { .. }) => {
                let names = names(&located).await?;
                if names.is_empty() {
                    return Err(missing);
                }
                Ok(Found::Directory(names.into_iter().collect()))
            }
            Err(error) => Err(error),
        }
    }

    /// The files of an artifact that is kept file by file.
    ///
    /// # Errors
    /// Of the store of artifacts.
    pub async fn artifact_files(
        &self,
        tenant: &TenantName,
        artifact: &Artifact,
        path: &str,
    ) -> Result<ArtifactFiles, ArtifactError> {
        let mut found = ArtifactFiles {
            files: Vec::new(),
            more: false,
        };
        if matches!(artifact.place, Place::Raw { .. }) {
            return Ok(found);
        }
        let located = self.below(tenant, artifact, path)?;
        let below = format!("{}/", located.key);
        let mut list = located.store.list(&located.key);
        while let Some(entry) = list.next().await {
            let entry = entry?;
            if found.files.len() >= LISTED {
                found.more = true;
                break;
            }
            if let Some(path) = entry.key.as_str().strip_prefix(&below) {
                found.files.push(ArtifactFile {
                    path: path.to_owned(),
                    size: entry.size,
                });
            }
        }
        found.files.sort_by(|a, b| a.path.cmp(&b.path));
        Ok(found)
    }

    fn below(
        &self,
        tenant: &TenantName,
        artifact: &Artifact,
        path: &str,
    ) -> Result<Located, ArtifactError> {
        let mut located = self.0.locate(tenant, &artifact.place)?;
        if !path.is_empty() {
            located.key = located.key.join(path)?;
        }
        Ok(located)
    }
}

/// The names below a key, as of a directory.
async fn names(located: &Located) -> Result<BTreeSet<String>, ArtifactError> {
    let below = format!("{}/", located.key);
    let mut names = BTreeSet::new();
    let mut list = located.store.list(&located.key);
    while let Some(entry) = list.next().await {
        let key = entry?.key;
        let Some(name) = key.as_str().strip_prefix(&below) else {
            continue;
        };
        names.insert(match name.split_once('/') {
            Some((directory, _)) => format!("{directory}/"),
            None => name.to_owned(),
        });
        if names.len() >= LISTED {
            break;
        }
    }
    Ok(names)
}

/// What a node took and gave.
pub fn of_node(tree: &Tree<'_>, node: &Node) -> Vec<ArtifactBody> {
    if node.artifacts.is_empty() && node.outputs.artifacts.is_empty() {
        return Vec::new();
    }
    let id = tree.id(node.ix).unwrap_or_default();
    let sides = [Side::Inputs, Side::Outputs].into_iter();
    let each = sides.flat_map(|side| of(node, side).map(move |artifact| (side, artifact)));
    each.map(|(side, artifact)| body(node, &id, side, artifact))
        .collect()
}

fn of(node: &Node, side: Side) -> impl Iterator<Item = &Artifact> {
    match side {
        Side::Inputs => node.artifacts.iter(),
        Side::Outputs => node.outputs.artifacts.iter(),
    }
}

fn body(node: &Node, id: &str, side: Side, artifact: &Artifact) -> ArtifactBody {
    let place = match &artifact.place {
        Place::Repository { key } => key.clone(),
        Place::Raw { .. } => "raw".to_owned(),
        Place::Store { location } => {
            let kind = location.as_object().and_then(|fields| fields.keys().next());
            kind.cloned().unwrap_or_default()
        }
    };
    ArtifactBody {
        node: node.ix.0,
        node_id: id.to_owned(),
        node_name: node.display_name.clone(),
        side,
        name: artifact.name.clone(),
        place,
        path: artifact.path.clone(),
        packing: artifact.packing,
        size: artifact.size,
        sha256: artifact.sha256.clone(),
    }
}
