//! Argo's words for a store: what an artifact says of where it lies, and what a site's configuration says of where
//! artifacts are kept. Secrets stand there by name; whose they are and what they hold is the caller's to know.

mod azure;
mod gcs;
mod git;
mod http;
mod s3;

use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::Value;
use steading_types::server_task::{Absence, SecretKey};

use crate::error::ArtifactError;
use crate::key::Key;
use crate::repository::Repository;
use crate::secret::Secret;

/// The key where a store has but one object.
const ONLY: &str = "object";

/// A store in Argo's words: one of them is there.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, rename_all = "camelCase", deny_unknown_fields)]
pub struct Location {
    s3: Option<s3::Words>,
    gcs: Option<gcs::Words>,
    azure: Option<azure::Words>,
    http: Option<http::Words>,
    git: Option<git::Words>,
    raw: Option<RawWords>,
    /// Of a repository: whether logs are kept as artifacts; the caller's business.
    archive_logs: Option<IgnoredAny>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct RawWords {
    data: String,
}

/// One value of a Secret, by name.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Selector {
    name: String,
    key: String,
    optional: bool,
}

/// Looks a value up; `None` when it is not there.
pub type Lookup<'a> = &'a dyn Fn(&SecretKey) -> Option<Secret>;

impl Location {
    /// Reads `{"s3": {…}}` and the like.
    ///
    /// # Errors
    /// [`ArtifactError::Repository`] with the path of what is unknown or of the wrong type.
    pub fn read(words: &Value) -> Result<Self, ArtifactError> {
        let location: Self = serde_path_to_error::deserialize(words).map_err(|error| {
            let path = error.path().to_string();
            refused(format!("{path}: {}", error.into_inner()))
        })?;
        match location.kinds().len() {
            1 => Ok(location),
            0 => Err(refused("it names no store")),
            _ => Err(refused("it names more than one store")),
        }
    }

    /// The key that it names: an object's, or of what lies below it. Empty where there is none.
    pub fn key(&self) -> &str {
        let s3 = self.s3.as_ref().map(|words| &words.key);
        let gcs = self.gcs.as_ref().map(|words| &words.key);
        let azure = self.azure.as_ref().map(|words| &words.blob);
        let key = s3.or(gcs).or(azure);
        key.map(String::as_str).unwrap_or_default()
    }

    /// The object that it names. A store of one object has the same for all keys.
    ///
    /// # Errors
    /// [`ArtifactError::Key`], when the store has keys and this is none.
    pub fn object(&self) -> Result<Key, ArtifactError> {
        let has_keys = self.s3.is_some() || self.gcs.is_some() || self.azure.is_some();
        let key = if has_keys { self.key() } else { ONLY };
        Ok(Key::parse(key)?)
    }

    /// How keys are made in this repository, with Argo's variables in it.
    pub fn key_format(&self) -> Option<&str> {
        let s3 = self.s3.as_ref().map(|words| &words.key_format);
        let gcs = self.gcs.as_ref().map(|words| &words.key_format);
        let azure = self.azure.as_ref().map(|words| &words.blob_name_format);
        let format = s3.or(gcs).or(azure)?;
        Some(format.as_str()).filter(|format| !format.is_empty())
    }

    /// The values of Secrets that it needs, each once.
    pub fn secrets(&self) -> Vec<SecretKey> {
        let asked = std::cell::RefCell::new(Vec::new());
        let ask = |key: &SecretKey| {
            let mut asked = asked.borrow_mut();
            if !asked.contains(key) {
                asked.push(key.clone());
            }
            None
        };
        // Whether it makes sense shows when it is resolved.
        let _ = self.resolved(&Secrets(&ask, Missing::Borne));
        asked.into_inner()
    }

    /// The description of the store, with its credentials.
    ///
    /// # Errors
    /// [`ArtifactError::Repository`], when a value is missing or the words make no sense.
    pub fn resolve(&self, secrets: Lookup<'_>) -> Result<Repository, ArtifactError> {
        self.resolved(&Secrets(secrets, Missing::Fails))
    }

    fn resolved(&self, secrets: &Secrets<'_>) -> Result<Repository, ArtifactError> {
        if let Some(words) = &self.s3 {
            return words.resolve(secrets).map(Repository::S3);
        }
        if let Some(words) = &self.gcs {
            return words.resolve(secrets).map(Repository::S3);
        }
        if let Some(words) = &self.azure {
            return words.resolve(secrets).map(Repository::Azure);
        }
        if let Some(words) = &self.http {
            return words.resolve(secrets).map(Repository::Web);
        }
        if let Some(words) = &self.git {
            return words.resolve(secrets).map(Repository::Git);
        }
        let raw = self.raw.as_ref().map(|words| words.data.clone());
        Ok(Repository::Raw(raw.unwrap_or_default().into()))
    }

    fn kinds(&self) -> Vec<&'static str> {
        let kinds = [
            (self.s3.is_some(), "s3"),
            (self.gcs.is_some(), "gcs"),
            (self.azure.is_some(), "azure"),
            (self.http.is_some(), "http"),
            (self.git.is_some(), "git"),
            (self.raw.is_some(), "raw"),
        ];
        let there = kinds.into_iter().filter(|(there, _)| *there);
        there.map(|(_, kind)| kind).collect()
    }
}

/// What becomes of a value that is not there.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Missing {
    Fails,
    Borne,
}

/// The values that words name.
struct Secrets<'a>(Lookup<'a>, Missing);

impl Secrets<'_> {
    fn get(&self, selector: Option<&Selector>) -> Result<Option<Secret>, ArtifactError> {
        let Some(selector) = selector.filter(|selector| !selector.name.is_empty()) else {
            return Ok(None);
        };
        let key = SecretKey {
            name: selector.name.clone(),
            key: selector.key.clone(),
            absence: match selector.optional {
                true => Absence::Fine,
                false => Absence::Wrong,
            },
        };
        match (self.0)(&key) {
            Some(secret) => Ok(Some(secret)),
            None if self.1 == Missing::Borne => Ok(Some(Secret::default())),
            None if selector.optional => Ok(None),
            None => Err(refused(format!(
                "the Secret {} has no value {}",
                key.name, key.key
            ))),
        }
    }

    /// A value that is a text for everybody, such as a certificate.
    fn text(&self, selector: Option<&Selector>) -> Result<Option<String>, ArtifactError> {
        let value = self.get(selector)?;
        Ok(value
            .map(|value| value.expose().to_owned())
            .filter(|text| !text.is_empty()))
    }
}

fn refused(why: impl Into<String>) -> ArtifactError {
    ArtifactError::Repository { why: why.into() }
}

/// A field that is understood and not served.
fn unserved(field: &str, instead: &str) -> ArtifactError {
    refused(format!("{field} is not supported: {instead}"))
}

/// Two that belong together.
fn pair<A, B>(
    one: Option<A>,
    other: Option<B>,
    names: &str,
) -> Result<Option<(A, B)>, ArtifactError> {
    match (one, other) {
        (Some(one), Some(other)) => Ok(Some((one, other))),
        (None, None) => Ok(None),
        _ => Err(refused(format!("{names} belong together"))),
    }
}

#[cfg(test)]
mod tests;
