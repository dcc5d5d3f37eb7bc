//! `git`: a checkout of a repository.

use serde::Deserialize;
use steading_types::server_task::Certificate;

use super::{Secrets, Selector, refused};
use crate::error::ArtifactError;
use crate::repository::{Branches, Git, GitCredential, HostKey, Submodules};

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Words {
    repo: String,
    revision: String,
    branch: String,
    depth: u32,
    fetch: Vec<String>,
    single_branch: bool,
    disable_submodules: bool,
    insecure_ignore_host_key: bool,
    #[serde(rename = "insecureSkipTLS")]
    insecure_skip_tls: bool,
    username_secret: Option<Selector>,
    password_secret: Option<Selector>,
    ssh_private_key_secret: Option<Selector>,
}

impl Words {
    pub(super) fn resolve(&self, secrets: &Secrets<'_>) -> Result<Git, ArtifactError> {
        let user = secrets.get(self.username_secret.as_ref())?;
        let password = secrets.get(self.password_secret.as_ref())?;
        let key = secrets.get(self.ssh_private_key_secret.as_ref())?;
        let some = |text: &str| Some(text.to_owned()).filter(|text| !text.is_empty());
        let branch = some(&self.branch);
        if self.single_branch && branch.is_none() {
            return Err(refused("git.singleBranch needs git.branch"));
        }
        Ok(Git {
            url: self.repo.clone(),
            revision: some(&self.revision),
            depth: Some(self.depth).filter(|depth| *depth > 0),
            fetch: self.fetch.clone(),
            branch,
            branches: match self.single_branch {
                true => Branches::One,
                false => Branches::All,
            },
            submodules: match self.disable_submodules {
                true => Submodules::Left,
                false => Submodules::CheckedOut,
            },
            // As Argo does: who has a key needs no password.
            credential: match (key, user, password) {
                (Some(key), ..) => GitCredential::Key(key),
                (None, None, None) => GitCredential::None,
                (None, user, password) => GitCredential::Login {
                    user: user.unwrap_or_default(),
                    password: password.unwrap_or_default(),
                },
            },
            certificate: match self.insecure_skip_tls {
                true => Certificate::Unverified,
                false => Certificate::Verified,
            },
            host_key: match self.insecure_ignore_host_key {
                true => HostKey::Any,
                false => HostKey::Known,
            },
        })
    }
}
