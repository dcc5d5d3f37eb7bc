//! S3 against moto, and against s3s, which checks signatures and knows no list of unfinished uploads.

use std::net::SocketAddr;

use anyhow::Result;
use steading_artifacts::{
    Addressing, ArtifactStore, Egress, Encryption, MissingBucket, Network, Patience, S3,
    S3Credential, S3Store, Secret, Source,
};

use crate::contract::{self, code, key};
use crate::{programs, s3_server};

trials![
    moto_keeps_the_contract,
    s3s_keeps_the_contract,
    a_wrong_secret_is_denied,
    a_bucket_that_is_not_there_is_said_or_made,
];

pub(crate) fn described(address: &str, bucket: &str) -> S3 {
    S3 {
        endpoint: Some(format!("http://{address}")),
        bucket: bucket.to_owned(),
        region: "us-east-1".to_owned(),
        addressing: Addressing::Path,
        authorities: None,
        credential: S3Credential::Keys {
            access: Secret::new("access"),
            secret: Secret::new("secret"),
            session: None,
        },
        encryption: Encryption::Bucket,
        missing: MissingBucket::Create,
    }
}

pub(crate) fn patience() -> Patience {
    Patience {
        connect: std::time::Duration::from_secs(5),
        silence: std::time::Duration::from_secs(30),
        tries: 2,
    }
}

pub(crate) fn network(patience: Patience) -> Network {
    Network::new(Egress::parse(["127.0.0.1"]).unwrap(), None, patience).unwrap()
}

pub(crate) fn store(address: &str, bucket: &str) -> S3Store {
    S3Store::open(&described(address, bucket), &network(patience())).unwrap()
}

/// s3s over a directory, in this process.
pub(crate) async fn s3s(root: &std::path::Path) -> Result<SocketAddr> {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    let (address, root) = (listener.local_addr()?, root.to_owned());
    tokio::spawn(async move { s3_server::serve(listener, &root, "secret").await });
    Ok(address)
}

async fn keeps_the_contract(address: &str) -> Result<()> {
    let store = store(address, "contract");
    // The contract begins with what is not there.
    store.put(&key("first"), Source::bytes("x")).await?;
    contract::holds(&store, "tenant").await
}

async fn moto_keeps_the_contract() -> Result<()> {
    let Some(address) = programs::moto()? else {
        return Ok(());
    };
    keeps_the_contract(&address).await
}

async fn s3s_keeps_the_contract() -> Result<()> {
    let root = tempfile::tempdir()?;
    let address = s3s(root.path()).await?.to_string();
    keeps_the_contract(&address).await
}

async fn a_wrong_secret_is_denied() -> Result<()> {
    let root = tempfile::tempdir()?;
    let address = s3s(root.path()).await?.to_string();
    let object = key("a/b");
    store(&address, "bucket")
        .put(&object, Source::bytes("x"))
        .await?;
    for (access, secret) in [("access", "wrong"), ("nobody", "secret")] {
        let mut wrong = described(&address, "bucket");
        wrong.credential = S3Credential::Keys {
            access: Secret::new(access),
            secret: Secret::new(secret),
            session: None,
        };
        let store = S3Store::open(&wrong, &network(patience()))?;
        assert_eq!(code(store.get(&object, None)).await, "artifact.denied");
        let put = store.put(&object, Source::bytes("y"));
        assert_eq!(code(put).await, "artifact.denied");
    }
    let mut nobody = described(&address, "bucket");
    nobody.credential = S3Credential::Anonymous;
    let store = S3Store::open(&nobody, &network(patience()))?;
    assert_eq!(code(store.get(&object, None)).await, "artifact.denied");
    Ok(())
}

async fn a_bucket_that_is_not_there_is_said_or_made() -> Result<()> {
    let Some(address) = programs::moto()? else {
        return Ok(());
    };
    let object = key("a/b");
    let mut strict = described(&address, "nowhere");
    strict.missing = MissingBucket::Refuse;
    let strict = S3Store::open(&strict, &network(patience()))?;
    let put = strict.put(&object, Source::bytes("x"));
    assert_eq!(code(put).await, "artifact.repository");
    assert_eq!(code(strict.get(&object, None)).await, "artifact.repository");
    store(&address, "nowhere")
        .put(&object, Source::bytes("x"))
        .await?;
    assert_eq!(strict.stat(&object).await?, 1);
    Ok(())
}
