//! Whom we trust and how we show ourselves in TLS. Certificates are always verified.

use std::sync::Arc;

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ClientConfig, RootCertStore};

use crate::error::ArtifactError;
use crate::secret::Secret;

/// A certificate of our own, with its key, both in PEM.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// The certificate and those between it and the authority.
    pub certificates: String,
    /// Its private key.
    pub key: Secret,
}

/// The host's authorities and these.
pub(super) fn trust(authorities: Option<&str>) -> Result<RootCertStore, ArtifactError> {
    let mut store = RootCertStore::empty();
    // A host without any is common where all stores are local: what is missing shows at the first connection.
    store.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    add(&mut store, authorities)?;
    Ok(store)
}

pub(super) fn config(
    trust: &Arc<RootCertStore>,
    authorities: Option<&str>,
    identity: Option<&Identity>,
) -> Result<ClientConfig, ArtifactError> {
    let trust = if authorities.is_some() {
        let mut own = RootCertStore::clone(trust);
        add(&mut own, authorities)?;
        Arc::new(own)
    } else {
        trust.clone()
    };
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| wrong("TLS", error))?
        .with_root_certificates(trust);
    let Some(identity) = identity else {
        return Ok(builder.with_no_client_auth());
    };
    let key = PrivateKeyDer::from_pem_slice(identity.key.expose().as_bytes())
        .map_err(|error| wrong("the key of the client's certificate", error))?;
    builder
        .with_client_auth_cert(certificates(&identity.certificates)?, key)
        .map_err(|error| wrong("the client's certificate", error))
}

fn add(store: &mut RootCertStore, authorities: Option<&str>) -> Result<(), ArtifactError> {
    for certificate in certificates(authorities.unwrap_or_default())? {
        store
            .add(certificate)
            .map_err(|error| wrong("the certificate authority", error))?;
    }
    Ok(())
}

fn certificates(pem: &str) -> Result<Vec<CertificateDer<'static>>, ArtifactError> {
    let found: Vec<_> = CertificateDer::pem_slice_iter(pem.as_bytes())
        .collect::<Result<_, _>>()
        .map_err(|error| wrong("a certificate", error))?;
    if found.is_empty() && !pem.trim().is_empty() {
        return Err(wrong("a certificate", "there is none in PEM"));
    }
    Ok(found)
}

fn wrong(what: &str, why: impl std::fmt::Display) -> ArtifactError {
    ArtifactError::Repository {
        why: format!("{what}: {why}"),
    }
}
