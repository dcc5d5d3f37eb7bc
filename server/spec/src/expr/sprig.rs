//! `sprig.*`: the helper functions that users know from Helm, with the same argument order. Where sprig
//! is forgiving (a text that is no number counts as 0), so is this.
//!
//! Functions that would read the host or a random source are refused by name.

mod choices;
mod dates;
mod dicts;
mod encodings;
mod lists;
mod loose;
mod maths;
mod patterns;
mod texts;

use super::functions::Function;

pub(super) const TABLES: &[&[Function]] = &[
    texts::TABLE,
    maths::TABLE,
    choices::TABLE,
    lists::TABLE,
    dicts::TABLE,
    dates::TABLE,
    encodings::TABLE,
    patterns::TABLE,
];

/// Why a function of sprig is not offered.
pub(super) fn refusal(name: &str) -> Option<&'static str> {
    match name {
        "env" | "expandenv" => Some("an expression must not read the server's environment"),
        "getHostByName" => Some("an expression must not use the network"),
        "randAlpha" | "randAlphaNum" | "randAscii" | "randNumeric" | "randBytes" | "randInt"
        | "uuidv4" | "shuffle" => {
            Some("expressions are pure: the same input must give the same output after a restart")
        }
        "genPrivateKey"
        | "genCA"
        | "genCAWithKey"
        | "genSelfSignedCert"
        | "genSelfSignedCertWithKey"
        | "genSignedCert"
        | "genSignedCertWithKey"
        | "buildCustomCert"
        | "encryptAES"
        | "decryptAES"
        | "derivePassword"
        | "bcrypt"
        | "htpasswd" => Some("keys and passwords do not belong in a workflow's text; use a secret"),
        "sha1sum" => Some("SHA-1 is broken; use sha256sum"),
        "semver" | "semverCompare" => Some("not there yet; compare versions in a script step"),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
