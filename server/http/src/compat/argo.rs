//! Argo Server's REST API (`/api/v1`): paths, JSON shapes, streams and error bodies as its clients expect
//! them.
//!
//! A namespace is a tenant's (`default`, `wf-<tenant>`). Operations that this version does not serve yet
//! answer 501 with a sentence.

mod artifacts;
mod error;
mod fields;
mod info;
mod list;
mod log;
mod request;
mod stream;
mod submit;
mod templates;
mod verbs;
mod watch;
mod workflows;

use axum::Router;
use axum::routing::{get, post, put};

use crate::App;
use crate::problem::Problem;
use templates::cluster;

pub(crate) use steading_control::view::{Nodes, workflow};

/// Routes of Argo's API.
pub(crate) fn routes() -> Router<App> {
    let verb = "/api/v1/workflows/{ns}/{name}";
    Router::new()
        .merge(artifact_routes())
        .route("/api/v1/info", get(info::info))
        .route("/api/v1/userinfo", get(info::userinfo))
        .route("/api/v1/version", get(info::version))
        .route("/api/v1/tracking/event", post(info::tracking))
        .route("/api/v1/workflows/", get(workflows::list_all))
        .route(
            "/api/v1/workflows/{ns}",
            get(workflows::list).post(workflows::create),
        )
        .route("/api/v1/workflows/{ns}/lint", post(workflows::lint))
        .route("/api/v1/workflows/{ns}/submit", post(submit::submit))
        .route(verb, get(workflows::get).delete(workflows::delete))
        .route(&format!("{verb}/log"), get(log::workflow))
        .route(&format!("{verb}/{{pod}}/log"), get(log::pod))
        .route(&format!("{verb}/suspend"), put(verbs::suspend))
        .route(&format!("{verb}/resume"), put(verbs::resume))
        .route(&format!("{verb}/stop"), put(verbs::stop))
        .route(&format!("{verb}/terminate"), put(verbs::terminate))
        .route(&format!("{verb}/set"), put(verbs::set))
        .route(&format!("{verb}/retry"), put(verbs::retry))
        .route(&format!("{verb}/resubmit"), put(verbs::resubmit))
        .route("/api/v1/workflow-events/", get(watch::all))
        .route("/api/v1/workflow-events/{ns}", get(watch::namespace))
        .route("/api/v1/workflow-templates/", get(templates::list_all))
        .route(
            "/api/v1/workflow-templates/{ns}",
            get(templates::list).post(templates::create),
        )
        .route(
            "/api/v1/workflow-templates/{ns}/",
            put(templates::update_unnamed),
        )
        .route(
            "/api/v1/workflow-templates/{ns}/lint",
            post(templates::lint),
        )
        .route(
            "/api/v1/workflow-templates/{ns}/{name}",
            get(templates::get)
                .put(templates::update)
                .delete(templates::delete),
        )
        .route(
            "/api/v1/cluster-workflow-templates",
            get(cluster::list).post(cluster::create),
        )
        .route(
            "/api/v1/cluster-workflow-templates/",
            put(cluster::update_unnamed),
        )
        .route(
            "/api/v1/cluster-workflow-templates/lint",
            post(cluster::lint),
        )
        .route(
            "/api/v1/cluster-workflow-templates/{name}",
            get(cluster::get)
                .put(cluster::update)
                .delete(cluster::delete),
        )
        .route(
            "/api/v1/{*rest}",
            get(later).post(later).put(later).delete(later),
        )
}

/// Argo serves bytes beside its API.
fn artifact_routes() -> Router<App> {
    let of_node = "{ns}/{workflow}/{node}/{artifact}";
    let by_uid = "{uid}/{node}/{artifact}";
    let file = "/artifact-files/{ns}/{kind}/{id}/{node}/{side}/{artifact}";
    Router::new()
        .route(&format!("/artifacts/{of_node}"), get(artifacts::output))
        .route(
            &format!("/input-artifacts/{of_node}"),
            get(artifacts::input),
        )
        .route(
            &format!("/artifacts-by-uid/{by_uid}"),
            get(artifacts::output_by_uid),
        )
        .route(
            &format!("/input-artifacts-by-uid/{by_uid}"),
            get(artifacts::input_by_uid),
        )
        .route(file, get(artifacts::file))
        .route(&format!("{file}/"), get(artifacts::file))
        .route(&format!("{file}/{{*path}}"), get(artifacts::file_below))
}

/// What is not served yet; who sends no token does not learn even that.
async fn later(_: request::Asking) -> error::ArgoProblem {
    let message = "this operation is not available in this version";
    error::ArgoProblem(Problem::new(
        axum::http::StatusCode::NOT_IMPLEMENTED,
        "request.later",
        message,
    ))
}
