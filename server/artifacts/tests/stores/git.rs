//! Checkouts from `git http-backend`, and from repositories that nobody should trust.

use std::path::{Path, PathBuf};

use anyhow::Result;
use steading_artifacts::{
    ArtifactError, ArtifactStore, Branches, Git, GitCredential, GitStore, HostKey, Network, Secret,
    Source, Submodules,
};
use steading_types::server_task::Certificate;

use crate::contract::{code, key, read};
use crate::git_server::{GitServer, git};
use crate::s3::{network, patience};

trials![
    a_checkout_holds_the_files_and_the_history,
    a_revision_is_a_branch_a_tag_or_a_commit,
    a_short_history_is_short,
    submodules_are_checked_out_or_left,
    a_login_is_shown_and_needed,
    what_a_checkout_may_not_do_it_does_not,
    a_tree_that_grows_without_end_is_refused,
    an_object_that_does_not_fit_into_memory_is_refused,
];

pub(crate) fn described(url: String) -> Git {
    Git {
        url,
        revision: None,
        depth: None,
        fetch: Vec::new(),
        branch: None,
        branches: Branches::All,
        submodules: Submodules::CheckedOut,
        credential: GitCredential::None,
        certificate: Certificate::Verified,
        host_key: HostKey::Known,
    }
}

fn open(described: &Git) -> GitStore {
    GitStore::open(described, &network(patience())).unwrap()
}

/// Takes a checkout and unpacks it.
async fn unpacked(described: &Git) -> Result<(tempfile::TempDir, PathBuf)> {
    unpacked_from(described, &network(patience())).await
}

pub(crate) async fn unpacked_from(
    described: &Git,
    network: &Network,
) -> Result<(tempfile::TempDir, PathBuf)> {
    let store = GitStore::open(described, network)?;
    let archive = read(&store, &key("any"), None).await?;
    let directory = tempfile::tempdir()?;
    let place = directory.path().join("checkout");
    tar::Archive::new(flate2::read::GzDecoder::new(&archive[..])).unpack(&place)?;
    Ok((directory, place))
}

async fn refusal(described: &Git) -> ArtifactError {
    let got = open(described).get(&key("any"), None).await;
    got.err().expect("it is refused")
}

fn content(place: &Path, arguments: &[&str]) -> Result<String> {
    git(place, arguments, b"")
}

async fn a_checkout_holds_the_files_and_the_history() -> Result<()> {
    use std::os::unix::fs::PermissionsExt;
    let Some(server) = GitServer::start(None).await? else {
        return Ok(());
    };
    server.repository("one")?;
    let root = server.root.join("one");
    std::fs::write(root.join("run.sh"), "#!/bin/sh\n")?;
    std::fs::set_permissions(root.join("run.sh"), PermissionsExt::from_mode(0o755))?;
    std::os::unix::fs::symlink("README", root.join("link"))?;
    server.write("one", "deep/er/file", &"line\n".repeat(10_000))?;
    let (_directory, place) = unpacked(&described(server.url("one"))).await?;
    assert_eq!(std::fs::read_to_string(place.join("README"))?, "first");
    assert_eq!(
        std::fs::read_to_string(place.join("deep/er/file"))?.len(),
        50_000
    );
    assert_eq!(std::fs::read_link(place.join("link"))?, Path::new("README"));
    let mode = std::fs::metadata(place.join("run.sh"))?
        .permissions()
        .mode();
    assert_eq!(mode & 0o111, 0o111);
    assert_eq!(content(&place, &["status", "--porcelain"])?, "");
    assert_eq!(content(&place, &["rev-list", "--count", "HEAD"])?, "2");
    let store = open(&described(server.url("one")));
    assert_eq!(
        code(store.put(&key("a"), Source::bytes("x"))).await,
        "artifact.read-only"
    );
    let error = refusal(&described(server.url("none"))).await;
    assert_eq!(error.code(), "artifact.repository");
    Ok(())
}

