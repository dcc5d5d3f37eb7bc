//! Makes a run self-contained.
//!
//! A workflow may take its specification from a template (`workflowTemplateRef`), and its steps may call
//! templates of other objects (`templateRef`), which call further ones. [`resolve`] merges the first and
//! collects the second, once, when the run is accepted. The result is stored with the run: later edits of
//! a template do not change it, and the engine never has to look anything up.
//!
//! [`Resolved`] holds one table of templates. A [`TemplateIx`] is a position in it: it fits in a node's
//! row and never changes. To run a node the engine
//! 1. starts at [`Resolved::entrypoint`];
//! 2. reads the template by [`Resolved::entry`], with `templateDefaults` and the run's `retryStrategy`
//!    already merged in, v3 spellings replaced, and inline templates moved into entries of their own;
//! 3. for each step, task or hook asks [`Resolved::target`] with its [`Call`] (after substitution, so that
//!    a local template's name may be computed) and gets the callee's position.
//!
//! An inline template sees its caller's scope as well as its own inputs: [`Entry::inline_of`] says whose.

mod collect;
mod merge;

use std::collections::HashMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::fault::Fault;
use crate::model::{Call, Origin, Template, Workflow, WorkflowSpec, WorkflowTemplate};
use crate::repository::ArtifactRepository;

/// Gives the objects that a workflow refers to. The caller limits it to what the tenant may read.
pub trait Library {
    /// The template of this name, if there is one.
    fn template(&self, name: &str, scope: Scope) -> Option<Arc<WorkflowTemplate>>;
}

/// Which kind of template a reference means.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Scope {
    /// A `WorkflowTemplate` of the run's tenant.
    Namespaced,
    /// A `ClusterWorkflowTemplate`.
    Cluster,
}

/// A library without templates.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoLibrary;

impl Library for NoLibrary {
    fn template(&self, _: &str, _: Scope) -> Option<Arc<WorkflowTemplate>> {
        None
    }
}

/// A template's position in the table of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct TemplateIx(pub u32);

/// A template and where it comes from.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Entry {
    /// The object that the template was written in.
    pub origin: Origin,
    /// For an inline template: the template whose step or task holds it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub inline_of: Option<TemplateIx>,
    /// For an inline template: the name of that step or task.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub inline_name: String,
    /// The template, ready to be rendered.
    pub template: Template,
    /// Where it stands in its document, for messages; not stored.
    #[serde(skip)]
    pub path: String,
}

/// A run's whole definition.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", try_from = "Stored")]
pub struct Resolved {
    /// The form of this record; see [`FORMAT`].
    format: u32,
    /// The merged specification, without `templates` and `templateDefaults`; `onExit` is `hooks.exit`.
    pub spec: WorkflowSpec,
    /// The template that runs first.
    pub entrypoint: TemplateIx,
    /// Where its artifacts go; the site's own repository when there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub repository: Option<ArtifactRepository>,
    templates: Vec<Entry>,
    #[serde(skip)]
    index: Index,
}

/// The form of a stored [`Resolved`]. A reader knows every form that was ever released.
pub const FORMAT: u32 = 1;

impl Resolved {
    fn new(spec: WorkflowSpec, entrypoint: TemplateIx, templates: Vec<Entry>) -> Self {
        Self {
            format: FORMAT,
            index: Index::of(&templates),
            spec,
            entrypoint,
            repository: None,
            templates,
        }
    }

    /// The template at a position of this table.
    pub fn entry(&self, ix: TemplateIx) -> Option<&Entry> {
        self.templates.get(ix.0 as usize)
    }

    /// All templates with their positions.
    pub fn entries(&self) -> impl Iterator<Item = (TemplateIx, &Entry)> {
        (0u32..).map(TemplateIx).zip(&self.templates)
    }

