//! An S3 server over a directory, which checks signatures: for whoever tests or measures with one.

use std::path::Path;

use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto::Builder;
use tokio::net::TcpListener;

/// Serves the folders below `root` as buckets to whoever has the key `access` and this secret. Never ends.
pub(crate) async fn serve(listener: TcpListener, root: &Path, secret: &str) {
    let files = s3s_fs::FileSystem::new(root).unwrap();
    let mut service = s3s::service::S3ServiceBuilder::new(files);
    service.set_auth(s3s::auth::SimpleAuth::from_single("access", secret));
    let service = service.build();
    while let Ok((socket, _)) = listener.accept().await {
        let service = service.clone();
        tokio::spawn(async move {
            let server = Builder::new(TokioExecutor::new());
            let _ = server.serve_connection(TokioIo::new(socket), service).await;
        });
    }
}
