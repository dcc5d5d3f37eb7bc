//! A full disk: a change is refused with a code, nothing half of it is kept, and the store goes on
//! when there is space again. The disk is a small tmpfs in a mount namespace of a child's own.

use std::path::Path;
use std::process::Command;

use steading_store::*;

use crate::fixtures::*;

const CHILD: &str = "STEADING_STORE_FULL_CHILD";

#[test]
fn a_full_disk_refuses_changes_whole_and_the_store_goes_on_when_space_returns() {
    let dir = tempfile::tempdir().unwrap();
    let script = "mount -t tmpfs -o size=8m none \"$STEADING_STORE_FULL_CHILD\" && exec \"$0\" \
                  --exact full::child_on_a_small_disk --nocapture";
    let program = std::env::current_exe().unwrap();
    let run = |namespaces: &str| {
        Command::new("unshare")
            .args([namespaces, "sh", "-c", script])
            .arg(&program)
            .env(CHILD, dir.path())
            .output()
            .unwrap()
    };
    let mut output = run("-Urm");
    if !output.status.success()
        && !String::from_utf8_lossy(&output.stdout).contains("child is there")
    {
        output = run("-m");
    }
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(
        output.status.success() && said.contains("child is done"),
        "{said}\n{}",
        String::from_utf8_lossy(&output.stderr)
    );
}

/// The body of the child; as a test of its own it does nothing.
#[test]
fn child_on_a_small_disk() {
    let Some(dir) = std::env::var_os(CHILD) else {
        return;
    };
    println!("child is there");
    let dir = Path::new(&dir);
    let ballast = dir.join("ballast");
    std::fs::write(&ballast, vec![1; 3 << 20]).unwrap();
    let small = Options {
        journal_bytes: 256 * 1024,
        cache_bytes: 1024 * 1024,
        ..options()
    };
    let store = Store::open(&dir.join("data"), small.clone()).unwrap();
    let mut kept = Vec::new();
    let mut refused = 0;
    // Go on for a while after the disk is full: refused again and again, never worse.
    let mut n = 0;
    while refused < 20 {
        match put_pair(&store, n) {
            Ok(_) => kept.push(n),
            Err(error) => {
                assert_eq!(error.code(), "store.full");
                refused += 1;
            }
        }
        n += 1;
        assert!(n < 10_000, "the disk never filled");
    }
    check(&store, &kept, n);
    std::fs::remove_file(&ballast).unwrap();
    for _ in 0..20 {
        put_pair(&store, n).unwrap();
        kept.push(n);
        n += 1;
    }
    check(&store, &kept, n);
    drop(store);
    check(&open_again(&dir.join("data"), small).unwrap(), &kept, n);
    println!("child is done");
}

/// Two values that belong together, of bytes that do not compress.
fn pair(n: u64) -> [Vec<u8>; 2] {
    let mut state = n.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    [3_000, 9_000].map(|size| {
        let mut next = || {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            state as u8
        };
        (0..size).map(|_| next()).collect()
    })
}

fn put_pair(store: &Store, n: u64) -> Result<Commit, StoreError> {
    let [a, b] = pair(n);
    let changes = [
        Change::PutSetting(Owner::Site, format!("a{n}"), a),
        Change::PutSetting(Owner::Site, format!("b{n}"), b),
    ];
    commit(store, changes)
}

fn check(store: &Store, kept: &[u64], all: u64) {
    store
        .read(|s| {
            for n in 0..all {
                let expected = kept.binary_search(&n).is_ok().then(|| pair(n));
                for (name, at) in [("a", 0), ("b", 1)] {
                    let found = s.setting(&Owner::Site, &format!("{name}{n}"))?;
                    assert!(
                        found == expected.as_ref().map(|pair| pair[at].clone()),
                        "{name}{n}"
                    );
                }
            }
            Ok(())
        })
        .unwrap();
}
