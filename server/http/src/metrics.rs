//! `/metrics`: what workflows measure and what the program tells of itself, in Prometheus' text format. A
//! tenant's token sees its own tenants, an operator's all.

use std::collections::BTreeMap;

use axum::extract::State;
use axum::http::{HeaderMap, Method, header};
use axum::response::{IntoResponse, Response};
use prometheus::proto::{
    Bucket, Counter, Gauge, Histogram, LabelPair, Metric, MetricFamily, MetricType,
};
use prometheus::{TEXT_FORMAT, TextEncoder};
use steading_control::metrics::{Family, Measured, Own, Series};
use steading_domain::access::Power;
use steading_types::TenantName;

use crate::App;
use crate::auth::caller;
use crate::problem::Problem;

/// Argo's beginning of the names of metrics that workflows define.
const CUSTOM: &str = "argo_workflows_";

pub(crate) async fn answer(
    State(app): State<App>,
    method: Method,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let principal = caller(&app, &method, &headers)?.principal;
    let tenants = match principal.power {
        Power::Operator => None,
        Power::Member(roles) => Some(roles.into_keys().collect::<Vec<_>>()),
    };
    let control = app.control();
    let own = control.own_metrics(tenants.as_deref())?;
    let mut families = own_families(&own, tenants.is_none());
    families.extend(custom_families(&control.measured(tenants.as_deref())));
    let text = TextEncoder::new().encode_to_string(&families);
    let text = text.map_err(|error| Problem::internal(&error))?;
    Ok(([(header::CONTENT_TYPE, TEXT_FORMAT)], text).into_response())
}

/// The program about itself; what concerns no tenant is for operators.
fn own_families(own: &Own, operator: bool) -> Vec<MetricFamily> {
    let by_phase = |counts: &BTreeMap<(TenantName, &'static str), u64>, kind| {
        let counts = counts.iter();
        let metrics = counts.map(|((tenant, phase), count)| {
            number(
                kind,
                whole(*count),
                &[("phase", phase), ("tenant", tenant.as_str())],
            )
        });
        metrics.collect::<Vec<_>>()
    };
    let gauge = MetricType::GAUGE;
    let counter = MetricType::COUNTER;
    let mut families = vec![
        family(
            "steading_runs",
            "Runs that are not over.",
            gauge,
            by_phase(&own.runs, gauge),
        ),
        family(
            "steading_runs_ended_total",
            "Runs that ended since the server began.",
            counter,
            by_phase(&own.ended, counter),
        ),
    ];
    if operator {
        let size = |count: usize| vec![number(gauge, whole(count as u64), &[])];
        families.extend([
            family(
                "steading_attempts_waiting",
                "Attempts that wait for a slot.",
                gauge,
                size(own.waiting),
            ),
            family(
                "steading_attempts_running",
                "Attempts that have a slot.",
                gauge,
                size(own.running),
            ),
            family(
                "steading_commits_total",
                "Commits since the store was made.",
                counter,
                vec![number(counter, whole(own.commits), &[])],
            ),
        ]);
    }
    families.retain(|family| !family.get_metric().is_empty());
    families
}

/// What workflows measured. A name means one kind of metric: of tenants that disagree the first one counts.
fn custom_families(tenants: &BTreeMap<TenantName, Measured>) -> Vec<MetricFamily> {
    let mut families: BTreeMap<&str, (MetricType, &str, Vec<Metric>)> = BTreeMap::new();
    for (tenant, measured) in tenants {
        for (name, Family { help, series }) in &measured.families {
            for (labels, series) in series {
                let kind = kind(series);
                let known = families.entry(name).or_insert((kind, help, Vec::new()));
                if known.0 == kind {
                    let mut labels: Vec<(&str, &str)> = labels
                        .iter()
                        .map(|(k, v)| (k.as_str(), v.as_str()))
                        .collect();
                    labels.push(("tenant", tenant.as_str()));
                    known.2.push(metric(series, &labels));
                }
            }
        }
    }
    let refused = tenants.iter().filter(|(_, measured)| measured.refused > 0);
    let refused = refused.map(|(tenant, measured)| {
        let labels = [("tenant", tenant.as_str())];
        number(MetricType::COUNTER, whole(measured.refused), &labels)
    });
    let refused: Vec<Metric> = refused.collect();
    let families = families.into_iter();
    let mut families: Vec<MetricFamily> = families
        .map(|(name, (kind, help, metrics))| {
            family(&format!("{CUSTOM}{name}"), help, kind, metrics)
        })
        .collect();
    if !refused.is_empty() {
        families.push(family(
            "steading_metrics_refused_total",
            "Values of workflows' metrics that were beyond the limits or no values.",
            MetricType::COUNTER,
            refused,
        ));
    }
    families
}

