//! `steading serve`: the server in the foreground.

use std::net::SocketAddr;

use anyhow::{Context, Result};
use steading_exec::SpawnerSeed;
use steading_http::page::Page;
use steading_http::{App, router, serve as listen};
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};

use crate::embedded::PAGE;
use crate::host::{Options, open, operator_token};

/// Serves until SIGTERM or SIGINT. Running tasks go on, and are taken up by the next start.
///
/// # Errors
/// When the data directory or the address can not be used.
pub(crate) async fn serve(seed: SpawnerSeed, options: Options, address: SocketAddr) -> Result<()> {
    // The address first: a second server on it must not touch the data.
    let listener = TcpListener::bind(address)
        .await
        .with_context(|| format!("{address} can not be listened on"))?;
    let address = listener.local_addr()?;
    let control = open(seed, &options).await?;
    operator_token(&control, &options.data).await?;
    let (mut terminated, mut interrupted) = (
        signal(SignalKind::terminate())?,
        signal(SignalKind::interrupt())?,
    );
    eprintln!(
        "steading {} serves http://{address} from {}",
        env!("CARGO_PKG_VERSION"),
        options.data.display()
    );
    if !address.ip().is_loopback() {
        eprintln!(
            "warning: {address} is reachable from other hosts without TLS; put a proxy with TLS before it"
        );
    }
    let stop = async move {
        tokio::select! {
            _ = terminated.recv() => {}
            _ = interrupted.recv() => {}
        }
    };
    listen(listener, router(App::new(control, Page::new(PAGE))), stop).await;
    Ok(())
}
