//! How a request shows who asks: signed with the account's key (Microsoft, "Authorize with Shared Key", the form
//! of 2015-02-21 and later), or with a shared access signature in its query.

use std::collections::BTreeMap;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, Mac};
use reqwest::Url;

use crate::error::ArtifactError;
use crate::repository::{AzureBlob, AzureCredential};

/// Who asks.
pub(super) enum Credential {
    Key { account: String, key: Vec<u8> },
    Signature(String),
    Anonymous,
}

impl Credential {
    pub(super) fn of(described: &AzureBlob, endpoint: &Url) -> Result<Self, ArtifactError> {
        match &described.credential {
            AzureCredential::Key(key) => {
                let key = STANDARD.decode(key.expose().trim()).map_err(|_| {
                    ArtifactError::Repository {
                        why: "the account's key is no base64".to_owned(),
                    }
                })?;
                let account = account(endpoint);
                Ok(Self::Key { account, key })
            }
            AzureCredential::Signature(text) => {
                let query = text.expose().trim().trim_start_matches('?');
                Ok(Self::Signature(query.to_owned()))
            }
            AzureCredential::Anonymous => Ok(Self::Anonymous),
        }
    }

    /// Adds what a request must show. `headers` are all that are sent, names in small letters.
    pub(super) fn apply(
        &self,
        method: &str,
        url: &mut Url,
        headers: &mut BTreeMap<String, String>,
    ) {
        match self {
            Self::Anonymous => {}
            Self::Signature(signature) => {
                let query = match url.query() {
                    Some(query) => format!("{query}&{signature}"),
                    None => signature.clone(),
                };
                url.set_query(Some(&query));
            }
            Self::Key { account, key } => {
                let text = text_to_sign(account, method, url, headers);
                let signature = STANDARD.encode(hmac(key, text.as_bytes()));
                let value = format!("SharedKey {account}:{signature}");
                headers.insert("authorization".to_owned(), value);
            }
        }
    }
}

/// The first label of the host, or, below an address and `localhost`, the first part of the path.
fn account(endpoint: &Url) -> String {
    let host = endpoint.host_str().unwrap_or_default();
    let first = match endpoint.domain() {
        Some(domain) if domain != "localhost" => host.split('.').next(),
        _ => endpoint.path_segments().and_then(|mut path| path.next()),
    };
    first.unwrap_or_default().to_owned()
}

fn text_to_sign(
    account: &str,
    method: &str,
    url: &Url,
    headers: &BTreeMap<String, String>,
) -> String {
    let mut text = format!("{method}\n");
    for name in [
        "content-encoding",
        "content-language",
        "content-length",
        "content-md5",
        "content-type",
        // The time stands in x-ms-date.
        "",
        "if-modified-since",
        "if-match",
        "if-none-match",
        "if-unmodified-since",
        "range",
    ] {
        let value = headers.get(name).map(String::as_str).unwrap_or_default();
        // A body of no bytes has no length here.
        if (name, value) != ("content-length", "0") {
            text.push_str(value);
        }
        text.push('\n');
    }
    for (name, value) in headers.iter().filter(|(name, _)| name.starts_with("x-ms-")) {
        text.push_str(&format!("{name}:{}\n", value.trim()));
    }
    text.push_str(&format!("/{account}{}", url.path()));
    let mut query: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (name, value) in url.query_pairs() {
        let values = query.entry(name.to_ascii_lowercase()).or_default();
        values.push(value.into_owned());
    }
    for (name, mut values) in query {
        values.sort();
        text.push_str(&format!("\n{name}:{}", values.join(",")));
    }
    text
}

fn hmac(key: &[u8], text: &[u8]) -> Vec<u8> {
    // HMAC takes keys of every length.
    let Ok(mut mac) = Hmac::<sha2::Sha256>::new_from_slice(key) else {
        return Vec::new();
    };
    mac.update(text);
    mac.finalize().into_bytes().to_vec()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of "Authorize with Shared Key": Get Container Metadata, and List Containers.
    #[test]
    fn the_text_is_that_of_the_documentation() {
        let headers = BTreeMap::from([
            ("x-ms-date", "Fri, 26 Jun 2015 23:39:12 GMT"),
            ("x-ms-version", "2015-02-21"),
            ("content-length", "0"),
        ]);
        let headers = headers
            .into_iter()
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect();
        let url = "https://myaccount.blob.core.windows.net/mycontainer?restype=container&comp=metadata&timeout=20";
        let url = Url::parse(url).unwrap();
        assert_eq!(account(&url), "myaccount");
        assert_eq!(
            text_to_sign("myaccount", "GET", &url, &headers),
            "GET\n\n\n\n\n\n\n\n\n\n\n\nx-ms-date:Fri, 26 Jun 2015 23:39:12 GMT\nx-ms-version:2015-02-21\n\
             /myaccount/mycontainer\ncomp:metadata\nrestype:container\ntimeout:20"
        );
        let local = Url::parse("http://127.0.0.1:10000/devstoreaccount1").unwrap();
        assert_eq!(account(&local), "devstoreaccount1");
    }

    /// RFC 4231, case 2.
    #[test]
    fn the_code_is_that_of_the_standard() {
        assert_eq!(
            hex::encode(hmac(b"Jefe", b"what do ya want for nothing?")),
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
        );
    }
}
