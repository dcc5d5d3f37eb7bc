//! The name of an object within its repository. Keys hold what tenants wrote into documents, so a key is
//! checked once, here, and is then safe as a path below a directory and as a part of a URL that is encoded.

use std::fmt;
use std::sync::Arc;

/// The longest key, in bytes: S3's own limit.
const LONGEST: usize = 1024;
/// The longest part between two slashes, in bytes: what file systems take.
const LONGEST_PART: usize = 255;

/// A relative path of one or more parts: no empty part, no `.` or `..`, no control character, no backslash.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Key(Arc<str>);

/// Why a text is no key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// Nothing in it.
    #[error("the key of an artifact is empty")]
    Empty,
    /// More than 1,024 bytes, or more than 255 between two slashes.
    #[error("the key of an artifact has at most 1024 bytes, and 255 between two slashes")]
    TooLong,
    /// `/a`, `a/`, `a//b`, `./a`, `a/../b`.
    #[error("the key of an artifact is a plain relative path: no empty part, no `.` and no `..`")]
    NotPlain,
    /// NUL, a line break, a backslash.
    #[error("the key of an artifact holds a control character or a backslash")]
    Character,
}

impl Key {
    /// Takes a text that is a key.
    pub fn parse(text: &str) -> Result<Self, KeyError> {
        if text.is_empty() {
            return Err(KeyError::Empty);
        }
        if text.len() > LONGEST || text.split('/').any(|part| part.len() > LONGEST_PART) {
            return Err(KeyError::TooLong);
        }
        if text.chars().any(|c| c.is_control() || c == '\\') {
            return Err(KeyError::Character);
        }
        if text.split('/').any(|part| matches!(part, "" | "." | "..")) {
            return Err(KeyError::NotPlain);
        }
        Ok(Self(text.into()))
    }

    /// The key of something below this one.
    pub fn join(&self, below: &str) -> Result<Self, KeyError> {
        Self::parse(&format!("{self}/{below}"))
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// What stands before the last slash, and what behind it.
    pub(crate) fn split(&self) -> (Option<&str>, &str) {
        match self.0.rsplit_once('/') {
            Some((parent, name)) => (Some(parent), name),
            None => (None, &self.0),
        }
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", &*self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_plain_relative_paths() {
        for right in ["a", "a/b.tgz", "…/ü", "...", "a/.b", "a b/c%2e%2e"] {
            assert_eq!(Key::parse(right).unwrap().as_str(), right);
        }
    }

    /// security.md F03, F05: a parameter in a key can not lead out of the repository.
    #[test]
    fn f03_a_key_never_leads_out() {
        let long = "x".repeat(5000);
        for (wrong, why) in [
            ("", KeyError::Empty),
            ("/etc/passwd", KeyError::NotPlain),
            ("a/", KeyError::NotPlain),
            ("a//b", KeyError::NotPlain),
            ("../x", KeyError::NotPlain),
            ("a/../../x", KeyError::NotPlain),
            ("a/./b", KeyError::NotPlain),
            ("a\0b", KeyError::Character),
            ("a\nb", KeyError::Character),
            ("..\\x", KeyError::Character),
            (&long, KeyError::TooLong),
        ] {
            assert_eq!(Key::parse(wrong), Err(why), "{wrong:?}");
        }
        assert_eq!(
            Key::parse("a").unwrap().join("../b"),
            Err(KeyError::NotPlain)
        );
    }
}
