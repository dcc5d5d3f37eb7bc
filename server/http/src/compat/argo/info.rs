//! Who and what the server is, in Argo's words.

use axum::Json;
use axum::http::{HeaderName, StatusCode};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};
use steading_domain::access::Power;

use super::request::Asking;

/// The version of Argo Workflows whose API this is.
pub(super) const COMPATIBLE: &str = "v4.0.5";

/// Argo's clients learn the server's version from this header, on success only.
pub(super) const VERSION_HEADER: HeaderName = HeaderName::from_static("grpc-metadata-argo-version");

/// A success in JSON.
pub(super) fn answer(value: Value) -> Response {
    ([(VERSION_HEADER, COMPATIBLE)], Json(value)).into_response()
}

pub(super) async fn info(asking: Asking) -> Response {
    let managed = match &asking.caller.principal.power {
        Power::Member(roles) if roles.len() == 1 => {
            roles.keys().next().map(|tenant| tenant.namespace())
        }
        _ => None,
    };
    let link = json!({"name": "Steading API", "scope": "workflow-list", "url": format!("{}/openapi.json", steading_api::BASE)});
    answer(
        json!({"managedNamespace": managed.unwrap_or_default(), "links": [link], "columns": [], "navColor": "", "modals": {"firstTimeUser": false, "newVersion": false, "feedback": false}}),
    )
}

pub(super) async fn userinfo(asking: Asking) -> Response {
    let groups: Vec<String> = match &asking.caller.principal.power {
        Power::Operator => vec!["operators".to_owned()],
        Power::Member(roles) => roles.keys().map(ToString::to_string).collect(),
    };
    answer(
        json!({"issuer": "steading", "subject": asking.who(), "name": asking.who(), "groups": groups}),
    )
}

pub(super) async fn version(_: Asking) -> Response {
    answer(json!({
        "version": COMPATIBLE, "buildDate": "1970-01-01T00:00:00Z", "gitCommit": "", "gitTag": COMPATIBLE, "gitTreeState": "clean",
        "goVersion": "none", "compiler": concat!("steading ", env!("CARGO_PKG_VERSION")), "platform": "linux/amd64",
    }))
}

/// Usage reports of Argo's page: accepted and dropped.
pub(super) async fn tracking(_: Asking) -> impl IntoResponse {
    (StatusCode::OK, Json(json!({})))
}
