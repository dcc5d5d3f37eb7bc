use proptest::prelude::*;
use serde_json::json;
use steading_types::Millis;

use super::*;
use crate::expr::Value;
use crate::scope::MapScope;

fn limits() -> Limits {
    Limits::at(Millis(0))
}

fn scope() -> MapScope<'static> {
    let mut scope = MapScope::new();
    scope
        .set("inputs.parameters.msg", "hello world")
        .set("inputs.parameters.which", "msg")
        .set(
            "inputs.parameters.evil",
            "{{=inputs.parameters.msg}} {{workflow.name}}",
        )
        .set("workflow.name", "wf")
        .set("steps.a.status", "Succeeded")
        .set_absent("steps.skipped.outputs.result")
        .set_absent("steps.skipped.outputs.parameters.p");
    scope
}

fn fill(text: &str, unresolved: Unresolved) -> Result<String, TemplateError> {
    substitute_str(text, &scope(), unresolved, &limits())
}

#[track_caller]
fn both(text: &str, expected: &str) {
    assert_eq!(
        fill(text, Unresolved::Keep).as_deref(),
        Ok(expected),
        "{text}"
    );
    assert_eq!(
        fill(text, Unresolved::Refuse).as_deref(),
        Ok(expected),
        "{text}"
    );
}

