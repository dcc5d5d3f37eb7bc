//! Which lists of finished runs have an index: by phase, by workflow template, by schedule.
//! Active runs are few and need none.

use steading_engine::head::Head;
use steading_types::WorkflowPhase;

use crate::key::{Key, TenantNo};
use crate::rows::head::phase_number;

/// The label that names the run's workflow template.
pub(crate) const TEMPLATE_LABEL: &str = "workflows.argoproj.io/workflow-template";
/// The label that names the run's schedule.
pub(crate) const SCHEDULE_LABEL: &str = "workflows.argoproj.io/cron-workflow";

/// One index, at one of its values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Index<'v> {
    Phase(WorkflowPhase),
    Template(&'v str),
    Schedule(&'v str),
}

impl Index<'_> {
    /// What the keys of these runs begin with; the run follows.
    pub(crate) fn prefix(self, tenant: TenantNo) -> Key {
        let key = Key::tenant(tenant);
        match self {
            Self::Phase(phase) => key.u8(0).u8(phase_number(phase)),
            Self::Template(value) => text(key.u8(1), value),
            Self::Schedule(value) => text(key.u8(2), value),
        }
    }
}

/// A value that may be anything: its length first. Only its beginning counts; who reads the index
/// looks at the run again.
fn text(key: Key, value: &str) -> Key {
    let bytes = value.as_bytes();
    let (start, _) = bytes.split_at_checked(255).unwrap_or((bytes, &[]));
    key.u8(start.len() as u8).bytes(start)
}

/// The index keys of a finished run.
pub(crate) fn keys(tenant: TenantNo, head: &Head) -> Vec<Key> {
    let label = |label: &str| head.labels.get(label).map(String::as_str);
    [
        Some(Index::Phase(head.phase)),
        label(TEMPLATE_LABEL).map(Index::Template),
        label(SCHEDULE_LABEL).map(Index::Schedule),
    ]
    .into_iter()
    .flatten()
    .map(|index| index.prefix(tenant).bytes(&head.id.to_bytes()))
    .collect()
}
