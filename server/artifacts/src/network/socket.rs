//! Connections for what speaks no HTTP: the same judgement of every address, and whose keys are whose.

use std::sync::Arc;

use tokio::net::TcpStream;

use super::{Network, forbidden, resolve};
use crate::error::ArtifactError;
use crate::known_hosts::KnownHosts;

impl Network {
    /// Whose host keys are known for ssh, as a `known_hosts` file tells it; without it, nobody's.
    ///
    /// # Errors
    /// [`ArtifactError::Repository`] with the number of a line that makes no sense.
    pub fn with_known_hosts(self, lines: &str) -> Result<Self, ArtifactError> {
        Ok(Self {
            known_hosts: Arc::new(KnownHosts::parse(lines)?),
            ..self
        })
    }

    pub(crate) fn known_hosts(&self) -> Arc<KnownHosts> {
        self.known_hosts.clone()
    }

    /// A connection to a host, at one of its addresses that are allowed.
    pub(crate) async fn connect(
        &self,
        host: &str,
        port: u16,
        store: &str,
    ) -> Result<TcpStream, ArtifactError> {
        let found = resolve(&self.egress, host, port).await;
        let found = found.map_err(|error| match forbidden(&*error) {
            Some(destination) => ArtifactError::Egress { destination },
            None => ArtifactError::down(store, error.to_string()),
        })?;
        let connected = TcpStream::connect(found.as_slice());
        match tokio::time::timeout(self.patience.connect, connected).await {
            Ok(connected) => {
                connected.map_err(|error| ArtifactError::down(store, error.to_string()))
            }
            Err(_) => Err(ArtifactError::down(store, "no connection in time")),
        }
    }
}
