//! Templates, apply and lint.

use axum::Router;
use steading_api::access::{Kind, Reach, Verb};
use steading_api::error::Severity;
use steading_api::operations::{
    Apply, DeleteClusterTemplate, DeleteTemplate, GetClusterTemplate, GetTemplate, Lint,
    ListClusterTemplates, ListTemplates,
};
use steading_api::run::Done;
use steading_api::template::{
    Applied as AppliedBody, AppliedObject, LintReport, TemplateBody, TemplateList,
};
use steading_control::apply::{Applied, Scope};
use steading_control::error::ControlError;
use steading_domain::access::may;
use steading_store::{Owner, Template};

use crate::App;
use crate::fault::{body, warnings};
use crate::problem::Problem;
use crate::route::{Ctx, json};

pub(super) fn routes(router: Router<App>) -> Router<App> {
    let router = json::<Lint, _, _>(router, async |ctx, (), text| {
        let (errors, warnings) = ctx.app.control().lint(ctx.tenant()?, &text.text);
        let errors = errors.iter().map(|fault| body(fault, Severity::Error));
        Ok(LintReport {
            faults: errors
                .chain(warnings.iter().map(|fault| body(fault, Severity::Warning)))
                .collect(),
        })
    });
    let router = json::<Apply, _, _>(router, async |ctx, (), text| apply(&ctx, &text.text).await);
    let router = json::<ListTemplates, _, _>(router, async |ctx, (), ()| list(&ctx, &ours(&ctx)?));
    let router = json::<GetTemplate, _, _>(router, async |ctx, (), ()| get(&ctx, &ours(&ctx)?));
    let router =
        json::<DeleteTemplate, _, _>(router, async |ctx, (), ()| delete(&ctx, &ours(&ctx)?).await);
    let router =
        json::<ListClusterTemplates, _, _>(router, async |ctx, (), ()| list(&ctx, &Owner::Site));
    let router =
        json::<GetClusterTemplate, _, _>(router, async |ctx, (), ()| get(&ctx, &Owner::Site));
    json::<DeleteClusterTemplate, _, _>(router, async |ctx, (), ()| {
        delete(&ctx, &Owner::Site).await
    })
}

fn ours(ctx: &Ctx) -> Result<Owner, Problem> {
    Ok(Owner::Tenant(ctx.tenant()?.clone()))
}

fn list(ctx: &Ctx, owner: &Owner) -> Result<TemplateList, Problem> {
    let templates = ctx.app.control().templates(owner)?;
    let templates = templates.into_iter().map(template).collect();
    Ok(TemplateList { templates })
}

fn get(ctx: &Ctx, owner: &Owner) -> Result<TemplateBody, Problem> {
    let name = ctx.part("name");
    let missing = || ControlError::NoTemplate(name.chars().take(80).collect());
    let parsed = name.parse().map_err(|_| missing())?;
    let found = ctx.app.control().template(owner, &parsed)?;
    Ok(template(found.ok_or_else(missing)?))
}

async fn delete(ctx: &Ctx, owner: &Owner) -> Result<Done, Problem> {
    let control = ctx.app.control();
    control.delete_template(owner, ctx.part("name")).await?;
    Ok(Done {})
}

fn template(row: Template) -> TemplateBody {
    TemplateBody {
        name: row.name.to_string(),
        version: row.version.0,
        changed: row.created,
        object: row.object,
    }
}

async fn apply(ctx: &Ctx, text: &str) -> Result<AppliedBody, Problem> {
    let (control, tenant) = (ctx.app.control(), ctx.tenant()?);
    let drafts = control.drafts(tenant, text)?;
    if drafts.scope() == Scope::Site {
        let principal = &ctx.caller()?.principal;
        may(principal, Verb::Update, Kind::Template, Reach::Site, None)?;
    }
    let warnings = warnings(drafts.warnings());
    let applied = control.apply(tenant, drafts).await?;
    let objects = applied.into_iter().map(|object| AppliedObject {
        kind: object.kind,
        name: object.name,
        outcome: outcome(object.applied).to_owned(),
    });
    Ok(AppliedBody {
        objects: objects.collect(),
        warnings,
    })
}

fn outcome(applied: Applied) -> &'static str {
    match applied {
        Applied::Created => "created",
        Applied::Changed => "changed",
        Applied::Unchanged => "unchanged",
    }
}
