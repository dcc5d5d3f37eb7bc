//! What one commit changed, for those who follow. It names things; their state is read from the store.

use serde::{Deserialize, Serialize};
use steading_types::{NodeIx, RunId, TenantName, WorkflowName};

use super::{encode, fields, name, newer, numbers, version};
use crate::rows::template::{self, TemplateKind};
use crate::{Seq, StoreError};

const VERSION: u8 = 1;
/// More changed nodes than this are not listed one by one.
const LISTED_NODES: usize = 8192;

/// What happened to a run as a whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RunChange {
    /// It is new.
    Created,
    /// Its own row changed.
    Changed,
    /// It moved to the archive.
    Archived,
    /// It came back from the archive.
    Unarchived,
    /// It is gone.
    Deleted,
}

numbers!(run_change_number, run_change, "change of a run", RunChange {
    Created = 0, Changed = 1, Archived = 2, Unarchived = 3, Deleted = 4,
});

/// What happened to a template.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TemplateChange {
    /// Written.
    Put,
    /// Deleted.
    Deleted,
}

numbers!(template_change_number, template_change, "change of a template", TemplateChange { Put = 0, Deleted = 1 });

/// Which nodes of a run changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ChangedNodes {
    /// These.
    Listed(Vec<NodeIx>),
    /// Too many to list: read them all.
    Many,
}

/// One change of a commit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EventItem {
    /// A run.
    Run {
        /// Its id.
        run: RunId,
        /// Its name: of a deleted run nothing else is left.
        name: WorkflowName,
        /// What happened.
        change: RunChange,
    },
    /// Nodes of a run were written or removed.
    Nodes {
        /// The run.
        run: RunId,
        /// Which.
        nodes: ChangedNodes,
    },
    /// A template.
    Template {
        /// What it is.
        kind: TemplateKind,
        /// Its name.
        name: WorkflowName,
        /// What happened.
        change: TemplateChange,
    },
    /// The tenant was made.
    Tenant,
}

impl EventItem {
    /// The run that it is about, if it is about one.
    pub(crate) fn run(&self) -> Option<RunId> {
        match self {
            Self::Run { run, .. } | Self::Nodes { run, .. } => Some(*run),
            _ => None,
        }
    }
}

/// One commit, in the order of the feed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// Its place.
    pub seq: Seq,
    /// What changed, and whose it is.
    pub items: Vec<(TenantName, EventItem)>,
}

/// Texts are written once; items name them by position.
#[derive(Default, Serialize, Deserialize)]
struct V1<'r> {
    #[serde(borrow)]
    tenants: Vec<&'r str>,
    #[serde(borrow)]
    items: Vec<(u32, ItemV1<'r>)>,
}

#[derive(Serialize, Deserialize)]
enum ItemV1<'r> {
    Run([u8; 16], #[serde(borrow)] &'r str, u8),
    /// Nothing: too many.
    Nodes([u8; 16], Option<Vec<u32>>),
    Template(u8, &'r str, u8),
    Tenant,
}

/// The row of an event; its place stands in the key.
pub(crate) fn write(items: &[(TenantName, EventItem)]) -> Result<Vec<u8>, StoreError> {
    let mut row = V1::default();
    for (tenant, item) in items {
        let known = row.tenants.iter().position(|t| *t == tenant.as_str());
        let position = known.unwrap_or_else(|| {
            row.tenants.push(tenant.as_str());
            row.tenants.len().saturating_sub(1)
        });
        row.items.push((position as u32, item_row(item)));
    }
    encode(VERSION, &row)
}

fn item_row(item: &EventItem) -> ItemV1<'_> {
    match item {
        EventItem::Run { run, name, change } => {
            ItemV1::Run(run.to_bytes(), name.as_str(), run_change_number(*change))
        }
        EventItem::Nodes { run, nodes } => ItemV1::Nodes(
            run.to_bytes(),
            match nodes {
                ChangedNodes::Listed(nodes) if nodes.len() <= LISTED_NODES => {
                    Some(nodes.iter().map(|ix| ix.0).collect())
                }
                _ => None,
            },
        ),
        EventItem::Template { kind, name, change } => ItemV1::Template(
            template::kind_number(*kind),
            name.as_str(),
            template_change_number(*change),
        ),
        EventItem::Tenant => ItemV1::Tenant,
    }
}

/// The event behind a row.
pub(crate) fn read(seq: Seq, row: &[u8]) -> Result<Event, StoreError> {
    let (found, bytes) = version(row)?;
    if found != VERSION {
        return Err(newer("the change feed", found, VERSION));
    }
    let row: V1<'_> = fields("the change feed", bytes)?;
    let tenants: Vec<TenantName> = row
        .tenants
        .iter()
        .map(|text| name(text))
        .collect::<Result<_, _>>()?;
    let items = row.items.into_iter().map(|(tenant, item)| {
        let tenant = tenants
            .get(tenant as usize)
            .ok_or_else(|| StoreError::damaged("a tenant of the change feed"))?;
        Ok((tenant.clone(), item_value(item)?))
    });
    Ok(Event {
        seq,
        items: items.collect::<Result<_, StoreError>>()?,
    })
}

fn item_value(item: ItemV1<'_>) -> Result<EventItem, StoreError> {
    Ok(match item {
        ItemV1::Run(run, text, change) => EventItem::Run {
            run: RunId::from_bytes(run),
            name: name(text)?,
            change: run_change(change)?,
        },
        ItemV1::Nodes(run, nodes) => EventItem::Nodes {
            run: RunId::from_bytes(run),
            nodes: match nodes {
                Some(nodes) => ChangedNodes::Listed(nodes.into_iter().map(NodeIx).collect()),
                None => ChangedNodes::Many,
            },
        },
        ItemV1::Template(kind, text, change) => EventItem::Template {
            kind: template::kind(kind)?,
            name: name(text)?,
            change: template_change(change)?,
        },
        ItemV1::Tenant => EventItem::Tenant,
    })
}
