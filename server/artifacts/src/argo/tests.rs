//! What each store says in Argo's words, and what of it is refused.

use serde_json::json;

use super::*;
use crate::repository::{
    Addressing, AzureBlob, AzureCredential, Branches, Encryption, GitCredential, HostKey,
    MissingBucket, S3, S3Credential, Submodules, Web, WebCredential,
};

/// Every Secret holds its own name and key.
fn lookup(key: &SecretKey) -> Option<Secret> {
    (key.name != "missing").then(|| Secret::new(format!("{}/{}", key.name, key.key)))
}

fn resolved(words: Value) -> Result<Repository, ArtifactError> {
    Location::read(&words)?.resolve(&lookup)
}

fn refusal(words: Value) -> String {
    let error = resolved(words).unwrap_err();
    assert_eq!(error.code(), "artifact.repository");
    error.to_string()
}

#[test]
fn a_bucket_is_described_in_argos_words() {
    let words = json!({"s3": {
        "endpoint": "minio:9000", "insecure": true, "bucket": "b", "region": "eu-1",
        "keyFormat": "x/{{workflow.name}}",
        "accessKeySecret": {"name": "s3", "key": "access"},
        "secretKeySecret": {"name": "s3", "key": "secret"},
        "caSecret": {"name": "ca", "key": "pem"},
        "createBucketIfNotPresent": {"objectLocking": false},
        "encryptionOptions": {"enableEncryption": true, "kmsKeyId": "k", "kmsEncryptionContext": "{}"},
    }});
    let location = Location::read(&words).unwrap();
    assert_eq!(location.key_format(), Some("x/{{workflow.name}}"));
    assert_eq!(location.key(), "");
    let names: Vec<_> = location.secrets().iter().map(|of| of.key.clone()).collect();
    assert_eq!(names, ["access", "secret", "pem"]);
    let expected = S3 {
        endpoint: Some("http://minio:9000".to_owned()),
        bucket: "b".to_owned(),
        region: "eu-1".to_owned(),
        addressing: Addressing::Path,
        authorities: Some("ca/pem".to_owned()),
        credential: S3Credential::Keys {
            access: Secret::new("s3/access"),
            secret: Secret::new("s3/secret"),
            session: None,
        },
        encryption: Encryption::Kms {
            key: Some("k".to_owned()),
            context: Some("e30=".to_owned()),
        },
        missing: MissingBucket::Create,
    };
    assert_eq!(location.resolve(&lookup).unwrap(), Repository::S3(expected));
}

#[test]
fn amazons_own_endpoint_and_an_open_bucket_need_few_words() {
    let words = json!({"s3": {"endpoint": "s3.amazonaws.com", "bucket": "b", "key": "a/b"}});
    assert_eq!(Location::read(&words).unwrap().key(), "a/b");
    let Repository::S3(s3) = resolved(words).unwrap() else {
        panic!("it is a bucket")
    };
    assert_eq!((s3.endpoint, s3.region.as_str()), (None, "us-east-1"));
    assert_eq!(s3.credential, S3Credential::Anonymous);
    assert_eq!(s3.missing, MissingBucket::Refuse);
}

#[test]
fn a_container_is_opened_with_a_key_or_a_signature() {
    let words = |name: &str| {
        json!({"azure": {
            "endpoint": "https://acct.blob.core.windows.net", "container": "c", "blob": "a",
            "accountKeySecret": {"name": name, "key": "k"},
        }})
    };
    let credential = |name: &str| match resolved(words(name)).unwrap() {
        Repository::Azure(AzureBlob { credential, .. }) => credential,
        other => panic!("{other:?}"),
    };
    assert_eq!(credential("az"), AzureCredential::Key(Secret::new("az/k")));
    let signature = AzureCredential::Signature(Secret::new("sv=1&sig=2/k"));
    assert_eq!(credential("sv=1&sig=2"), signature);
}

