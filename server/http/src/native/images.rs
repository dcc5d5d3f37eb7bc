//! Images of the site.

use axum::Router;
use axum::extract::Request;
use axum::response::{IntoResponse, Response};
use futures_util::StreamExt;
use steading_api::image::{Freed, ImageList};
use steading_api::operations::{
    CollectImages, DeleteImage, GetImage, ImportImage, ListImages, TagImage,
};
use steading_api::run::Done;
use tokio::fs::File;
use tokio::io::AsyncWriteExt;

use crate::App;
use crate::problem::Problem;
use crate::route::{Ctx, json, raw};

/// Largest archive, in bytes.
const ARCHIVE_LIMIT: u64 = 64 * 1024 * 1024 * 1024;

pub(super) fn routes(router: Router<App>) -> Router<App> {
    let router = json::<ListImages, _, _>(router, async |ctx, (), ()| {
        Ok(ImageList {
            images: ctx.app.control().images().list().await?,
        })
    });
    let router = json::<GetImage, _, _>(router, async |ctx, query, ()| {
        Ok(ctx.app.control().images().inspect(&query.image).await?)
    });
    let router =
        raw::<ImportImage, _, _>(router, async |ctx, (), request| import(ctx, request).await);
    let router = json::<TagImage, _, _>(router, async |ctx, (), tag| {
        ctx.app
            .control()
            .images()
            .tag(&tag.image, &tag.name)
            .await?;
        Ok(Done {})
    });
    let router = json::<DeleteImage, _, _>(router, async |ctx, query, ()| {
        ctx.app.control().images().remove(&query.image).await?;
        Ok(Done {})
    });
    json::<CollectImages, _, _>(router, async |ctx, (), ()| {
        Ok(Freed {
            bytes: ctx.app.control().images().collect().await?,
        })
    })
}

/// Receives the archive into a file of the data directory, then imports it; the file goes either way.
async fn import(ctx: Ctx, request: Request) -> Result<Response, Problem> {
    let images = ctx.app.control().images();
    let path = images.inbox();
    let outcome = match receive(request, &path).await {
        Ok(()) => images.import(path.clone()).await.map_err(Problem::from),
        Err(problem) => Err(problem),
    };
    let _ = tokio::fs::remove_file(&path).await;
    Ok(axum::Json(ImageList { images: outcome? }).into_response())
}

async fn receive(request: Request, path: &std::path::Path) -> Result<(), Problem> {
    let failed = |e: std::io::Error| match e.kind() {
        std::io::ErrorKind::StorageFull => Problem::new(
            axum::http::StatusCode::INSUFFICIENT_STORAGE,
            "store.full",
            "the disk is full",
        ),
        _ => Problem::internal(&e),
    };
    let mut file = File::create(path).await.map_err(failed)?;
    let mut received = 0u64;
    let mut chunks = request.into_body().into_data_stream();
    while let Some(chunk) = chunks.next().await {
        let chunk =
            chunk.map_err(|_| Problem::request("request.body", "the archive ended early"))?;
        received = received.saturating_add(chunk.len() as u64);
        if received > ARCHIVE_LIMIT {
            return Err(Problem::new(
                axum::http::StatusCode::PAYLOAD_TOO_LARGE,
                "request.too-large",
                "the archive is larger than 64 GiB",
            ));
        }
        file.write_all(&chunk).await.map_err(failed)?;
    }
    file.flush().await.map_err(failed)
}
