//! The repositories that a repository names inside itself: each is a stranger like the first.

use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;

use gix::remote::fetch::Tags;
use gix::{ObjectId, Repository};

use super::address::Address;
use super::fetch::{Remote, Wanted, fetch, fetch_into};
use super::{checkout, failed, refused};
use crate::error::ArtifactError;

/// How deep repositories may lie in each other.
pub(super) const DEPTH: u32 = 5;
/// The most of them in one.
const MOST: usize = 100;

struct Submodule {
    path: PathBuf,
    address: Address,
    commit: ObjectId,
}

/// Checks out those that the index holds.
pub(super) fn check_out(
    repository: &Repository,
    remote: &Remote,
    interrupted: &AtomicBool,
    depth: u32,
) -> Result<(), ArtifactError> {
    let Some(place) = repository.workdir() else {
        return Ok(());
    };
    let found = found(repository, remote)?;
    if found.len() > MOST || (depth == 0 && !found.is_empty()) {
        return Err(refused(
            &remote.name,
            "it has too many submodules in each other",
        ));
    }
    for Submodule {
        path,
        address,
        commit,
    } in found
    {
        let inside = remote.inside(address, &path.to_string_lossy());
        let wanted = |spec: String| Wanted {
            specs: vec![spec],
            depth: None,
            tags: Tags::None,
        };
        let place = empty_directory(place, &path)?;
        let branches = wanted("+refs/heads/*:refs/remotes/origin/*".to_owned());
        let inner = fetch(&inside, &branches, &place, interrupted)?;
        // Not every server is asked for a commit by its id: only where no branch leads to it.
        if !inner.has_object(commit) {
            let named = wanted(format!("+{commit}:refs/remotes/origin/revision"));
            fetch_into(&inner, &inside, &named, interrupted)?;
        }
        checkout::write(&inner, commit, &inside, interrupted)?;
        check_out(&inner, &inside, interrupted, depth.saturating_sub(1))?;
    }
    Ok(())
}

fn found(repository: &Repository, remote: &Remote) -> Result<Vec<Submodule>, ArtifactError> {
    let broken = |error: gix::Error| failed(&remote.name, error);
    // A link would have git read what it points to.
    let named = repository.workdir().map(|place| place.join(".gitmodules"));
    if !named.is_some_and(|file| file.symlink_metadata().is_ok_and(|of| of.is_file())) {
        return Ok(Vec::new());
    }
    let mut found = Vec::new();
    for submodule in repository
        .submodules()
        .map_err(broken)?
        .into_iter()
        .flatten()
    {
        // What .gitmodules names and the tree does not hold is nothing.
        let Some(commit) = submodule.index_id().map_err(broken)? else {
            continue;
        };
        let path = submodule.path().map_err(broken)?;
        let url = submodule.url().map_err(broken)?.to_bstring().to_string();
        let address = match url.starts_with("./") || url.starts_with("../") {
            true => (remote.address.beside(&url))
                .ok_or_else(|| refused(&remote.name, "its submodule's address is none"))?,
            false => Address::parse(&url)?,
        };
        found.push(Submodule {
            path: gix::path::from_bstring(path).map_err(broken)?,
            address,
            commit,
        });
    }
    Ok(found)
}

/// A directory below `root`, made where it is missing; no link is followed on the way.
fn empty_directory(root: &Path, path: &Path) -> Result<PathBuf, ArtifactError> {
    let hostile = |why: &str| ArtifactError::Hostile {
        what: "a git repository".to_owned(),
        why: format!("{why}: {}", path.display()),
    };
    let mut place = root.to_owned();
    for part in path.components() {
        let std::path::Component::Normal(part) = part else {
            return Err(hostile("a submodule that leads out"));
        };
        place.push(part);
        match std::fs::symlink_metadata(&place) {
            Ok(there) if there.is_dir() => {}
            Ok(_) => return Err(hostile("a submodule where a file lies")),
            Err(_) => std::fs::create_dir(&place)?,
        }
    }
    Ok(place)
}
