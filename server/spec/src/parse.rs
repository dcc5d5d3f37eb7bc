//! Text or JSON to typed documents.
//!
//! A fault never hides another one: wrong types are all reported, and so are unknown fields.

mod secret;
mod typed;

use serde_json::Value;

use crate::fault::{Code, Fault};
use crate::model::{
    ConfigMap, CronWorkflow, CronWorkflowSpec, PersistentVolumeClaim, Secret, Synchronization,
    Workflow, WorkflowSpec, WorkflowTemplate, for_each_template,
};
use crate::yaml::{self, Limits, locate};

/// What to do about fields that the language does not have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// They are errors: people's own files (lint, CLI, apply).
    Strict,
    /// They are warnings, and names match in any case: programs that speak Argo's API.
    Lenient,
}

/// One document of a text.
#[derive(Debug, Clone, PartialEq)]
pub struct Document {
    /// Its typed form.
    pub object: Object,
    /// The document as it was sent: clients get back all that they gave, but for the values of a Secret.
    pub raw: Value,
    /// Its position among all documents of the text, for [`locate`].
    pub position: usize,
    /// Unknown fields in [`Mode::Lenient`], v3 spellings.
    pub warnings: Vec<Fault>,
}

/// A document by its kind.
#[derive(Debug, Clone, PartialEq)]
#[allow(missing_docs, reason = "the names are Argo's and Kubernetes' own")]
pub enum Object {
    Workflow(Box<Workflow>),
    WorkflowTemplate(Box<WorkflowTemplate>),
    ClusterWorkflowTemplate(Box<WorkflowTemplate>),
    CronWorkflow(Box<CronWorkflow>),
    ConfigMap(Box<ConfigMap>),
    Secret(Box<Secret>),
    Claim(Box<PersistentVolumeClaim>),
    /// Anything else; callers refuse or skip it.
    Other {
        api_version: String,
        kind: String,
    },
}

/// The kinds that have a typed form.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[allow(missing_docs, reason = "the names are Argo's and Kubernetes' own")]
pub enum Kind {
    Workflow,
    WorkflowTemplate,
    ClusterWorkflowTemplate,
    CronWorkflow,
    ConfigMap,
    Secret,
    PersistentVolumeClaim,
}

impl Kind {
    const ALL: [Self; 7] = [
        Self::Workflow,
        Self::WorkflowTemplate,
        Self::ClusterWorkflowTemplate,
        Self::CronWorkflow,
        Self::ConfigMap,
        Self::Secret,
        Self::PersistentVolumeClaim,
    ];

    /// The value of `kind`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Workflow => "Workflow",
            Self::WorkflowTemplate => "WorkflowTemplate",
            Self::ClusterWorkflowTemplate => "ClusterWorkflowTemplate",
            Self::CronWorkflow => "CronWorkflow",
            Self::ConfigMap => "ConfigMap",
            Self::Secret => "Secret",
            Self::PersistentVolumeClaim => "PersistentVolumeClaim",
        }
    }

    /// The value of `apiVersion`.
    pub fn api_version(self) -> &'static str {
        match self {
            Self::ConfigMap | Self::Secret | Self::PersistentVolumeClaim => "v1",
            _ => "argoproj.io/v1alpha1",
        }
    }
}

/// Reads every document of a YAML or JSON text.
///
/// # Errors
/// All faults found, with line and column.
pub fn parse(bytes: &[u8], mode: Mode, limits: &Limits) -> Result<Vec<Document>, Vec<Fault>> {
    let values = yaml::documents(bytes, limits).map_err(|fault| vec![fault])?;
    if values.is_empty() {
        return Err(vec![Fault::new(
            Code::Empty,
            "",
            "the text holds no document",
        )]);
    }
    let mut documents = Vec::with_capacity(values.len());
    let mut faults = Vec::new();
    for (position, value) in values {
        match document(value, None, mode) {
            Ok(mut document) => {
                document.position = position;
                locate(bytes, position, &mut document.warnings);
                documents.push(document);
            }
            Err(mut found) => {
                locate(bytes, position, &mut found);
                faults.append(&mut found);
            }
        }
    }
    if faults.is_empty() {
        Ok(documents)
    } else {
        Err(faults)
    }
}

/// Reads a JSON value, the object of a REST body for instance. Such objects often lack `kind` and
/// `apiVersion`; `expected` says what it is, and an object that says otherwise is refused.
///
/// # Errors
/// All faults found.
pub fn from_json(
    value: Value,
    expected: Option<Kind>,
    mode: Mode,
    limits: &Limits,
) -> Result<Document, Vec<Fault>> {
    yaml::within(&value, limits).map_err(|fault| vec![fault])?;
    document(value, expected, mode)
}

