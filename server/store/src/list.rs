//! Lists of runs, newest first: a merge of the active runs with an index of the archive.

use redb::Range;
use steading_engine::head::Head;
use steading_types::{RunId, TenantName, WorkflowPhase};

use crate::index::{Index, SCHEDULE_LABEL, TEMPLATE_LABEL};
use crate::key::{Key, TenantNo};
use crate::rows::head;
use crate::tables::Table;
use crate::{Snapshot, StoreError};

/// Runs looked at for one page; a page that ends for this reason says where to go on.
const BUDGET: usize = 2_000;

/// Whose runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Tenants {
    /// These tenants'.
    Of(Vec<TenantName>),
    /// Every tenant's: an operator's view.
    All,
}

/// Which runs. Every part must hold; an empty one always does.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RunFilter {
    /// One of these phases.
    pub phases: Vec<WorkflowPhase>,
    /// All of these terms.
    pub labels: Vec<LabelTerm>,
    /// The run's name.
    pub name: Option<NameRule>,
}

/// A condition on a run's name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NameRule {
    /// Exactly.
    Is(String),
    /// At its beginning.
    Prefix(String),
    /// Anywhere in it.
    Contains(String),
}

/// A condition on one label, as in Kubernetes' selectors.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LabelTerm {
    /// The label.
    pub key: String,
    /// The condition.
    pub rule: LabelRule,
}

/// What a label must be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LabelRule {
    /// There, with one of these values (`=`, `==`, `in`).
    In(Vec<String>),
    /// Absent, or with another value (`!=`, `notin`).
    NotIn(Vec<String>),
    /// There.
    Exists,
    /// Absent.
    Absent,
    /// There, and a number above this one.
    Above(i64),
    /// There, and a number below this one.
    Below(i64),
}

/// A part of a list.
#[derive(Debug, Clone, PartialEq)]
pub struct Page {
    /// The runs, newest first.
    pub runs: Vec<Head>,
    /// Where the next page goes on; nothing when there is none.
    pub next: Option<RunId>,
}

impl RunFilter {
    /// Whether the filter shows this run.
    pub fn admits(&self, head: &Head) -> bool {
        (self.phases.is_empty() || self.phases.contains(&head.phase))
            && self.labels.iter().all(|term| term.admits(head))
            && self.name.as_ref().is_none_or(|rule| match rule {
                NameRule::Is(name) => head.name.as_str() == name,
                NameRule::Prefix(start) => head.name.as_str().starts_with(start.as_str()),
                NameRule::Contains(part) => head.name.as_str().contains(part.as_str()),
            })
    }

    /// The values that a label is limited to.
    fn values(&self, label: &str) -> Option<&[String]> {
        self.labels.iter().find_map(|term| match &term.rule {
            LabelRule::In(values) if term.key == label => Some(values.as_slice()),
            _ => None,
        })
    }

    /// The indexes that together hold every archived run of the list; none: all must be looked at.
    fn indexes(&self) -> Option<Vec<Index<'_>>> {
        let texts = |label, index: fn(&str) -> Index<'_>| {
            let values = self.values(label)?;
            Some(values.iter().map(|value| index(value)).collect())
        };
        texts(TEMPLATE_LABEL, |value| Index::Template(value))
            .or_else(|| texts(SCHEDULE_LABEL, |value| Index::Schedule(value)))
            .or_else(|| {
                let phases = (!self.phases.is_empty()).then_some(&self.phases)?;
                Some(phases.iter().map(|phase| Index::Phase(*phase)).collect())
            })
    }
}

impl LabelTerm {
    fn admits(&self, head: &Head) -> bool {
        let value = head.labels.get(&self.key);
        match &self.rule {
            LabelRule::In(values) => value.is_some_and(|value| values.contains(value)),
            LabelRule::NotIn(values) => value.is_none_or(|value| !values.contains(value)),
            LabelRule::Exists => value.is_some(),
            LabelRule::Absent => value.is_none(),
            LabelRule::Above(bound) => number(value).is_some_and(|n| n > *bound),
            LabelRule::Below(bound) => number(value).is_some_and(|n| n < *bound),
        }
    }
}

/// A label's value as a number.
fn number(value: Option<&String>) -> Option<i64> {
    value.and_then(|value| value.parse().ok())
}

