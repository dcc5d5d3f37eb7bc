//! Verbs on a workflow. Bodies may be empty; each answers the workflow as it is afterwards.

use axum::extract::{Path, Request};
use axum::response::Response;
use serde::Deserialize;
use serde_json::Value;
use steading_api::access::Verb;
use steading_api::run::RunAgain;
use steading_control::history::By;
use steading_control::verbs::selector;
use steading_engine::command::{Actor, Command, NodeSelector};

use super::error::ArgoProblem;
use super::fields::Fields;
use super::info::answer;
use super::request::{Asking, parameters};
use super::workflows::{created, find, shown};
use crate::filter::node_phases;
use crate::problem::Problem;
use crate::route::read_json;

type Answer = Result<Response, ArgoProblem>;
type Named = Path<(String, String)>;

/// The members of all verbs' requests; each reads its own.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct VerbRequest {
    node_field_selector: Option<String>,
    message: Option<String>,
    phase: Option<String>,
    /// A JSON text of a map.
    output_parameters: Option<String>,
    restart_successful: bool,
    memoized: bool,
    parameters: Option<Vec<String>>,
}

impl VerbRequest {
    fn selector(&self) -> Result<Option<NodeSelector>, Problem> {
        let text = self
            .node_field_selector
            .as_deref()
            .filter(|text| !text.is_empty());
        Ok(text.map(selector).transpose()?)
    }

    fn parameters(&self) -> Result<Vec<(String, String)>, Problem> {
        parameters(self.parameters.as_deref())
    }

    fn outputs(&self) -> Result<Vec<(String, String)>, Problem> {
        let Some(text) = self
            .output_parameters
            .as_deref()
            .filter(|text| !text.is_empty())
        else {
            return Ok(Vec::new());
        };
        let wrong = |_| {
            Problem::request(
                "request.parameters",
                "unable to parse output parameter set request: it is a JSON map in a string",
            )
        };
        let map: serde_json::Map<String, Value> = serde_json::from_str(text).map_err(wrong)?;
        Ok(map
            .into_iter()
            .map(|(name, value)| {
                (
                    name,
                    value
                        .as_str()
                        .map_or_else(|| value.to_string(), str::to_owned),
                )
            })
            .collect())
    }
}

async fn steer(asking: &Asking, (namespace, name): (String, String), command: Command) -> Answer {
    let run = find(asking, &namespace, &name, Verb::Operate)?;
    // Argo's requests have no reason; what is shown on the node comes next to one.
    let why = match &command {
        Command::Stop { message, .. } | Command::SetNode { message, .. } => message.clone(),
        _ => None,
    };
    let by = By {
        who: asking.who().to_owned(),
        why,
    };
    asking
        .app
        .control()
        .command(&run.tenant, run.id, command, &by)
        .await
        .map_err(Problem::from)?;
    Ok(answer(shown(asking, &run, &Fields::All)?))
}

pub(super) async fn suspend(asking: Asking, Path(named): Named) -> Answer {
    steer(&asking, named, Command::Suspend).await
}

pub(super) async fn terminate(asking: Asking, Path(named): Named) -> Answer {
    steer(&asking, named, Command::Terminate).await
}

pub(super) async fn resume(asking: Asking, Path(named): Named, request: Request) -> Answer {
    let wanted: VerbRequest = read_json(request).await?;
    let by = Actor(asking.who().to_owned());
    steer(
        &asking,
        named,
        Command::Resume {
            selector: wanted.selector()?,
            by,
        },
    )
    .await
}

pub(super) async fn stop(asking: Asking, Path(named): Named, request: Request) -> Answer {
    let wanted: VerbRequest = read_json(request).await?;
    let selector = wanted.selector()?;
    steer(
        &asking,
        named,
        Command::Stop {
            selector,
            message: wanted.message.filter(|text| !text.is_empty()),
        },
    )
    .await
}

pub(super) async fn set(asking: Asking, Path(named): Named, request: Request) -> Answer {
    let wanted: VerbRequest = read_json(request).await?;
    let selector = wanted.selector()?.ok_or_else(|| {
        Problem::request("request.selector", "set requires a node field selector")
    })?;
    let phase = node_phases(wanted.phase.as_deref())?.first().copied();
    let outputs = wanted.outputs()?;
    let by = Actor(asking.who().to_owned());
    steer(
        &asking,
        named,
        Command::SetNode {
            selector,
            phase,
            message: wanted.message.filter(|text| !text.is_empty()),
            outputs,
            by,
        },
    )
    .await
}

pub(super) async fn retry(asking: Asking, Path(named): Named, request: Request) -> Answer {
    let wanted: VerbRequest = read_json(request).await?;
    let command = Command::Retry {
        restart_successful: wanted.restart_successful,
        selector: wanted.selector()?,
        parameters: wanted.parameters()?,
    };
    steer(&asking, named, command).await
}

pub(super) async fn resubmit(
    asking: Asking,
    Path((namespace, name)): Named,
    request: Request,
) -> Answer {
    let wanted: VerbRequest = read_json(request).await?;
    let run = find(&asking, &namespace, &name, Verb::Create)?;
    let again = RunAgain {
        memoized: wanted.memoized,
        parameters: wanted.parameters()?.into_iter().collect(),
        ..RunAgain::default()
    };
    let by = By {
        who: asking.who().to_owned(),
        why: None,
    };
    let submitted = asking
        .app
        .control()
        .resubmit(&run.tenant, &by, run.id, &again)
        .await
        .map_err(Problem::from)?;
    created(&asking, &submitted)
}
