//! Whose signatures this site accepts. A key is a file; trusting a maker is putting a file there.

use std::path::Path;

use ed25519_dalek::{Signature, Signer, SigningKey, VerifyingKey};

use crate::error::PluginError;
use crate::package::read_limited;

/// Bytes of a key or signature file.
const FILE_LIMIT: usize = 1024;
/// Keys in one directory.
const KEY_LIMIT: usize = 1000;
/// Said before the manifest's bytes, so that a signature can mean nothing else.
const CONTEXT: &[u8] = b"steading plugin manifest v1\0";

/// The public keys that the operator trusts.
#[derive(Debug, Clone, Default)]
pub struct TrustedKeys {
    keys: Vec<VerifyingKey>,
}

impl TrustedKeys {
    /// Reads every `*.pub` file of a directory: one ed25519 public key each, in hexadecimal. A
    /// directory that does not exist trusts nobody.
    pub fn read(dir: &Path) -> Result<Self, PluginError> {
        let unusable = |path: &Path, reason: String| PluginError::Package {
            path: path.to_owned(),
            reason,
        };
        let entries = match std::fs::read_dir(dir) {
            Ok(entries) => entries,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                return Ok(Self::default());
            }
            Err(error) => return Err(unusable(dir, error.to_string())),
        };
        let mut keys = Vec::new();
        for entry in entries {
            let path = entry.map_err(|e| unusable(dir, e.to_string()))?.path();
            if path.extension().is_none_or(|extension| extension != "pub") {
                continue;
            }
            if keys.len() >= KEY_LIMIT {
                return Err(unusable(dir, format!("more than {KEY_LIMIT} keys")));
            }
            let text = read_limited(&path, FILE_LIMIT)?;
            let key = parse_key(&text)
                .ok_or_else(|| unusable(&path, "not an ed25519 public key".to_owned()))?;
            keys.push(key);
        }
        Ok(Self { keys })
    }

    /// These keys, and one more.
    #[must_use]
    pub fn with(mut self, key: VerifyingKey) -> Self {
        self.keys.push(key);
        self
    }

    /// True when a trusted key made this signature (hexadecimal) over this manifest.
    pub(crate) fn accept(&self, manifest: &[u8], signature: &[u8]) -> bool {
        let Some(bytes) = decode::<64>(signature) else {
            return false;
        };
        let signature = Signature::from_bytes(&bytes);
        let message = [CONTEXT, manifest].concat();
        self.keys
            .iter()
            .any(|key| key.verify_strict(&message, &signature).is_ok())
    }
}

/// The signature file of a manifest.
pub fn sign(key: &SigningKey, manifest: &[u8]) -> String {
    let message = [CONTEXT, manifest].concat();
    hex::encode(key.sign(&message).to_bytes())
}

/// A secret key from the text of its file.
pub fn parse_signing_key(text: &[u8]) -> Option<SigningKey> {
    decode::<32>(text).map(|bytes| SigningKey::from_bytes(&bytes))
}

fn parse_key(text: &[u8]) -> Option<VerifyingKey> {
    let key = VerifyingKey::from_bytes(&decode::<32>(text)?).ok()?;
    (!key.is_weak()).then_some(key)
}

fn decode<const N: usize>(text: &[u8]) -> Option<[u8; N]> {
    let mut bytes = [0; N];
    hex::decode_to_slice(text.trim_ascii(), &mut bytes).ok()?;
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_signed_bytes_under_a_trusted_key_are_accepted() {
        let key = SigningKey::from_bytes(&[7; 32]);
        let trusted = TrustedKeys::default().with(key.verifying_key());
        let signature = sign(&key, b"manifest");
        assert!(trusted.accept(b"manifest", signature.as_bytes()));
        assert!(!trusted.accept(b"manifesT", signature.as_bytes()));
        assert!(!trusted.accept(b"manifest", b""));
        assert!(!TrustedKeys::default().accept(b"manifest", signature.as_bytes()));

        let stranger = SigningKey::from_bytes(&[8; 32]);
        assert!(!trusted.accept(b"manifest", sign(&stranger, b"manifest").as_bytes()));
    }

    #[test]
    fn a_directory_with_an_unreadable_key_is_refused_and_not_passed_over() {
        let dir = tempfile::tempdir().unwrap();
        let key = SigningKey::from_bytes(&[7; 32]).verifying_key();
        std::fs::write(dir.path().join("maker.pub"), hex::encode(key.to_bytes())).unwrap();
        std::fs::write(dir.path().join("notes.txt"), "not a key").unwrap();
        assert_eq!(TrustedKeys::read(dir.path()).unwrap().keys.len(), 1);
        std::fs::write(dir.path().join("broken.pub"), "not a key").unwrap();
        assert!(TrustedKeys::read(dir.path()).is_err());
        assert!(
            TrustedKeys::read(&dir.path().join("absent"))
                .unwrap()
                .keys
                .is_empty()
        );
    }
}
