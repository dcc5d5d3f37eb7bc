//! `metrics`: what templates and workflows measure. A value is worked out here, once, when its node or run is
//! over (a realtime gauge also when it begins); whoever carries the action out adds it up.

use std::sync::Arc;

use serde_json::Value as Json;
use steading_spec::expr::Value;
use steading_spec::model::{Metrics, Prometheus};
use steading_types::{Millis, NodeIx, NodeType};

use crate::action::Action;
use crate::error::EngineError;
use crate::live::Body;
use crate::node::{Node, NodeRole};
use crate::scope::View;
use crate::text;
use crate::turn::Turn;

/// One value of a metric.
#[derive(Debug, Clone, PartialEq)]
pub struct Measurement {
    /// The metric's name.
    pub name: String,
    /// What it says to a person.
    pub help: String,
    /// Its labels, in their order.
    pub labels: Vec<(String, String)>,
    /// What was measured, or one sentence why nothing could be.
    pub reading: Result<Reading, String>,
}

/// What was measured. All numbers are finite.
#[derive(Debug, Clone, PartialEq)]
pub enum Reading {
    /// So much more.
    Counter(f64),
    /// A gauge is set or moved.
    Gauge(Operation, f64),
    /// A gauge that shows the seconds since then until it is set.
    Since(Millis),
    /// One value of a distribution, with the upper bounds of its buckets.
    Histogram(f64, Vec<f64>),
}

/// Numbers are finite, so equality is one.
impl Eq for Measurement {}

/// How a gauge is altered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operation {
    /// It takes the value.
    Set,
    /// The value is added.
    Add,
    /// The value is taken off.
    Sub,
}

/// At which moment of a node or run is measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Moment {
    Begun(Millis),
    Over,
}

impl Turn<'_> {
    /// Measures what a node's template wants to know at its end. The tries of a retry node are not measured,
    /// it is itself.
    pub(crate) fn measure_node(&mut self, ix: NodeIx) {
        self.measure(ix, Moment::Over);
    }

    /// Starts the realtime gauges of a node that was just made.
    pub(crate) fn measure_begun(&mut self, ix: NodeIx) {
        let over = self.run.node(ix).is_none_or(|node| node.phase.completed());
        if !over {
            self.measure(ix, Moment::Begun(self.now));
        }
    }

    fn measure(&mut self, ix: NodeIx, moment: Moment) {
        let plan = Arc::clone(&self.run.plan);
        let template = self.run.live(ix).and_then(|live| live.template);
        let Some(Ok(template)) = template.map(|template| plan.template(template)) else {
            return;
        };
        let Some(metrics) = &template.metrics else {
            return;
        };
        let Some(node) = self.run.node(ix).filter(|node| is_measured(node)) else {
            return;
        };
        let view = self.what_a_metric_sees(node);
        let measured = measure_all(metrics, &view, moment);
        for measurement in measured {
            self.act(Action::Measure(Box::new(measurement)));
        }
    }

    /// Measures what the workflow wants to know of the run.
    pub(crate) fn measure_run(&mut self) {
        let moment = match self.run.head.phase.completed() {
            true => Moment::Over,
            false => Moment::Begun(self.run.head.started.unwrap_or(self.now)),
        };
        let plan = Arc::clone(&self.run.plan);
        if let Some(metrics) = &plan.resolved.spec.metrics {
            let measured = measure_all(metrics, &View::run(self.run, self.now), moment);
            for measurement in measured {
                self.act(Action::Measure(Box::new(measurement)));
            }
        }
    }

    /// Argo's variables of a metric of a template.
    fn what_a_metric_sees(&self, node: &Node) -> View<'_> {
        let started = node.started.unwrap_or(node.created);
        let span = node.finished.unwrap_or(self.now).since(started);
        let exit_code = node.outputs.exit_code;
        let tries = match self.run.live(node.ix).map(|live| &live.body) {
            Some(Body::Retry(tries)) => tries.len().saturating_sub(1),
            _ => 0,
        };
        let mut view = View::node(self.run, self.now, node.ix)
            .with("retries", tries.to_string())
            .with("status", node.phase.as_str())
            .with("duration", span.seconds().to_string())
            .with(
                "exitCode",
                exit_code.map_or("0".to_owned(), |code| code.to_string()),
            )
            .with(
                "resourcesDuration.cpu",
                (node.usage.cpu_ms.div_ceil(1000)).to_string(),
            )
            .with("resourcesDuration.memory", memory(node, span).to_string());
        for (name, value) in &node.outputs.parameters {
            view = view.with(&format!("outputs.parameters.{name}"), value.as_str());
        }
        if let Some(result) = &node.outputs.result {
            view = view.with("outputs.result", Value::from(result.as_str()));
        }
        view
    }
}

