//! The templates that a tenant's workflows may refer to, read from one snapshot of the store.

use std::sync::Arc;

use serde_json::Value;
use steading_spec::model::WorkflowTemplate;
use steading_spec::resolve::{Library, Scope};
use steading_spec::{Kind, Limits, Mode, Object};
use steading_store::{Store, TemplateKind};
use steading_types::{TenantName, WorkflowName};

/// A tenant's library.
pub(crate) struct TenantLibrary<'s> {
    store: &'s Store,
    tenant: &'s TenantName,
}

impl<'s> TenantLibrary<'s> {
    pub(crate) fn new(store: &'s Store, tenant: &'s TenantName) -> Self {
        Self { store, tenant }
    }

    /// The stored object, when there is one.
    pub(crate) fn object(&self, name: &str) -> Option<Value> {
        let name: WorkflowName = name.parse().ok()?;
        let row = self
            .store
            .read(|snapshot| snapshot.template(self.tenant, TemplateKind::WorkflowTemplate, &name));
        row.ok().flatten().map(|template| template.object)
    }
}

impl Library for TenantLibrary<'_> {
    fn template(&self, name: &str, scope: Scope) -> Option<Arc<WorkflowTemplate>> {
        if scope == Scope::Cluster {
            return None;
        }
        let document = steading_spec::from_json(
            self.object(name)?,
            Some(Kind::WorkflowTemplate),
            Mode::Lenient,
            &Limits::default(),
        )
        .ok()?;
        match document.object {
            Object::WorkflowTemplate(template) => Some(Arc::from(template)),
            _ => None,
        }
    }
}
