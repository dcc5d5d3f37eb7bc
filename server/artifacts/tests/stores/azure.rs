//! Azure Blob against Azurite.

use anyhow::Result;
use steading_artifacts::{
    Again, ArtifactStore, AzureBlob, AzureCredential, AzureStore, MissingBucket, Secret, Source,
};

use crate::contract::{self, code, content, key, read};
use crate::link::{Fault, Link};
use crate::programs;
use crate::s3::{network, patience};

trials![
    azurite_keeps_the_contract,
    a_wrong_key_is_denied,
    a_container_that_is_not_there_is_said,
    an_upload_is_taken_up_where_it_stopped,
    a_lost_answer_to_the_last_call_is_no_failure,
];

/// Azurite's documented account.
const ACCOUNT: &str = "devstoreaccount1";
const KEY: &str =
    "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==";

fn described(address: &str, container: &str, credential: AzureCredential) -> AzureBlob {
    AzureBlob {
        endpoint: format!("http://{address}/{ACCOUNT}"),
        container: container.to_owned(),
        authorities: None,
        credential,
        missing: MissingBucket::Create,
    }
}

fn with_key(address: &str, container: &str) -> Result<AzureStore> {
    let credential = AzureCredential::Key(Secret::new(KEY));
    let described = described(address, container, credential);
    Ok(AzureStore::open(&described, &network(patience()))?)
}

async fn azurite_keeps_the_contract() -> Result<()> {
    let Some(address) = programs::azurite()? else {
        return Ok(());
    };
    let store = with_key(&address, "contract")?;
    // The contract begins with what is not there.
    store.put(&key("first"), Source::bytes("x")).await?;
    contract::holds(&store, "tenant").await
}

async fn a_wrong_key_is_denied() -> Result<()> {
    let Some(address) = programs::azurite()? else {
        return Ok(());
    };
    let object = key("a/b");
    let store = with_key(&address, "denied")?;
    store.put(&object, Source::bytes("x")).await?;
    for credential in [
        AzureCredential::Key(Secret::new("d3Jvbmc=")),
        AzureCredential::Signature(Secret::new("sv=2020-08-04&sig=wrong")),
        AzureCredential::Anonymous,
    ] {
        let described = described(&address, "denied", credential);
        let store = AzureStore::open(&described, &network(patience()))?;
        let got = code(store.get(&object, None)).await;
        // Whoever is nobody does not even learn what there is.
        assert!(
            matches!(got, "artifact.denied" | "artifact.not-found"),
            "{got}"
        );
        let put = code(store.put(&object, Source::bytes("y"))).await;
        assert!(
            matches!(put, "artifact.denied" | "artifact.not-found"),
            "{put}"
        );
    }
    assert_eq!(read(&store, &object, None).await?, b"x");
    Ok(())
}

async fn a_container_that_is_not_there_is_said() -> Result<()> {
    let Some(address) = programs::azurite()? else {
        return Ok(());
    };
    let credential = AzureCredential::Key(Secret::new(KEY));
    let mut described = described(&address, "nowhere", credential);
    described.missing = MissingBucket::Refuse;
    let store = AzureStore::open(&described, &network(patience()))?;
    let object = key("a/b");
    let put = store.put(&object, Source::bytes("x"));
    assert_eq!(code(put).await, "artifact.repository");
    assert_eq!(code(store.get(&object, None)).await, "artifact.repository");
    Ok(())
}

async fn an_upload_is_taken_up_where_it_stopped() -> Result<()> {
    const LARGE: usize = 64 << 20;
    let Some(address) = programs::azurite()? else {
        return Ok(());
    };
    let link = Link::to(&address).await?;
    let store = with_key(&link.address(), "resumed")?;
    store.put(&key("first"), Source::bytes("x")).await?;
    let (object, bytes) = (key("a/large"), content(LARGE));
    link.fault(Fault::CutAfter(LARGE as u64 / 2));
    let error = store.put(&object, Source::bytes(bytes.clone())).await;
    let error = error.expect_err("it can not succeed");
    assert_eq!(
        (error.code(), error.again()),
        ("artifact.store-down", Again::Later)
    );
    link.fault(Fault::Nothing);
    store.put(&object, Source::bytes(bytes.clone())).await?;
    let sent = link.sent();
    assert!(sent < LARGE as u64, "{sent} bytes were sent again");
    assert!(read(&store, &object, None).await? == bytes);
    Ok(())
}

async fn a_lost_answer_to_the_last_call_is_no_failure() -> Result<()> {
    let Some(address) = programs::azurite()? else {
        return Ok(());
    };
    let link = Link::to(&address).await?;
    let store = with_key(&link.address(), "answers")?;
    store.put(&key("first"), Source::bytes("x")).await?;
    link.fault(Fault::LoseAnswerTo(&["PUT ", "comp=blocklist"]));
    let (object, bytes) = (key("a/large"), content(20 << 20));
    store.put(&object, Source::bytes(bytes.clone())).await?;
    assert!(read(&store, &object, None).await? == bytes);
    Ok(())
}
