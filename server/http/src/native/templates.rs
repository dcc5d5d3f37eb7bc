//! Templates, apply and lint.

use axum::Router;
use steading_api::error::Severity;
use steading_api::operations::{Apply, DeleteTemplate, GetTemplate, Lint, ListTemplates};
use steading_api::run::Done;
use steading_api::template::{
    Applied as AppliedBody, AppliedObject, LintReport, TemplateBody, TemplateList,
};
use steading_control::error::ControlError;
use steading_control::templates::Applied;
use steading_store::Template;

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
    let router = json::<ListTemplates, _, _>(router, async |ctx, (), ()| {
        let templates = ctx.app.control().templates(ctx.tenant()?)?;
        Ok(TemplateList {
            templates: templates.into_iter().map(template).collect(),
        })
    });
    let router = json::<GetTemplate, _, _>(router, async |ctx, (), ()| {
        let name = ctx.part("name");
        let missing = || ControlError::NoTemplate(name.chars().take(80).collect());
        let found = ctx
            .app
            .control()
            .template(ctx.tenant()?, &name.parse().map_err(|_| missing())?)?;
        Ok(template(found.ok_or_else(missing)?))
    });
    json::<DeleteTemplate, _, _>(router, async |ctx, (), ()| {
        ctx.app
            .control()
            .delete_template(ctx.tenant()?, ctx.part("name"))
            .await?;
        Ok(Done {})
    })
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
    let (applied, warned) = ctx.app.control().apply(ctx.tenant()?, text).await?;
    let objects = applied.into_iter().map(|(name, applied)| AppliedObject {
        kind: "WorkflowTemplate".to_owned(),
        name: name.to_string(),
        outcome: outcome(applied).to_owned(),
    });
    Ok(AppliedBody {
        objects: objects.collect(),
        warnings: warnings(&warned),
    })
}

fn outcome(applied: Applied) -> &'static str {
    match applied {
        Applied::Created => "created",
        Applied::Changed => "changed",
        Applied::Unchanged => "unchanged",
    }
}
