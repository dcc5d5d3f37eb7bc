//! The workflow language as types: every field of Argo Workflows v4, and the v3 spellings that clients
//! still send.
//!
//! Fields that may hold a `{{tag}}` stay text until they are substituted, so each type can be written as
//! JSON, substituted, and read again. Parts of Kubernetes that nothing here interprets (affinity,
//! tolerations, probes …) stay JSON values. Absent and empty are one thing, as in Argo, except where a
//! field is an `Option`.

use std::collections::BTreeMap;

use serde_json::Value;

/// Declares objects of the language: serde's attributes once, instead of on each field. Every field is
/// optional in the document (what is required is a matter of validation, which has better sentences).
macro_rules! objects {
    ($($(#[$meta:meta])* $name:ident { $($(#[$field_meta:meta])* $field:ident: $type:ty,)* })*) => {
        $(
        $(#[$meta])*
        #[derive(Debug, Clone, Default, PartialEq, serde::Serialize, serde::Deserialize)]
        #[serde(rename_all = "camelCase", default)]
        #[allow(missing_docs, reason = "the names are Argo's and Kubernetes' own; only deviations are documented")]
        pub struct $name {
            $($(#[$field_meta])* #[serde(skip_serializing_if = "crate::model::Absent::absent")] pub $field: $type,)*
        }
        )*

        /// The names of all fields declared here.
        pub(in crate::model) const FIELDS: &[&str] = &[$($(stringify!($field),)*)*];
    };
}

mod artifact;
pub(crate) mod case;
mod container;
mod flow;
mod object;
mod pod;
mod scalar;
mod served;
mod spec;
mod template;

pub use artifact::*;
pub use container::*;
pub use flow::*;
pub use object::*;
pub use pod::*;
pub use scalar::{AnyString, IntOrString, NotAnInteger};
pub use served::*;
pub use spec::*;
pub use template::*;

/// Labels, annotations, node selectors.
pub type StringMap = BTreeMap<String, String>;

objects! {
    /// Kubernetes' object metadata, as far as the language reads it.
    ObjectMeta {
        name: String,
        generate_name: String,
        namespace: String,
        uid: String,
        resource_version: String,
        generation: Option<i64>,
        self_link: String,
        labels: StringMap,
        annotations: StringMap,
        creation_timestamp: Option<String>,
        deletion_timestamp: Option<String>,
        deletion_grace_period_seconds: Option<i64>,
        finalizers: Vec<String>,
        owner_references: Vec<Value>,
        managed_fields: Vec<Value>,
    }

    /// One run, as its author wrote it.
    Workflow {
        api_version: String,
        kind: String,
        metadata: ObjectMeta,
        spec: WorkflowSpec,
        status: Option<Value>,
    }

    /// `WorkflowTemplate` or `ClusterWorkflowTemplate`.
    WorkflowTemplate {
        api_version: String,
        kind: String,
        metadata: ObjectMeta,
        spec: WorkflowSpec,
    }

    /// A schedule.
    CronWorkflow {
        api_version: String,
        kind: String,
        metadata: ObjectMeta,
        spec: CronWorkflowSpec,
        status: Option<Value>,
    }

    /// When and how a schedule starts runs.
    CronWorkflowSpec {
        workflow_spec: WorkflowSpec,
        workflow_metadata: Option<ObjectMeta>,
        /// v3; moved into `schedules` when read.
        schedule: String,
        schedules: Vec<String>,
        concurrency_policy: String,
        suspend: bool,
        starting_deadline_seconds: Option<i64>,
        successful_jobs_history_limit: Option<i64>,
        failed_jobs_history_limit: Option<i64>,
        timezone: String,
        when: String,
        stop_strategy: Option<StopStrategy>,
    }

    /// When a schedule stops for good.
    StopStrategy {
        expression: String,
    }
}

/// Where a template was written, and so where the names that it calls are looked up.
#[derive(
    Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize,
)]
#[serde(rename_all = "camelCase")]
pub enum Origin {
    /// The run's own specification, its `workflowTemplateRef` merged in.
    Workflow,
    /// The `WorkflowTemplate` of this name, in the tenant of the run.
    Namespaced(String),
    /// The `ClusterWorkflowTemplate` of this name.
    Cluster(String),
}

/// Whether a field would be left out of the document (Go's `omitempty`).
pub(crate) trait Absent {
    fn absent(&self) -> bool;
}

impl<T> Absent for Option<T> {
    fn absent(&self) -> bool {
        self.is_none()
    }
}
impl<T> Absent for Vec<T> {
    fn absent(&self) -> bool {
        self.is_empty()
    }
}
impl<V> Absent for BTreeMap<String, V> {
    fn absent(&self) -> bool {
        self.is_empty()
    }
}
impl Absent for String {
    fn absent(&self) -> bool {
        self.is_empty()
    }
}
impl Absent for bool {
    fn absent(&self) -> bool {
        !self
    }
}
macro_rules! absent_when_default {
    ($($type:ty),*) => {$(
        impl Absent for $type {
            fn absent(&self) -> bool {
                *self == Self::default()
            }
        }
    )*};
}
absent_when_default!(
    ObjectMeta,
    WorkflowSpec,
    CronWorkflowSpec,
    Arguments,
    Outputs,
    PersistentVolumeClaimSpec
);
