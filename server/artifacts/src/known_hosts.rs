//! The host keys that the site knows: without them nobody can tell a server from whoever answers in its place. They
//! stand in a text as sshd(8) describes it under SSH_KNOWN_HOSTS FILE FORMAT.

use ring::hmac;
use russh::keys::ssh_key::known_hosts::{Entry, HostPatterns, Marker};
use russh::keys::{Algorithm, PublicKey};

use crate::error::ArtifactError;

/// Lines of `known_hosts`.
#[derive(Default)]
pub(crate) struct KnownHosts(Vec<Entry>);

/// What the site says of a key that a server showed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    Known,
    /// Nobody wrote it down for this host.
    Unknown,
    /// Somebody wrote down that it is not to be trusted any more.
    Revoked,
}

impl KnownHosts {
    /// Reads all lines; one that can not be read is an error, since it may be the one that revokes a key.
    pub(crate) fn parse(text: &str) -> Result<Self, ArtifactError> {
        let lines = text.lines().map(str::trim).enumerate();
        let lines = lines.filter(|(_, line)| !line.is_empty() && !line.starts_with('#'));
        let entries = lines.map(|(at, line)| {
            line.parse().map_err(|error| ArtifactError::Repository {
                why: format!("line {} of the known hosts: {error}", at.saturating_add(1)),
            })
        });
        entries.collect::<Result<_, _>>().map(Self)
    }

    pub(crate) fn judge(&self, host: &str, port: u16, key: &PublicKey) -> Verdict {
        let these = self.of(host, port);
        let mut verdict = Verdict::Unknown;
        for entry in these.filter(|entry| entry.public_key().key_data() == key.key_data()) {
            match entry.marker() {
                Some(Marker::Revoked) => return Verdict::Revoked,
                // A key that signs certificates is not the host's own.
                Some(Marker::CertAuthority) => {}
                None => verdict = Verdict::Known,
            }
        }
        verdict
    }

    /// The kinds of key that are known of a host: it shall show one of these.
    pub(crate) fn algorithms(&self, host: &str, port: u16) -> Vec<Algorithm> {
        let these = self.of(host, port).filter(|entry| entry.marker().is_none());
        these.map(|entry| entry.public_key().algorithm()).collect()
    }

    fn of(&self, host: &str, port: u16) -> impl Iterator<Item = &Entry> {
        let name = match port {
            22 => host.to_ascii_lowercase(),
            _ => format!("[{}]:{port}", host.to_ascii_lowercase()),
        };
        let entries = self.0.iter();
        entries.filter(move |entry| names(entry.host_patterns(), &name))
    }
}

fn names(patterns: &HostPatterns, name: &str) -> bool {
    match patterns {
        HostPatterns::HashedName { salt, hash } => {
            let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, salt);
            hmac::verify(&key, name.as_bytes(), hash).is_ok()
        }
        HostPatterns::Patterns(patterns) => {
            let named = |pattern: &str| covers(pattern.as_bytes(), name.as_bytes());
            let mut refusals = patterns.iter().filter_map(|text| text.strip_prefix('!'));
            !refusals.any(named) && patterns.iter().any(|pattern| named(pattern))
        }
    }
}

/// Whether a pattern with `*` and `?` covers a name.
fn covers(pattern: &[u8], name: &[u8]) -> bool {
    let Some((first, pattern)) = pattern.split_first() else {
        return name.is_empty();
    };
    if *first == b'*' {
        let mut tails = (0..=name.len()).filter_map(|at| name.get(at..));
        return tails.any(|tail| covers(pattern, tail));
    }
    name.split_first().is_some_and(|(letter, name)| {
        (*first == b'?' || first.eq_ignore_ascii_case(letter)) && covers(pattern, name)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const ONE: &str =
        "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJdD7y3aLq454yWBdwLWbieU1ebz9/cu7/QEXn9OIeZJ";
    const OTHER: &str =
        "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAILagOJFgwaMNhBWQINinKOXmqS4Gh5NgxgriXwdOoINJ";

    fn judge(lines: &str, host: &str, port: u16) -> Verdict {
        let known = KnownHosts::parse(&lines.replace("ONE", ONE).replace("OTHER", OTHER));
        let key = PublicKey::from_openssh(ONE).unwrap();
        known.unwrap().judge(host, port, &key)
    }

    #[test]
    fn a_key_is_known_where_its_line_names_the_host() {
        for (lines, host, port) in [
            ("forge.example ONE", "forge.example", 22),
            ("forge.example ONE a comment", "Forge.Example", 22),
            ("# c\n\nforge.example,10.0.0.1 ONE", "10.0.0.1", 22),
            ("[forge.example]:2222 ONE", "forge.example", 2222),
            ("*.example ONE", "a.b.example", 22),
            ("forge?.example ONE", "forge1.example", 22),
            ("f OTHER\nf ONE", "f", 22),
        ] {
            assert_eq!(judge(lines, host, port), Verdict::Known, "{lines}");
        }
        for (lines, host, port) in [
            ("", "forge.example", 22),
            ("forge.example OTHER", "forge.example", 22),
            ("forge.example ONE", "forge.example", 2222),
            ("[forge.example]:2222 ONE", "forge.example", 22),
            ("forge.example ONE", "forge.example.evil", 22),
            ("*.example,!b.example ONE", "b.example", 22),
            ("@cert-authority *.example ONE", "b.example", 22),
        ] {
            assert_eq!(judge(lines, host, port), Verdict::Unknown, "{lines}");
        }
    }

    #[test]
    fn a_key_that_was_revoked_is_known_nowhere() {
        let lines = "forge.example ONE\n@revoked * ONE";
        assert_eq!(judge(lines, "forge.example", 22), Verdict::Revoked);
    }

    #[test]
    fn a_hashed_name_is_compared_by_its_hash() {
        // ssh-keygen -H of "forge.example".
        let lines = "|1|B4nNON926YVQO9pvttwQtT72fqk=|G6SgCphT+A8pNYiOVfBfGMORq6k= ONE";
        assert_eq!(judge(lines, "forge.example", 22), Verdict::Known);
        assert_eq!(judge(lines, "other.example", 22), Verdict::Unknown);
    }

    #[test]
    fn a_line_that_is_none_is_named() {
        for wrong in [
            "forge.example",
            "forge.example ssh-ed25519 AAAA",
            "@odd f ONE",
        ] {
            let text = format!("f {ONE}\n{}", wrong.replace("ONE", ONE));
            let error = KnownHosts::parse(&text).err().unwrap().to_string();
            assert!(error.contains("line 2"), "{error}");
        }
    }
}
