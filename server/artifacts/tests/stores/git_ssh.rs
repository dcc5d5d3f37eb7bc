//! Checkouts over ssh from OpenSSH's server.

use anyhow::Result;
use steading_artifacts::{
    ArtifactError, ArtifactStore, Egress, Git, GitCredential, GitStore, HostKey, Network,
};

use crate::contract::key;
use crate::git::{described, unpacked_from};
use crate::git_server::GitRepositories;
use crate::s3::{network, patience};
use crate::ssh_server::SshServer;

trials![
    a_checkout_comes_over_ssh_in_both_protocols,
    who_a_server_is_the_sites_known_hosts_say,
    a_key_that_the_server_does_not_know_is_denied,
    submodules_come_from_the_same_server,
    ssh_goes_where_the_site_allows,
    a_repository_that_is_not_there_is_said,
];

fn reached(server: &SshServer, repositories: &GitRepositories, name: &str) -> Result<Git> {
    Ok(Git {
        credential: GitCredential::Key(server.key("client")?),
        ..described(server.url(&repositories.root.join(name)))
    })
}

fn knowing(lines: &str) -> Network {
    network(patience()).with_known_hosts(lines).unwrap()
}

async fn refusal(described: &Git, network: &Network) -> ArtifactError {
    let store = GitStore::open(described, network).unwrap();
    store.get(&key("any"), None).await.err().expect("refused")
}

async fn a_checkout_comes_over_ssh_in_both_protocols() -> Result<()> {
    for settings in ["", "AcceptEnv GIT_PROTOCOL"] {
        let Some(server) = SshServer::start(settings)? else {
            return Ok(());
        };
        let repositories = GitRepositories::new()?;
        repositories.repository("one")?;
        repositories.git("one", &["tag", "v1"])?;
        repositories.write("one", "big", &"line\n".repeat(500_000))?;
        let mut described = reached(&server, &repositories, "one")?;
        let network = knowing(&server.known("host")?);
        let (_directory, place) = unpacked_from(&described, &network).await?;
        assert_eq!(std::fs::read_to_string(place.join("README"))?, "first");
        assert_eq!(std::fs::metadata(place.join("big"))?.len(), 2_500_000);
        described.revision = Some("v1".to_owned());
        described.depth = Some(1);
        let (_directory, place) = unpacked_from(&described, &network).await?;
        assert!(!place.join("big").exists());
        // No session outlives its checkout.
        while server.open_sessions() > 0 {
            tokio::task::yield_now().await;
        }
    }
    Ok(())
}

async fn who_a_server_is_the_sites_known_hosts_say() -> Result<()> {
    let Some(server) = SshServer::start("")? else {
        return Ok(());
    };
    let repositories = GitRepositories::new()?;
    repositories.repository("one")?;
    let mut described = reached(&server, &repositories, "one")?;
    for known in [
        server.known("host")?,
        // Only the server's other key is known.
        server.known("host2")?,
        server.known_by_hash()?,
    ] {
        unpacked_from(&described, &knowing(&known)).await?;
    }
    let revoked = format!(
        "@revoked {}{}",
        server.known("host")?,
        server.known("host")?
    );
    for unknown in ["", &server.known("other")?, &revoked] {
        let error = refusal(&described, &knowing(unknown)).await;
        assert_eq!(error.code(), "artifact.host-key", "{error}");
    }
    described.host_key = HostKey::Any;
    unpacked_from(&described, &knowing("")).await?;
    let error = refusal(&described, &knowing(&revoked)).await;
    assert_eq!(error.code(), "artifact.host-key", "{error}");
    Ok(())
}

async fn a_key_that_the_server_does_not_know_is_denied() -> Result<()> {
    let Some(server) = SshServer::start("")? else {
        return Ok(());
    };
    let repositories = GitRepositories::new()?;
    repositories.repository("one")?;
    let mut described = reached(&server, &repositories, "one")?;
    let network = knowing(&server.known("host")?);
    described.credential = GitCredential::Key(server.key("other")?);
    let error = refusal(&described, &network).await;
    assert_eq!(error.code(), "artifact.denied", "{error}");
    described.credential = GitCredential::Key(steading_artifacts::Secret::new("SECRET"));
    let error = refusal(&described, &network).await;
    assert_eq!(error.code(), "artifact.repository", "{error}");
    assert!(!error.to_string().contains("SECRET"), "{error}");
    Ok(())
}

async fn submodules_come_from_the_same_server() -> Result<()> {
    let Some(server) = SshServer::start("")? else {
        return Ok(());
    };
    let repositories = GitRepositories::new()?;
    repositories.repository("inner")?;
    repositories.repository("outer")?;
    repositories.submodule("outer", "inner")?;
    let described = reached(&server, &repositories, "outer")?;
    let network = knowing(&server.known("host")?);
    let (_directory, place) = unpacked_from(&described, &network).await?;
    let inner = place.join("sub/way/README");
    assert_eq!(std::fs::read_to_string(inner)?, "first");
    // A commit that no branch ends with, from a server that answers to names of branches only.
    repositories.write("inner", "README", "second")?;
    let (_directory, place) = unpacked_from(&described, &network).await?;
    let inner = place.join("sub/way/README");
    assert_eq!(std::fs::read_to_string(inner)?, "first");
    // Another server is not shown the key.
    let Some(stranger) = SshServer::start("")? else {
        return Ok(());
    };
    repositories.submodule_at("outer", &stranger.url(&repositories.root.join("inner")))?;
    let both = format!("{}{}", server.known("host")?, stranger.known("host")?);
    let error = refusal(&described, &knowing(&both)).await;
    assert_eq!(error.code(), "artifact.repository", "{error}");
    Ok(())
}

async fn ssh_goes_where_the_site_allows() -> Result<()> {
    let network = Network::new(Egress::parse(["*"])?, None, patience())?;
    for url in [
        "ssh://git@127.0.0.1/x",
        "git@localhost:x",
        "ssh://169.254.169.254/x",
    ] {
        let described = Git {
            credential: GitCredential::Key(steading_artifacts::Secret::new("any")),
            ..described(url.to_owned())
        };
        let error = refusal(&described, &network).await;
        assert_eq!(error.code(), "artifact.egress", "{url}: {error}");
    }
    Ok(())
}

async fn a_repository_that_is_not_there_is_said() -> Result<()> {
    let Some(server) = SshServer::start("")? else {
        return Ok(());
    };
    let repositories = GitRepositories::new()?;
    let described = reached(&server, &repositories, "it's-$(not)-there")?;
    let error = refusal(&described, &knowing(&server.known("host")?)).await;
    assert_eq!(error.code(), "artifact.repository", "{error}");
    Ok(())
}