async fn a_revision_is_a_branch_a_tag_or_a_commit() -> Result<()> {
    let Some(server) = GitServer::start(None).await? else {
        return Ok(());
    };
    server.repository("one")?;
    let first = server.git("one", &["rev-parse", "HEAD"])?;
    server.git("one", &["tag", "-a", "-m", "x", "v1"])?;
    server.git("one", &["checkout", "-q", "-b", "side/way"])?;
    server.write("one", "README", "side")?;
    server.git("one", &["checkout", "-q", "main"])?;
    server.write("one", "README", "second")?;
    for (revision, branch, expected) in [
        (None, None, "second"),
        (Some("v1"), None, "first"),
        (Some("side/way"), None, "side"),
        (Some("refs/tags/v1"), None, "first"),
        (Some(first.as_str()), None, "first"),
        (None, Some("side/way"), "side"),
    ] {
        for branches in [Branches::All, Branches::One] {
            let mut described = described(server.url("one"));
            described.revision = revision.map(str::to_owned);
            described.branch = branch.map(str::to_owned);
            described.branches = branches;
            let (_directory, place) = unpacked(&described).await?;
            let found = std::fs::read_to_string(place.join("README"))?;
            assert_eq!(found, expected, "{revision:?} {branch:?}");
        }
    }
    for wrong in [
        "nothing",
        "../../README",
        "-x",
        "0123456789012345678901234567890123456789",
    ] {
        let mut described = described(server.url("one"));
        described.revision = Some(wrong.to_owned());
        assert_eq!(
            refusal(&described).await.code(),
            "artifact.not-found",
            "{wrong}"
        );
    }
    Ok(())
}

async fn a_short_history_is_short() -> Result<()> {
    let Some(server) = GitServer::start(None).await? else {
        return Ok(());
    };
    server.repository("one")?;
    let first = server.git("one", &["rev-parse", "HEAD"])?;
    for number in 0..3 {
        server.write("one", "README", &number.to_string())?;
    }
    let mut described = described(server.url("one"));
    described.depth = Some(1);
    let (_directory, place) = unpacked(&described).await?;
    assert_eq!(content(&place, &["rev-list", "--count", "HEAD"])?, "1");
    // A commit that is older than that is asked for by name.
    described.revision = Some(first);
    let (_directory, place) = unpacked(&described).await?;
    assert_eq!(std::fs::read_to_string(place.join("README"))?, "first");
    Ok(())
}

async fn submodules_are_checked_out_or_left() -> Result<()> {
    let Some(server) = GitServer::start(None).await? else {
        return Ok(());
    };
    for name in ["inner", "middle", "outer"] {
        server.repository(name)?;
    }
    for (outer, inner) in [("middle", "inner"), ("outer", "middle")] {
        server.submodule(outer, inner)?;
    }
    let mut described = described(server.url("outer"));
    let (_directory, place) = unpacked(&described).await?;
    let deep = place.join("sub/way/sub/way/README");
    assert_eq!(std::fs::read_to_string(deep)?, "first");
    described.submodules = Submodules::Left;
    let (_directory, place) = unpacked(&described).await?;
    assert!(!place.join("sub/way/README").exists());
    // security.md F06: no way back to the files of this host.
    let secret = server.root.join("inner");
    for url in [
        format!("file://{}", secret.display()),
        secret.display().to_string(),
        "ext::sh -c touch% /tmp/x".to_owned(),
        "ssh://git@127.0.0.1/x".to_owned(),
        "http://169.254.169.254/x".to_owned(),
    ] {
        server.submodule_at("outer", &url)?;
        described.submodules = Submodules::CheckedOut;
        let error = refusal(&described).await.code();
        assert!(
            matches!(
                error,
                "artifact.repository" | "artifact.egress" | "artifact.refused"
            ),
            "{url}: {error}"
        );
    }
    Ok(())
}