/// The runs of one tenant in one table or index, newest first.
struct Walk {
    tenant: TenantNo,
    /// Bytes of a key before the run.
    skip: usize,
    range: Range<'static, &'static [u8], &'static [u8]>,
    /// The run that comes next.
    next: Option<RunId>,
}

impl Walk {
    fn new(
        snapshot: &Snapshot,
        table: Table,
        tenant: TenantNo,
        prefix: &Key,
        after: Option<RunId>,
    ) -> Result<Self, StoreError> {
        let end = match after {
            Some(run) => prefix.clone().bytes(&run.to_bytes()),
            None => prefix.clone().bytes(&[0xff; 17]),
        };
        let range = snapshot
            .table(table)?
            .range::<&[u8]>(prefix.as_slice()..end.as_slice())?;
        let mut walk = Self {
            tenant,
            skip: prefix.as_slice().len(),
            range,
            next: None,
        };
        walk.advance()?;
        Ok(walk)
    }

    /// Goes to the next run; the pieces of a long row are one run.
    fn advance(&mut self) -> Result<(), StoreError> {
        let current = self.next.take();
        while let Some(row) = self.range.next_back() {
            let (key, _) = row?;
            let rest = key.value().get(self.skip..).unwrap_or_default();
            let run = crate::key::Parts::new(rest).run()?;
            if Some(run) != current {
                self.next = Some(run);
                break;
            }
        }
        Ok(())
    }
}

impl Snapshot {
    /// The runs that a filter admits, newest first, after a run that an earlier page named. A page
    /// may be short, or empty, and still name where to go on: the work for one page is bounded.
    ///
    /// # Errors
    /// The disk's errors.
    pub fn list_runs(
        &self,
        tenants: &Tenants,
        filter: &RunFilter,
        after: Option<RunId>,
        limit: usize,
    ) -> Result<Page, StoreError> {
        let tenants = self.numbered(tenants)?;
        let mut walks = self.walks(&tenants, filter, after)?;
        let mut page = Page {
            runs: Vec::new(),
            next: None,
        };
        let mut last = None;
        for _ in 0..BUDGET {
            let newest = walks.iter_mut().max_by_key(|walk| walk.next);
            let Some((walk, run)) = newest.and_then(|walk| walk.next.map(|run| (walk, run))) else {
                return Ok(page);
            };
            if page.runs.len() >= limit {
                break;
            }
            let tenant = walk.tenant;
            walk.advance()?;
            if last.replace(run) == Some(run) {
                continue;
            }
            let name = tenants.iter().find(|(number, _)| *number == tenant);
            let head = match name {
                Some((_, name)) => self.head(tenant, name, run)?,
                None => None,
            };
            page.runs.extend(head.filter(|head| filter.admits(head)));
        }
        page.next = last;
        Ok(page)
    }

    fn numbered(&self, tenants: &Tenants) -> Result<Vec<(TenantNo, TenantName)>, StoreError> {
        let names = match tenants {
            Tenants::Of(names) => names.clone(),
            Tenants::All => self.tenants()?.into_iter().map(|t| t.name).collect(),
        };
        let mut numbered = Vec::with_capacity(names.len());
        for name in names {
            if let Some(number) = self.number(&name)? {
                numbered.push((number, name));
            }
        }
        Ok(numbered)
    }

    fn walks(
        &self,
        tenants: &[(TenantNo, TenantName)],
        filter: &RunFilter,
        after: Option<RunId>,
    ) -> Result<Vec<Walk>, StoreError> {
        let mut walks = Vec::new();
        for (tenant, _) in tenants {
            let mut walk = |table, prefix: Key| {
                walks.push(Walk::new(self, table, *tenant, &prefix, after)?);
                Ok::<_, StoreError>(())
            };
            walk(Table::Runs, Key::tenant(*tenant))?;
            match filter.indexes() {
                None => walk(Table::Archive, Key::tenant(*tenant))?,
                Some(indexes) => {
                    for index in indexes {
                        walk(Table::ArchiveIndex, index.prefix(*tenant))?;
                    }
                }
            }
        }
        Ok(walks)
    }

    fn head(
        &self,
        number: TenantNo,
        tenant: &TenantName,
        run: RunId,
    ) -> Result<Option<Head>, StoreError> {
        let key = Key::run(number, run);
        for table in [Table::Archive, Table::Runs] {
            if let Some(row) = self.long(table, &key)? {
                return head::read(tenant, run, &row).map(Some);
            }
        }
        Ok(None)
    }
}
