//! Artifacts of a run: lists and contents.

use axum::Router;
use axum::http::HeaderMap;
use axum::response::Response;
use steading_api::artifact::ArtifactQuery;
use steading_api::operations::{GetArtifact, ListArtifactFiles, ListArtifacts};

use super::runs::run_of;
use crate::App;
use crate::artifacts::{Asked, Links, serve};
use crate::problem::Problem;
use crate::route::{Ctx, json, raw};

pub(super) fn routes(router: Router<App>) -> Router<App> {
    let router = json::<ListArtifacts, _, _>(router, async |ctx: Ctx, filter, ()| {
        Ok(ctx.app.control().artifacts(&run_of(&ctx)?, &filter)?)
    });
    let router = raw::<GetArtifact, _, _>(router, async |ctx, query, request| {
        content(&ctx, query, request.headers()).await
    });
    json::<ListArtifactFiles, _, _>(router, async |ctx: Ctx, query: ArtifactQuery, ()| {
        let (run, control) = (run_of(&ctx)?, ctx.app.control());
        let side = query.side.unwrap_or_default();
        let artifact = control.artifact(&run, ctx.part("node"), side, ctx.part("artifact"))?;
        let path = query.path.unwrap_or_default();
        Ok(control
            .artifact_files(&run.tenant, &artifact, &path)
            .await?)
    })
}

async fn content(
    ctx: &Ctx,
    query: ArtifactQuery,
    headers: &HeaderMap,
) -> Result<Response, Problem> {
    let asked = Asked {
        node: ctx.part("node"),
        side: query.side.unwrap_or_default(),
        name: ctx.part("artifact"),
        path: query.path.as_deref().unwrap_or_default().trim_matches('/'),
        links: Links::Query,
        form: query.form.unwrap_or_default(),
    };
    serve(ctx.app.control(), &run_of(ctx)?, &asked, headers).await
}
