//! A saved template or schedule.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use steading_types::{Millis, WorkflowName};

use super::{encode, fields, json, newer, numbers, version};
use crate::{Seq, StoreError};

const VERSION: u8 = 1;

/// What kind of object it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum TemplateKind {
    /// Argo's `WorkflowTemplate`.
    WorkflowTemplate,
    /// Argo's `CronWorkflow`.
    CronWorkflow,
    /// Argo's `ClusterWorkflowTemplate`; the site's.
    ClusterWorkflowTemplate,
}

numbers!(kind_number, kind, "kind of template", TemplateKind {
    WorkflowTemplate = 1, CronWorkflow = 2, ClusterWorkflowTemplate = 3,
});

/// A template as it is stored.
#[derive(Debug, Clone, PartialEq)]
pub struct Template {
    /// What it is.
    pub kind: TemplateKind,
    /// Unique per owner and kind.
    pub name: WorkflowName,
    /// The commit that wrote it: Argo's `resourceVersion`.
    pub version: Seq,
    /// When it was first written.
    pub created: Millis,
    /// The object, with `metadata` and `spec`.
    pub object: Value,
}

#[derive(Serialize, Deserialize)]
struct V1<'r> {
    version: u64,
    created: u64,
    #[serde(borrow)]
    object: std::borrow::Cow<'r, str>,
}

/// The row of a template.
pub(crate) fn write(version: Seq, created: Millis, object: &Value) -> Result<Vec<u8>, StoreError> {
    let row = V1 {
        version: version.0,
        created: created.get(),
        object: object.to_string().into(),
    };
    encode(VERSION, &row)
}

/// The template behind a row and its key.
pub(crate) fn read(
    kind: TemplateKind,
    name: WorkflowName,
    row: &[u8],
) -> Result<Template, StoreError> {
    let (found, bytes) = version(row)?;
    if found != VERSION {
        return Err(newer("a template", found, VERSION));
    }
    let row: V1<'_> = fields("a template", bytes)?;
    Ok(Template {
        kind,
        name,
        version: Seq(row.version),
        created: Millis(row.created),
        object: json(&row.object)?,
    })
}