#[test]
fn googles_buckets_take_an_hmac_key() {
    let words = json!({"gcs": {
        "bucket": "b", "key": "k", "serviceAccountKeySecret": {"name": "g", "key": "k"},
    }});
    let location = Location::read(&words).unwrap();
    let hmac = r#"{"kind":"storage#hmacKey","metadata":{"accessId":"GOOG1"},"secret":"s"}"#;
    let found = location.resolve(&|_| Some(Secret::new(hmac))).unwrap();
    let expected = S3::google("b", Secret::new("GOOG1"), Secret::new("s"));
    assert_eq!(found, Repository::S3(expected));
    let private = location.resolve(&|_| Some(Secret::new(r#"{"type":"service_account"}"#)));
    let said = private.unwrap_err().to_string();
    assert!(said.contains("gcloud storage hmac create"), "{said}");
}

#[test]
fn a_web_address_carries_headers_and_a_login() {
    let words = json!({"http": {
        "url": "https://web/x", "headers": [{"name": "Accept", "value": "text/plain"}],
        "auth": {
            "basicAuth": {
                "usernameSecret": {"name": "w", "key": "u"}, "passwordSecret": {"name": "w", "key": "p"},
            },
            "clientCert": {
                "clientCertSecret": {"name": "w", "key": "c"}, "clientKeySecret": {"name": "w", "key": "k"},
            },
        },
    }});
    let Repository::Web(Web {
        url,
        headers,
        credential,
        identity,
        ..
    }) = resolved(words).unwrap()
    else {
        panic!("it is a web address")
    };
    assert_eq!(url, "https://web/x");
    assert_eq!(headers, [("Accept".to_owned(), Secret::new("text/plain"))]);
    let basic = WebCredential::Basic {
        user: Secret::new("w/u"),
        password: Secret::new("w/p"),
    };
    assert_eq!(credential, basic);
    assert_eq!(identity.unwrap().certificates, "w/c");
}

#[test]
fn a_git_repository_is_described_by_what_is_fetched() {
    let words = json!({"git": {
        "repo": "https://forge/x", "branch": "b", "singleBranch": true, "depth": 1,
        "disableSubmodules": true, "insecureSkipTLS": true, "fetch": ["refs/meta/*:refs/meta/*"],
        "passwordSecret": {"name": "g", "key": "token"},
    }});
    let Repository::Git(git) = resolved(words).unwrap() else {
        panic!("it is a git repository")
    };
    assert_eq!(
        (git.branch.as_deref(), git.branches),
        (Some("b"), Branches::One)
    );
    assert_eq!((git.revision, git.depth), (None, Some(1)));
    assert_eq!(git.submodules, Submodules::Left);
    let (user, password) = (Secret::default(), Secret::new("g/token"));
    assert_eq!(git.credential, GitCredential::Login { user, password });
    assert_eq!(git.host_key, HostKey::Known);
    let words = json!({"git": {
        "repo": "git@forge:x", "insecureIgnoreHostKey": true,
        "sshPrivateKeySecret": {"name": "g", "key": "key"},
    }});
    let Repository::Git(git) = resolved(words).unwrap() else {
        panic!("it is a git repository")
    };
    assert_eq!(git.credential, GitCredential::Key(Secret::new("g/key")));
    assert_eq!(git.host_key, HostKey::Any);
}

#[test]
fn what_is_not_served_is_refused_by_name() {
    for (words, says) in [
        (json!({}), "names no store"),
        (
            json!({"raw": {"data": "x"}, "s3": {"bucket": "b"}}),
            "more than one",
        ),
        (json!({"hdfs": {"path": "/x"}}), "hdfs"),
        (json!({"s3": {"bucket": "b", "new": 1}}), "new"),
        (json!({"s3": {"bucket": 7}}), "s3.bucket"),
        (json!({"s3": {"key": "k"}}), "no bucket"),
        (
            json!({"s3": {"bucket": "b", "useSDKCreds": true}}),
            "s3.useSDKCreds",
        ),
        (json!({"s3": {"bucket": "b", "roleARN": "r"}}), "s3.roleARN"),
        (
            json!({"s3": {"bucket": "b", "keyPrefix": "p"}}),
            "s3.keyPrefix",
        ),
        (
            json!({"s3": {"bucket": "b", "createBucketIfNotPresent": {"objectLocking": true}}}),
            "objectLocking",
        ),
        (
            json!({"s3": {"bucket": "b", "encryptionOptions": {"serverSideCustomerKeySecret": {"name": "n"}}}}),
            "serverSideCustomerKeySecret",
        ),
        (
            json!({"s3": {"bucket": "b", "accessKeySecret": {"name": "n", "key": "k"}}}),
            "belong together",
        ),
        (
            json!({"s3": {"bucket": "b",
                "accessKeySecret": {"name": "missing", "key": "k"},
                "secretKeySecret": {"name": "missing", "key": "s"}}}),
            "the Secret missing has no value k",
        ),
        (
            json!({"git": {"repo": "https://f/x", "singleBranch": true}}),
            "git.singleBranch",
        ),
        (
            json!({"azure": {"endpoint": "e", "container": "c", "useSDKCreds": true}}),
            "azure.useSDKCreds",
        ),
    ] {
        let said = refusal(words.clone());
        assert!(said.contains(says), "{words}: {said}");
    }
}
