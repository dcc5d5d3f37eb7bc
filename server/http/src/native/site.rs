//! The site: tenants, tokens, the host.

use axum::Router;
use steading_api::operations::{CreateTenant, CreateToken, DeleteToken, GetDoctor, ListTenants};
use steading_api::run::Done;
use steading_api::site::{DoctorReport, NewToken, TenantBody, TenantList, TokenBody};
use steading_control::clock::now;
use steading_control::identity::{TOKEN_LIFE, hash};
use steading_domain::access::{Power, Principal};
use steading_store::TokenHash;
use steading_types::TenantName;

use crate::App;
use crate::problem::Problem;
use crate::route::{Ctx, json};

pub(super) fn routes(router: Router<App>) -> Router<App> {
    let router = json::<ListTenants, _, _>(router, async |ctx, (), ()| tenants(&ctx));
    let router = json::<CreateTenant, _, _>(router, async |ctx, (), tenant| {
        create_tenant(&ctx, tenant).await
    });
    let router = json::<CreateToken, _, _>(router, async |ctx, (), wanted| {
        create_token(&ctx, wanted).await
    });
    let router = json::<DeleteToken, _, _>(router, async |ctx, (), ()| delete_token(&ctx).await);
    json::<GetDoctor, _, _>(router, async |ctx, (), ()| {
        Ok(DoctorReport {
            checks: ctx.app.control().doctor().checks().await,
        })
    })
}

fn body(name: &TenantName) -> TenantBody {
    TenantBody {
        name: name.to_string(),
        namespace: name.namespace(),
    }
}

fn tenants(ctx: &Ctx) -> Result<TenantList, Problem> {
    let tenants = match &ctx.caller()?.principal.power {
        Power::Operator => ctx.app.control().tenants()?,
        Power::Member(roles) => roles.keys().cloned().collect(),
    };
    Ok(TenantList {
        tenants: tenants.iter().map(body).collect(),
    })
}

async fn create_tenant(ctx: &Ctx, wanted: TenantBody) -> Result<TenantBody, Problem> {
    let name: TenantName = wanted
        .name
        .parse()
        .map_err(|e: steading_types::NameError| Problem::request("tenant.name", e.to_string()))?;
    ctx.app.control().create_tenant(name.clone()).await?;
    Ok(body(&name))
}

async fn create_token(ctx: &Ctx, wanted: NewToken) -> Result<TokenBody, Problem> {
    if wanted.principal.is_empty()
        || wanted.principal.len() > 100
        || wanted.principal.chars().any(char::is_control)
    {
        return Err(Problem::request(
            "token.principal",
            "a principal's name has 1 to 100 visible characters",
        ));
    }
    let power = Power::Member([(ctx.tenant()?.clone(), wanted.role)].into());
    let principal = Principal {
        name: wanted.principal,
        power,
    };
    let expires = wanted.expires.unwrap_or_else(|| now().plus(TOKEN_LIFE));
    let token = ctx
        .app
        .control()
        .create_token(&principal, "", Some(expires.since(now())))
        .await?;
    let id = hash(&token)
        .0
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    Ok(TokenBody {
        token: token.expose().to_owned(),
        id,
        expires,
    })
}

async fn delete_token(ctx: &Ctx) -> Result<Done, Problem> {
    let missing = || Problem::not_found("token.not-found", "there is no such token in this tenant");
    let hash = token_hash(ctx.part("name")).ok_or_else(missing)?;
    ctx.app
        .control()
        .revoke_in(ctx.tenant()?, hash)
        .await?
        .then_some(Done {})
        .ok_or_else(missing)
}

/// 64 hexadecimal digits.
fn token_hash(text: &str) -> Option<TokenHash> {
    let mut bytes = [0u8; 32];
    if text.len() != 64 || !text.is_ascii() {
        return None;
    }
    for (slot, pair) in bytes.iter_mut().zip(text.as_bytes().chunks_exact(2)) {
        *slot = u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()?;
    }
    Some(TokenHash(bytes))
}