    /// What a step, task or hook of the template `from` runs. A hook of the run itself is called from
    /// [`Resolved::entrypoint`]. Nothing when a computed name exists nowhere.
    pub fn target(&self, from: TemplateIx, call: Call<'_>) -> Option<TemplateIx> {
        if let Some(reference) = call.template_ref {
            return self
                .index
                .named(&Origin::of_reference(reference), &reference.template);
        }
        if call.template.is_empty() {
            return self.index.inline(from, call.caller);
        }
        self.index.named(&self.entry(from)?.origin, call.template)
    }

    /// What a hook of the run itself runs.
    pub fn workflow_target(&self, call: Call<'_>) -> Option<TemplateIx> {
        match call.template_ref {
            Some(reference) => self
                .index
                .named(&Origin::of_reference(reference), &reference.template),
            None => self.index.named(&Origin::Workflow, call.template),
        }
    }
}

impl Origin {
    /// The object that a reference names.
    pub fn of_reference(reference: &crate::model::TemplateRef) -> Self {
        if reference.cluster_scope {
            Self::Cluster(reference.name.clone())
        } else {
            Self::Namespaced(reference.name.clone())
        }
    }
}

/// Finds positions by name; made anew whenever a table is read.
#[derive(Debug, Clone, Default, PartialEq)]
struct Index {
    named: HashMap<Origin, HashMap<String, TemplateIx>>,
    inline: HashMap<TemplateIx, HashMap<String, TemplateIx>>,
}

impl Index {
    fn of(templates: &[Entry]) -> Self {
        let mut index = Self::default();
        for (ix, entry) in (0u32..).map(TemplateIx).zip(templates) {
            index.add(ix, entry);
        }
        index
    }

    /// Adds an entry; the first of two with one name stays.
    fn add(&mut self, ix: TemplateIx, entry: &Entry) {
        let (names, name) = match entry.inline_of {
            Some(parent) => (self.inline.entry(parent).or_default(), &entry.inline_name),
            None => (
                self.named.entry(entry.origin.clone()).or_default(),
                &entry.template.name,
            ),
        };
        names.entry(name.clone()).or_insert(ix);
    }

    fn named(&self, origin: &Origin, name: &str) -> Option<TemplateIx> {
        self.named.get(origin)?.get(name).copied()
    }

    fn inline(&self, parent: TemplateIx, caller: &str) -> Option<TemplateIx> {
        self.inline.get(&parent)?.get(caller).copied()
    }
}

/// The stored fields of [`Resolved`].
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Stored {
    format: u32,
    spec: WorkflowSpec,
    entrypoint: TemplateIx,
    #[serde(default)]
    repository: Option<ArtifactRepository>,
    templates: Vec<Entry>,
}

impl TryFrom<Stored> for Resolved {
    type Error = String;

    fn try_from(stored: Stored) -> Result<Self, String> {
        if stored.format != FORMAT {
            return Err(format!(
                "a run's definition of form {} is newer than this program",
                stored.format
            ));
        }
        Ok(Self {
            repository: stored.repository,
            ..Self::new(stored.spec, stored.entrypoint, stored.templates)
        })
    }
}

/// Merges and collects everything that a workflow refers to.
///
/// # Errors
/// Every reference that leads nowhere, and the first that exceeds a bound.
pub fn resolve(workflow: &Workflow, library: &dyn Library) -> Result<Resolved, Vec<Fault>> {
    let (resolved, faults) = resolve_leniently(&workflow.spec, library, Purpose::Run)?;
    if faults.is_empty() {
        Ok(resolved)
    } else {
        Err(faults)
    }
}

/// What a specification is looked at for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// It is about to run: it needs an entrypoint and values for its arguments.
    Run,
    /// It is kept as a template: callers may give what it lacks.
    Template,
}

/// Like [`resolve`], but goes on behind faults so that validation can find the others. Without an
/// entrypoint the first template stands for it.
///
/// # Errors
/// When the specification can not even be merged.
pub(crate) fn resolve_leniently(
    spec: &WorkflowSpec,
    library: &dyn Library,
    purpose: Purpose,
) -> Result<(Resolved, Vec<Fault>), Vec<Fault>> {
    let merged = merge::merge(spec, library)?;
    Ok(collect::collect(merged, library, purpose))
}
