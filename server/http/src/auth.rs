//! Who is asking: found once per request, from one place, and looked up anew each time so that a
//! revoked token is refused at once.

use axum::http::{HeaderMap, Method, header};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use steading_domain::access::Principal;
use steading_domain::token::Token;

use crate::App;
use crate::problem::Problem;

/// The page's session cookie. Without TLS the `__Host-` prefix and `Secure` are not available.
pub(crate) const SESSION_COOKIE: &str = "steading-session";
/// Cookies of Argo's page; several may be sent and the first good one counts.
const ARGO_COOKIE: &str = "authorization";

/// A principal, and how its token arrived.
#[derive(Debug, Clone)]
pub(crate) struct Caller {
    /// Who.
    pub principal: Principal,
    /// The token, for the operations on the own session.
    pub token: Token,
}

/// Finds the caller of a request.
///
/// # Errors
/// 401 without a valid token; 403 for a state-changing request that a foreign page may have made.
pub(crate) fn caller(app: &App, method: &Method, headers: &HeaderMap) -> Result<Caller, Problem> {
    // A header wins over every cookie: the two are never mixed on one request.
    if let Some(presented) = from_headers(headers) {
        return presented
            .as_deref()
            .and_then(Token::parse)
            .and_then(|token| look_up(app, token))
            .ok_or_else(Problem::unauthenticated);
    }
    let caller = cookies(headers)
        .find_map(|value| Token::parse(&value).and_then(|token| look_up(app, token)))
        .ok_or_else(Problem::unauthenticated)?;
    if !method.is_safe() {
        refuse_foreign_page(headers)?;
    }
    Ok(caller)
}

fn look_up(app: &App, token: Token) -> Option<Caller> {
    let principal = app.control().principal(&token)?;
    Some(Caller { principal, token })
}

/// The token of `Authorization` or `x-api-key`; `Some(None)` when one is there and makes no sense.
fn from_headers(headers: &HeaderMap) -> Option<Option<String>> {
    if let Some(value) = headers.get(header::AUTHORIZATION) {
        let text = value.to_str().unwrap_or_default();
        let (scheme, rest) = text.split_once(' ').unwrap_or(("", text));
        return Some(match scheme.to_ascii_lowercase().as_str() {
            "bearer" => Some(rest.trim().to_owned()),
            "basic" => basic_password(rest.trim()),
            _ => None,
        });
    }
    headers
        .get("x-api-key")
        .map(|value| value.to_str().ok().map(str::to_owned))
}

fn basic_password(encoded: &str) -> Option<String> {
    let bytes = STANDARD.decode(encoded).ok()?;
    let text = String::from_utf8(bytes).ok()?;
    text.split_once(':')
        .map(|(_, password)| password.to_owned())
}

fn cookies(headers: &HeaderMap) -> impl Iterator<Item = String> {
    headers
        .get_all(header::COOKIE)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|line| line.split(';'))
        .filter_map(|pair| {
            let (name, value) = pair.trim().split_once('=')?;
            let value = value.trim_matches('"');
            match name {
                SESSION_COOKIE => Some(value.to_owned()),
                ARGO_COOKIE => Some(value.strip_prefix("Bearer ").unwrap_or(value).to_owned()),
                _ => None,
            }
        })
}

/// A cookie travels with requests that other sites' pages make; those never carry both of these.
fn refuse_foreign_page(headers: &HeaderMap) -> Result<(), Problem> {
    let is = |name: &str, wanted: &[&str]| {
        let value = headers
            .get(name)
            .and_then(|v| v.to_str().ok())
            .unwrap_or_default();
        wanted
            .iter()
            .any(|w| value == *w || value.starts_with(&format!("{w};")))
    };
    if is("sec-fetch-site", &["same-origin"])
        && is(
            "content-type",
            &["application/json", "application/octet-stream"],
        )
    {
        return Ok(());
    }
    let message = "a request with a session cookie must come from this server's own page";
    Err(Problem::new(
        axum::http::StatusCode::FORBIDDEN,
        "auth.foreign-page",
        message,
    )
    .fix("use a bearer token outside the page"))
}
