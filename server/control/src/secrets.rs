//! Seals the values of Secrets, so that neither the store nor a copy of it can be read without the keys.
//!
//! XChaCha20-Poly1305: its nonces are long enough to be drawn. Whose secret it is, and under which name,
//! is authenticated with it: a piece that was copied to another row does not open.

use std::collections::BTreeMap;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use chacha20poly1305::aead::{Aead, Payload};
use chacha20poly1305::{KeyInit, XChaCha20Poly1305, XNonce};
use steading_spec::objects::Values;
use steading_types::{ObjectName, TenantName};
use zeroize::Zeroizing;

use crate::error::ControlError;

/// The form of a sealed piece.
const FORM: u8 = 1;
const NONCE: usize = 24;
/// Form, number of the key, nonce.
const HEADER: usize = 1 + 4 + NONCE;

/// A key and its number.
pub struct Key {
    /// Names it in sealed pieces; never used twice.
    pub number: u32,
    /// The key itself.
    pub bytes: Zeroizing<[u8; 32]>,
}

/// The site's keys: the last one seals, all open.
pub struct Keyring(Vec<Key>);

impl Keyring {
    /// A ring of these keys; nothing when there is none.
    pub fn new(keys: Vec<Key>) -> Option<Self> {
        (!keys.is_empty()).then_some(Self(keys))
    }

    /// Seals the values of a Secret.
    ///
    /// # Errors
    /// When the system gives no random numbers.
    pub fn seal(
        &self,
        tenant: &TenantName,
        name: &ObjectName,
        values: &Values,
    ) -> Result<Vec<u8>, ControlError> {
        let failed =
            |what: &str| ControlError::Damaged(format!("a Secret can not be sealed: {what}"));
        let key = self.0.last().ok_or_else(|| failed("no key"))?;
        let mut nonce = [0; NONCE];
        getrandom::fill(&mut nonce).map_err(|_| failed("no random numbers"))?;
        let plain = written(values).map_err(|_| failed("its values"))?;
        let aad = associated(tenant, name, key.number);
        let payload = Payload {
            msg: &plain,
            aad: &aad,
        };
        let cipher = XChaCha20Poly1305::new(key.bytes.as_ref().into());
        let body = cipher.encrypt(XNonce::from_slice(&nonce), payload);
        let body = body.map_err(|_| failed("the cipher"))?;
        let mut sealed = Vec::with_capacity(HEADER.saturating_add(body.len()));
        sealed.push(FORM);
        sealed.extend_from_slice(&key.number.to_le_bytes());
        sealed.extend_from_slice(&nonce);
        sealed.extend_from_slice(&body);
        Ok(sealed)
    }

    /// Opens what [`Keyring::seal`] made for this tenant and name.
    ///
    /// # Errors
    /// [`ControlError::Sealed`]: another key, another row, or damaged.
    pub fn open(
        &self,
        tenant: &TenantName,
        name: &ObjectName,
        sealed: &[u8],
    ) -> Result<Values, ControlError> {
        self.opened(tenant, name, sealed)
            .ok_or_else(|| ControlError::Sealed(name.clone()))
    }

    fn opened(&self, tenant: &TenantName, name: &ObjectName, sealed: &[u8]) -> Option<Values> {
        let (form, rest) = sealed.split_first()?;
        let (number, rest) = rest.split_first_chunk::<4>()?;
        let (nonce, body) = rest.split_first_chunk::<NONCE>()?;
        let number = u32::from_le_bytes(*number);
        let key = self
            .0
            .iter()
            .find(|key| key.number == number && *form == FORM)?;
        let aad = associated(tenant, name, number);
        let payload = Payload {
            msg: body,
            aad: &aad,
        };
        let cipher = XChaCha20Poly1305::new(key.bytes.as_ref().into());
        let plain = cipher.decrypt(XNonce::from_slice(nonce), payload).ok()?;
        read(&Zeroizing::new(plain))
    }
}

