//! The faces of the server over HTTP: the native API, Argo's, the page, health.
//!
//! A request is authenticated, matched, authorised on the matched operation and handed to `control` as a
//! command or answered from a snapshot. No table is opened here, and foreign formats stay in `compat`.

mod artifacts;
mod auth;
mod compat;
mod docs;
mod fault;
mod filter;
mod follow;
mod live;
mod logs;
mod metrics;
mod native;
pub mod openapi;
pub mod page;
pub mod problem;
mod route;
mod server;

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::middleware::{Next, from_fn};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use steading_control::Control;

use crate::page::{FENCES, Page};
use crate::problem::Problem;

pub use crate::server::serve;

/// What every handler shares. Cheap to clone.
#[derive(Clone)]
pub struct App(Arc<Shared>);

struct Shared {
    control: Control,
    page: Page,
}

impl App {
    /// The faces over this middle, with this page.
    pub fn new(control: Control, page: Page) -> Self {
        Self(Arc::new(Shared { control, page }))
    }

    fn control(&self) -> &Control {
        &self.0.control
    }

    fn page(&self) -> &Page {
        &self.0.page
    }
}

/// Every route of every face.
pub fn router(app: App) -> Router {
    Router::new()
        .merge(native::routes())
        .merge(compat::argo::routes())
        .merge(page::routes())
        .merge(docs::routes())
        .route("/healthz", get(async || StatusCode::OK))
        .route("/readyz", get(ready))
        .route("/metrics", get(metrics::answer))
        .route(
            &format!("{}/openapi.json", steading_api::BASE),
            get(async || Json(openapi::document())),
        )
        .fallback(async || Problem::not_found("request.path", "there is nothing at this path"))
        .method_not_allowed_fallback(async || {
            Problem::new(
                StatusCode::METHOD_NOT_ALLOWED,
                "request.method",
                "this path does not take this method",
            )
        })
        .layer(from_fn(fence))
        .with_state(app)
}

/// Ready means: the store answers.
async fn ready(State(app): State<App>) -> Response {
    match app.control().store().read(|snapshot| snapshot.seq()) {
        Ok(_) => StatusCode::OK.into_response(),
        Err(error) => Problem::from(error).into_response(),
    }
}

/// Headers that every answer carries.
async fn fence(request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    for (name, value) in FENCES {
        headers.insert(name, HeaderValue::from_static(value));
    }
    // Answers are the caller's own; only files of the page may be kept, and they say so themselves.
    headers
        .entry(header::CACHE_CONTROL)
        .or_insert(HeaderValue::from_static("no-store"));
    response
}
