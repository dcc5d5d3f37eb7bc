//! From a backend's report to a node's end: phase, message, outputs.

use steading_spec::model::{Template, TemplateType};
use steading_types::NodePhase;
use steading_types::artifact::Artifact;
use steading_types::task::{End, Gathered, TaskReport};

use super::outputs::computed;
use crate::error::EngineError;
use crate::node::Outputs;
use crate::scope::View;
use crate::text;

/// How a node ends.
pub(super) struct Verdict {
    pub(super) phase: NodePhase,
    pub(super) message: Option<String>,
    pub(super) outputs: Outputs,
}

/// Reads a report. `Failed` means that the work said no, `Error` that the machinery did.
pub(super) fn judge(template: &Template, report: &TaskReport, view: &View<'_>) -> Verdict {
    let (phase, message, exit_code) = ended(&report.end);
    let mut verdict = Verdict {
        phase,
        message,
        outputs: Outputs {
            result: report.result.clone().map(|text| as_printed(template, text)),
            exit_code,
            ..Outputs::default()
        },
    };
    if phase == NodePhase::Succeeded {
        match outputs(template, report, view) {
            Ok(parameters) => verdict.outputs.parameters = parameters,
            Err(error) => {
                verdict.phase = NodePhase::Error;
                verdict.message = Some(error.to_string());
            }
        }
        if let Some(why) = missing_artifact(template, report) {
            verdict.phase = NodePhase::Error;
            verdict.message = Some(format!("failed to save outputs: {why}"));
        }
    } else {
        // A failed node still gives what it wrote.
        let written = template.output_parameters().iter().filter_map(|output| {
            let text = report.outputs.get(&output.name)?;
            Some((output.name.clone(), as_printed(template, text.clone())))
        });
        verdict.outputs.parameters = written.collect();
    }
    verdict.outputs.artifacts = kept(template, report);
    verdict
}

/// What a task printed or wrote ends with a line end that nobody means (Argo's rule: exactly one goes).
fn as_printed(template: &Template, mut text: String) -> String {
    let kind = template.template_type();
    if text.ends_with('\n') && !kind.is_some_and(TemplateType::is_served) {
        text.pop();
    }
    text
}

/// The artifacts that are in the repository, in the template's order.
fn kept(template: &Template, report: &TaskReport) -> Vec<Artifact> {
    let declared = template.output_artifacts().iter();
    let kept = declared.filter_map(|output| match report.artifacts.get(&output.name) {
        Some(Gathered::Kept(artifact)) => Some(Artifact::clone(artifact)),
        _ => None,
    });
    kept.collect()
}

/// Why a node that ended well has not given all that it should.
fn missing_artifact(template: &Template, report: &TaskReport) -> Option<String> {
    let mut declared = template.output_artifacts().iter();
    declared.find_map(|output| match report.artifacts.get(&output.name) {
        Some(Gathered::Kept(_)) => None,
        Some(Gathered::Refused { code, message }) => {
            Some(format!("artifact '{}': {message} ({code})", output.name))
        }
        Some(Gathered::Object | Gathered::Tree) => {
            Some(format!("artifact '{}' was not put away", output.name))
        }
        None if output.optional => None,
        None => Some(format!(
            "artifact '{}': there is nothing at {}",
            output.name, output.path
        )),
    })
}

pub(super) fn ended(end: &End) -> (NodePhase, Option<String>, Option<i32>) {
    let failed = |message: String, code: i32| (NodePhase::Failed, Some(message), Some(code));
    match end {
        End::Exited { code: 0, .. } => (NodePhase::Succeeded, None, Some(0)),
        End::Exited { container, code } => {
            failed(format!("{container}: Error (exit code {code})"), *code)
        }
        End::Signaled { container, signal } => {
            let code = signal.saturating_add(128);
            failed(format!("{container}: Error (exit code {code})"), code)
        }
        End::OutOfMemory { container } => {
            failed(format!("{container}: OOMKilled (exit code 137)"), 137)
        }
        End::Unhealthy { container, probe } => failed(
            format!("{container}: its {probe} failed too often (exit code 143)"),
            143,
        ),
        End::DeadlineExceeded => (NodePhase::Failed, Some(TOO_LONG.to_owned()), None),
        End::NotStarted { message } => failed(format!("main: Error (exit code 64): {message}"), 64),
        End::Unprepared { code, message } => {
            (NodePhase::Error, Some(format!("{message} ({code})")), None)
        }
        End::Declined { message } => (NodePhase::Failed, Some(message.clone()), None),
        End::Lost => (NodePhase::Error, Some(LOST.to_owned()), None),
    }
}

/// Argo's sentence for a pod beyond its `activeDeadlineSeconds`.
const TOO_LONG: &str = "Pod was active on the node longer than the specified deadline";
const LOST: &str = "the task was lost: its supervisor ended without a record of the result";

fn outputs(
    template: &Template,
    report: &TaskReport,
    view: &View<'_>,
) -> Result<Vec<(String, String)>, EngineError> {
    let served = template
        .template_type()
        .is_some_and(TemplateType::is_served);
    let mut outputs = Vec::new();
    for output in template.output_parameters() {
        let name = &output.name;
        let from = output.value_from.as_ref();
        let default = || {
            let default = from.and_then(|from| from.default.as_ref());
            default.map(|text| text::render(text, view)).transpose()
        };
        let value = match from {
            // What the server did itself was also read by it.
            Some(from) if served || !from.path.is_empty() => Some(match report.outputs.get(name) {
                Some(text) => as_printed(template, text.clone()),
                None => default()?.ok_or_else(|| {
                    let refused = report.refused.get(name);
                    let why = refused.map_or("no such file", String::as_str);
                    let source = [&from.path, &from.json_path, &from.expression];
                    let source = source.into_iter().find(|text| !text.is_empty());
                    let source = source.map_or("its source", String::as_str);
                    EngineError::Value(format!("output parameter '{name}': {source}: {why}"))
                })?,
            }),
            Some(from) if !from.expression.is_empty() => match computed(&from.expression, view) {
                Ok(value) => value,
                Err(error) => Some(default()?.ok_or(error)?),
            },
            _ => match &output.value {
                Some(text) => Some(text::render(text, view)?),
                None => default()?,
            },
        };
        outputs.extend(value.map(|value| (name.clone(), value)));
    }
    Ok(outputs)
}
