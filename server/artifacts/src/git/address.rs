//! Where a git repository lies: on a web server, or behind ssh.

use std::fmt;

use gix::url::Scheme;
use reqwest::Url;

use crate::error::ArtifactError;
use crate::network::destination;
use crate::repository::address;

/// The name that servers of git know everybody by.
const USER: &str = "git";
const SSH_PORT: u16 = 22;

/// The address of a repository, without a credential.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Address {
    Web(Url),
    Ssh(SshAddress),
}

/// `ssh://user@host:port/path`, or `user@host:path`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct SshAddress {
    pub(super) user: String,
    pub(super) host: String,
    pub(super) port: u16,
    /// From the user's directory on, where it does not begin with `/`.
    pub(super) path: String,
}

impl Address {
    pub(super) fn parse(text: &str) -> Result<Self, ArtifactError> {
        match gix::url::parse(text) {
            Ok(url) if url.scheme == Scheme::Ssh => ssh(&url).map(Self::Ssh),
            Err(_) if text.starts_with("ssh://") => Err(wrong("can not be read")),
            // The other schemes' reasons are told there.
            _ => address(text).map(Self::Web),
        }
    }

    /// What a relative address means, from the repository as from a directory.
    pub(super) fn beside(&self, relative: &str) -> Option<Self> {
        Some(match self {
            Self::Web(url) => {
                let mut url = url.clone();
                let path = beside(url.path(), relative)?;
                url.set_path(&path);
                Self::Web(url)
            }
            Self::Ssh(at) => Self::Ssh(SshAddress {
                path: beside(&at.path, relative)?,
                ..at.clone()
            }),
        })
    }

    /// Whether who is known to the one is known to the other.
    pub(super) fn same_server(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Web(one), Self::Web(other)) => one.origin() == other.origin(),
            (Self::Ssh(one), Self::Ssh(other)) => {
                (&one.user, &one.host, one.port) == (&other.user, &other.host, other.port)
            }
            _ => false,
        }
    }

    /// As git writes it.
    pub(super) fn text(&self) -> String {
        match self {
            Self::Web(url) => url.to_string(),
            Self::Ssh(at) => {
                let between = if at.path.starts_with('/') { "" } else { "/" };
                let (user, host, port, path) = (&at.user, &at.host, at.port, &at.path);
                format!("ssh://{user}@{host}:{port}{between}{path}")
            }
        }
    }
}

/// For a person.
impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Web(url) => write!(f, "{} at {}", url.path(), destination(url)),
            Self::Ssh(at) => write!(f, "{} at {}:{}", at.path, at.host, at.port),
        }
    }
}

fn wrong(why: &str) -> ArtifactError {
    ArtifactError::Repository {
        why: format!("its address {why}"),
    }
}

fn ssh(url: &gix::Url) -> Result<SshAddress, ArtifactError> {
    if url.password().is_some() {
        return Err(wrong("holds a credential: that belongs into a secret"));
    }
    let path = url.path.to_string();
    // What begins like an option may be taken for one over there.
    if path.is_empty() || path.starts_with('-') || path.contains(char::is_control) {
        return Err(wrong("has no path that can be asked for"));
    }
    let host = url.host().ok_or_else(|| wrong("names no host"))?;
    Ok(SshAddress {
        user: url.user().unwrap_or(USER).to_owned(),
        host: host.trim_matches(['[', ']']).to_owned(),
        port: url.port.unwrap_or(SSH_PORT),
        path,
    })
}

fn beside(path: &str, relative: &str) -> Option<String> {
    let mut parts: Vec<&str> = path.trim_end_matches('/').split('/').collect();
    for part in relative.split('/') {
        match part {
            "" | "." => {}
            ".." => drop(parts.pop().filter(|part| !part.is_empty())?),
            name => parts.push(name),
        }
    }
    Some(parts.join("/"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> SshAddress {
        match Address::parse(text) {
            Ok(Address::Ssh(at)) => at,
            other => panic!("{text}: {other:?}"),
        }
    }

    #[test]
    fn both_spellings_of_ssh_are_read() {
        for (text, user, host, port, path) in [
            (
                "git@forge.example:team/x.git",
                "git",
                "forge.example",
                22,
                "team/x.git",
            ),
            ("forge.example:/srv/x", "git", "forge.example", 22, "/srv/x"),
            (
                "ssh://me@forge.example:2222/x",
                "me",
                "forge.example",
                2222,
                "/x",
            ),
            ("ssh://[::1]:2222/x", "git", "::1", 2222, "/x"),
        ] {
            let at = parsed(text);
            assert_eq!(
                (&*at.user, &*at.host, at.port, &*at.path),
                (user, host, port, path)
            );
        }
        for wrong in [
            "ssh://me:PASS@f/x",
            "f:-x",
            "ext::sh -c x",
            "file:///x",
            "/x",
            "git://f/x",
        ] {
            let error = Address::parse(wrong).unwrap_err();
            assert_eq!(error.code(), "artifact.repository", "{wrong}");
            assert!(!error.to_string().contains("PASS"), "{error}");
        }
    }

    #[test]
    fn a_relative_address_lies_on_the_same_server() {
        for (from, relative, to) in [
            ("https://f/team/x", "../y", "https://f/team/y"),
            ("https://f/team/x/", "./y", "https://f/team/x/y"),
            ("ssh://git@f:22/team/x", "../../y", "ssh://git@f:22/y"),
            ("git@f:team/x", "../y", "ssh://git@f:22/team/y"),
        ] {
            let found = Address::parse(from).unwrap().beside(relative).unwrap();
            assert_eq!(found.text(), to);
        }
        assert_eq!(
            Address::parse("https://f/x").unwrap().beside("../../y"),
            None
        );
    }
}
