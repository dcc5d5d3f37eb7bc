use super::*;
use proptest::prelude::*;

fn truth(text: &str) -> bool {
    when(text).unwrap_or_else(|error| panic!("{text}: {error}"))
}

#[test]
fn words_without_quotes_are_texts() {
    for text in [
        "heads == heads",
        "tails != heads",
        "foo-bar == foo-bar",
        "docker.io/library/busybox == 'docker.io/library/busybox'",
        "v1.2.3 == \"v1.2.3\"",
        "Succeeded == Succeeded",
        "[any thing] == 'any thing'",
        "'' == ''",
        "'it\\'s' == \"it's\"",
        "a_b == a_b",
    ] {
        assert!(truth(text), "{text}");
    }
    assert!(!truth("heads == tails"));
}

#[test]
fn numbers_truths_and_texts_are_never_equal_to_each_other() {
    assert!(truth("1 == 1.0"));
    assert!(!truth("1 == '1'"));
    assert!(!truth("true == 'true'"));
    assert!(truth("true == true"));
    assert!(truth("0x10 == 16"));
    assert!(truth("-1 < 0"));
    assert!(truth("10 > 9"));
    assert!(truth("'10' < '9'"));
}

#[test]
fn operators_bind_as_users_expect() {
    for text in [
        "( heads == heads && tails == tails ) || ( tails == heads && tails == tails )",
        "true || false && false",
        "!false",
        "!(a == b)",
        "1 + 2 * 3 == 7",
        "2 ** 3 == 8",
        "7 % 4 == 3",
        "heads =~ hea",
        "'tails' !~ '^hea'",
        "b in (a, b, 'c')",
        "!(d in (a, b))",
        "true ? a == a : b == c",
        "a + b == ab",
    ] {
        assert!(truth(text), "{text}");
    }
    assert!(!truth("heads == heads && heads == tails"));
}

#[test]
fn the_side_that_does_not_decide_may_be_wrong() {
    assert!(truth("true || 1 < a"));
    assert!(!truth("false && 1 < a"));
}

#[test]
fn what_is_no_condition_is_refused_with_the_usual_hint() {
    for text in [
        "",
        " == heads",
        "a ==",
        "a b",
        "(a == b",
        "a == b)",
        "{\"a\": 1} == x",
        "'open == x",
        "1 < a",
        "1 && 2",
        "a =~ '('",
        "a & b",
    ] {
        let error = when(text).unwrap_err();
        assert_eq!(error.code(), "when.invalid", "{text}");
        assert!(error.to_string().contains("hint: try wrapping"), "{text}");
    }
    assert_eq!(when("heads").unwrap_err().code(), "when.not-boolean");
    assert_eq!(
        when("heads").unwrap_err().to_string(),
        "Expected boolean evaluation for 'heads'. Got heads"
    );
}

#[test]
fn deep_and_long_conditions_end() {
    assert!(
        when(&format!(
            "{}true{}",
            "(".repeat(100_000),
            ")".repeat(100_000)
        ))
        .is_err()
    );
    assert!(when(&"!".repeat(100_000)).is_err());
    assert!(truth(
        &vec!["a == b"; 20_000].join(" || ").replace("b ||", "a ||")
    ));
    assert!(when(&"x".repeat(2 << 20)).is_err());
}

proptest! {
    #[test]
    fn no_text_panics(text in ".{0,60}") {
        let _ = when(&text);
    }

    #[test]
    fn no_mixture_of_words_panics(words in prop::collection::vec(
        prop::sample::select(vec!["a", "1", "'x'", "(", ")", "!", "-", "&&", "||", "==", "=~", "in", ",", "?", ":", "**", "true", "[", "]", "\\"]), 0..30)) {
        let _ = when(&words.join(" "));
        let _ = when(&words.concat());
    }

    #[test]
    fn a_quoted_value_is_only_a_text(value in "[^'\"\\\\]{0,30}") {
        prop_assert_eq!(when(&format!("\"{value}\" == '{value}'")), Ok(true));
    }
}
