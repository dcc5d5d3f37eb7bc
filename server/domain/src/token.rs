//! The form of a token: `std_<scope>_<random>_<check>`, so that people and secret scanners know it when
//! they see it. Only its SHA-256 is ever stored.

use std::fmt;

/// Random bytes of a token.
pub const RANDOM_BYTES: usize = 24;

/// A token in clear: shown once, never logged.
#[derive(Clone, PartialEq, Eq)]
pub struct Token(String);

impl Token {
    /// Makes a token for a scope (a tenant's name, or `site`) from random bytes.
    pub fn new(scope: &str, random: [u8; RANDOM_BYTES]) -> Self {
        let mut text = format!("std_{scope}_");
        for byte in random {
            text.push_str(&format!("{byte:02x}"));
        }
        let check = checksum(&text);
        Self(format!("{text}_{check:08x}"))
    }

    /// Takes what a client sent; nothing when it can not be one of ours, so that a garbled token costs no look-up.
    pub fn parse(text: &str) -> Option<Self> {
        let (body, check) = text.trim().rsplit_once('_')?;
        let right = text.len() <= 200
            && body.starts_with("std_")
            && u32::from_str_radix(check, 16).ok()? == checksum(body)
            && check.len() == 8;
        right.then(|| Self(text.trim().to_owned()))
    }

    /// The text, for its owner.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token(…)")
    }
}

/// CRC-32 (IEEE 802.3, reflected): finds typing errors, keeps nothing secret.
fn checksum(text: &str) -> u32 {
    let mut crc = u32::MAX;
    for byte in text.bytes() {
        crc ^= u32::from(byte);
        for _ in 0..8 {
            crc = (crc >> 1) ^ (0xEDB8_8320 & (crc & 1).wrapping_neg());
        }
    }
    !crc
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_recognised_and_a_garbled_one_is_not() {
        let token = Token::new("red", [7; RANDOM_BYTES]);
        assert_eq!(Token::parse(token.expose()), Some(token.clone()));
        let mut garbled = token.expose().to_owned();
        garbled.replace_range(10..11, "x");
        for text in [
            &garbled,
            "",
            "std_",
            "nothing",
            "std_red_ab_zz",
            &"std_".repeat(100),
        ] {
            assert_eq!(Token::parse(text), None, "{text}");
        }
    }

    #[test]
    fn a_token_does_not_show_itself_in_logs() {
        assert_eq!(
            format!("{:?}", Token::new("red", [7; RANDOM_BYTES])),
            "Token(…)"
        );
    }
}
