//! The caller: session, identity, one-time links.

use axum::Router;
use axum::extract::Request;
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use steading_api::access::Role;
use steading_api::operations::{CreateLoginLink, CreateSession, DeleteSession, GetMe};
use steading_api::run::Done;
use steading_api::session::{Login, LoginLink, Me, TenantRole};
use steading_control::identity::hash;
use steading_domain::access::{Power, Principal};
use steading_domain::token::Token;

use crate::App;
use crate::auth::SESSION_COOKIE;
use crate::problem::Problem;
use crate::route::{Ctx, json, raw, read_json};

pub(super) fn routes(router: Router<App>) -> Router<App> {
    let router =
        raw::<CreateSession, _, _>(router, async |ctx, (), request| login(ctx, request).await);
    let router = raw::<DeleteSession, _, _>(router, async |ctx, (), _| logout(ctx).await);
    let router = json::<GetMe, _, _>(router, async |ctx, (), ()| {
        me(&ctx.app, &ctx.caller()?.principal)
    });
    json::<CreateLoginLink, _, _>(router, async |ctx, (), ()| {
        let (code, expires) = ctx.app.control().create_link(&ctx.caller()?.principal)?;
        Ok(LoginLink {
            path: format!("/#/login/{code}"),
            code,
            expires,
        })
    })
}

fn me(app: &App, principal: &Principal) -> Result<Me, Problem> {
    let roles = match &principal.power {
        Power::Operator => app
            .control()
            .tenants()?
            .into_iter()
            .map(|tenant| (tenant, Role::Admin))
            .collect(),
        Power::Member(roles) => roles.clone(),
    };
    let tenants = roles
        .into_iter()
        .map(|(tenant, role)| TenantRole {
            namespace: tenant.namespace(),
            tenant: tenant.to_string(),
            role,
        })
        .collect();
    Ok(Me {
        principal: principal.name.clone(),
        operator: principal.power == Power::Operator,
        tenants,
        version: env!("CARGO_PKG_VERSION").to_owned(),
    })
}

async fn login(ctx: Ctx, request: Request) -> Result<Response, Problem> {
    // A form of a foreign page can not send this type, so nobody is logged in behind their back.
    let json = request
        .headers()
        .get(header::CONTENT_TYPE)
        .is_some_and(|value| value.as_bytes().starts_with(b"application/json"));
    if !json {
        return Err(Problem::request(
            "request.body",
            "a login is sent as application/json",
        ));
    }
    let control = ctx.app.control();
    let principal = match read_json::<Login>(request).await? {
        Login {
            token: Some(token),
            code: None,
        } => Token::parse(&token)
            .and_then(|token| control.principal(&token))
            .ok_or_else(Problem::unauthenticated)?,
        Login {
            code: Some(code),
            token: None,
        } => control.use_link(&code).ok_or_else(|| {
            Problem::new(
                axum::http::StatusCode::UNAUTHORIZED,
                "auth.code-used",
                "this login link was used or is too old",
            )
            .fix("make a new one with 'steading login --link'")
        })?,
        _ => return Err(Problem::request("request.body", "give a token or a code")),
    };
    let session = control.create_session(&principal).await?;
    let cookie = format!(
        "{SESSION_COOKIE}={}; Path=/; HttpOnly; SameSite=Lax; Max-Age=43200",
        session.expose()
    );
    answer(&me(&ctx.app, &principal)?, &cookie)
}

async fn logout(ctx: Ctx) -> Result<Response, Problem> {
    ctx.app.control().revoke(hash(&ctx.caller()?.token)).await?;
    answer(
        &Done {},
        &format!("{SESSION_COOKIE}=; Path=/; HttpOnly; SameSite=Lax; Max-Age=0"),
    )
}

fn answer(body: &impl serde::Serialize, cookie: &str) -> Result<Response, Problem> {
    let mut response = axum::Json(body).into_response();
    let cookie = HeaderValue::from_str(cookie).map_err(|e| Problem::internal(&e))?;
    response.headers_mut().insert(header::SET_COOKIE, cookie);
    Ok(response)
}
