//! What opening makes of the files that it finds.

use steading_store::*;
use steading_types::WorkflowPhase;

use crate::fixtures::*;

fn code(result: Result<Store, StoreError>) -> &'static str {
    let error = result.map(|_| ()).unwrap_err();
    assert!(error.fix().is_some(), "{error}");
    error.code()
}

#[test]
fn two_servers_can_not_open_one_data_directory() {
    let f = fixture();
    assert_eq!(code(Store::open(f.dir.path(), options())), "store.locked");
    let f = f.reopen();
    commit(
        &f.store,
        [put_run(&run("default", 1), "x", WorkflowPhase::Running)],
    )
    .unwrap();
}

#[test]
fn files_are_for_their_owner_alone() {
    use std::os::unix::fs::PermissionsExt;
    let f = fixture();
    let mut files = 0;
    for entry in std::fs::read_dir(f.dir.path()).unwrap() {
        let mode = entry.unwrap().metadata().unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        files += 1;
    }
    assert_eq!(files, 3);
}

#[test]
fn the_remains_of_a_creation_that_was_cut_short_do_not_matter() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("store.redb.new"), vec![0; 1_056_768]).unwrap();
    std::fs::write(dir.path().join("store.journal"), b"STEAD").unwrap();
    let store = Store::open(dir.path(), options()).unwrap();
    commit(&store, [put_tenant("default")]).unwrap();
    assert!(!dir.path().join("store.redb.new").exists());
}

#[test]
fn foreign_and_damaged_files_are_one_clear_error() {
    let opened_with = |file: &str, change: &dyn Fn(&mut Vec<u8>)| {
        let f = fixture();
        let path = f.dir.path().join(file);
        let Fixture { store, dir } = f;
        drop(store);
        let mut bytes = std::fs::read(&path).unwrap();
        change(&mut bytes);
        std::fs::write(&path, bytes).unwrap();
        code(open_again(dir.path(), options()))
    };
    let text = |bytes: &mut Vec<u8>| *bytes = b"hello, world".repeat(1000);
    assert_eq!(opened_with("store.redb", &text), "store.foreign");
    assert_eq!(
        opened_with("store.redb", &|bytes| bytes.fill(0)),
        "store.foreign"
    );
    assert_eq!(
        opened_with("store.redb", &|bytes| bytes.clear()),
        "store.foreign"
    );
    assert_eq!(opened_with("store.journal", &text), "store.damaged");
    assert_eq!(
        opened_with("store.journal", &|bytes| bytes.clear()),
        "store.damaged"
    );

    let f = fixture();
    let Fixture { store, dir } = f;
    drop(store);
    std::fs::remove_file(dir.path().join("store.journal")).unwrap();
    assert_eq!(code(open_again(dir.path(), options())), "store.damaged");
}
