//! What a git repository is.

use steading_types::server_task::Certificate;

use crate::secret::Secret;

/// A checkout of a git repository.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Git {
    /// `https://…`, `http://…`, `ssh://…` or `user@host:path`, without a password.
    pub url: String,
    /// A branch, tag or commit.
    pub revision: Option<String>,
    /// How many commits of history; none for all.
    pub depth: Option<u32>,
    /// Refspecs that are fetched beside.
    pub fetch: Vec<String>,
    /// The branch that is meant where no revision is named; none for the one that the repository shows.
    pub branch: Option<String>,
    /// Which branches are fetched.
    pub branches: Branches,
    /// What becomes of submodules.
    pub submodules: Submodules,
    /// Who asks.
    pub credential: GitCredential,
    /// What the server's certificate must prove, where it has one.
    pub certificate: Certificate,
    /// What the server's host key must prove, where it has one.
    pub host_key: HostKey,
}

/// Who asks a git server.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum GitCredential {
    /// Nobody.
    #[default]
    None,
    /// Over http(s).
    Login {
        /// The name.
        user: Secret,
        /// A password or a token.
        password: Secret,
    },
    /// Over ssh: a private key in OpenSSH's form or in PEM, without a passphrase.
    Key(Secret),
}

/// What a server's host key must prove.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum HostKey {
    /// That it is the server's, as the site's known hosts say.
    #[default]
    Known,
    /// Nothing, unless it is revoked.
    Any,
}

/// Which branches of a repository are fetched.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Branches {
    /// All of them.
    #[default]
    All,
    /// The one that is named.
    One,
}

/// What becomes of submodules.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Submodules {
    /// They are checked out too, from wherever the site allows.
    #[default]
    CheckedOut,
    /// Their directories stay empty.
    Left,
}
