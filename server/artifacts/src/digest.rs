//! What was stored: how many bytes, and their SHA-256.

use std::fmt;

use sha2::Digest as _;

/// The SHA-256 of a content. Displayed as 64 hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Sha256([u8; 32]);

impl Sha256 {
    /// Of bytes that are at hand.
    pub fn of(bytes: &[u8]) -> Self {
        Self(sha2::Sha256::digest(bytes).into())
    }

    /// Reads 64 hexadecimal digits.
    pub fn parse(text: &str) -> Option<Self> {
        let mut bytes = [0; 32];
        hex::decode_to_slice(text, &mut bytes).ok()?;
        Some(Self(bytes))
    }

    /// The 32 bytes.
    pub fn bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Display for Sha256 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

impl fmt::Debug for Sha256 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Sha256({self})")
    }
}

/// What lies in a store now, or what came out of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stored {
    /// Bytes.
    pub size: u64,
    /// Of the content as it was moved.
    pub sha256: Sha256,
}

/// A [`Stored`] in the making.
#[derive(Default)]
pub(crate) struct Account {
    size: u64,
    hash: sha2::Sha256,
}

impl Account {
    pub(crate) fn add(&mut self, bytes: &[u8]) {
        self.size = self.size.saturating_add(bytes.len() as u64);
        self.hash.update(bytes);
    }

    pub(crate) fn finish(self) -> Stored {
        Stored {
            size: self.size,
            sha256: Sha256(self.hash.finalize().into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_digest_reads_what_it_writes_and_nothing_else() {
        let digest = Sha256::of(b"abc");
        assert_eq!(Sha256::parse(&digest.to_string()), Some(digest));
        assert!(digest.to_string().starts_with("ba7816bf"));
        for wrong in ["", "ba78", &"g".repeat(64), &"0".repeat(65)] {
            assert_eq!(Sha256::parse(wrong), None);
        }
    }
}
