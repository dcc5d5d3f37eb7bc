//! What workflows measure, added up: of each tenant by itself, within limits. It lives in memory, as Prometheus
//! expects: counters begin again when the server does.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use steading_engine::metrics::{Measurement, Operation, Reading};
use steading_types::{Millis, TenantName, WorkflowPhase};

use crate::Control;
use crate::clock::now;
use crate::error::ControlError;

/// Metrics that a tenant may name.
const NAMES: usize = 100;
/// Combinations of labels of all its metrics.
const SERIES: usize = 1_000;
/// Labels of one metric.
const LABELS: usize = 16;
/// Buckets of one histogram.
const BUCKETS: usize = 64;
/// Characters of a label's value that are kept.
const VALUE: usize = 256;

/// Everything that was measured.
#[derive(Debug, Default)]
pub(crate) struct Metrics(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    tenants: BTreeMap<TenantName, Measured>,
    ended: BTreeMap<(TenantName, &'static str), u64>,
}

/// What a tenant's workflows measured.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Measured {
    /// By name.
    pub families: BTreeMap<String, Family>,
    /// Values that were beyond the limits or no values.
    pub refused: u64,
}

/// One metric.
#[derive(Debug, Clone, PartialEq)]
pub struct Family {
    /// What it says to a person.
    pub help: String,
    /// By labels.
    pub series: BTreeMap<Vec<(String, String)>, Series>,
}

/// One combination of labels.
#[derive(Debug, Clone, PartialEq)]
pub enum Series {
    /// A sum.
    Counter(f64),
    /// A value that goes up and down.
    Gauge(f64),
    /// A gauge of the seconds since then.
    Since(Millis),
    /// A distribution.
    Histogram {
        /// Upper bounds, ascending, and how many values were at most that.
        buckets: Vec<(f64, u64)>,
        /// All values together.
        sum: f64,
        /// How many.
        count: u64,
    },
}

