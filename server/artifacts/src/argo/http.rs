//! `http`: an object on a web server.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::{Secrets, Selector, pair, refused};
use crate::error::ArtifactError;
use crate::network::Identity;
use crate::repository::{OAuthClient, Web, WebCredential};
use crate::secret::Secret;

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Words {
    url: String,
    headers: Vec<Header>,
    auth: Option<Auth>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Header {
    name: String,
    value: String,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, rename_all = "camelCase", deny_unknown_fields)]
struct Auth {
    basic_auth: Option<Basic>,
    client_cert: Option<ClientCertificate>,
    oauth2: Option<OAuth>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, rename_all = "camelCase", deny_unknown_fields)]
struct Basic {
    username_secret: Option<Selector>,
    password_secret: Option<Selector>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, rename_all = "camelCase", deny_unknown_fields)]
struct ClientCertificate {
    client_cert_secret: Option<Selector>,
    client_key_secret: Option<Selector>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, rename_all = "camelCase", deny_unknown_fields)]
struct OAuth {
    #[serde(rename = "clientIDSecret")]
    client_id_secret: Option<Selector>,
    client_secret_secret: Option<Selector>,
    #[serde(rename = "tokenURLSecret")]
    token_url_secret: Option<Selector>,
    scopes: Vec<String>,
    endpoint_params: Vec<Parameter>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Parameter {
    key: String,
    value: String,
}

impl Words {
    pub(super) fn resolve(&self, secrets: &Secrets<'_>) -> Result<Web, ArtifactError> {
        let auth = self.auth.clone().unwrap_or_default();
        let certificate = auth.client_cert.unwrap_or_default();
        let identity = pair(
            secrets.text(certificate.client_cert_secret.as_ref())?,
            secrets.get(certificate.client_key_secret.as_ref())?,
            "clientCertSecret and clientKeySecret",
        )?;
        let credential = match (&auth.basic_auth, &auth.oauth2) {
            (Some(basic), None) => basic.resolve(secrets)?,
            (None, Some(client)) => WebCredential::Client(client.resolve(secrets)?),
            (None, None) => WebCredential::None,
            (Some(_), Some(_)) => return Err(refused("basicAuth and oauth2 exclude each other")),
        };
        // The same name twice would be two headers: the last one counts.
        let headers: BTreeMap<&str, &str> = self
            .headers
            .iter()
            .map(|header| (header.name.as_str(), header.value.as_str()))
            .collect();
        Ok(Web {
            url: self.url.clone(),
            headers: headers
                .into_iter()
                .map(|(name, value)| (name.to_owned(), Secret::new(value)))
                .collect(),
            credential,
            identity: identity.map(|(certificates, key)| Identity { certificates, key }),
            authorities: None,
        })
    }
}

impl Basic {
    fn resolve(&self, secrets: &Secrets<'_>) -> Result<WebCredential, ArtifactError> {
        Ok(WebCredential::Basic {
            user: secrets
                .get(self.username_secret.as_ref())?
                .unwrap_or_default(),
            password: secrets
                .get(self.password_secret.as_ref())?
                .unwrap_or_default(),
        })
    }
}

impl OAuth {
    fn resolve(&self, secrets: &Secrets<'_>) -> Result<OAuthClient, ArtifactError> {
        let needed = |selector: &Option<Selector>, name: &str| {
            let secret = secrets.get(selector.as_ref())?;
            secret.ok_or_else(|| refused(format!("oauth2 needs {name}")))
        };
        let parameters = self.endpoint_params.iter();
        Ok(OAuthClient {
            id: needed(&self.client_id_secret, "clientIDSecret")?,
            secret: needed(&self.client_secret_secret, "clientSecretSecret")?,
            token_url: needed(&self.token_url_secret, "tokenURLSecret")?,
            scopes: self.scopes.clone(),
            parameters: parameters
                .map(|parameter| (parameter.key.clone(), parameter.value.clone()))
                .collect(),
        })
    }
}
