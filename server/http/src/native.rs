//! The native API: a handler an operation, each in the file of its kind.

mod artifacts;
mod changes;
mod convert;
mod images;
mod locks;
mod logs;
mod memos;
mod objects;
mod runs;
mod session;
mod site;
mod steer;
mod templates;

use axum::Router;

use crate::App;

/// Routes of the whole operation table.
pub(crate) fn routes() -> Router<App> {
    let router = Router::new();
    let router = session::routes(router);
    let router = site::routes(router);
    let router = runs::routes(router);
    let router = steer::routes(router);
    let router = locks::routes(router);
    let router = logs::routes(router);
    let router = artifacts::routes(router);
    let router = memos::routes(router);
    let router = changes::routes(router);
    let router = templates::routes(router);
    let router = objects::routes(router);
    images::routes(router)
}