/// The program about itself.
#[derive(Debug, Clone, Default)]
pub struct Own {
    /// Runs that are not over, by tenant and phase.
    pub runs: BTreeMap<(TenantName, &'static str), u64>,
    /// Runs that ended since the server began, by tenant and phase.
    pub ended: BTreeMap<(TenantName, &'static str), u64>,
    /// Attempts that wait for a slot.
    pub waiting: usize,
    /// Attempts that have one.
    pub running: usize,
    /// Commits since the store was made.
    pub commits: u64,
}

impl Series {
    fn same_kind(&self, other: &Self) -> bool {
        let kind = |series: &Self| match series {
            Self::Counter(_) => 0,
            Self::Gauge(_) | Self::Since(_) => 1,
            Self::Histogram { .. } => 2,
        };
        kind(self) == kind(other)
    }
}

impl Measured {
    /// Adds a value; false when it is beyond the limits or of another kind than the metric was.
    fn add(&mut self, measurement: Measurement) -> bool {
        let Measurement {
            name,
            help,
            mut labels,
            reading: Ok(reading),
        } = measurement
        else {
            return false;
        };
        let names_are_fit = labels.iter().all(|(key, _)| is_label(key));
        if labels.len() > LABELS || !names_are_fit {
            return false;
        }
        labels.sort();
        labels.dedup_by(|one, other| one.0 == other.0);
        for (_, value) in &mut labels {
            *value = value.chars().take(VALUE).collect();
        }
        let Some(fresh) = begun(&reading) else {
            return false;
        };
        let full = self
            .families
            .values()
            .map(|f| f.series.len())
            .sum::<usize>()
            >= SERIES;
        let names = self.families.len();
        if let Some(family) = self.families.get(&name) {
            let known = family.series.values().next();
            if known.is_some_and(|known| !known.same_kind(&fresh)) {
                return false;
            }
            if full && !family.series.contains_key(&labels) {
                return false;
            }
        } else if full || names >= NAMES {
            return false;
        }
        let family = self.families.entry(name).or_insert_with(|| Family {
            help,
            series: BTreeMap::new(),
        });
        let series = family.series.entry(labels).or_insert(fresh);
        series.take(&reading);
        true
    }
}

impl Series {
    fn take(&mut self, reading: &Reading) {
        match (&mut *self, reading) {
            (Self::Counter(sum), Reading::Counter(more)) => *sum += more,
            (Self::Gauge(value), Reading::Gauge(operation, given)) => match operation {
                Operation::Set => *value = *given,
                Operation::Add => *value += given,
                Operation::Sub => *value -= given,
            },
            (Self::Since(_), Reading::Gauge(_, given)) => *self = Self::Gauge(*given),
            (Self::Gauge(_) | Self::Since(_), Reading::Since(at)) => *self = Self::Since(*at),
            (
                Self::Histogram {
                    buckets,
                    sum,
                    count,
                },
                Reading::Histogram(value, _),
            ) => {
                for (bound, below) in buckets {
                    *below += u64::from(value <= bound);
                }
                *sum += value;
                *count += 1;
            }
            _ => {}
        }
    }
}

/// A series before its first value; nothing for a reading that can be none.
fn begun(reading: &Reading) -> Option<Series> {
    Some(match reading {
        // A counter only grows.
        Reading::Counter(more) if *more < 0.0 => return None,
        Reading::Counter(_) => Series::Counter(0.0),
        Reading::Gauge(..) => Series::Gauge(0.0),
        Reading::Since(at) => Series::Since(*at),
        Reading::Histogram(_, bounds) if bounds.len() > BUCKETS => return None,
        Reading::Histogram(_, bounds) => Series::Histogram {
            buckets: bounds.iter().map(|bound| (*bound, 0)).collect(),
            sum: 0.0,
            count: 0,
        },
    })
}

/// Whether Prometheus takes this as a label; `tenant` is ours, `le` a histogram's.
fn is_label(key: &str) -> bool {
    let fit = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let first = key.chars().next();
    first.is_some_and(|c| !c.is_ascii_digit())
        && key.chars().all(fit)
        && !key.starts_with("__")
        && key != "tenant"
        && key != "le"
}

impl Metrics {
    /// Takes a value of a tenant's workflow.
    pub(crate) fn take(&self, tenant: &TenantName, measurement: Measurement) {
        let name = measurement.name.clone();
        let why = measurement.reading.as_ref().err().cloned();
        let mut state = self.state();
        let measured = state.tenants.entry(tenant.clone()).or_default();
        if !measured.add(measurement) {
            measured.refused = measured.refused.saturating_add(1);
            drop(state);
            let why = why.unwrap_or_else(|| "beyond the limits, or of another kind".to_owned());
            tracing::debug!(tenant = %tenant, metric = %name, why, "a value of a metric was refused");
        }
    }

    /// A run ended.
    pub(crate) fn ended(&self, tenant: &TenantName, phase: WorkflowPhase) {
        let mut state = self.state();
        let count = state.ended.entry((tenant.clone(), phase.as_str()));
        let count = count.or_default();
        *count = count.saturating_add(1);
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Control {
    /// What workflows measured, as it is now: of these tenants, or of all.
    pub fn measured(&self, tenants: Option<&[TenantName]>) -> BTreeMap<TenantName, Measured> {
        let mut found = self.0.metrics.state().tenants.clone();
        found.retain(|tenant, _| tenants.is_none_or(|tenants| tenants.contains(tenant)));
        let (at, families) = (now(), found.values_mut());
        let series = families.flat_map(|measured| measured.families.values_mut());
        for series in series.flat_map(|family| family.series.values_mut()) {
            if let Series::Since(since) = *series {
                *series = Series::Gauge(at.since(since).seconds());
            }
        }
        found
    }

    /// What the program tells of itself, of these tenants or of all.
    ///
    /// # Errors
    /// When the store can not be read.
    pub fn own_metrics(&self, tenants: Option<&[TenantName]>) -> Result<Own, ControlError> {
        let wanted = |tenant: &TenantName| tenants.is_none_or(|tenants| tenants.contains(tenant));
        let (runs, seq) = self.0.store.read(|snapshot| {
            let mut runs = BTreeMap::<_, u64>::new();
            for head in snapshot.active_runs()? {
                let head = head?;
                if wanted(&head.tenant) && !head.phase.completed() {
                    let count = runs.entry((head.tenant, head.phase.as_str())).or_default();
                    *count = count.saturating_add(1);
                }
            }
            Ok((runs, snapshot.seq()?))
        })?;
        let (waiting, running) = self.0.scheduler().load();
        let mut ended = self.0.metrics.state().ended.clone();
        ended.retain(|(tenant, _), _| wanted(tenant));
        Ok(Own {
            runs,
            ended,
            waiting,
            running,
            commits: seq.0,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn measure(name: &str, labels: &[(&str, &str)], reading: Reading) -> Measurement {
        let labels = labels.iter();
        Measurement {
            name: name.to_owned(),
            help: "help".to_owned(),
            labels: labels
                .map(|(k, v)| ((*k).to_owned(), (*v).to_owned()))
                .collect(),
            reading: Ok(reading),
        }
    }

    #[test]
    fn values_are_added_up_by_their_labels() {
        let mut measured = Measured::default();
        for (result, more) in [("a", 1.0), ("b", 2.0), ("a", 3.0)] {
            assert!(measured.add(measure(
                "sum",
                &[("result", result)],
                Reading::Counter(more)
            )));
        }
        for value in [0.5, 2.0, 7.0] {
            let reading = Reading::Histogram(value, vec![1.0, 5.0]);
            assert!(measured.add(measure("spread", &[], reading)));
        }
        let sums: Vec<_> = measured.families["sum"].series.values().cloned().collect();
        assert_eq!(sums, [Series::Counter(4.0), Series::Counter(2.0)]);
        let spread = Series::Histogram {
            buckets: vec![(1.0, 1), (5.0, 2)],
            sum: 9.5,
            count: 3,
        };
        assert_eq!(
            measured.families["spread"].series.values().next(),
            Some(&spread)
        );
    }

    #[test]
    fn a_tenant_can_not_fill_the_server_with_names_and_labels() {
        let mut measured = Measured::default();
        let labelled = |n: usize| measure("many", &[("n", &n.to_string())], Reading::Counter(1.0));
        assert!((0..SERIES).all(|n| measured.add(labelled(n))));
        assert!(!measured.add(labelled(SERIES)));
        assert!(measured.add(labelled(1)), "what is known still counts");

        let mut measured = Measured::default();
        let named = |n: usize| measure(&format!("m{n}"), &[], Reading::Gauge(Operation::Set, 1.0));
        assert!((0..NAMES).all(|n| measured.add(named(n))));
        assert!(!measured.add(named(NAMES)));
    }

    #[test]
    fn what_prometheus_would_not_take_is_refused() {
        let mut measured = Measured::default();
        let counter = || Reading::Counter(1.0);
        for label in ["tenant", "le", "__name", "1st", "a-b", ""] {
            assert!(
                !measured.add(measure("m", &[(label, "x")], counter())),
                "{label}"
            );
        }
        assert!(!measured.add(measure("m", &[], Reading::Counter(-1.0))));
        assert!(measured.add(measure("m", &[], counter())));
        let other_kind = Reading::Gauge(Operation::Set, 1.0);
        assert!(!measured.add(measure("m", &[("a", "b")], other_kind)));
    }
}
