//! Typed ids. Each is made by its owner and never re-used; random bits come from the caller, because
//! this crate has none.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use thiserror::Error;

/// The alphabet of Crockford's base 32, lower case.
const BASE32: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";

/// Why a text is not an id.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("'{text}' is not {expected}")]
pub struct IdError {
    text: String,
    expected: &'static str,
}

/// One run of a workflow: 48 bits of milliseconds and 80 random bits, so ids sort by creation time.
/// Written as 26 characters of Crockford base 32 (the ULID format), in lower case.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RunId(u128);

impl RunId {
    /// Makes an id from a time and 80 random bits (the upper 48 bits of `random` are ignored).
    pub fn new(at: crate::Millis, random: u128) -> Self {
        let time = u128::from(at.get()) & ((1 << 48) - 1);
        Self((time << 80) | (random & ((1 << 80) - 1)))
    }

    /// The id as sixteen big-endian bytes: the form in store keys.
    pub fn to_bytes(self) -> [u8; 16] {
        self.0.to_be_bytes()
    }

    /// The inverse of [`RunId::to_bytes`].
    pub fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(u128::from_be_bytes(bytes))
    }

    /// The Kubernetes `metadata.uid` of the run: the same 128 bits in UUID form.
    pub fn uid(self) -> Uid {
        Uid(self.0)
    }
}

impl fmt::Display for RunId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = [0u8; 26];
        let mut rest = self.0;
        for slot in text.iter_mut().rev() {
            *slot = BASE32.get((rest & 31) as usize).copied().unwrap_or(b'0');
            rest >>= 5;
        }
        f.write_str(std::str::from_utf8(&text).unwrap_or_default())
    }
}

impl FromStr for RunId {
    type Err = IdError;
    fn from_str(text: &str) -> Result<Self, IdError> {
        let wrong = || IdError {
            text: text.chars().take(40).collect(),
            expected: "a run id (26 characters)",
        };
        if text.len() != 26 || text.as_bytes().first().is_none_or(|c| *c > b'7') {
            return Err(wrong());
        }
        let mut value: u128 = 0;
        for c in text.bytes() {
            let digit = BASE32
                .iter()
                .position(|x| *x == c.to_ascii_lowercase())
                .ok_or_else(wrong)?;
            value = (value << 5) | digit as u128;
        }
        Ok(Self(value))
    }
}

/// A node of a run: its position in the run's order of creation. Small, dense, never re-used.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct NodeIx(pub u32);

impl NodeIx {
    /// The run's root node.
    pub const ROOT: Self = Self(0);

    /// The position as an index into a dense vector.
    pub fn index(self) -> usize {
        self.0 as usize
    }
}

impl fmt::Debug for NodeIx {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "#{}", self.0)
    }
}

/// One try of a node on a backend, and the idempotency key of everything done for it.
/// Written `<run id>-<node>-<generation>`; the generation grows when a run is retried, so that a
/// node which runs again never meets the remains of its earlier try.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AttemptId {
    /// The run that owns the node.
    pub run: RunId,
    /// The node (with `retryStrategy` each try is a node of its own, as in Argo).
    pub node: NodeIx,
    /// 0 at first; one more each time the node is started again by the verb retry.
    pub generation: u32,
}

impl fmt::Display for AttemptId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}-{}", self.run, self.node.0, self.generation)
    }
}

impl FromStr for AttemptId {
    type Err = IdError;
    fn from_str(text: &str) -> Result<Self, IdError> {
        let wrong = || IdError {
            text: text.chars().take(60).collect(),
            expected: "an attempt id (<run>-<node>-<generation>)",
        };
        let mut parts = text.split('-');
        let (Some(run), Some(node), Some(generation), None) =
            (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return Err(wrong());
        };
        Ok(Self {
            run: run.parse()?,
            node: NodeIx(node.parse().map_err(|_| wrong())?),
            generation: generation.parse().map_err(|_| wrong())?,
        })
    }
}

/// Kubernetes' `metadata.uid`: 128 bits written as a UUID.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Uid(u128);

impl Uid {
    /// The run with this uid.
    pub fn run(self) -> RunId {
        RunId(self.0)
    }
}

impl fmt::Display for Uid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let v = self.0;
        write!(
            f,
            "{:08x}-{:04x}-{:04x}-{:04x}-{:012x}",
            v >> 96,
            (v >> 80) & 0xffff,
            (v >> 64) & 0xffff,
            (v >> 48) & 0xffff,
            v & 0xffff_ffff_ffff
        )
    }
}

impl FromStr for Uid {
    type Err = IdError;
    fn from_str(text: &str) -> Result<Self, IdError> {
        let wrong = || IdError {
            text: text.chars().take(60).collect(),
            expected: "a uid (a UUID)",
        };
        let dashes_right = text.len() == 36
            && text.bytes().enumerate().all(|(i, c)| {
                if matches!(i, 8 | 13 | 18 | 23) {
                    c == b'-'
                } else {
                    c.is_ascii_hexdigit()
                }
            });
        if !dashes_right {
            return Err(wrong());
        }
        let digits: String = text.chars().filter(|c| *c != '-').collect();
        u128::from_str_radix(&digits, 16)
            .map(Self)
            .map_err(|_| wrong())
    }
}

macro_rules! text_serde {
    ($($id:ty),*) => {$(
        impl fmt::Debug for $id {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{self}")
            }
        }
        impl Serialize for $id {
            fn serialize<S: serde::Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
                s.collect_str(self)
            }
        }
        impl<'de> Deserialize<'de> for $id {
            fn deserialize<D: serde::Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
                String::deserialize(d)?.parse().map_err(serde::de::Error::custom)
            }
        }
    )*};
}
text_serde!(RunId, AttemptId, Uid);

#[cfg(feature = "schema")]
impl schemars::JsonSchema for RunId {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "RunId".into()
    }
    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({"type": "string", "pattern": "^[0-7][0-9a-hjkmnp-tv-z]{25}$"})
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Millis;

    #[test]
    fn ids_survive_being_written_and_read() {
        let run = RunId::new(Millis(1_700_000_000_123), 0x1234_5678_9abc_def0_1122);
        assert_eq!(run.to_string().parse(), Ok(run));
        assert_eq!(RunId::from_bytes(run.to_bytes()), run);
        assert_eq!(run.uid().to_string().parse::<Uid>().map(Uid::run), Ok(run));
        let attempt = AttemptId {
            run,
            node: NodeIx(7),
            generation: 2,
        };
        assert_eq!(attempt.to_string().parse(), Ok(attempt));
    }

    #[test]
    fn ids_sort_by_time_and_foreign_text_is_refused() {
        assert!(RunId::new(Millis(1), u128::MAX) < RunId::new(Millis(2), 0));
        for text in [
            "",
            "zz",
            "8zzzzzzzzzzzzzzzzzzzzzzzzz",
            "+0000000-0000-0000-0000-000000000000",
        ] {
            assert!(
                text.parse::<RunId>().is_err() && text.parse::<Uid>().is_err(),
                "{text}"
            );
        }
        assert!("01jd-1-2-3".parse::<AttemptId>().is_err());
    }
}
