use super::*;

const KEY: StoreKey = StoreKey([7; 32]);

fn record(seq: u64, text: &str) -> Record {
    Record {
        seq: Seq(seq),
        payload: text.as_bytes().to_vec(),
    }
}

fn reopen(file: &File, from: u64) -> (Journal, Vec<(u64, String)>) {
    let mut seen = Vec::new();
    let journal = Journal::open(file.try_clone().unwrap(), KEY, Seq(from), |seq, payload| {
        seen.push((seq.0, String::from_utf8(payload.to_vec()).unwrap()));
        Ok(())
    });
    (journal.unwrap(), seen)
}

fn fresh() -> File {
    let file = tempfile::tempfile().unwrap();
    Journal::create(&file, &KEY).unwrap();
    file
}

#[test]
fn what_was_appended_is_replayed_in_order_after_the_checkpoint() {
    let file = fresh();
    let (mut journal, seen) = reopen(&file, 0);
    assert!(seen.is_empty());
    journal.append(&[record(1, "a"), record(2, "b")]).unwrap();
    journal.append(&[record(3, "c")]).unwrap();
    let (mut journal, seen) = reopen(&file, 1);
    assert_eq!(seen, [(2, "b".into()), (3, "c".into())]);
    journal.append(&[record(4, "d")]).unwrap();
    assert_eq!(reopen(&file, 3).1, [(4, "d".into())]);
}

#[test]
fn a_torn_record_ends_the_journal_and_the_next_one_takes_its_place() {
    let file = fresh();
    let (mut journal, _) = reopen(&file, 0);
    journal.append(&[record(1, "kept")]).unwrap();
    let before = journal.size();
    // Two records of one write of which only the second reached the disk whole.
    journal
        .append(&[record(2, "torn"), record(3, "late")])
        .unwrap();
    file.write_all_at(b"x", HEADER + before + FRAME as u64)
        .unwrap();
    let (mut journal, seen) = reopen(&file, 0);
    assert_eq!(seen, [(1, "kept".into())]);
    // A different record of the same length: the remains behind it must not follow.
    journal.append(&[record(2, "news")]).unwrap();
    assert_eq!(reopen(&file, 1).1, [(2, "news".into())]);
}

#[test]
fn after_a_checkpoint_older_records_behind_the_new_ones_are_not_replayed() {
    let file = fresh();
    let (mut journal, _) = reopen(&file, 0);
    journal
        .append(&[record(1, "aa"), record(2, "bb"), record(3, "cc")])
        .unwrap();
    journal.restart();
    journal.append(&[record(4, "dd")]).unwrap();
    assert_eq!(reopen(&file, 3).1, [(4, "dd".into())]);
    // A checkpoint whose restart was never written: nothing is due.
    assert!(reopen(&file, 4).1.is_empty());
}

#[test]
fn a_gap_another_stores_journal_and_a_newer_one_are_refused() {
    let file = fresh();
    let (mut journal, _) = reopen(&file, 4);
    journal.append(&[record(5, "x")]).unwrap();
    let open = |key, from| Journal::open(file.try_clone().unwrap(), key, from, |_, _| Ok(()));
    let code = |result: Result<Journal, StoreError>| result.err().map(|error| error.code());
    assert_eq!(code(open(KEY, Seq(3))), Some("store.damaged"));
    assert_eq!(code(open(StoreKey([8; 32]), Seq(4))), Some("store.damaged"));
    file.write_all_at(&[9], 8).unwrap();
    assert_eq!(code(open(KEY, Seq(4))), Some("store.newer"));
}
