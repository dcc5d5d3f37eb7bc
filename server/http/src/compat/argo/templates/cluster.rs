//! ClusterWorkflowTemplates: everybody reads them, operators write them.

use axum::extract::{Path, Query, Request};
use steading_api::access::{Kind, Verb};
use steading_store::{Owner, Tenants};
use steading_types::TenantName;

use super::{Answer, Shelf, create_on, delete_from, known, lint_on, list_of, replace_on, shown};
use crate::compat::argo::info::answer;
use crate::compat::argo::list::Pairs;
use crate::compat::argo::request::Asking;
use crate::problem::Problem;

/// The site's. What they name within a namespace is looked for where the caller may look.
fn shelf(asking: &Asking) -> Result<Shelf, Problem> {
    let tenant = match asking.everywhere() {
        Tenants::Of(tenants) => tenants.into_iter().next(),
        Tenants::All => TenantName::DEFAULT.parse().ok(),
    };
    let none = || Problem::not_found("tenant.not-found", "there is no namespace to look in");
    Ok(Shelf {
        owner: Owner::Site,
        tenant: tenant.ok_or_else(none)?,
        namespace: None,
    })
}

pub(in crate::compat::argo) async fn list(asking: Asking, Query(pairs): Query<Pairs>) -> Answer {
    list_of(&asking, &[Owner::Site], &pairs)
}

pub(in crate::compat::argo) async fn get(asking: Asking, Path(name): Path<String>) -> Answer {
    let row = known(&asking, &Owner::Site, &name)?;
    Ok(answer(shown(&Owner::Site, row)))
}

pub(in crate::compat::argo) async fn lint(asking: Asking, request: Request) -> Answer {
    lint_on(&asking, &shelf(&asking)?, request).await
}

pub(in crate::compat::argo) async fn create(asking: Asking, request: Request) -> Answer {
    asking.site(Verb::Create, Kind::Template)?;
    create_on(&asking, &shelf(&asking)?, request).await
}

pub(in crate::compat::argo) async fn update(
    asking: Asking,
    Path(name): Path<String>,
    request: Request,
) -> Answer {
    asking.site(Verb::Update, Kind::Template)?;
    replace_on(&asking, &shelf(&asking)?, Some(name), request).await
}

/// The CLI leaves the name out of the path: it stands in the body.
pub(in crate::compat::argo) async fn update_unnamed(asking: Asking, request: Request) -> Answer {
    asking.site(Verb::Update, Kind::Template)?;
    replace_on(&asking, &shelf(&asking)?, None, request).await
}

pub(in crate::compat::argo) async fn delete(asking: Asking, Path(name): Path<String>) -> Answer {
    asking.site(Verb::Delete, Kind::Template)?;
    delete_from(&asking, &Owner::Site, &name).await
}
