//! Backup while the server works, and restore.

use steading_store::*;
use steading_types::WorkflowPhase;

use crate::fixtures::*;

fn backup() -> (Vec<u8>, RunRef, Seq) {
    let f = fixture();
    let run = run("default", 1);
    let filler =
        (0..400u64).map(|n| Change::PutSetting(Owner::Site, format!("k{n}"), vec![7; 2_000]));
    commit(&f.store, filler).unwrap();
    commit(&f.store, archived(&run, "kept", WorkflowPhase::Failed)).unwrap();
    let mut stream = Vec::new();
    let seq = f.store.backup(&mut stream).unwrap();
    assert_eq!(seq, f.store.latest());
    (stream, run, seq)
}

#[test]
fn a_restored_store_has_all_that_was_backed_up_and_goes_on_from_there() {
    let (stream, run, seq) = backup();
    let dir = tempfile::tempdir().unwrap();
    Store::restore(&mut stream.as_slice(), dir.path()).unwrap();
    let store = open_again(dir.path(), options()).unwrap();
    assert_eq!(store.latest(), seq);
    let found = store.read(|s| s.run(&run)).unwrap().unwrap();
    assert_eq!(found.0, head(&run, "kept", WorkflowPhase::Failed));
    assert_eq!(store.read(|s| s.tenants()).unwrap().len(), 2);
    assert_eq!(
        commit(&store, [put_tenant("third")]).unwrap().seq,
        seq.next()
    );
    let event = block_on(store.feed(Some(seq)).next()).unwrap();
    assert_eq!(event.seq, seq.next());
}

#[test]
fn a_damaged_backup_restores_nothing() {
    let (stream, ..) = backup();
    let restore = |bytes: &[u8]| {
        let dir = tempfile::tempdir().unwrap();
        let error = Store::restore(&mut { bytes }, dir.path()).unwrap_err();
        assert!(!dir.path().join("store.redb").exists());
        error.code()
    };
    let mut flipped = stream.clone();
    let middle = flipped.len() / 2;
    flipped[middle] ^= 1;
    assert_eq!(restore(&flipped), "backup.damaged");
    assert_eq!(restore(&stream[..stream.len() - 1]), "backup.damaged");
    assert_eq!(restore(b"not a backup at all"), "backup.damaged");
    assert_eq!(restore(b""), "backup.damaged");
}

#[test]
fn a_store_is_never_restored_over_another() {
    let (stream, ..) = backup();
    let Fixture { store, dir } = fixture();
    let over = |dir: &std::path::Path| {
        let error = Store::restore(&mut stream.as_slice(), dir).unwrap_err();
        error.code()
    };
    assert_eq!(over(dir.path()), "store.locked");
    drop(store);
    assert_eq!(over(dir.path()), "store.occupied");
}
