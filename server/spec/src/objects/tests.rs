use super::*;
use crate::{Limits, Mode, Object, parse};

fn read(text: &str) -> Result<Object, Vec<Fault>> {
    let documents = parse(text.as_bytes(), Mode::Strict, &Limits::default())?;
    Ok(documents.into_iter().next().unwrap().object)
}

fn a_secret(rest: &str) -> Result<Values, Vec<Fault>> {
    let text = format!("apiVersion: v1\nkind: Secret\nmetadata: {{name: s}}\n{rest}\n");
    let Object::Secret(object) = read(&text)? else {
        panic!()
    };
    secret(&object)
}

fn a_claim(spec: &str) -> Result<ClaimTerms, Vec<Fault>> {
    let head = "apiVersion: v1\nkind: PersistentVolumeClaim\nmetadata: {name: c}";
    let Object::Claim(object) = read(&format!("{head}\nspec: {spec}\n"))? else {
        panic!()
    };
    claim(&object).map(|(terms, _)| terms)
}

#[test]
fn plain_text_wins_over_base64_of_the_same_key() {
    let values = a_secret("data: {a: b2xk, b: 'AP8='}\nstringData: {a: new}").unwrap();
    assert_eq!(values["a"].as_slice(), b"new");
    assert_eq!(values["b"].as_slice(), [0, 255]);
}

#[test]
fn k02_no_sentence_about_a_secret_repeats_its_value() {
    for wrong in [
        "data: {a: hunter2!}",
        "stringData: {a: [hunter2]}",
        "stringData: hunter2",
        "data: hunter2",
        "data: {'not a key': aHVudGVyMg==}",
        "stringData: {a: 4711, b: {hunter2: 1}}",
        "immutable: hunter2",
    ] {
        let faults = a_secret(wrong).unwrap_err();
        let said: String = faults.iter().map(ToString::to_string).collect();
        assert!(!said.contains("hunter2!"), "{said}");
        assert!(
            !said.contains("\"hunter2\"") && !said.contains("4711"),
            "{said}"
        );
    }
}

#[test]
fn k01_the_document_of_a_secret_holds_no_value_and_is_never_shown() {
    let text = "apiVersion: v1\nkind: Secret\nmetadata:\n  name: s\n  annotations:\n    kubectl.kubernetes.io/last-applied-configuration: '{\"stringData\":{\"a\":\"hunter2\"}}'\nstringData: {a: hunter2}\ndata: {b: aHVudGVyMg==}\n";
    let documents = parse(text.as_bytes(), Mode::Strict, &Limits::default()).unwrap();
    let shown = format!("{documents:?}");
    assert!(
        !shown.contains("hunter2") && !shown.contains("aHVudGVyMg"),
        "{shown}"
    );
}

#[test]
fn keys_are_names_of_files_and_nothing_else() {
    for good in ["a", "a.b", "_x", ".env", "A-1"] {
        assert!(is_key(good), "{good}");
    }
    for bad in [
        "",
        ".",
        "..",
        "../a",
        "..a",
        "a/b",
        "ä",
        "a b",
        &"k".repeat(254),
    ] {
        assert!(!is_key(bad), "{bad}");
    }
}

#[test]
fn one_mebibyte_is_kept_and_not_a_byte_more() {
    let size = |bytes: usize| a_secret(&format!("stringData: {{a: '{}'}}", "x".repeat(bytes)));
    assert!(size(DATA_LIMIT).is_ok());
    assert_eq!(size(DATA_LIMIT + 1).unwrap_err()[0].code, Code::TooLarge);
}

#[test]
fn a_claim_says_how_much_and_how() {
    let terms = a_claim("{accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Gi}}}");
    let expected = ClaimTerms {
        size: MemoryBytes(1 << 30),
        access: Access::ReadWrite,
    };
    assert_eq!(terms.unwrap(), expected);
    for (spec, path) in [
        (
            "{resources: {requests: {storage: 1Gi}}}",
            "spec.accessModes",
        ),
        (
            "{accessModes: [Some], resources: {requests: {storage: 1}}}",
            "spec.accessModes",
        ),
        (
            "{accessModes: [ReadWriteOncePod], resources: {requests: {storage: 1}}}",
            "spec.accessModes",
        ),
        (
            "{accessModes: [ReadWriteOnce]}",
            "spec.resources.requests.storage",
        ),
        (
            "{accessModes: [ReadOnlyMany], resources: {requests: {storage: 0}}}",
            "spec.resources.requests.storage",
        ),
        (
            "{accessModes: [ReadOnlyMany], volumeMode: Block, resources: {requests: {storage: 1}}}",
            "spec.volumeMode",
        ),
    ] {
        assert_eq!(a_claim(spec).unwrap_err()[0].path, path, "{spec}");
    }
}
