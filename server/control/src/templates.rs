//! Saved templates, a tenant's and the site's: keep, read, delete.

use std::sync::Arc;

use serde_json::{Value, json};
use steading_spec::{Document, Fault, Object};
use steading_store::{Change, Conflict, Owner, Require, Seq, StoreError, Template, TemplateKind};
use steading_types::{TenantName, WorkflowName};

use crate::Control;
use crate::apply::{Applied, without_decided};
use crate::clock::now;
use crate::error::ControlError;

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

impl Control {
    /// What keeping a draft would do.
    pub(crate) fn compare(&self, draft: &TemplateDraft) -> Result<Applied, ControlError> {
        Ok(match self.template(&draft.owner, &draft.name)? {
            None => Applied::Created,
            Some(known) if known.object == draft.object => Applied::Unchanged,
            Some(_) => Applied::Changed,
        })
    }

    /// Checks and keeps one template; a ClusterWorkflowTemplate is the site's, whoever's references it is
    /// checked with.
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
        let (owner, name) = (draft.owner.clone(), draft.name.clone());
        let kind = kind(&owner);
        let requires = match expect {
            Expect::Anything => Vec::new(),
            Expect::Absent => vec![Require::TemplateAbsent(owner.clone(), kind, name.clone())],
            Expect::Version(seq) => {
                vec![Require::TemplateVersion(
                    owner.clone(),
                    kind,
                    name.clone(),
                    seq,
                )]
            }
        };
        self.put(requires, vec![draft.change()])
            .await
            .map_err(|error| conflict(error, expect))?;
        self.template(&owner, &name)?
            .ok_or_else(|| ControlError::NoTemplate(name.to_string()))
    }

    /// A template.
    ///
    /// # Errors
    /// When it can not be read.
    pub fn template(
        &self,
        owner: &Owner,
        name: &WorkflowName,
    ) -> Result<Option<Template>, ControlError> {
        Ok(self
            .0
            .store
            .read(|snapshot| snapshot.template(owner, kind(owner), name))?)
    }

    /// All templates of an owner, by name.
    ///
    /// # Errors
    /// When they can not be read.
    pub fn templates(&self, owner: &Owner) -> Result<Vec<Template>, ControlError> {
        Ok(self
            .0
            .store
            .read(|snapshot| snapshot.templates(owner, kind(owner)))?)
    }

    /// Deletes a template; runs made from it keep their copy.
    ///
    /// # Errors
    /// [`ControlError::NoTemplate`].
    pub async fn delete_template(&self, owner: &Owner, name: &str) -> Result<(), ControlError> {
        let missing = || ControlError::NoTemplate(name.chars().take(80).collect());
        let parsed: WorkflowName = name.parse().map_err(|_| missing())?;
        self.template(owner, &parsed)?.ok_or_else(missing)?;
        self.put(
            Vec::new(),
            vec![Change::DeleteTemplate(owner.clone(), kind(owner), parsed)],
        )
        .await
    }
}

/// A checked template, ready to be kept.
pub(crate) struct TemplateDraft {
    owner: Owner,
    name: WorkflowName,
    object: Value,
}

impl TemplateDraft {
    pub(crate) fn name(&self) -> &WorkflowName {
        &self.name
    }

    pub(crate) fn is_sites(&self) -> bool {
        self.owner == Owner::Site
    }

    pub(crate) fn change(self) -> Change {
        Change::PutTemplate {
            kind: kind(&self.owner),
            owner: self.owner,
            name: self.name,
            created: now(),
            object: Arc::new(self.object),
        }
    }
}

/// What an owner's templates are called in the store.
pub(crate) fn kind(owner: &Owner) -> TemplateKind {
    match owner {
        Owner::Site => TemplateKind::ClusterWorkflowTemplate,
        Owner::Tenant(_) => TemplateKind::WorkflowTemplate,
    }
}

pub(crate) fn draft(
    document: Document,
    tenant: &TenantName,
) -> Result<TemplateDraft, ControlError> {
    let (owner, template) = match &document.object {
        Object::WorkflowTemplate(template) => (Owner::Tenant(tenant.clone()), template),
        Object::ClusterWorkflowTemplate(template) => (Owner::Site, template),
        _ => {
            let message =
                "only templates, ConfigMaps and Secrets are kept; a Workflow is submitted";
            let fault = Fault::new(steading_spec::Code::Kind, "kind", message);
            return Err(ControlError::Invalid(vec![fault]));
        }
    };
    let unfit = |e: steading_types::NameError| ControlError::Request {
        code: "template.name",
        message: e.to_string(),
    };
    let name = template.metadata.name.parse().map_err(unfit)?;
    let object = complete(document.raw, tenant, &owner);
    Ok(TemplateDraft {
        owner,
        name,
        object,
    })
}

/// The stored form.
fn complete(raw: Value, tenant: &TenantName, owner: &Owner) -> Value {
    let mut raw = without_decided(raw, tenant);
    let kind = match owner {
        Owner::Site => "ClusterWorkflowTemplate",
        Owner::Tenant(_) => "WorkflowTemplate",
    };
    if let Some(object) = raw.as_object_mut() {
        object.insert("apiVersion".to_owned(), json!("argoproj.io/v1alpha1"));
        object.insert("kind".to_owned(), json!(kind));
    }
    let metadata = raw.get_mut("metadata").and_then(Value::as_object_mut);
    if let (Owner::Site, Some(metadata)) = (owner, metadata) {
        metadata.remove("namespace");
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
