//! Artifacts at the paths of Argo's clients and page: `/artifacts/…`, `/input-artifacts/…`, both by uid, and
//! `/artifact-files/…`.

use axum::extract::Path;
use axum::http::HeaderMap;
use axum::response::Response;
use steading_api::access::{Kind, Verb};
use steading_api::artifact::{Form, Side};
use steading_store::{RunRef, Tenants};
use steading_types::Uid;

use super::error::ArgoProblem;
use super::request::Asking;
use super::workflows::find;
use crate::artifacts::{Asked, Links, serve};
use crate::problem::Problem;

type Answer = Result<Response, ArgoProblem>;
type Named = Path<(String, String, String, String)>;
type ByUid = Path<(String, String, String)>;
type Below = Path<(String, String, String, String, String, String, String)>;
type Itself = Path<(String, String, String, String, String, String)>;

pub(super) async fn output(asking: Asking, path: Named, headers: HeaderMap) -> Answer {
    named(&asking, path, Side::Outputs, &headers).await
}

pub(super) async fn input(asking: Asking, path: Named, headers: HeaderMap) -> Answer {
    named(&asking, path, Side::Inputs, &headers).await
}

async fn named(
    asking: &Asking,
    Path((namespace, workflow, node, name)): Named,
    side: Side,
    headers: &HeaderMap,
) -> Answer {
    let run = find(asking, &namespace, &workflow, Verb::Read)?;
    answer(asking, &run, [&node, &name], side, "", headers).await
}

pub(super) async fn output_by_uid(asking: Asking, path: ByUid, headers: HeaderMap) -> Answer {
    by_uid(&asking, path, Side::Outputs, &headers).await
}

pub(super) async fn input_by_uid(asking: Asking, path: ByUid, headers: HeaderMap) -> Answer {
    by_uid(&asking, path, Side::Inputs, &headers).await
}

async fn by_uid(
    asking: &Asking,
    Path((uid, node, name)): ByUid,
    side: Side,
    headers: &HeaderMap,
) -> Answer {
    let run = run_of_uid(asking, &uid)?;
    answer(asking, &run, [&node, &name], side, "", headers).await
}

pub(super) async fn file(
    asking: Asking,
    Path((namespace, kind, id, node, side, name)): Itself,
    headers: HeaderMap,
) -> Answer {
    let run = of_kind(&asking, &namespace, &kind, &id)?;
    let side = side_of(&side)?;
    answer(&asking, &run, [&node, &name], side, "", &headers).await
}

pub(super) async fn file_below(
    asking: Asking,
    Path((namespace, kind, id, node, side, name, path)): Below,
    headers: HeaderMap,
) -> Answer {
    let run = of_kind(&asking, &namespace, &kind, &id)?;
    let (side, path) = (side_of(&side)?, path.trim_matches('/'));
    answer(&asking, &run, [&node, &name], side, path, &headers).await
}

/// A live workflow by its name, an archived one by its uid.
fn of_kind(asking: &Asking, namespace: &str, kind: &str, id: &str) -> Result<RunRef, Problem> {
    match kind {
        "workflows" => find(asking, namespace, id, Verb::Read),
        "archived-workflows" => {
            let tenant = asking.tenant(namespace, Verb::Read, Kind::Artifact)?;
            let run = run_of_uid(asking, id)?;
            if run.tenant == tenant {
                Ok(run)
            } else {
                Err(missing(id))
            }
        }
        _ => Err(nothing()),
    }
}

/// A run of any tenant that the caller sees.
fn run_of_uid(asking: &Asking, uid: &str) -> Result<RunRef, Problem> {
    let parsed: Uid = uid.parse().map_err(|_| missing(uid))?;
    let tenants = match asking.everywhere() {
        Tenants::All => asking.app.control().tenants()?,
        Tenants::Of(tenants) => tenants,
    };
    let runs = tenants.into_iter().map(|tenant| RunRef {
        tenant,
        id: parsed.run(),
    });
    let found = asking.app.control().store().read(|s| {
        for run in runs {
            if s.run(&run)?.is_some() {
                return Ok(Some(run));
            }
        }
        Ok(None)
    })?;
    found.ok_or_else(|| missing(uid))
}

fn side_of(text: &str) -> Result<Side, Problem> {
    match text {
        "inputs" => Ok(Side::Inputs),
        "outputs" => Ok(Side::Outputs),
        _ => Err(nothing()),
    }
}

fn nothing() -> Problem {
    Problem::not_found("request.path", "there is nothing at this path")
}

fn missing(uid: &str) -> Problem {
    let shown: String = uid.chars().take(80).collect();
    Problem::not_found(
        "run.not-found",
        format!("workflows.argoproj.io \"{shown}\" not found"),
    )
}

async fn answer(
    asking: &Asking,
    run: &RunRef,
    [node, name]: [&str; 2],
    side: Side,
    path: &str,
    headers: &HeaderMap,
) -> Answer {
    let asked = Asked {
        node,
        side,
        name,
        path,
        form: Form::Packed,
        links: Links::Path,
    };
    Ok(serve(asking.app.control(), run, &asked, headers).await?)
}
