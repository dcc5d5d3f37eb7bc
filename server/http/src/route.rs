//! From a row of the operation table to a route: authenticate, decide access on the matched operation,
//! read the request within its limits, call the handler, write the answer.

use std::future::Future;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{Query, RawPathParams, Request, State};
use axum::http::{HeaderValue, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodFilter, on};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use serde::de::DeserializeOwned;
use steading_api::BASE;
use steading_api::access::Reach;
use steading_api::operation::{Method, Operation, Row};
use steading_domain::access::may;
use steading_types::TenantName;

use crate::App;
use crate::auth::{Caller, caller};
use crate::problem::Problem;

/// Largest JSON body, in bytes: a workflow of a hundred thousand lines fits.
pub(crate) const BODY_LIMIT: usize = 32 * 1024 * 1024;

/// Most of a body that is too large that is read and dropped before the answer, in bytes.
const DISCARDED: usize = 256 * 1024 * 1024;

/// What a handler knows of its request.
#[derive(Clone)]
pub(crate) struct Ctx {
    /// The server.
    pub app: App,
    /// Who asks; nobody for public operations.
    pub caller: Option<Caller>,
    tenant: Option<TenantName>,
    path: Vec<(String, String)>,
}

impl Ctx {
    /// The tenant that the path names; access to it is decided already.
    ///
    /// # Errors
    /// Only when the operation's path has no tenant.
    pub(crate) fn tenant(&self) -> Result<&TenantName, Problem> {
        self.tenant
            .as_ref()
            .ok_or_else(|| Problem::not_found("tenant.not-found", "no tenant was named"))
    }

    /// A value of the path, e.g. `run`.
    pub(crate) fn part(&self, name: &str) -> &str {
        self.path
            .iter()
            .find(|(n, _)| n == name)
            .map_or("", |(_, value)| value)
    }

    /// The caller of an operation that is not public.
    ///
    /// # Errors
    /// 401 for a public operation called without a token.
    pub(crate) fn caller(&self) -> Result<&Caller, Problem> {
        self.caller.as_ref().ok_or_else(Problem::unauthenticated)
    }
}

/// Adds an operation that answers one JSON document.
pub(crate) fn json<O, H, F>(router: Router<App>, handler: H) -> Router<App>
where
    O: Operation + 'static,
    O::Query: Send,
    O::Body: Send,
    H: Fn(Ctx, O::Query, O::Body) -> F + Clone + Send + Sync + 'static,
    F: Future<Output = Result<O::Answer, Problem>> + Send,
{
    raw::<O, _, _>(router, move |ctx, query, request| {
        let handler = handler.clone();
        async move {
            let body = read_json(request).await?;
            let answer = handler(ctx, query, body).await?;
            let text = serde_json::to_vec(&answer).map_err(|e| Problem::internal(&e))?;
            Ok((
                [(
                    header::CONTENT_TYPE,
                    HeaderValue::from_static("application/json"),
                )],
                text,
            )
                .into_response())
        }
    })
}

/// Adds an operation that writes its answer itself: events and uploads.
pub(crate) fn raw<O, H, F>(router: Router<App>, handler: H) -> Router<App>
where
    O: Operation + 'static,
    O::Query: Send,
    H: Fn(Ctx, O::Query, Request) -> F + Clone + Send + Sync + 'static,
    F: Future<Output = Result<Response, Problem>> + Send,
{
    let filter = match O::ROW.method {
        Method::Get => MethodFilter::GET,
        Method::Post => MethodFilter::POST,
        Method::Put => MethodFilter::PUT,
        Method::Delete => MethodFilter::DELETE,
    };
    let serve = async move |State(app): State<App>,
                            path: RawPathParams,
                            request: Request|
                -> Result<Response, Problem> {
        let path = path
            .iter()
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect();
        let ctx = admit(app, &O::ROW, path, &request)?;
        let query = read_query::<O::Query>(request.uri())?;
        handler(ctx, query, request).await
    };
    router.route(&format!("{BASE}{}", O::ROW.path), on(filter, serve))
}

/// Decides access on the matched row.
fn admit(
    app: App,
    row: &Row,
    path: Vec<(String, String)>,
    request: &Request,
) -> Result<Ctx, Problem> {
    let caller = match row.reach {
        Reach::Public => None,
        _ => Some(caller(&app, request.method(), request.headers())?),
    };
    let named = path
        .iter()
        .find(|(name, _)| name == "tenant")
        .map(|(_, value)| value.as_str());
    let tenant = named
        .map(|text| text.parse::<TenantName>().map_err(|_| no_tenant(text)))
        .transpose()?;
    if let Some(caller) = &caller {
        may(
            &caller.principal,
            row.verb,
            row.kind,
            row.reach,
            tenant.as_ref(),
        )?;
    }
    if let Some(tenant) = tenant
        .as_ref()
        .filter(|tenant| !app.control().has_tenant(tenant))
    {
        return Err(no_tenant(tenant.as_str()));
    }
    Ok(Ctx {
        app,
        caller,
        tenant,
        path,
    })
}

/// The very answer that a tenant of somebody else gives.
fn no_tenant(text: &str) -> Problem {
    Problem::not_found(
        "tenant.not-found",
        format!(
            "there is no tenant '{}'",
            text.chars().take(80).collect::<String>()
        ),
    )
}

fn read_query<Q: DeserializeOwned>(uri: &Uri) -> Result<Q, Problem> {
    if size_of::<Q>() == 0 {
        return serde_json::from_value(serde_json::Value::Null).map_err(|e| Problem::internal(&e));
    }
    Query::try_from_uri(uri)
        .map(|Query(query)| query)
        .map_err(|e| Problem::request("request.query", e.body_text()))
}

/// Reads a JSON body of at most [`BODY_LIMIT`] bytes; an empty one counts as `{}`.
///
/// # Errors
/// 413 when it is larger, 400 when it is no JSON of that shape.
pub(crate) async fn read_json<B: DeserializeOwned>(request: Request) -> Result<B, Problem> {
    if size_of::<B>() == 0 {
        return serde_json::from_value(serde_json::Value::Null).map_err(|e| Problem::internal(&e));
    }
    let bytes = read_body(request.into_body(), BODY_LIMIT).await?;
    let bytes: &[u8] = if bytes.is_empty() { b"{}" } else { &bytes };
    serde_json::from_slice(bytes).map_err(|e| {
        Problem::request(
            "request.body",
            format!("the body is not what this operation takes: {e}"),
        )
    })
}

/// Reads a body of at most so many bytes.
///
/// # Errors
/// 413 when it is larger.
pub(crate) async fn read_body(mut body: Body, limit: usize) -> Result<Bytes, Problem> {
    match Limited::new(&mut body, limit).collect().await {
        Ok(read) => Ok(read.to_bytes()),
        Err(error) if error.is::<LengthLimitError>() => {
            discard(&mut body).await;
            Err(Problem::new(
                StatusCode::PAYLOAD_TOO_LARGE,
                "request.too-large",
                format!("the body is larger than {limit} bytes"),
            ))
        }
        Err(_) => Err(Problem::request("request.body", "the body ended early")),
    }
}

/// Reads on and keeps nothing: a client that is still sending would see a broken connection, not the answer.
async fn discard(body: &mut Body) {
    let mut left = DISCARDED;
    while let Some(Ok(frame)) = body.frame().await {
        let size = frame.data_ref().map_or(0, Bytes::len);
        match left.checked_sub(size) {
            Some(rest) => left = rest,
            None => return,
        }
    }
}
