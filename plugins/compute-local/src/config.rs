//! The configuration of an environment on this host, and everything that can be wrong with it.

use serde::Deserialize;
use serde_json::Value;
use steading_plugin::compute::{Error, ErrorKind, Finding, Severity};
use steading_plugin::exec::Isolation;

/// JSON Schema of the configuration. [`findings`] says the same with paths and sentences.
pub(crate) const SCHEMA: &str = r#"{
  "$schema": "https://json-schema.org/draft/2020-12/schema",
  "type": "object",
  "additionalProperties": false,
  "properties": {
    "isolation": {
      "title": "Isolation",
      "description": "How strongly tasks are kept apart from the host. Without it, the site's default holds.",
      "enum": ["process", "sandbox", "image"]
    }
  }
}"#;

/// Order of the fields on the page.
pub(crate) const UI_SCHEMA: &str = r#"{"order":["isolation"]}"#;

/// What an environment on this host can be told.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Config {
    isolation: Option<Level>,
}

#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Level {
    Process,
    Sandbox,
    Image,
}

impl Config {
    /// Reads the configuration that the host checked before; an empty text is an empty object.
    pub(crate) fn read(text: &str) -> Result<Self, Error> {
        if text.is_empty() || text == "{}" {
            return Ok(Self::default());
        }
        serde_json::from_str(text).map_err(|error| {
            Error::new(
                ErrorKind::InvalidConfig,
                "local.config-invalid",
                format!("the configuration of this environment can not be read: {error}"),
            )
        })
    }

    /// The level that the environment asks for; none: the site's default.
    pub(crate) fn isolation(&self) -> Option<Isolation> {
        self.isolation.map(|level| match level {
            Level::Process => Isolation::Process,
            Level::Sandbox => Isolation::Sandbox,
            Level::Image => Isolation::Image,
        })
    }
}

/// Every fault of the configuration, with its path.
pub(crate) fn findings(text: &str) -> Vec<Finding> {
    let fields = match serde_json::from_str(text) {
        Ok(Value::Object(fields)) => fields,
        Ok(_) => return vec![fault("", "config.type", "the configuration is an object")],
        Err(error) => return vec![fault("", "config.syntax", &error.to_string())],
    };
    fields
        .iter()
        .filter_map(|(name, value)| match name.as_str() {
            "isolation" if Level::deserialize(value).is_err() => Some(fault(
                "/isolation",
                "config.value",
                "isolation is process, sandbox or image",
            )),
            "isolation" => None,
            other => Some(fault(
                &format!("/{}", other.replace('~', "~0").replace('/', "~1")),
                "config.unknown-field",
                &format!("there is no field {other}"),
            )),
        })
        .collect()
}

fn fault(path: &str, code: &str, message: &str) -> Finding {
    Finding {
        path: path.to_owned(),
        severity: Severity::Error,
        code: code.to_owned(),
        message: message.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_good_configuration_has_no_findings() {
        for text in ["{}", r#"{"isolation":"sandbox"}"#] {
            assert!(findings(text).is_empty(), "{text}");
            assert!(Config::read(text).is_ok(), "{text}");
        }
    }

    #[test]
    fn every_fault_is_reported_with_its_path() {
        let found = findings(r#"{"isolation":"none","a/b":1}"#);
        let paths: Vec<&str> = found.iter().map(|f| f.path.as_str()).collect();
        assert_eq!(paths, ["/isolation", "/a~1b"]);
    }

    #[test]
    fn what_is_no_object_is_one_fault() {
        for text in ["[]", "", "{", "null"] {
            assert_eq!(findings(text).len(), 1, "{text}");
        }
    }
}
