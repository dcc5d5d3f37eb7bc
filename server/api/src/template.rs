//! Templates on the wire.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use steading_types::Millis;

use crate::error::FaultBody;

/// A WorkflowTemplate.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct TemplateBody {
    /// Its name in its tenant.
    pub name: String,
    /// Grows with each change.
    pub version: u64,
    /// When it was last changed, epoch milliseconds.
    pub changed: Millis,
    /// The whole object.
    pub object: Value,
}

/// All templates of a tenant.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct TemplateList {
    /// In the order of their names.
    pub templates: Vec<TemplateBody>,
}

/// YAML or JSON text, one or more documents.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Text {
    /// The documents.
    pub text: String,
}

/// What became of the documents of an apply.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Applied {
    /// One entry a document, in order.
    pub objects: Vec<AppliedObject>,
    /// What was accepted and has no effect here.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<FaultBody>,
}

/// One applied document.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct AppliedObject {
    /// e.g. `WorkflowTemplate`.
    pub kind: String,
    /// Its name.
    pub name: String,
    /// `created`, `changed`, `unchanged`.
    pub outcome: String,
}

/// The answer of lint.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct LintReport {
    /// Every problem; empty when all is well.
    pub faults: Vec<FaultBody>,
}