async fn a_login_is_shown_and_needed() -> Result<()> {
    let Some(server) = GitServer::start(Some("Basic bWU6UEFTUw==")).await? else {
        return Ok(());
    };
    server.repository("one")?;
    let mut described = described(server.url("one"));
    assert_eq!(refusal(&described).await.code(), "artifact.denied");
    let login = |password: &str| GitCredential::Login {
        user: Secret::new("me"),
        password: Secret::new(password),
    };
    described.credential = login("wrong");
    let error = refusal(&described).await;
    assert_eq!(error.code(), "artifact.denied");
    assert!(!error.to_string().contains("wrong"), "{error}");
    described.credential = login("PASS");
    let (_directory, place) = unpacked(&described).await?;
    let config = std::fs::read_to_string(place.join(".git/config"))?;
    assert!(!config.contains("PASS"), "{config}");
    Ok(())
}

/// security.md F06.
async fn what_a_checkout_may_not_do_it_does_not() -> Result<()> {
    let Some(server) = GitServer::start(None).await? else {
        return Ok(());
    };
    server.repository("one")?;
    let root = server.root.join("one");
    let blob = server.git("one", &["rev-parse", "HEAD:README"])?;
    let tree = server.git("one", &["rev-parse", "HEAD^{tree}"])?;
    let outside = tempfile::tempdir()?;
    let target = outside.path().to_str().unwrap();
    let link = git(&root, &["hash-object", "-w", "--stdin"], target.as_bytes())?;
    for (name, tree) in [
        ("dot-git", format!("040000 tree {tree}\t.git\n")),
        ("dot-git-again", format!("040000 tree {tree}\t.GIT\n")),
        ("up", format!("040000 tree {tree}\t..\n")),
        ("short-name", format!("040000 tree {tree}\tgit~1\n")),
        (
            "link-then-file",
            format!("120000 blob {link}\ta\n040000 tree {tree}\ta\n"),
        ),
        (
            "modules-link",
            format!("120000 blob {link}\t.gitmodules\n100644 blob {blob}\tx\n"),
        ),
    ] {
        let made = git(&root, &["mktree"], tree.as_bytes())?;
        let commit = server.git("one", &["commit-tree", "-m", name, &made])?;
        server.git(
            "one",
            &["update-ref", &format!("refs/heads/{name}"), &commit],
        )?;
        let mut described = described(server.url("one"));
        described.branch = Some(name.to_owned());
        described.branches = Branches::One;
        if let Ok(content) = open(&described).get(&key("any"), None).await {
            // What is not refused stays inside.
            drop(content);
            let (_directory, place) = unpacked(&described).await?;
            assert!(!place.join(".git/README").exists(), "{name}");
            assert!(!place.join("../README").exists(), "{name}");
        }
        assert_eq!(std::fs::read_dir(outside.path())?.count(), 0, "{name}");
    }
    Ok(())
}

async fn a_tree_that_grows_without_end_is_refused() -> Result<()> {
    let Some(server) = GitServer::start(None).await? else {
        return Ok(());
    };
    server.repository("one")?;
    let root = server.root.join("one");
    let mut tree = server.git("one", &["rev-parse", "HEAD^{tree}"])?;
    for _ in 0..10 {
        let ten: String = (0..10)
            .map(|n| format!("040000 tree {tree}\t{n}\n"))
            .collect();
        tree = git(&root, &["mktree"], ten.as_bytes())?;
    }
    let commit = server.git("one", &["commit-tree", "-m", "bomb", &tree])?;
    server.git("one", &["update-ref", "refs/heads/main", &commit])?;
    let mut described = described(server.url("one"));
    described.depth = Some(1);
    assert_eq!(refusal(&described).await.code(), "artifact.too-large");
    Ok(())
}

async fn an_object_that_does_not_fit_into_memory_is_refused() -> Result<()> {
    let Some(server) = GitServer::start(None).await? else {
        return Ok(());
    };
    server.repository("one")?;
    // In the pack, these are some hundred KiB.
    let file = std::fs::File::create(server.root.join("one/large"))?;
    file.set_len(200 << 20)?;
    server.commit("one")?;
    let error = refusal(&described(server.url("one"))).await;
    assert_eq!(error.code(), "artifact.too-large", "{error}");
    Ok(())
}
