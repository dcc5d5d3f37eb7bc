//! What is measured must have a name, one kind and words that explain it.

use super::{Check, Code, short};
use crate::model::Metrics;

pub(super) fn check(check: &mut Check<'_>, metrics: Option<&Metrics>, path: &str) {
    for (i, metric) in metrics.iter().flat_map(|m| &m.prometheus).enumerate() {
        let at = format!("{path}.prometheus[{i}]");
        let name = short(&metric.name);
        let is_name =
            !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
        if !is_name {
            check.fault(
                Code::Metric,
                format!("{at}.name"),
                format!(
                    "metric name '{name}' is invalid. Metric names must contain alphanumeric characters or '_'"
                ),
            );
        }
        let kinds = [
            metric.counter.is_some(),
            metric.gauge.is_some(),
            metric.histogram.is_some(),
        ];
        if kinds.iter().filter(|given| **given).count() != 1 {
            let message = format!("metric '{name}' must be one of counter, gauge and histogram");
            check.fault(Code::Metric, at.clone(), message);
        }
        let gauge = metric.gauge.as_ref();
        if let Some(gauge) = gauge.filter(|gauge| gauge.realtime == Some(true)) {
            let value: String = gauge.value.split_whitespace().collect();
            if !matches!(value.as_str(), "{{duration}}" | "{{workflow.duration}}") {
                let message = format!(
                    "metric '{name}' is a realtime gauge, so its value is {{{{duration}}}} or {{{{workflow.duration}}}}"
                );
                check.fault(Code::Metric, format!("{at}.gauge.value"), message);
            }
        }
        if metric.help.is_empty() {
            check.fault(
                Code::Metric,
                at,
                format!("metric '{name}' must contain a help string under 'help: ' field"),
            );
        }
    }
}
