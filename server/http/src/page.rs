//! The page's files, embedded and compressed ahead of time, and the headers that fence the page in.

use std::collections::HashMap;

use axum::Router;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;

use crate::App;
use crate::problem::Problem;

/// One file of the page.
#[derive(Debug, Clone, Copy)]
pub struct Asset {
    /// Path below `/`, without a leading slash; `index.html` is also served at `/`.
    pub path: &'static str,
    /// The media type.
    pub media: &'static str,
    /// The bytes as they are, when no compressed form is understood.
    pub plain: &'static [u8],
    /// Compressed with gzip.
    pub gzip: Option<&'static [u8]>,
    /// Compressed with brotli.
    pub brotli: Option<&'static [u8]>,
}

/// The page's files by path.
#[derive(Debug, Clone, Default)]
pub struct Page(HashMap<&'static str, Asset>);

impl Page {
    /// A page of these files.
    pub fn new(assets: &[Asset]) -> Self {
        Self(assets.iter().map(|asset| (asset.path, *asset)).collect())
    }
}

/// `wasm-unsafe-eval` lets the page's own WebAssembly compile; nothing else may run or load.
const POLICY: &str = "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self'; img-src 'self' data:; connect-src 'self'; font-src 'self'; \
                      base-uri 'none'; form-action 'self'; frame-ancestors 'none'";

/// Headers of every answer.
pub const FENCES: [(HeaderName, &str); 5] = [
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::REFERRER_POLICY, "no-referrer"),
    (
        HeaderName::from_static("cross-origin-opener-policy"),
        "same-origin",
    ),
    (
        HeaderName::from_static("cross-origin-resource-policy"),
        "same-origin",
    ),
    (HeaderName::from_static("permissions-policy"), ""),
];

/// Routes of the page.
pub fn routes() -> Router<App> {
    Router::new()
        .route("/", get(index))
        .route("/{file}", get(file))
        .route("/assets/{file}", get(file))
}

async fn index(State(app): State<App>, headers: HeaderMap) -> Response {
    serve(&app, "index.html", &headers)
}

async fn file(State(app): State<App>, Path(name): Path<String>, headers: HeaderMap) -> Response {
    serve(&app, &name, &headers)
}

fn serve(app: &App, path: &str, headers: &HeaderMap) -> Response {
    let Some(asset) = app.page().0.get(path) else {
        return Problem::not_found("page.not-found", "there is no such page").into_response();
    };
    let accepted = headers
        .get(header::ACCEPT_ENCODING)
        .and_then(|v| v.to_str().ok())
        .unwrap_or_default();
    let (encoding, bytes) = match asset {
        Asset {
            brotli: Some(bytes),
            ..
        } if accepted.contains("br") => (Some("br"), *bytes),
        Asset {
            gzip: Some(bytes), ..
        } if accepted.contains("gzip") => (Some("gzip"), *bytes),
        asset => (None, asset.plain),
    };
    // Names of all other files hold a hash of their content.
    let cache = if path == "index.html" {
        "no-cache"
    } else {
        "public, max-age=31536000, immutable"
    };
    let mut response = (StatusCode::OK, bytes).into_response();
    let out = response.headers_mut();
    out.insert(header::CONTENT_TYPE, HeaderValue::from_static(asset.media));
    out.insert(header::CACHE_CONTROL, HeaderValue::from_static(cache));
    out.insert(header::VARY, HeaderValue::from_static("accept-encoding"));
    out.insert(
        header::CONTENT_SECURITY_POLICY,
        HeaderValue::from_static(POLICY),
    );
    if let Some(encoding) = encoding {
        out.insert(header::CONTENT_ENCODING, HeaderValue::from_static(encoding));
    }
    response
}