/// Whether a node stands for the whole of a call that ran.
fn is_measured(node: &Node) -> bool {
    let no_call = matches!(
        node.kind,
        NodeType::StepGroup | NodeType::TaskGroup | NodeType::Container | NodeType::Skipped
    );
    !no_call && node.role != NodeRole::Try
}

/// Argo's unit: seconds of 100 MiB.
fn memory(node: &Node, span: Millis) -> u64 {
    let unit = 100 * 1024 * 1024 * 1000;
    let used = u128::from(node.usage.max_rss) * u128::from(span.get());
    u64::try_from(used.div_ceil(unit)).unwrap_or(u64::MAX)
}

fn measure_all(metrics: &Metrics, view: &View<'_>, moment: Moment) -> Vec<Measurement> {
    let metrics = metrics.prometheus.iter();
    let due = metrics.filter(|metric| moment == Moment::Over || is_realtime(metric));
    due.filter_map(|metric| measurement(metric, view, moment))
        .collect()
}

fn is_realtime(metric: &Prometheus) -> bool {
    let gauge = metric.gauge.as_ref();
    gauge.is_some_and(|gauge| gauge.realtime == Some(true))
}

/// One metric; nothing when its condition does not hold.
fn measurement(metric: &Prometheus, view: &View<'_>, moment: Moment) -> Option<Measurement> {
    let mut labels = Vec::new();
    let outcome = (|| {
        // What a realtime gauge waits for is not known when it begins.
        if moment == Moment::Over && !metric.when.is_empty() {
            let when = text::render(&metric.when, view)?;
            if !text::when(&when)? {
                return Ok(None);
            }
        }
        for label in &metric.labels {
            let (key, value) = (
                text::render(&label.key, view)?,
                text::render(&label.value, view)?,
            );
            labels.push((key, value));
        }
        read(metric, view, moment).map(Some)
    })();
    let reading = match outcome {
        Ok(None) => return None,
        Ok(Some(reading)) => Ok(reading),
        Err(error) => Err(error.to_string()),
    };
    Some(Measurement {
        name: metric.name.clone(),
        help: metric.help.clone(),
        labels,
        reading,
    })
}

fn read(metric: &Prometheus, view: &View<'_>, moment: Moment) -> Result<Reading, EngineError> {
    let number = |text: &str| {
        let given = text::render(text, view)?;
        let number = given.trim().parse::<f64>().ok().filter(|n| n.is_finite());
        number.ok_or_else(|| EngineError::Value(format!("'{given}' is no number")))
    };
    if let (Moment::Begun(since), true) = (moment, is_realtime(metric)) {
        return Ok(Reading::Since(since));
    }
    if let Some(counter) = &metric.counter {
        return number(&counter.value).map(Reading::Counter);
    }
    if let Some(gauge) = &metric.gauge {
        let operation = match gauge.operation.as_str() {
            "" | "Set" => Operation::Set,
            "Add" => Operation::Add,
            "Sub" => Operation::Sub,
            other => {
                return Err(EngineError::Value(format!(
                    "'{other}' is no operation of a gauge"
                )));
            }
        };
        return Ok(Reading::Gauge(operation, number(&gauge.value)?));
    }
    let Some(histogram) = &metric.histogram else {
        return Err(EngineError::Value(
            "it is no counter, gauge or histogram".to_owned(),
        ));
    };
    let mut buckets = histogram
        .buckets
        .iter()
        .map(|bound| match bound {
            Json::Number(bound) => Ok(bound.as_f64().unwrap_or(0.0)),
            Json::String(text) => number(text),
            _ => Err(EngineError::Value(
                "a bound of a bucket is no number".to_owned(),
            )),
        })
        .collect::<Result<Vec<f64>, _>>()?;
    buckets.sort_by(f64::total_cmp);
    buckets.dedup();
    Ok(Reading::Histogram(number(&histogram.value)?, buckets))
}
