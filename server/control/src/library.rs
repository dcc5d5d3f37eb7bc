//! The templates that a tenant's workflows may refer to, read from one snapshot of the store.

use std::collections::HashMap;
use std::sync::Arc;

use serde_json::Value;
use steading_spec::model::WorkflowTemplate;
use steading_spec::resolve::{Library, Scope};
use steading_spec::{Document, Kind, Limits, Mode, Object};
use steading_store::{Store, TemplateKind};
use steading_types::{TenantName, WorkflowName};

/// A tenant's library.
pub(crate) struct TenantLibrary<'s> {
    store: &'s Store,
    tenant: &'s TenantName,
    /// Templates that are about to be saved: they win over saved ones.
    coming: HashMap<String, Arc<WorkflowTemplate>>,
}

impl<'s> TenantLibrary<'s> {
    pub(crate) fn new(store: &'s Store, tenant: &'s TenantName) -> Self {
        Self {
            store,
            tenant,
            coming: HashMap::new(),
        }
    }

    /// The same library, with the templates of these documents as if they were saved.
    pub(crate) fn with(mut self, documents: &[Document]) -> Self {
        for document in documents {
            if let Object::WorkflowTemplate(template) = &document.object {
                let name = template.metadata.name.clone();
                self.coming.insert(name, Arc::new((**template).clone()));
            }
        }
        self
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
        if let Some(coming) = self.coming.get(name) {
            return Some(Arc::clone(coming));
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
