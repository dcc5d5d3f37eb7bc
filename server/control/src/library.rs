//! The templates that a tenant's workflows may refer to, read from one snapshot of the store.

use std::collections::HashMap;
use std::sync::Arc;

use serde_json::Value;
use steading_spec::model::WorkflowTemplate;
use steading_spec::resolve::{Library, Scope};
use steading_spec::{Document, Kind, Limits, Mode, Object};
use steading_store::{Owner, Store};
use steading_types::{TenantName, WorkflowName};

use crate::templates::kind;

/// A tenant's library: its own templates and the site's.
pub(crate) struct TenantLibrary<'s> {
    store: &'s Store,
    tenant: &'s TenantName,
    /// Templates that are about to be saved: they win over saved ones.
    coming: HashMap<(Scope, String), Arc<WorkflowTemplate>>,
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
            let (scope, template) = match &document.object {
                Object::WorkflowTemplate(template) => (Scope::Namespaced, template),
                Object::ClusterWorkflowTemplate(template) => (Scope::Cluster, template),
                _ => continue,
            };
            let name = (scope, template.metadata.name.clone());
            self.coming.insert(name, Arc::new((**template).clone()));
        }
        self
    }

    /// The stored object, when there is one.
    pub(crate) fn object(&self, name: &str, scope: Scope) -> Option<Value> {
        let name: WorkflowName = name.parse().ok()?;
        let owner = match scope {
            Scope::Namespaced => Owner::Tenant(self.tenant.clone()),
            Scope::Cluster => Owner::Site,
        };
        let row = self
            .store
            .read(|snapshot| snapshot.template(&owner, kind(&owner), &name));
        row.ok().flatten().map(|template| template.object)
    }
}

impl Library for TenantLibrary<'_> {
    fn template(&self, name: &str, scope: Scope) -> Option<Arc<WorkflowTemplate>> {
        if let Some(coming) = self.coming.get(&(scope, name.to_owned())) {
            return Some(Arc::clone(coming));
        }
        let kind = match scope {
            Scope::Namespaced => Kind::WorkflowTemplate,
            Scope::Cluster => Kind::ClusterWorkflowTemplate,
        };
        let document = steading_spec::from_json(
            self.object(name, scope)?,
            Some(kind),
            Mode::Lenient,
            &Limits::default(),
        )
        .ok()?;
        match document.object {
            Object::WorkflowTemplate(template) | Object::ClusterWorkflowTemplate(template) => {
                Some(Arc::from(template))
            }
            _ => None,
        }
    }
}