/// What a sealed piece is bound to. Names hold no zero byte.
fn associated(tenant: &TenantName, name: &ObjectName, key: u32) -> Vec<u8> {
    format!("steading secret 1\0{tenant}\0{name}\0{key}").into_bytes()
}

fn written(values: &Values) -> Result<Zeroizing<Vec<u8>>, serde_json::Error> {
    let texts: BTreeMap<&str, Zeroizing<String>> = values
        .iter()
        .map(|(key, value)| (key.as_str(), Zeroizing::new(STANDARD.encode(value))))
        .collect();
    let shown: BTreeMap<&str, &str> = texts.iter().map(|(k, v)| (*k, v.as_str())).collect();
    serde_json::to_vec(&shown).map(Zeroizing::new)
}

fn read(plain: &[u8]) -> Option<Values> {
    let texts: BTreeMap<String, &str> = serde_json::from_slice(plain).ok()?;
    let values = texts.into_iter();
    values
        .map(|(key, text)| Some((key, Zeroizing::new(STANDARD.decode(text).ok()?))))
        .collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn ring(keys: &[(u32, u8)]) -> Keyring {
        let key = |&(number, byte): &(u32, u8)| Key {
            number,
            bytes: Zeroizing::new([byte; 32]),
        };
        Keyring::new(keys.iter().map(key).collect()).unwrap()
    }

    fn names() -> (TenantName, ObjectName) {
        ("red".parse().unwrap(), "login".parse().unwrap())
    }

    proptest! {
        #[test]
        fn k03_what_was_sealed_opens_only_where_it_was_sealed_and_whole(
            values in proptest::collection::btree_map("[a-z.]{1,8}", proptest::collection::vec(any::<u8>(), 0..200), 0..5),
            cut in any::<proptest::sample::Index>(),
            flip in any::<proptest::sample::Index>(),
        ) {
            let values: Values = values.into_iter().map(|(k, v)| (k, Zeroizing::new(v))).collect();
            let (tenant, name) = names();
            let keys = ring(&[(1, 7)]);
            let sealed = keys.seal(&tenant, &name, &values).unwrap();
            prop_assert_eq!(&keys.open(&tenant, &name, &sealed).unwrap(), &values);
            // Another tenant's row, another name's row, another key under the same number.
            prop_assert!(keys.open(&"blue".parse().unwrap(), &name, &sealed).is_err());
            prop_assert!(keys.open(&tenant, &"other".parse().unwrap(), &sealed).is_err());
            prop_assert!(ring(&[(1, 8)]).open(&tenant, &name, &sealed).is_err());
            prop_assert!(ring(&[(2, 7)]).open(&tenant, &name, &sealed).is_err());
            prop_assert!(keys.open(&tenant, &name, &sealed[..cut.index(sealed.len())]).is_err());
            let mut changed = sealed.clone();
            changed[flip.index(sealed.len())] ^= 1;
            prop_assert!(keys.open(&tenant, &name, &changed).is_err());
        }
    }

    #[test]
    fn an_older_key_still_opens_and_the_last_one_seals() {
        let (tenant, name) = names();
        let values: Values = [("k".to_owned(), Zeroizing::new(b"v".to_vec()))].into();
        let old = ring(&[(1, 7)]).seal(&tenant, &name, &values).unwrap();
        let both = ring(&[(1, 7), (2, 9)]);
        assert_eq!(both.open(&tenant, &name, &old).unwrap(), values);
        let new = both.seal(&tenant, &name, &values).unwrap();
        assert!(ring(&[(1, 7)]).open(&tenant, &name, &new).is_err());
    }

    #[test]
    fn the_same_values_are_never_sealed_alike() {
        let (tenant, name) = names();
        let keys = ring(&[(1, 7)]);
        let seal = || keys.seal(&tenant, &name, &Values::new()).unwrap();
        assert_ne!(seal(), seal());
    }
}
