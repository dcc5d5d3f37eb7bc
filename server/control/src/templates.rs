//! Saved templates: apply, read, delete; and lint, which keeps nothing.

use std::sync::Arc;

use serde_json::{Value, json};
use steading_spec::{Document, Fault, Limits, Mode, Object};
use steading_store::{Change, Conflict, Require, Seq, StoreError, Template, TemplateKind};
use steading_types::{TenantName, WorkflowName};

use crate::Control;
use crate::clock::now;
use crate::error::ControlError;
use crate::library::TenantLibrary;

/// What an applied object must meet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Expect {
    /// Anything.
    Anything,
    /// No template of that name.
    Absent,
    /// The template as this commit wrote it.
    Version(Seq),
}

/// What applying did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Applied {
    /// There was none.
    Created,
    /// There was another one.
    Changed,
    /// There was this very one.
    Unchanged,
}

impl Control {
    /// Every fault and every warning of a text's documents. They may refer to each other's templates.
    pub fn lint(&self, tenant: &TenantName, text: &str) -> (Vec<Fault>, Vec<Fault>) {
        match steading_spec::parse(text.as_bytes(), Mode::Strict, &Limits::default()) {
            Ok(documents) => self.check_all(tenant, text, &documents),
            Err(faults) => (faults, Vec::new()),
        }
    }

    fn check_all(
        &self,
        tenant: &TenantName,
        text: &str,
        documents: &[Document],
    ) -> (Vec<Fault>, Vec<Fault>) {
        let library = TenantLibrary::new(&self.0.store, tenant).with(documents);
        let (mut errors, mut warnings) = (Vec::new(), Vec::new());
        for document in documents {
            warnings.extend(document.warnings.iter().cloned());
            match check(&library, &document.object) {
                Ok(more) => warnings.extend(more),
                Err(mut found) => {
                    steading_spec::locate(text.as_bytes(), document.position, &mut found);
                    errors.append(&mut found);
                }
            }
        }
        (errors, warnings)
    }

    /// Checks one object; answers its warnings.
    ///
    /// # Errors
    /// Every fault.
    pub fn check(&self, tenant: &TenantName, object: &Object) -> Result<Vec<Fault>, Vec<Fault>> {
        check(&TenantLibrary::new(&self.0.store, tenant), object)
    }

    /// Keeps every template of a text, all in one commit or none; answers what became of each, and the
    /// warnings.
    ///
    /// # Errors
    /// Every fault of every document.
    pub async fn apply(
        &self,
        tenant: &TenantName,
        text: &str,
    ) -> Result<(Vec<(WorkflowName, Applied)>, Vec<Fault>), ControlError> {
        let documents = steading_spec::parse(text.as_bytes(), Mode::Strict, &Limits::default())
            .map_err(ControlError::Invalid)?;
        let (errors, warnings) = self.check_all(tenant, text, &documents);
        if !errors.is_empty() {
            return Err(ControlError::Invalid(errors));
        }
        let (mut outcomes, mut changes) = (Vec::new(), Vec::new());
        for document in documents {
            let draft = draft(document, tenant)?;
            let known = self.template(tenant, &draft.name)?;
            let applied = match known {
                None => Applied::Created,
                Some(known) if known.object == draft.object => Applied::Unchanged,
                Some(_) => Applied::Changed,
            };
            outcomes.push((draft.name.clone(), applied));
            if applied != Applied::Unchanged {
                changes.push(draft.change(tenant));
            }
        }
        if !changes.is_empty() {
            self.put(Vec::new(), changes).await?;
        }
        Ok((outcomes, warnings))
    }

    /// Checks and keeps one template.
    ///
    /// # Errors
    /// Every fault of it; a conflict when `expect` does not hold.
    pub async fn put_template(
        &self,
        tenant: &TenantName,
        document: Document,
        expect: Expect,
    ) -> Result<Template, ControlError> {
        self.check(tenant, &document.object)
            .map_err(ControlError::Invalid)?;
        let draft = draft(document, tenant)?;
        let (name, kind) = (draft.name.clone(), TemplateKind::WorkflowTemplate);
        let requires = match expect {
            Expect::Anything => Vec::new(),
            Expect::Absent => vec![Require::TemplateAbsent(tenant.clone(), kind, name.clone())],
            Expect::Version(seq) => {
                vec![Require::TemplateVersion(
                    tenant.clone(),
                    kind,
                    name.clone(),
                    seq,
                )]
            }
        };
        self.put(requires, vec![draft.change(tenant)])
            .await
            .map_err(|error| conflict(error, expect))?;
        self.template(tenant, &name)?
            .ok_or_else(|| ControlError::NoTemplate(name.to_string()))
    }

