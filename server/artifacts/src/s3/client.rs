//! Amazon's SDK as we want it: with the credential of the description and no other, over our own connections.

use aws_sdk_s3::Client;
use aws_sdk_s3::config::retry::RetryConfig;
use aws_sdk_s3::config::timeout::TimeoutConfig;
use aws_sdk_s3::config::{
    BehaviorVersion, Config, Credentials, Region, RequestChecksumCalculation,
    ResponseChecksumValidation, StalledStreamProtectionConfig,
};

use super::connector;
use crate::error::ArtifactError;
use crate::network::Network;
use crate::repository::{Addressing, S3, S3Credential, endpoint};

pub(super) fn open(described: &S3, network: &Network) -> Result<Client, ArtifactError> {
    let client = network.client(described.authorities.as_deref(), None)?;
    let mut config = Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .http_client(connector::client(client))
        .region(Region::new(described.region.clone()))
        .force_path_style(described.addressing == Addressing::Path)
        // Trailing checksums are what older stores do not know.
        .request_checksum_calculation(RequestChecksumCalculation::WhenRequired)
        .response_checksum_validation(ResponseChecksumValidation::WhenRequired)
        // Waiting and trying again are ours.
        .retry_config(RetryConfig::disabled())
        .timeout_config(TimeoutConfig::disabled())
        .stalled_stream_protection(StalledStreamProtectionConfig::disabled());
    if let Some(text) = &described.endpoint {
        config = config.endpoint_url(endpoint(text)?.as_str());
    }
    config = match &described.credential {
        S3Credential::Keys {
            access,
            secret,
            session,
        } => {
            let mut keys = Credentials::builder()
                .access_key_id(access.expose())
                .secret_access_key(secret.expose())
                .provider_name("repository");
            keys.set_session_token(session.as_ref().map(|token| token.expose().to_owned()));
            config.credentials_provider(keys.build())
        }
        S3Credential::Anonymous => config.allow_no_auth(),
    };
    Ok(Client::from_conf(config.build()))
}
