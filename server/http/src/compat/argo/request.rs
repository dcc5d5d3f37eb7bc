//! Admission of Argo's requests: who asks, in which namespaces, for what.

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::response::{IntoResponse, Response};
use steading_api::access::{Kind, Reach, Verb};
use steading_domain::access::{Power, may};
use steading_store::Tenants;
use steading_types::TenantName;

use super::error::ArgoProblem;
use crate::App;
use crate::auth::{Caller, caller};
use crate::problem::Problem;

/// An authenticated request, not yet authorised.
pub(super) struct Asking {
    pub(super) app: App,
    pub(super) caller: Caller,
}

impl FromRequestParts<App> for Asking {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Response> {
        let caller = caller(app, &parts.method, &parts.headers)
            .map_err(|problem| ArgoProblem(problem).into_response())?;
        Ok(Self {
            app: app.clone(),
            caller,
        })
    }
}

impl Asking {
    /// The tenant behind a namespace, if the caller may do this in it. A namespace of somebody else is
    /// answered like one that does not exist.
    pub(super) fn tenant(
        &self,
        namespace: &str,
        verb: Verb,
        kind: Kind,
    ) -> Result<TenantName, Problem> {
        let shown: String = namespace.chars().take(80).collect();
        let missing = || {
            Problem::not_found(
                "tenant.not-found",
                format!("namespaces \"{shown}\" not found"),
            )
        };
        let tenant = TenantName::from_namespace(namespace).ok_or_else(missing)?;
        may(
            &self.caller.principal,
            verb,
            kind,
            Reach::Tenant,
            Some(&tenant),
        )
        .map_err(|denied| match Problem::from(denied) {
            hidden if hidden.status == axum::http::StatusCode::NOT_FOUND => missing(),
            denied => denied,
        })?;
        if !self.app.control().has_tenant(&tenant) {
            return Err(missing());
        }
        Ok(tenant)
    }

    /// Whether the caller may do this to what is the site's.
    pub(super) fn site(&self, verb: Verb, kind: Kind) -> Result<(), Problem> {
        Ok(may(&self.caller.principal, verb, kind, Reach::Site, None)?)
    }

    /// Every namespace that the caller sees: what an empty namespace means.
    pub(super) fn everywhere(&self) -> Tenants {
        match &self.caller.principal.power {
            Power::Operator => Tenants::All,
            Power::Member(roles) => Tenants::Of(roles.keys().cloned().collect()),
        }
    }

    /// The caller's name.
    pub(super) fn who(&self) -> &str {
        &self.caller.principal.name
    }
}

/// Parameters as Argo's requests carry them: `NAME=VALUE`, split at the first `=`.
pub(super) fn parameters(texts: Option<&[String]>) -> Result<Vec<(String, String)>, Problem> {
    let wrong = |pair: &str| {
        Problem::request(
            "request.parameters",
            format!(
                "expected parameter of the form: NAME=VALUE. Received: {}",
                pair.chars().take(80).collect::<String>()
            ),
        )
    };
    let pairs = texts.into_iter().flatten();
    pairs
        .map(|pair| {
            pair.split_once('=')
                .map(|(k, v)| (k.to_owned(), v.to_owned()))
                .ok_or_else(|| wrong(pair))
        })
        .collect()
}