fn kind(series: &Series) -> MetricType {
    match series {
        Series::Counter(_) => MetricType::COUNTER,
        Series::Gauge(_) | Series::Since(_) => MetricType::GAUGE,
        Series::Histogram { .. } => MetricType::HISTOGRAM,
    }
}

fn metric(series: &Series, labels: &[(&str, &str)]) -> Metric {
    match series {
        Series::Counter(value) => number(MetricType::COUNTER, *value, labels),
        Series::Gauge(value) => number(MetricType::GAUGE, *value, labels),
        // A clock is read before this.
        Series::Since(_) => number(MetricType::GAUGE, 0.0, labels),
        Series::Histogram {
            buckets,
            sum,
            count,
        } => {
            let mut histogram = Histogram::default();
            let buckets = buckets.iter().map(|(bound, below)| {
                let mut bucket = Bucket::default();
                bucket.set_upper_bound(*bound);
                bucket.set_cumulative_count(*below);
                bucket
            });
            histogram.set_bucket(buckets.collect());
            histogram.set_sample_sum(*sum);
            histogram.set_sample_count(*count);
            let mut metric = labelled(labels);
            metric.set_histogram(histogram);
            metric
        }
    }
}

fn number(kind: MetricType, value: f64, labels: &[(&str, &str)]) -> Metric {
    let mut metric = labelled(labels);
    if kind == MetricType::COUNTER {
        let mut counter = Counter::default();
        counter.set_value(value);
        metric.set_counter(counter);
    } else {
        let mut gauge = Gauge::default();
        gauge.set_value(value);
        metric.set_gauge(gauge);
    }
    metric
}

fn labelled(labels: &[(&str, &str)]) -> Metric {
    let pairs = labels.iter().map(|(name, value)| {
        let mut pair = LabelPair::default();
        pair.set_name((*name).to_owned());
        pair.set_value((*value).to_owned());
        pair
    });
    Metric::from_label(pairs.collect())
}

fn family(name: &str, help: &str, kind: MetricType, metrics: Vec<Metric>) -> MetricFamily {
    let mut family = MetricFamily::default();
    family.set_name(name.to_owned());
    family.set_help(help.to_owned());
    family.set_field_type(kind);
    family.set_metric(metrics);
    family
}

#[allow(
    clippy::cast_precision_loss,
    reason = "the format has no other numbers"
)]
fn whole(count: u64) -> f64 {
    count as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_text_is_what_prometheus_reads() {
        let series = |labels: &[(&str, &str)], series: Series| {
            let labels = labels
                .iter()
                .map(|(k, v)| ((*k).to_owned(), (*v).to_owned()));
            (labels.collect::<Vec<_>>(), series)
        };
        let histogram = Series::Histogram {
            buckets: vec![(0.5, 1), (5.0, 2)],
            sum: 9.5,
            count: 3,
        };
        let of = |help: &str, series| Family {
            help: help.to_owned(),
            series: BTreeMap::from([series]),
        };
        let ours = Measured {
            families: BTreeMap::from([
                (
                    "results".to_owned(),
                    of(
                        "Results",
                        series(&[("result", "a \"b\"")], Series::Counter(4.0)),
                    ),
                ),
                ("spread".to_owned(), of("Spread", series(&[], histogram))),
            ]),
            refused: 2,
        };
        let theirs = Measured {
            families: BTreeMap::from([
                (
                    "results".to_owned(),
                    of("Other", series(&[], Series::Gauge(1.0))),
                ),
                (
                    "level".to_owned(),
                    of("Level", series(&[], Series::Gauge(1.5))),
                ),
            ]),
            refused: 0,
        };
        let tenants = BTreeMap::from([
            ("ours".parse().unwrap(), ours),
            ("theirs".parse().unwrap(), theirs),
        ]);
        let own = Own {
            runs: BTreeMap::from([(("ours".parse().unwrap(), "Running"), 2)]),
            commits: 7,
            ..Own::default()
        };
        let mut families = own_families(&own, true);
        families.extend(custom_families(&tenants));
        let text = TextEncoder::new().encode_to_string(&families).unwrap();
        assert_eq!(text, include_str!("metrics/golden.txt"));
    }
}
