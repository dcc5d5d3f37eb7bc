//! Submitting: a run of a saved template, or of a Workflow that comes along.

use axum::extract::{Path, Request};
use axum::response::Response;
use serde::Deserialize;
use serde_json::{Value, json};
use steading_api::access::{Kind, Verb};
use steading_api::run::Submission;
use steading_store::Owner;

use super::error::ArgoProblem;
use super::info::answer;
use super::request::{Asking, parameters};
use super::templates;
use super::workflows::{created, handed_in, rehearsed, same_namespace};
use crate::problem::Problem;
use crate::route::read_json;

type Answer = Result<Response, ArgoProblem>;

/// `SubmitWorkflow`: a run of a saved object, or of one that comes along.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct SubmitRequest {
    resource_kind: String,
    resource_name: String,
    /// The whole Workflow, where callers have no saved object to name.
    resource: Option<Value>,
    submit_options: Option<SubmitOptions>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct SubmitOptions {
    name: String,
    generate_name: String,
    #[serde(alias = "entryPoint")]
    entrypoint: String,
    parameters: Option<Vec<String>>,
    labels: String,
    annotations: String,
    priority: Option<i32>,
    dry_run: bool,
    server_dry_run: bool,
}

impl SubmitRequest {
    /// The Workflow itself, or the name of a template.
    fn what_to_run(
        &self,
        asking: &Asking,
        namespace: &str,
    ) -> Result<(Option<Value>, Option<String>), Problem> {
        let kind = self.resource_kind.to_ascii_lowercase();
        match (kind.as_str(), &self.resource) {
            ("workflowtemplate" | "workflowtemplates" | "wftmpl", _) => {
                Ok((None, Some(self.resource_name.clone())))
            }
            ("workflow" | "workflows" | "wf", Some(workflow)) => {
                same_namespace(workflow, namespace)?;
                Ok((Some(workflow.clone()), None))
            }
            ("clusterworkflowtemplate" | "clusterworkflowtemplates" | "cwftmpl", _) => {
                Ok((Some(of_cluster(asking, &self.resource_name)?), None))
            }
            ("cronworkflow" | "cronworkflows" | "cronwf", _) => {
                let message = format!(
                    "submitting from {} is not available in this version",
                    self.resource_kind
                );
                let status = axum::http::StatusCode::NOT_IMPLEMENTED;
                Err(Problem::new(status, "request.later", message))
            }
            _ => {
                let shown: String = self.resource_kind.chars().take(80).collect();
                let message = format!("Resource kind '{shown}' is not supported for submitting");
                Err(Problem::request("request.kind", message))
            }
        }
    }
}

pub(super) async fn submit(
    asking: Asking,
    Path(namespace): Path<String>,
    request: Request,
) -> Answer {
    let tenant = asking.tenant(&namespace, Verb::Create, Kind::Run)?;
    let wanted: SubmitRequest = read_json(request).await?;
    let (workflow, template) = wanted.what_to_run(&asking, &namespace)?;
    let options = wanted.submit_options.unwrap_or_default();
    let text = |text: String| (!text.is_empty()).then_some(text);
    let submission = Submission {
        workflow,
        template,
        parameters: parameters(options.parameters.as_deref())?
            .into_iter()
            .collect(),
        name: text(options.name),
        generate_name: text(options.generate_name),
        entrypoint: text(options.entrypoint),
        priority: options.priority,
        labels: map_of(&options.labels)?,
        annotations: map_of(&options.annotations)?,
        dry_run: options.dry_run || options.server_dry_run,
        ..Submission::default()
    };
    let submitted = handed_in(&asking, &tenant, &submission).await?;
    if submission.dry_run {
        Ok(answer(rehearsed(submitted)))
    } else {
        created(&asking, &submitted)
    }
}

/// A workflow that runs a template of the site.
fn of_cluster(asking: &Asking, name: &str) -> Result<Value, Problem> {
    templates::known(asking, &Owner::Site, name)?;
    Ok(json!({
        "metadata": {"generateName": format!("{name}-")},
        "spec": {"workflowTemplateRef": {"name": name, "clusterScope": true}},
    }))
}

/// `a=b,c=d`.
fn map_of(text: &str) -> Result<std::collections::BTreeMap<String, String>, Problem> {
    let wrong = || {
        Problem::request(
            "request.labels",
            "labels and annotations have the form a=b,c=d",
        )
    };
    text.split(',')
        .map(str::trim)
        .filter(|pair| !pair.is_empty())
        .map(|pair| {
            pair.split_once('=')
                .map(|(k, v)| (k.to_owned(), v.to_owned()))
                .ok_or_else(wrong)
        })
        .collect()
}