    /// A template.
    ///
    /// # Errors
    /// When it can not be read.
    pub fn template(
        &self,
        tenant: &TenantName,
        name: &WorkflowName,
    ) -> Result<Option<Template>, ControlError> {
        Ok(self
            .0
            .store
            .read(|snapshot| snapshot.template(tenant, TemplateKind::WorkflowTemplate, name))?)
    }

    /// All templates of a tenant, by name.
    ///
    /// # Errors
    /// When they can not be read.
    pub fn templates(&self, tenant: &TenantName) -> Result<Vec<Template>, ControlError> {
        Ok(self
            .0
            .store
            .read(|snapshot| snapshot.templates(tenant, TemplateKind::WorkflowTemplate))?)
    }

    /// Deletes a template; runs made from it keep their copy.
    ///
    /// # Errors
    /// [`ControlError::NoTemplate`].
    pub async fn delete_template(
        &self,
        tenant: &TenantName,
        name: &str,
    ) -> Result<(), ControlError> {
        let missing = || ControlError::NoTemplate(name.chars().take(80).collect());
        let parsed: WorkflowName = name.parse().map_err(|_| missing())?;
        self.template(tenant, &parsed)?.ok_or_else(missing)?;
        self.put(
            Vec::new(),
            vec![Change::DeleteTemplate(
                tenant.clone(),
                TemplateKind::WorkflowTemplate,
                parsed,
            )],
        )
        .await
    }
}

/// A checked template, ready to be kept.
struct Draft {
    name: WorkflowName,
    object: Value,
}

impl Draft {
    fn change(self, tenant: &TenantName) -> Change {
        Change::PutTemplate {
            tenant: tenant.clone(),
            kind: TemplateKind::WorkflowTemplate,
            name: self.name,
            created: now(),
            object: Arc::new(self.object),
        }
    }
}

fn draft(document: Document, tenant: &TenantName) -> Result<Draft, ControlError> {
    let Object::WorkflowTemplate(template) = &document.object else {
        let message = "only templates are kept; a Workflow is submitted";
        let fault = Fault::new(steading_spec::Code::Kind, "kind", message);
        return Err(ControlError::Invalid(vec![fault]));
    };
    let unfit = |e: steading_types::NameError| ControlError::Request {
        code: "template.name",
        message: e.to_string(),
    };
    let name = template.metadata.name.parse().map_err(unfit)?;
    Ok(Draft {
        name,
        object: complete(document.raw, tenant),
    })
}

fn check(library: &TenantLibrary<'_>, object: &Object) -> Result<Vec<Fault>, Vec<Fault>> {
    match object {
        Object::Workflow(workflow) => {
            steading_spec::check(workflow, library).map(|checked| checked.warnings)
        }
        Object::WorkflowTemplate(template) => steading_spec::check_template(template, library),
        Object::ClusterWorkflowTemplate(_) => Err(vec![not_yet("ClusterWorkflowTemplate")]),
        Object::CronWorkflow(_) => Err(vec![not_yet("CronWorkflow")]),
        Object::ConfigMap(_) => Err(vec![not_yet("ConfigMap")]),
        Object::Other { kind, .. } => Err(vec![not_yet(kind)]),
    }
}

/// What a kind that is not there yet is told.
fn not_yet(kind: &str) -> Fault {
    Fault::new(
        steading_spec::Code::Unsupported,
        "kind",
        format!("{kind} is not available in this version"),
    )
}

/// The stored form: without what the server decides.
fn complete(mut raw: Value, tenant: &TenantName) -> Value {
    if let Some(object) = raw.as_object_mut() {
        object.insert("apiVersion".to_owned(), json!("argoproj.io/v1alpha1"));
        object.insert("kind".to_owned(), json!("WorkflowTemplate"));
    }
    if let Some(metadata) = raw.get_mut("metadata").and_then(Value::as_object_mut) {
        for decided in [
            "resourceVersion",
            "uid",
            "creationTimestamp",
            "managedFields",
            "generation",
            "selfLink",
        ] {
            metadata.remove(decided);
        }
        metadata.insert("namespace".to_owned(), json!(tenant.namespace()));
    }
    raw
}

fn conflict(error: ControlError, expect: Expect) -> ControlError {
    match (&error, expect) {
        (
            ControlError::Store(StoreError::Conflict(Conflict::TemplateExists { name })),
            Expect::Absent,
        ) => ControlError::Request {
            code: "template.exists",
            message: format!("workflowtemplates.argoproj.io \"{name}\" already exists"),
        },
        _ => error,
    }
}
