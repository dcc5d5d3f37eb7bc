//! Apply: the objects of a text are created or changed, all in one commit or none. And lint, which keeps
//! nothing.

use serde_json::Value;
use steading_spec::{Document, Fault, Limits, Mode, Object};
use steading_types::TenantName;

use crate::Control;
use crate::error::ControlError;
use crate::library::TenantLibrary;
use crate::objects::{self, ObjectDraft};
use crate::templates::{self, TemplateDraft};

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

/// One object that was applied.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AppliedObject {
    /// e.g. `ConfigMap`.
    pub kind: String,
    /// Its name.
    pub name: String,
    /// What became of it.
    pub applied: Applied,
}

/// Whose the objects of a text are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// All are the tenant's.
    Tenant,
    /// Some are the site's.
    Site,
}

/// Checked objects, ready to be kept.
pub struct Drafts {
    drafts: Vec<(String, Draft)>,
    warnings: Vec<Fault>,
}

enum Draft {
    Template(TemplateDraft),
    Object(ObjectDraft),
}

impl Drafts {
    /// Whose they are: what the site's need is decided by the caller.
    pub fn scope(&self) -> Scope {
        let site = |(_, draft): &(String, Draft)| match draft {
            Draft::Template(draft) => draft.is_sites(),
            Draft::Object(_) => false,
        };
        if self.drafts.iter().any(site) {
            Scope::Site
        } else {
            Scope::Tenant
        }
    }

    /// What was accepted and has no effect here.
    pub fn warnings(&self) -> &[Fault] {
        &self.warnings
    }
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

    /// Reads and checks the objects of a text.
    ///
    /// # Errors
    /// Every fault of every document.
    pub fn drafts(&self, tenant: &TenantName, text: &str) -> Result<Drafts, ControlError> {
        let documents = steading_spec::parse(text.as_bytes(), Mode::Strict, &Limits::default())
            .map_err(ControlError::Invalid)?;
        let (errors, warnings) = self.check_all(tenant, text, &documents);
        if !errors.is_empty() {
            return Err(ControlError::Invalid(errors));
        }
        let drafts = documents.into_iter().map(|document| {
            let kind = document.raw.get("kind").and_then(Value::as_str);
            let kind = kind.unwrap_or_default().to_owned();
            let draft = match objects::draft(&document, tenant)? {
                Some(object) => Draft::Object(object),
                None => Draft::Template(templates::draft(document, tenant)?),
            };
            Ok((kind, draft))
        });
        let drafts = drafts.collect::<Result<_, ControlError>>()?;
        Ok(Drafts { drafts, warnings })
    }

    /// Keeps every object, all in one commit or none; answers what became of each.
    ///
    /// # Errors
    /// An immutable object, one that somebody else changed meanwhile, a store that does not take it.
    pub async fn apply(
        &self,
        tenant: &TenantName,
        drafts: Drafts,
    ) -> Result<Vec<AppliedObject>, ControlError> {
        let (mut outcomes, mut requires, mut changes) = (Vec::new(), Vec::new(), Vec::new());
        for (kind, draft) in drafts.drafts {
            let (name, applied) = match draft {
                Draft::Template(draft) => {
                    let (name, applied) = (draft.name().to_string(), self.compare(&draft)?);
                    if applied != Applied::Unchanged {
                        changes.push(draft.change());
                    }
                    (name, applied)
                }
                Draft::Object(draft) => {
                    let name = draft.name().to_string();
                    let (applied, required, changed) = draft.decide(&self.0, tenant)?;
                    requires.extend(required);
                    changes.extend(changed);
                    (name, applied)
                }
            };
            outcomes.push(AppliedObject {
                kind,
                name,
                applied,
            });
        }
        if !changes.is_empty() {
            self.put(requires, changes).await?;
            // A ConfigMap may hold the limit of a semaphore.
            self.0.limits_changed(tenant);
        }
        for object in &outcomes {
            self.0.watched.changed(tenant, &object.name);
        }
        Ok(outcomes)
    }
}

fn check(library: &TenantLibrary<'_>, object: &Object) -> Result<Vec<Fault>, Vec<Fault>> {
    match object {
        Object::Workflow(workflow) => {
            steading_spec::check(workflow, library).map(|checked| checked.warnings)
        }
        Object::WorkflowTemplate(template) | Object::ClusterWorkflowTemplate(template) => {
            steading_spec::check_template(template, library)
        }
        Object::ConfigMap(_) | Object::Secret(_) | Object::Claim(_) => objects::check(object),
        Object::CronWorkflow(_) => Err(vec![not_yet("CronWorkflow")]),
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

/// An object without what the server decides, in the namespace of its tenant.
pub(crate) fn without_decided(mut raw: Value, tenant: &TenantName) -> Value {
    let metadata = raw.get_mut("metadata").and_then(Value::as_object_mut);
    if let Some(metadata) = metadata {
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
        metadata.insert("namespace".to_owned(), Value::from(tenant.namespace()));
    }
    raw
}