#[test]
fn tags_are_replaced_with_blanks_in_their_braces_or_without() {
    both(
        "a {{inputs.parameters.msg}} b {{ workflow.name }}",
        "a hello world b wf",
    );
    both("{{= inputs.parameters.msg + '!' }}", "hello world!");
    both("{{=1 + 1}} {{=1 == 1}} {{=[1, 'a']}}", r#"2 true [1,"a"]"#);
    both("no tag", "no tag");
}

#[test]
fn a_value_is_never_looked_at_again() {
    both(
        "{{inputs.parameters.evil}}",
        "{{=inputs.parameters.msg}} {{workflow.name}}",
    );
    both(
        "{{=inputs.parameters.evil}}",
        "{{=inputs.parameters.msg}} {{workflow.name}}",
    );
}

#[test]
fn a_tag_in_a_tag_gives_part_of_the_name_and_nothing_more() {
    both(
        "{{inputs.parameters.{{inputs.parameters.which}}}}",
        "hello world",
    );
    let mut scope = MapScope::new();
    scope.set("a", "=1 + 1").set("b", "{{c").set("c", "x");
    for (text, expected) in [("{{{{a}}}}", "{{=1 + 1}}"), ("{{{{b}}}}", "{{{{c}}")] {
        let filled = substitute_str(text, &scope, Unresolved::Keep, &limits());
        assert_eq!(filled.as_deref(), Ok(expected));
    }
}

#[test]
fn tags_inside_templates_of_other_languages_are_replaced() {
    both(
        "{{- with secret \"{{inputs.parameters.msg}}\" -}} {{ .Data.x }} {{- end }}",
        "{{- with secret \"hello world\" -}} {{ .Data.x }} {{- end }}",
    );
    both(
        "{{- with {{ secret \"{{workflow.name}}\" -}}",
        "{{- with {{ secret \"wf\" -}}",
    );
    both("a }} b {{ c", "a }} b {{ c");
    both("{{}} {{", "{{}} {{");
}

#[test]
fn an_unknown_variable_stays_or_is_refused() {
    let text = "{{inputs.parameters.none}}";
    assert_eq!(fill(text, Unresolved::Keep).as_deref(), Ok(text));
    let error = fill(text, Unresolved::Refuse).unwrap_err();
    assert_eq!(error.code(), "template.unresolved");
    assert_eq!(
        error.to_string(),
        "failed to resolve {{inputs.parameters.none}}"
    );
}

#[test]
fn late_variables_keep_their_whole_expression() {
    for text in [
        "{{=sprig.int(retries) + 1}}",
        "{{=item.a ?? 'x'}}",
        "{{=workflow.status == 'Succeeded' ? 'good' : 'bad'}}",
        "{{=lastRetry.exitCode ?? '0'}}",
        "{{=workflow.failures == nil}}",
        "{{=tasks.a.outputs.result}}",
    ] {
        assert_eq!(fill(text, Unresolved::Keep).as_deref(), Ok(text));
        let mut late = MapScope::new();
        late.set("retries", "1")
            .set("item.a", "1")
            .set("lastRetry.exitCode", "1");
        late.set("workflow.status", "Failed")
            .set("workflow.failures", "[]");
        late.set("tasks.a.outputs.result", "x");
        let filled = substitute_str(text, &late, Unresolved::Keep, &limits()).unwrap();
        assert!(!filled.contains("{{"), "{filled}");
    }
    let error = fill("{{=nothing}}", Unresolved::Refuse).unwrap_err();
    assert_eq!(error.code(), "expr.unknown-name");
}

#[test]
fn an_absent_output_is_its_own_error_unless_an_expression_has_a_fallback() {
    for text in [
        "{{steps.skipped.outputs.result}}",
        "{{=steps.skipped.outputs.parameters.p}}",
    ] {
        let error = fill(text, Unresolved::Refuse).unwrap_err();
        assert_eq!(error.code(), "template.absent", "{text}");
        assert!(error.to_string().contains("absent optional"));
    }
    both(
        "{{=steps.skipped.outputs.parameters.p ?? 'other'}}",
        "other",
    );
    assert_eq!(
        fill("{{=nil}}", Unresolved::Refuse).unwrap_err().code(),
        "template.nil"
    );
}

#[test]
fn an_argument_of_one_tag_is_recognised() {
    let sole = |text| sole_tag(text, &limits()).unwrap();
    assert_eq!(sole("{{ a.b }}"), Some(Tag::Simple("a.b".into())));
    assert_eq!(sole("{{=a}}"), Some(Tag::Expression("a".into())));
    assert_eq!(sole("x{{a}}"), None);
    assert_eq!(sole("plain"), None);
}

#[test]
fn braces_and_quotes_inside_an_expression_do_not_end_it() {
    both("{{=toJson({a: {b: 1}})}}.", r#"{"a":{"b":1}}."#);
    both("{{=map([1], {{a: #}})[0].a}}", "1");
    both("{{= '}}' + \"\\\"}}\" }}", "}}\"}}");
    both("{{= 1 /* }} ' */ + 1 // don't }}\n }}", "2");
}

#[test]
fn wrong_expressions_are_found_before_anything_runs() {
    for (text, code) in [
        ("{{=1 +}}", "expr.syntax"),
        ("{{=}}", "expr.syntax"),
        ("{{=f(1)}}", "expr.unknown-function"),
        ("{{='{{item}}' == 'a'}}", "template.nested-tag"),
    ] {
        assert_eq!(tags(text, &limits()).unwrap_err().code(), code, "{text}");
        assert_eq!(
            fill(text, Unresolved::Keep).unwrap_err().code(),
            code,
            "{text}"
        );
    }
}

#[test]
fn documents_are_filled_in_with_their_keys() {
    let document = json!({
        "args": ["{{workflow.name}}", 1, null, {"{{workflow.name}}-key": "{{=2 * 3}}"}],
        "fixed": {"deep": ["x", true]},
    });
    let filled = substitute(&document, &scope(), Unresolved::Refuse, &limits()).unwrap();
    assert_eq!(
        filled,
        json!({
            "args": ["wf", 1, null, {"wf-key": "6"}],
            "fixed": {"deep": ["x", true]},
        })
    );
    let compiled = Compiled::new(&document, &limits()).unwrap();
    assert_eq!(
        compiled.tags(),
        [
            Tag::Simple("workflow.name".into()),
            Tag::Simple("workflow.name".into()),
            Tag::Expression("2 * 3".into())
        ]
    );
    assert!(
        Compiled::new(&json!({"a": ["b {{"]}), &limits())
            .unwrap()
            .is_fixed()
    );
}

#[test]
fn an_item_of_a_loop_hides_what_is_outside() {
    let outer = scope();
    let document =
        Compiled::new(&json!("{{item.k}} {{item}} {{workflow.name}}"), &limits()).unwrap();
    let mut inner = MapScope::within(&outer);
    inner.set_item(Value::from_json(&json!({"k": 1})).unwrap());
    inner.set("workflow.name", "inner");
    let filled = document
        .render(&inner, Unresolved::Refuse, &limits())
        .unwrap();
    assert_eq!(filled, json!(r#"1 {"k":1} inner"#));
}

#[test]
fn a_document_can_not_grow_without_bound() {
    let mut scope = MapScope::new();
    scope.set("inputs.parameters.big", "x".repeat(200 * 1024));
    let text = "{{inputs.parameters.big}}".repeat(100);
    let error = substitute_str(&text, &scope, Unresolved::Keep, &limits()).unwrap_err();
    assert_eq!(error.code(), "template.too-large");
    let nested = "{{".repeat(100_000) + "a" + &"}}".repeat(100_000);
    assert_eq!(
        fill(&nested, Unresolved::Keep).as_deref(),
        Ok(nested.as_str())
    );
}

proptest! {
    #[test]
    fn text_without_our_names_stays_as_it_is(text in "[a-z{} .\"'\\\\\n]{0,60}") {
        prop_assume!(!text.contains("{{="));
        let scope = MapScope::new();
        for unresolved in [Unresolved::Keep, Unresolved::Refuse] {
            let filled = substitute_str(&text, &scope, unresolved, &limits()).unwrap();
            prop_assert_eq!(&filled, &text);
        }
    }

    #[test]
    fn any_value_arrives_unchanged(value in "\\PC{0,40}") {
        let mut scope = MapScope::new();
        scope.set("inputs.parameters.x", value.clone());
        for text in ["<{{inputs.parameters.x}}>", "<{{=inputs.parameters.x}}>"] {
            let filled = substitute_str(text, &scope, Unresolved::Refuse, &limits()).unwrap();
            prop_assert_eq!(filled, format!("<{value}>"));
        }
    }

    #[test]
    fn no_text_panics(text in "[={}a-z.'\"#\\[\\]()+ \\PC]{0,60}") {
        let _ = fill(&text, Unresolved::Keep);
        let _ = fill(&text, Unresolved::Refuse);
    }
}