fn document(mut raw: Value, expected: Option<Kind>, mode: Mode) -> Result<Document, Vec<Fault>> {
    let kind = kind_of(&raw, expected, mode).map_err(|fault| vec![fault])?;
    let mut warnings = Vec::new();
    let object = match kind {
        Ok(Kind::Workflow) => {
            let mut object: Box<Workflow> = typed::read(&raw, mode, &mut warnings)?;
            adopt_v3(&mut object.spec, "spec", &mut warnings);
            Object::Workflow(object)
        }
        Ok(kind @ (Kind::WorkflowTemplate | Kind::ClusterWorkflowTemplate)) => {
            let mut object: Box<WorkflowTemplate> = typed::read(&raw, mode, &mut warnings)?;
            adopt_v3(&mut object.spec, "spec", &mut warnings);
            match kind {
                Kind::WorkflowTemplate => Object::WorkflowTemplate(object),
                _ => Object::ClusterWorkflowTemplate(object),
            }
        }
        Ok(Kind::CronWorkflow) => {
            let mut object: Box<CronWorkflow> = typed::read(&raw, mode, &mut warnings)?;
            adopt_v3_schedule(&mut object.spec, &mut warnings);
            adopt_v3(
                &mut object.spec.workflow_spec,
                "spec.workflowSpec",
                &mut warnings,
            );
            Object::CronWorkflow(object)
        }
        Ok(Kind::ConfigMap) => Object::ConfigMap(typed::read(&raw, mode, &mut warnings)?),
        Ok(Kind::Secret) => {
            let object = secret::read(&raw, mode, &mut warnings)?;
            secret::conceal(&mut raw);
            Object::Secret(object)
        }
        Ok(Kind::PersistentVolumeClaim) => Object::Claim(typed::read(&raw, mode, &mut warnings)?),
        Err((api_version, kind)) => Object::Other { api_version, kind },
    };
    Ok(Document {
        object,
        raw,
        position: 0,
        warnings,
    })
}

/// The kind of a document; its version and kind as text when it is not one of ours.
fn kind_of(
    raw: &Value,
    expected: Option<Kind>,
    mode: Mode,
) -> Result<Result<Kind, (String, String)>, Fault> {
    let Value::Object(fields) = raw else {
        return Err(Fault::new(
            Code::Kind,
            "",
            "a document must be a mapping with apiVersion, kind, metadata and spec",
        ));
    };
    let text = |wanted: &str| {
        fields
            .iter()
            .find(|(key, _)| {
                *key == wanted || (mode == Mode::Lenient && key.eq_ignore_ascii_case(wanted))
            })
            .and_then(|(_, value)| value.as_str())
            .unwrap_or_default()
    };
    let (version, name) = (text("apiVersion"), text("kind"));
    let said = Kind::ALL.into_iter().find(|kind| kind.as_str() == name);
    match (said, expected) {
        (None, Some(expected)) if name.is_empty() => Ok(Ok(expected)),
        (said, Some(expected)) if said != Some(expected) => Err(Fault::new(
            Code::Kind,
            "kind",
            format!("the object must be a {}, not a {name}", expected.as_str()),
        )),
        (None, _) if name.is_empty() => {
            Err(
                Fault::new(Code::Kind, "", "the document does not say its kind")
                    .with_fix("begin with 'apiVersion: argoproj.io/v1alpha1' and 'kind: Workflow'"),
            )
        }
        (None, _) => Ok(Err((version.to_owned(), name.to_owned()))),
        (Some(kind), None) if version != kind.api_version() => Err(Fault::new(
            Code::Kind,
            "apiVersion",
            format!("a {name} must have apiVersion {}", kind.api_version()),
        )),
        (Some(kind), _) => Ok(Ok(kind)),
    }
}

/// Replaces v3 spellings by those of v4 and says so.
fn adopt_v3(spec: &mut WorkflowSpec, path: &str, warnings: &mut Vec<Fault>) {
    if spec.pod_priority.take().is_some() {
        warnings.push(v3(format!("{path}.podPriority"), "podPriorityClassName"));
    }
    adopt_v3_locks(spec.synchronization.as_mut(), path, warnings);
    for_each_template(spec, path, &mut |template, path| {
        adopt_v3_locks(template.synchronization.as_mut(), path, warnings);
        if template.priority.take().is_some() {
            warnings.push(v3(format!("{path}.priority"), "priorityClassName"));
        }
        template.for_each_caller(|caller, at| {
            if caller.adopt_on_exit() {
                warnings.push(v3(format!("{path}.{at}.onExit"), "hooks.exit.template"));
            }
        });
    });
}

fn adopt_v3_locks(locks: Option<&mut Synchronization>, path: &str, warnings: &mut Vec<Fault>) {
    let Some(locks) = locks else { return };
    if let Some(mutex) = locks.mutex.take() {
        locks.mutexes.push(mutex);
        warnings.push(v3(format!("{path}.synchronization.mutex"), "mutexes"));
    }
    if let Some(semaphore) = locks.semaphore.take() {
        locks.semaphores.push(semaphore);
        warnings.push(v3(
            format!("{path}.synchronization.semaphore"),
            "semaphores",
        ));
    }
}

fn adopt_v3_schedule(spec: &mut CronWorkflowSpec, warnings: &mut Vec<Fault>) {
    let schedule = std::mem::take(&mut spec.schedule);
    if !schedule.is_empty() {
        spec.schedules.push(schedule);
        warnings.push(v3("spec.schedule".to_owned(), "schedules"));
    }
    // Argo's own parser of schedules passes by spaces around them, and people leave some.
    let policy = std::iter::once(&mut spec.concurrency_policy);
    for text in policy.chain(&mut spec.schedules) {
        *text = text.trim().to_owned();
    }
}

fn v3(path: String, now: &str) -> Fault {
    Fault::new(
        Code::Version3,
        path,
        "this is the spelling of Argo Workflows v3",
    )
    .with_fix(format!("write {now} instead"))
}

#[cfg(test)]
mod tests;
