//! Encodings and hashes.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest, Sha256, Sha512};

use super::super::budget::Budget;
use super::super::error::ExprError;
use super::super::functions::convert::{decode, excerpt, from_json};
use super::super::functions::{Arguments, Function, function};
use super::super::value::Value;
use super::super::write::{self, Layout};
use super::loose;

pub(super) const TABLE: &[Function] = &[
    function("b64enc", 1, 1, |b, a| {
        b.bytes(a.text(0)?.len())?;
        b.text(STANDARD.encode(a.text(0)?))
    }),
    function("b64dec", 1, 1, |b, a| {
        let text = decode(a.text(0)?);
        let wrong = || {
            a.malformed(format!(
                "{} is not base 64",
                excerpt(a.text(0).unwrap_or_default())
            ))
        };
        b.text(text.ok_or_else(wrong)?)
    }),
    function("b32enc", 1, 1, |b, a| {
        b.bytes(a.text(0)?.len())?;
        b.text(base32(a.text(0)?.as_bytes()))
    }),
    function("b32dec", 1, 1, |b, a| {
        b.bytes(a.text(0)?.len())?;
        let bytes = from_base32(a.text(0)?);
        let bytes = bytes.ok_or_else(|| a.malformed("the text is not base 32"))?;
        b.text(String::from_utf8_lossy(&bytes).into_owned())
    }),
    function("toJson", 1, 1, |b, a| json(b, a, Layout::Compact)),
    function("toRawJson", 1, 1, |b, a| json(b, a, Layout::Compact)),
    function("toPrettyJson", 1, 1, |b, a| json(b, a, Layout::Indented)),
    function("fromJson", 1, 1, |b, a| from_json(b, a.text(0)?, a)),
    function("sha256sum", 1, 1, |b, a| {
        let bytes = hashed(b, a)?;
        b.text(hex(&Sha256::digest(bytes)))
    }),
    function("sha512sum", 1, 1, |b, a| {
        let bytes = hashed(b, a)?;
        b.text(hex(&Sha512::digest(bytes)))
    }),
    function("adler32sum", 1, 1, |b, a| {
        let bytes = hashed(b, a)?;
        b.text(adler32(&bytes).to_string())
    }),
];

fn json(budget: &mut Budget, args: &Arguments<'_>, layout: Layout) -> Result<Value, ExprError> {
    let text = write::json(args.get(0), layout, budget)?;
    budget.text(text)
}

/// The bytes to hash, paid for as work.
fn hashed(budget: &mut Budget, args: &Arguments<'_>) -> Result<Vec<u8>, ExprError> {
    let text = loose::text(budget, args.get(0))?;
    budget.step(text.len() / 8)?;
    Ok(text.into_bytes())
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn adler32(bytes: &[u8]) -> u32 {
    const MODULUS: u32 = 65_521;
    let (mut a, mut b) = (1u32, 0u32);
    for byte in bytes {
        a = (a + u32::from(*byte)) % MODULUS;
        b = (b + a) % MODULUS;
    }
    (b << 16) | a
}

/// RFC 4648.
const BASE32: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

fn base32(bytes: &[u8]) -> String {
    let mut out = String::new();
    for chunk in bytes.chunks(5) {
        let padded = chunk.iter().chain(std::iter::repeat(&0)).take(5);
        let bits = padded.fold(0u64, |bits, byte| (bits << 8) | u64::from(*byte));
        let letters = (chunk.len() * 8).div_ceil(5);
        for place in 0..8usize {
            let index = (bits >> (35 - 5 * place)) & 31;
            let letter = BASE32.get(index as usize).copied().unwrap_or(b'=');
            out.push(if place < letters {
                char::from(letter)
            } else {
                '='
            });
        }
    }
    out
}

fn from_base32(text: &str) -> Option<Vec<u8>> {
    let mut out = Vec::new();
    let (mut bits, mut count) = (0u32, 0u32);
    for c in text.trim_end_matches('=').bytes() {
        let digit = BASE32.iter().position(|letter| *letter == c)?;
        bits = ((bits << 5) | u32::try_from(digit).ok()?) & 0xffff;
        count += 5;
        if count >= 8 {
            count -= 8;
            out.push(u8::try_from((bits >> count) & 0xff).ok()?);
        }
    }
    Some(out)
}
