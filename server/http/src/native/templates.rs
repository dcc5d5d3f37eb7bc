//! Templates, apply and lint.

use axum::Router;
use steading_api::error::Severity;
use steading_api::operations::{Apply, DeleteTemplate, GetTemplate, Lint, ListTemplates};
use steading_api::run::Done;
use steading_api::template::{
    Applied as AppliedBody, AppliedObject, LintReport, TemplateBody, TemplateList,
};
use steading_control::error::ControlError;
use steading_control::templates::{Applied, Expect};
use steading_spec::{Limits, Mode};
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

/// Everything is checked before the first object is kept.
async fn apply(ctx: &Ctx, text: &str) -> Result<AppliedBody, Problem> {
    let (control, tenant) = (ctx.app.control(), ctx.tenant()?);
    let (errors, warned) = control.lint(tenant, text);
    if !errors.is_empty() {
        return Err(ControlError::Invalid(errors).into());
    }
    let documents = steading_spec::parse(text.as_bytes(), Mode::Strict, &Limits::default())
        .map_err(ControlError::Invalid)?;
    let mut objects = Vec::with_capacity(documents.len());
    for document in documents {
        let (kept, applied, _) = control
            .put_template(tenant, document, Expect::Anything)
            .await?;
        let outcome = match applied {
            Applied::Created => "created",
            Applied::Changed => "changed",
            Applied::Unchanged => "unchanged",
        };
        objects.push(AppliedObject {
            kind: "WorkflowTemplate".to_owned(),
            name: kept.name.to_string(),
            outcome: outcome.to_owned(),
        });
    }
    Ok(AppliedBody {
        objects,
        warnings: warnings(&warned),
    })
}
