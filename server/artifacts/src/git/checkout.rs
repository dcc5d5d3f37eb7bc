//! From a description to files: which refs are fetched, which commit is meant, what is written.

use std::num::NonZero;
use std::path::Path;
use std::sync::atomic::AtomicBool;

use gix::progress::Discard;
use gix::remote::fetch::Tags;
use gix::worktree::stack::state::attributes::Source;
use gix::{ObjectId, Repository};

use super::fetch::{Remote, Wanted, fetch};
use super::weigh::weigh;
use super::{failed, refused, submodules};
use crate::error::ArtifactError;
use crate::repository::{Branches, Git, Submodules};

/// Makes `place` a checkout of what is described.
pub(super) fn checkout(
    described: &Git,
    remote: &Remote,
    place: &Path,
    interrupted: &AtomicBool,
) -> Result<(), ArtifactError> {
    let repository = fetch(remote, &wanted(described), place, interrupted)?;
    let commit = commit(&repository, described).ok_or_else(|| {
        let revision = described.revision.as_deref().unwrap_or("HEAD");
        ArtifactError::NotFound {
            store: remote.name.to_string(),
            key: revision.to_owned(),
        }
    })?;
    write(&repository, commit, remote, interrupted)?;
    if described.submodules == Submodules::CheckedOut {
        submodules::check_out(&repository, remote, interrupted, submodules::DEPTH)?;
    }
    Ok(())
}

fn wanted(described: &Git) -> Wanted {
    let one = described.branch.as_ref();
    let one = one.filter(|_| described.branches == Branches::One);
    let mut specs = match one {
        Some(branch) => vec![format!("+refs/heads/{branch}:refs/remotes/origin/{branch}")],
        None => vec![
            "+HEAD:refs/remotes/origin/HEAD".to_owned(),
            "+refs/heads/*:refs/remotes/origin/*".to_owned(),
        ],
    };
    specs.extend(described.fetch.iter().cloned());
    let revision = described.revision.as_deref();
    // A commit that a short history may not hold is asked for by name.
    if let Some(id) = revision.filter(|text| described.depth.is_some() && id(text).is_some()) {
        specs.push(format!("+{id}:refs/remotes/origin/revision"));
    }
    Wanted {
        specs,
        depth: described.depth.and_then(NonZero::new),
        tags: match one {
            Some(_) => Tags::Included,
            None => Tags::All,
        },
    }
}

fn id(text: &str) -> Option<ObjectId> {
    ObjectId::from_hex(text.as_bytes()).ok()
}

/// The commit that is meant: a branch, a tag, a full name or a commit's id.
fn commit(repository: &Repository, described: &Git) -> Option<ObjectId> {
    let branch = described.branch.as_deref().unwrap_or("HEAD");
    let revision = described.revision.as_deref().unwrap_or(branch);
    let names = [
        format!("refs/remotes/origin/{revision}"),
        format!("refs/tags/{revision}"),
        format!("refs/heads/{revision}"),
        revision.to_owned(),
    ];
    let names = names.iter().filter(|name| name.starts_with("refs/"));
    let named = names.filter_map(|name| {
        let reference = repository.try_find_reference(name.as_str()).ok()??;
        Some(reference.into_fully_peeled_id().ok()?.detach())
    });
    let found = named.chain(id(revision)).next()?;
    let commit = repository.find_object(found).ok()?.peel_to_commit();
    Some(commit.ok()?.id)
}

/// Writes the files of a commit.
pub(super) fn write(
    repository: &Repository,
    commit: ObjectId,
    remote: &Remote,
    interrupted: &AtomicBool,
) -> Result<(), ArtifactError> {
    let broken = |error: gix::Error| failed(&remote.name, error);
    let found = repository.find_commit(commit).map_err(broken)?;
    let tree = found
        .tree_id()
        .map_err(|error| refused(&remote.name, error))?;
    weigh(repository, tree.detach(), &remote.name)?;
    let mut index = repository.index_from_tree(&tree).map_err(broken)?;
    let options = repository.checkout_options(Source::IdMapping);
    let mut options = options.map_err(broken)?;
    options.destination_is_initially_empty = true;
    let place = repository.workdir().unwrap_or_else(|| repository.git_dir());
    let objects = repository.objects.clone().into_arc();
    let done = gix::worktree::state::checkout(
        &mut index,
        place,
        objects.map_err(|error| refused(&remote.name, error))?,
        &Discard,
        &Discard,
        interrupted,
        options,
    )
    .map_err(|error| refused(&remote.name, error))?;
    if let Some(failed) = done.errors.first() {
        return Err(refused(&remote.name, &failed.error));
    }
    if let Some(two) = done.collisions.first() {
        return Err(ArtifactError::Hostile {
            what: remote.name.to_string(),
            why: format!("two files have one name: {}", two.path),
        });
    }
    index.write(Default::default()).map_err(broken)?;
    std::fs::write(repository.git_dir().join("HEAD"), format!("{commit}\n"))?;
    Ok(())
}
