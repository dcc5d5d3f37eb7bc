//! What reading a text promises.

use serde_json::json;

use super::*;

fn read(text: &str) -> Result<Vec<Value>, Fault> {
    documents(text.as_bytes(), &Limits::default())
        .map(|all| all.into_iter().map(|(_, value)| value).collect())
}

fn code(text: &str) -> Code {
    read(text).unwrap_err().code
}

#[test]
fn yaml_and_json_give_the_same_values() {
    let yaml = "a: 1\nb: [x, 'yes', yes]\nc:\n  d: |\n    text\n";
    let json = r#"{"a": 1, "b": ["x", "yes", true], "c": {"d": "text\n"}}"#;
    assert_eq!(read(yaml).unwrap(), read(json).unwrap());
}

#[test]
fn json_escapes_survive_that_yaml_does_not_know() {
    let value = &read(r#"{"a": "\ud83d\ude00 \u0000 \/"}"#).unwrap()[0];
    assert_eq!(value["a"], "\u{1f600} \0 /");
}

#[test]
fn a_text_holds_many_documents_and_empty_ones_do_not_count() {
    let all = documents(
        b"---\na: 1\n---\n---\n# nothing\n---\nb: 2\n",
        &Limits::default(),
    )
    .unwrap();
    assert_eq!(all, [(0, json!({"a": 1})), (3, json!({"b": 2}))]);
    assert_eq!(read("").unwrap(), Vec::<Value>::new());
}

#[test]
fn indentation_inside_brackets_and_quotes_has_no_meaning() {
    let text = "a:\n  b: [\"\n    x \\\"y\\\" z\n  \"]\n  c: [\n  one,\ntwo\n]\n  d: 'it''s\nlong'\ne: {\nf: 1\n}\n";
    assert_eq!(
        read(text).unwrap()[0],
        json!({"a": {"b": [" x \"y\" z "], "c": ["one", "two"], "d": "it's long"}, "e": {"f": 1}})
    );
    let mut faults = [Fault::new(Code::Value, "e.f", "")];
    locate(text.as_bytes(), 0, &mut faults);
    assert_eq!(faults[0].line, Some(12));
}

#[test]
fn merge_keys_fill_in_what_a_mapping_does_not_say() {
    let text = "base: &b {x: 1, w: 2}\nmore: &m {z: 3}\none: {<<: *b, w: 5}\ntwo: {<<: [*b, *m]}\n";
    let value = &read(text).unwrap()[0];
    assert_eq!(value["one"], json!({"w": 5, "x": 1}));
    assert_eq!(value["two"], json!({"x": 1, "w": 2, "z": 3}));
    assert_eq!(code("a: {<<: 5}"), Code::Syntax);
}

#[test]
fn a_key_given_twice_is_refused_where_it_stands() {
    let fault = read("a: 1\nb: 2\na: 3\n").unwrap_err();
    assert_eq!(
        (fault.code, fault.line, fault.column),
        (Code::DuplicateKey, Some(3), Some(1))
    );
    assert_eq!(code(r#"{"a": 1, "a": 2}"#), Code::DuplicateKey);
}

#[test]
fn keys_that_json_does_not_have_become_text_or_are_refused() {
    assert_eq!(
        read("1: a\non: b\n").unwrap()[0],
        json!({"1": "a", "true": "b"})
    );
    assert_eq!(code("? [a]\n: b\n"), Code::NotRepresentable);
    assert_eq!(code("~: b\n"), Code::NotRepresentable);
}

#[test]
fn ten_thousand_levels_are_one_error() {
    for (open, close) in [
        ("[", "]"),
        ("{a: ", "}"),
        ("{\"a\":", "}"),
        ("- ", ""),
        ("[{a: ", "}]"),
    ] {
        let text = format!("{}1{}", open.repeat(10_000), close.repeat(10_000));
        assert_eq!(code(&text), Code::TooDeep, "{open}");
    }
    let block: String = (0..2_000)
        .map(|i| format!("{}a:\n", " ".repeat(i)))
        .collect();
    assert_eq!(code(&block), Code::TooDeep);
}

#[test]
fn aliases_can_not_multiply_a_document() {
    let mut bomb = "a0: &a0 [x,x,x,x,x,x,x,x,x,x]\n".to_owned();
    for i in 1..20 {
        let item = format!("*a{}", i - 1);
        bomb += &format!("a{i}: &a{i} [{}]\n", [item.as_str(); 10].join(","));
    }
    assert_eq!(code(&bomb), Code::AliasBomb);
    let long = format!(
        "a: &a {}\nb: [{}]\n",
        "x".repeat(100_000),
        vec!["*a"; 1_000].join(",")
    );
    assert_eq!(code(&long), Code::AliasBomb);
    assert_eq!(code("a: &a [*a]\n"), Code::Syntax);
}

#[test]
fn a_chain_of_aliases_can_not_exceed_the_depth() {
    let mut chain = "a0: &a0 [x]\n".to_owned();
    for i in 1..500 {
        chain += &format!("a{i}: &a{i} [*a{}]\n", i - 1);
    }
    assert_eq!(code(&chain), Code::TooDeep);
}

#[test]
fn large_texts_are_refused_by_their_size_alone() {
    assert_eq!(code(&"a".repeat(100 * 1024 * 1024)), Code::TooLarge);
    let items = vec!["1"; 1_000_000].join(",");
    for text in [
        format!("withItems: [{items}]"),
        format!("{{\"withItems\": [{items}]}}"),
    ] {
        assert_eq!(code(&text), Code::TooManyNodes);
    }
    assert_eq!(
        code(&format!("? {}\n: 1", "k".repeat(1025))),
        Code::KeyTooLong
    );
    assert_eq!(code(&"--- a\n".repeat(1_001)), Code::TooManyDocuments);
}

#[test]
fn what_is_no_text_is_named_with_its_place() {
    let fault = documents(b"a: 1\nb: \xff\n", &Limits::default()).unwrap_err();
    assert_eq!(
        (fault.code, fault.line, fault.column),
        (Code::Encoding, Some(2), Some(4))
    );
    let fault = documents(b"a: \0\n", &Limits::default()).unwrap_err();
    assert_eq!(
        (fault.code, fault.line, fault.column),
        (Code::Encoding, Some(1), Some(4))
    );
    assert!(read("\u{feff}a: 1").is_ok());
}

#[test]
fn a_fault_finds_its_line() {
    let text = "a: 1\n---\nspec:\n  templates:\n  - name: x\n    steps:\n    - - name: s\n        when: 'true'\n";
    let mut faults = [
        Fault::new(Code::Value, "spec.templates[0].steps[0][0].when", ""),
        Fault::new(
            Code::Value,
            "spec.templates[0].steps[0][0].missing.deeper",
            "",
        ),
        Fault::new(Code::Value, "elsewhere", ""),
    ];
    locate(text.as_bytes(), 1, &mut faults);
    let places: Vec<_> = faults.iter().map(|f| (f.line, f.column)).collect();
    assert_eq!(
        places,
        [(Some(8), Some(9)), (Some(7), Some(9)), (None, None)]
    );
}

mod soup {
    use proptest::prelude::*;

    use super::super::*;

    proptest! {
        #[test]
        fn any_bytes_give_values_or_a_fault(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = documents(&bytes, &Limits::default());
        }

        #[test]
        fn any_tokens_give_values_or_a_fault(tokens in proptest::collection::vec(
            prop::sample::select(vec![
                "a", ": ", "- ", "\n", "  ", "[", "]", "{", "}", ",", "&a ", "*a", "<<", "? ", "|", ">",
                "'", "\"", "!!int ", "!x ", "#", "---", "...", "%YAML 1.2\n", "\t", "~", "1", "\\u00", "é",
            ]), 0..60)
        ) {
            let text = tokens.concat();
            let _ = documents(text.as_bytes(), &Limits::default());
            locate(text.as_bytes(), 0, &mut [Fault::new(Code::Value, "a.a", "")]);
        }
    }
}
