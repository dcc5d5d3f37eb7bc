//! Filters as people write them, for both faces.

use steading_domain::selector::{LabelSelector, Term};
use steading_store::{LabelRule, LabelTerm, NameRule, RunFilter};
use steading_types::{NodePhase, WorkflowPhase};

use crate::problem::Problem;

/// A filter over runs.
///
/// # Errors
/// 400 for an unknown phase or a malformed selector.
pub(crate) fn runs(
    phases: Option<&str>,
    labels: Option<&str>,
    name: Option<String>,
) -> Result<RunFilter, Problem> {
    let phases = words(phases)
        .map(|word| workflow_phase(word).ok_or_else(|| unknown_phase(word)))
        .collect::<Result<_, _>>()?;
    let mut filter = RunFilter {
        phases,
        labels: Vec::new(),
        name: name.map(NameRule::Contains),
    };
    if let Some(text) = labels {
        labelled(&mut filter, text)?;
    }
    Ok(filter)
}

/// Adds a label selector to a filter.
///
/// # Errors
/// 400 when it is malformed.
pub(crate) fn labelled(filter: &mut RunFilter, text: &str) -> Result<(), Problem> {
    let selector = LabelSelector::parse(text)
        .map_err(|e| Problem::request("request.selector", e.to_string()))?;
    for term in selector.terms() {
        // Argo's clients filter by phase through a label: the index answers that.
        match term {
            Term::In(key, values)
                if key == "workflows.argoproj.io/phase" && filter.phases.is_empty() =>
            {
                filter.phases = values
                    .iter()
                    .filter_map(|word| workflow_phase(word))
                    .collect();
                filter.labels.push(LabelTerm {
                    key: key.clone(),
                    rule: LabelRule::In(values.clone()),
                });
            }
            term => filter.labels.push(rule(term)?),
        }
    }
    Ok(())
}

fn rule(term: &Term) -> Result<LabelTerm, Problem> {
    let (key, rule) = match term.clone() {
        Term::Exists(key) => (key, LabelRule::Exists),
        Term::Missing(key) => (key, LabelRule::Absent),
        Term::In(key, values) => (key, LabelRule::In(values)),
        Term::NotIn(key, values) => (key, LabelRule::NotIn(values)),
        Term::Above(key, bound) => (key, LabelRule::Above(bound)),
        Term::Below(key, bound) => (key, LabelRule::Below(bound)),
    };
    Ok(LabelTerm { key, rule })
}

fn words(text: Option<&str>) -> impl Iterator<Item = &str> {
    text.into_iter()
        .flat_map(|text| text.split(','))
        .map(str::trim)
        .filter(|word| !word.is_empty())
}

fn unknown_phase(word: &str) -> Problem {
    Problem::request(
        "request.filter",
        format!(
            "'{}' is no phase",
            word.chars().take(40).collect::<String>()
        ),
    )
}

fn workflow_phase(word: &str) -> Option<WorkflowPhase> {
    use WorkflowPhase::{Error, Failed, Pending, Running, Succeeded};
    [Pending, Running, Succeeded, Failed, Error]
        .into_iter()
        .find(|phase| phase.as_str() == word)
}

/// Phases of nodes.
///
/// # Errors
/// 400 for an unknown one.
pub(crate) fn node_phases(text: Option<&str>) -> Result<Vec<NodePhase>, Problem> {
    use NodePhase::{Error, Failed, Omitted, Pending, Running, Skipped, Succeeded};
    let all = [Pending, Running, Succeeded, Skipped, Failed, Error, Omitted];
    words(text)
        .map(|word| {
            all.into_iter()
                .find(|phase| phase.as_str() == word)
                .ok_or_else(|| unknown_phase(word))
        })
        .collect()
}
