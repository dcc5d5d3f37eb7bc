use proptest::prelude::*;
use steading_types::Millis;

use super::*;
use crate::scope::MapScope;

/// 2026-03-04T05:06:07Z
const NOW: Millis = Millis(1_772_600_767_000);

fn scope() -> MapScope<'static> {
    let mut scope = MapScope::new();
    for (name, value) in [
        ("inputs.parameters", r#"[{"name":"msg","value":"hello"}]"#),
        ("inputs.parameters.msg", "hello"),
        ("inputs.parameters.should-print", "true"),
        ("inputs.parameters.count", "42"),
        ("workflow.name", "wf-1"),
        ("workflow.parameters", r#"[{"name":"a","value":"1"}]"#),
        ("workflow.parameters.json", r#"[{"name":"a","value":"1"}]"#),
        ("workflow.parameters.config", r#"{"a":"1","b":"2"}"#),
        (
            "workflow.parameters.weather",
            r#"{"weekWeather":"eyJ0ZW1wcyI6IFszNCwgMjcsIDE1LCA1NywgNDZdfQo="}"#,
        ),
        ("steps.my-step.outputs.result", "7"),
        ("steps.my-step.status", "Succeeded"),
        ("tasks.len.outputs.result", "shadow"),
        ("tasks.map.status", "Failed"),
        ("lastRetry.exitCode", "2"),
    ] {
        scope.set(name, value);
    }
    scope.set_absent("tasks.producer.outputs.parameters.msg");
    let item = serde_json::json!({"name": "x", "size": 3, "tags": ["a", "b"]});
    scope.set_item(Value::from_json(&item).unwrap());
    scope
}

fn run(source: &str) -> Result<String, ExprError> {
    let limits = Limits::at(NOW);
    evaluate(source, &scope(), &limits)?.to_text(&limits)
}

#[track_caller]
fn check(table: &[(&str, &str)]) {
    for (source, expected) in table {
        assert_eq!(run(source).as_deref(), Ok(*expected), "{source}");
    }
}

#[track_caller]
fn code(source: &str) -> &'static str {
    match run(source) {
        Err(error) => error.code(),
        Ok(value) => panic!("{source} gives {value}"),
    }
}

#[test]
fn literals_have_all_forms() {
    check(&[
        ("1_000 + 0x10 + 0o10 + 0b11", "1027"),
        ("1.5e3 + .5", "1500.5"),
        (r#""a\n\t\"\u0041\x41\U0001F600""#, "a\n\t\"AA😀"),
        (r"'it\'s'", "it's"),
        ("`raw \\n`", "raw \\n"),
        ("[1, 'a', true, nil, [2],]", r#"[1,"a",true,null,[2]]"#),
        (
            "{a: 1, 'b-c': 2, (\"d\" + 'e'): 3, 4: 5}",
            r#"{"4":5,"a":1,"b-c":2,"de":3}"#,
        ),
        ("/* note */ 1 // end", "1"),
    ]);
}

#[test]
fn operators_bind_and_compute_as_in_expr() {
    check(&[
        ("1 + 2 * 3 - 4", "3"),
        ("(1 + 2) * 3", "9"),
        ("7 / 2", "3.5"),
        ("10 / 5", "2"),
        ("7 % 4", "3"),
        ("2 ** 3 ** 2", "512"),
        ("2 ^ 3", "8"),
        ("-2 ** 2", "-4"),
        ("- 3 + 5", "2"),
        ("1 < 2 and 2 <= 2 && 3 > 2 or false", "true"),
        ("not (1 == 1.0)", "false"),
        ("!true || true", "true"),
        ("'a' + 'b' == 'ab'", "true"),
        ("1 == '1'", "false"),
        ("nil == nil", "true"),
        ("[1, 2] == [1, 2.0]", "true"),
        ("2 in [1, 2]", "true"),
        ("3 not in [1, 2]", "true"),
        ("'a' in {a: 1}", "true"),
        (
            "'hello' contains 'ell' and 'hello' startsWith 'he' and 'hello' endsWith 'lo'",
            "true",
        ),
        ("'hello' matches '^h.*o$'", "true"),
        ("'hello' not matches 'x'", "true"),
        ("nil ?? 'x'", "x"),
        ("nil ?? nil ?? 1 + 1", "2"),
        ("1 > 2 ? 'a' : 2 > 1 ? 'b' : 'c'", "b"),
        ("false ?: 3", "3"),
        ("if 1 > 2 { 'a' } else if true { 'b' } else { 'c' }", "b"),
        ("1..4", "[1,2,3,4]"),
        ("3..1", "[]"),
        ("false && 1 / 0 > 1", "false"),
    ]);
}

#[test]
fn members_indexes_and_slices_reach_into_values() {
    check(&[
        ("[1, 2, 3][-1]", "3"),
        ("[1, 2, 3, 4][1:3]", "[2,3]"),
        ("[1, 2, 3, 4][:-1]", "[1,2,3]"),
        ("[1, 2][5:]", "[]"),
        ("'hello'[1:3]", "el"),
        ("{a: {b: 1}}.a.b", "1"),
        ("{a: 1}.c == nil", "true"),
        ("{a: nil}.a?.b?.c ?? 'none'", "none"),
        ("nil?.[0] == nil", "true"),
        ("inputs.parameters['should-print'] == 'true'", "true"),
        ("inputs.parameters[\"msg\"]", "hello"),
        ("item.tags[0] + item.name", "ax"),
        ("get(item, 'size') + 1", "4"),
        ("get([1], 7) == nil", "true"),
        ("$env['workflow'].name", "wf-1"),
        ("'workflow' in $env", "true"),
    ]);
    assert_eq!(code("[1][3]"), "expr.no-member");
    assert_eq!(code("nil.a"), "expr.no-member");
    assert_eq!(code("'x'.a"), "expr.no-member");
}

#[test]
fn predicates_see_items_their_index_and_what_surrounds_them() {
    check(&[
        ("filter([1, 2, 3], # > 1)", "[2,3]"),
        ("map([1, 2], {# * 2})", "[2,4]"),
        ("map([{a: 1}, {a: 2}], .a)", "[1,2]"),
        ("map([{a: 1}], {{b: #.a}})", r#"[{"b":1}]"#),
        (
            "all([1, 2], # > 0) and any([1, 2], # > 1) and none([1], # > 1) and one([1, 2], # == 1)",
            "true",
        ),
        ("find([1, 2, 3], # > 1)", "2"),
        ("findLast([1, 2, 3], # < 3)", "2"),
        (
            "findIndex([1, 2], # == 2) + findLastIndex([5, 5], # == 5)",
            "2",
        ),
        ("findIndex([1], # == 9)", "-1"),
        ("count([true, false])", "1"),
        ("count([1, 2, 3], # > 1)", "2"),
        ("sum([1, 2, 3])", "6"),
        ("sum([{a: 1}, {a: 2.5}], .a)", "3.5"),
        ("groupBy([1, 2, 3], # % 2)", r#"{"0":[2],"1":[1,3]}"#),
        ("countBy(['a', 'b', 'a'], #)", r#"{"a":2,"b":1}"#),
        ("sortBy([{a: 2}, {a: 1}], .a)", r#"[{"a":1},{"a":2}]"#),
        (
            "sortBy([{a: 1}, {a: 2}], 'a', 'desc')",
            r#"[{"a":2},{"a":1}]"#,
        ),
        ("reduce([1, 2, 3], #acc + #)", "6"),
        ("reduce([1, 2, 3], #acc + # * #index, 10)", "18"),
        ("map([1, 2], #index)", "[0,1]"),
        ("map([[1, 2], [3]], sum(map(#, # * 10)))", "[30,30]"),
        ("let n = 2; map([1, 2], # * n)", "[2,4]"),
        ("map([1], let y = # + 1; y * 2)", "[4]"),
        ("[3, 1, 2] | filter(# > 1) | sort() | first()", "2"),
        ("[{a: 1}] | map(.a) | len()", "1"),
    ]);
    assert_eq!(code("# + 1"), "expr.syntax");
    assert_eq!(code("map(1, #)"), "expr.wrong-type");
}

#[test]
fn texts_have_their_functions() {
    check(&[
        ("trim('  a ') + trim('__a__', '_')", "aa"),
        ("trimPrefix('abc', 'a') + trimSuffix('abc', 'c')", "bcab"),
        ("upper('aß') + lower('AÄ')", "ASSaä"),
        ("split('a,b,c', ',')", r#"["a","b","c"]"#),
        ("split('a,b,c', ',', 2)", r#"["a","b,c"]"#),
        ("splitAfter('a,b,c', ',')", r#"["a,","b,","c"]"#),
        ("splitAfter('a,b,c', ',', 2)", r#"["a,","b,c"]"#),
        ("split('ab', '')", r#"["a","b"]"#),
        ("replace('aXbX', 'X', '-')", "a-b-"),
        ("repeat('ab', 3)", "ababab"),
        (
            "indexOf('apple pie', 'pie') + lastIndexOf('a-a', 'a') + indexOf('a', 'z')",
            "7",
        ),
        ("hasPrefix('ab', 'a') && hasSuffix('ab', 'b')", "true"),
        ("join(['a', 'b'], '-') + join(['c', 'd'])", "a-bcd"),
        ("'a b' | upper() | split(' ')", r#"["A","B"]"#),
    ]);
}

#[test]
fn numbers_lists_and_maps_have_their_functions() {
    check(&[
        ("min(3, 1, 2) + max([4, 9], 5)", "10"),
        ("mean([1, 2, 3]) + median([1, 9, 3, 5])", "6"),
        ("abs(-5) + ceil(1.2) + floor(1.8) + round(2.5)", "11"),
        (
            "bitand(6, 3) + bitor(4, 1) + bitxor(7, 2) + bitshl(1, 4) + bitnot(0)",
            "27",
        ),
        ("len('äöü') + len([1, 2]) + len({a: 1})", "6"),
        ("first([]) == nil and last([1, 2]) == 2", "true"),
        ("take([1, 2, 3], 2)", "[1,2]"),
        ("reverse([1, 2])", "[2,1]"),
        ("sort(['b', 'a'], 'desc')", r#"["b","a"]"#),
        ("uniq([1, 1.0, 'a', 'a'])", r#"[1,"a"]"#),
        ("flatten([1, [2, [3]]])", "[1,2,3]"),
        ("concat([1], [2, 3])", "[1,2,3]"),
        ("keys({b: 1, a: 2})", r#"["a","b"]"#),
        ("values({b: 1, a: 2})", "[2,1]"),
        ("fromPairs(toPairs({a: 1}))", r#"{"a":1}"#),
        (
            "type(1) + type(1.5) + type('') + type([]) + type({}) + type(nil) + type(true)",
            "intfloatstringarraymapnilbool",
        ),
    ]);
}

#[test]
fn values_convert_between_types_and_encodings() {
    check(&[
        ("int('42') + asInt('-2') + int(3.9)", "43"),
        ("asFloat('1.5') + float(2)", "3.5"),
        (
            "string(1) + string(true) + string(1.5) + string('x') + string(nil)",
            "1true1.5xnil",
        ),
        ("toJson({b: [1, 2], a: '<x>'})", r#"{"a":"<x>","b":[1,2]}"#),
        ("toJSON({a: [1]})", "{\n  \"a\": [\n    1\n  ]\n}"),
        ("fromJSON('{\"a\": [1, 2.5, null]}').a[1]", "2.5"),
        ("toBase64('hello') + fromBase64('aGk=')", "aGVsbG8=hi"),
        ("1e21", "1e+21"),
        ("0.0000001", "1e-07"),
        ("1000000.0", "1000000"),
    ]);
    assert_eq!(code("asInt('x')"), "expr.malformed-value");
    assert_eq!(code("fromJSON('{')"), "expr.malformed-value");
    assert_eq!(code("fromBase64('%')"), "expr.malformed-value");
}

#[test]
fn times_and_spans_behave_as_in_go() {
    check(&[
        (
            "now().Format('2006-01-02T15:04:05Z07:00')",
            "2026-03-04T05:06:07Z",
        ),
        ("now()", "2026-03-04T05:06:07Z"),
        ("now().Unix()", "1772600767"),
        (
            "now().Format('Mon, 02 Jan 2006 03:04:05 PM -0700')",
            "Wed, 04 Mar 2026 05:06:07 AM +0000",
        ),
        ("now().Format('January _2 06 .000')", "March  4 26 .000"),
        ("now().Year() + now().Month() + now().Day()", "2033"),
        ("duration('1h30m').Minutes()", "90"),
        ("string(duration('1h30m1.5s'))", "1h30m1.5s"),
        (
            "string(duration('1500us')) + string(duration('-2ms'))",
            "1.5ms-2ms",
        ),
        ("(date('2026-01-02') - date('2026-01-01')).Hours()", "24"),
        (
            "date('2026-01-01') + duration('36h') == date('2026-01-02 12:00:00')",
            "true",
        ),
        (
            "date('2023-08-14 00:00:00', '2006-01-02 15:04:05', 'Europe/Zurich').Unix()",
            "1691964000",
        ),
        ("date('2026-01-01T00:00:00+02:00').UTC().Hour()", "22"),
        (
            "date('2026-01-31').AddDate(0, 1, 0).Format('2006-01-02')",
            "2026-02-28",
        ),
        ("now() > date('2026-01-01')", "true"),
        (
            "now().In('America/New_York').Format('15:04 MST')",
            "00:06 EST",
        ),
        ("date('14 Aug 23 10:11 UTC').Minute()", "11"),
        ("date('2026-01-01T00:00:00.25Z').Nanosecond()", "250000000"),
    ]);
    assert_eq!(code("date('yesterday')"), "expr.malformed-value");
    assert_eq!(
        code("date('2026-01-01', '2006-01-02', 'Moon/Base')"),
        "expr.malformed-value"
    );
    assert_eq!(code("now().Nonsense()"), "expr.no-member");
}

#[test]
fn json_paths_give_one_value_or_all_matches() {
    let staff = r#"{"employees":[{"name":"Ann","age":42},{"name":"Bob","age":43},{"name":"Cyd","age":44}],"a-b":{"c":[1,2,3,4]}}"#;
    let mut scope = MapScope::new();
    scope.set("doc", staff);
    let limits = Limits::at(NOW);
    for (path, expected) in [
        ("$.employees[0].name", "Ann"),
        ("employees[-1].age", "44"),
        ("$['employees'][1]['name']", "Bob"),
        (r#"$.employees[?(@.name=="Bob")].age"#, "[43]"),
        ("$.employees[?(@.age>42 && @.age<44)].name", r#"["Bob"]"#),
        (
            "$.employees[?(@.age == 42 || !(@.name =~ /^C/))].name",
            r#"["Ann","Bob"]"#,
        ),
        ("$.employees[?@.age].name", r#"["Ann","Bob","Cyd"]"#),
        ("$.employees[0:2].name", r#"["Ann","Bob"]"#),
        ("$.employees[*].age", "[42,43,44]"),
        ("$.employees[0,2].name", r#"["Ann","Cyd"]"#),
        ("$..age", "[42,43,44]"),
        ("$.a-b.c[::2]", "[1,3]"),
        ("$.a-b.c[::-1]", "[4,3,2,1]"),
        ("$['a-b'].c[-2:]", "[3,4]"),
        ("$.employees[0]", r#"{"age":42,"name":"Ann"}"#),
    ] {
        let source = format!("jsonpath(doc, `{path}`)");
        let value = evaluate(&source, &scope, &limits).and_then(|value| value.to_text(&limits));
        assert_eq!(value.as_deref(), Ok(expected), "{path}");
    }
    for path in [
        "$.none",
        "$.employees[9]",
        "$.",
        "$[",
        "$.a[?(]",
        "$[?(@.x==)]",
        "$x y",
    ] {
        let source = format!("jsonpath(doc, `{path}`)");
        let error = evaluate(&source, &scope, &limits).unwrap_err();
        assert_eq!(error.code(), "expr.malformed-value", "{path}");
    }
}

#[test]
fn variables_are_nested_maps_and_a_group_hides_the_variable_of_its_name() {
    check(&[
        ("workflow.name", "wf-1"),
        ("inputs.parameters.msg", "hello"),
        ("inputs.parameters == nil", "false"),
        (
            "keys(inputs.parameters)",
            r#"["count","msg","should-print"]"#,
        ),
        ("steps['my-step'].outputs.result", "7"),
        ("asInt(steps['my-step'].outputs.result) > 6", "true"),
        (
            "jsonpath(workflow.parameters.json, '$[0].value') == '1'",
            "true",
        ),
        ("jsonpath(workflow.parameters.config, '$.b')", "2"),
        ("asInt(lastRetry.exitCode) > 1", "true"),
        ("item", r#"{"name":"x","size":3,"tags":["a","b"]}"#),
        ("steps['other'] == nil", "true"),
        ("inputs.parameters.nothing ?? 'x'", "x"),
    ]);
    assert_eq!(code("nothing.at.all"), "expr.unknown-name");
    assert_eq!(code("steps['other'].status"), "expr.no-member");
}

#[test]
fn a_task_named_like_a_function_is_still_a_task() {
    check(&[
        ("tasks.len.outputs.result", "shadow"),
        ("tasks.map.status == 'Failed'", "true"),
        ("tasks['len'].outputs.result + string(len([1]))", "shadow1"),
    ]);
    let mut scope = MapScope::new();
    scope.set("len", "x").set("map.filter", "y");
    let limits = Limits::at(NOW);
    let value = evaluate("len + map.filter + string(len('abc'))", &scope, &limits).unwrap();
    assert_eq!(value.as_text(), Some("xy3"));
}

#[test]
fn the_absent_output_of_a_skipped_task_is_nil() {
    check(&[(
        "tasks.producer.outputs.parameters.msg ?? 'fallback'",
        "fallback",
    )]);
    let limits = Limits::at(NOW);
    let program = Program::parse("tasks.producer.outputs.parameters.msg", &limits).unwrap();
    let evaluation = program.evaluate(&scope(), &limits).unwrap();
    assert!(evaluation.value.is_nil());
    assert_eq!(
        evaluation.absent.as_deref(),
        Some("tasks.producer.outputs.parameters.msg")
    );
}

#[test]
fn an_alias_by_map_reads_a_long_expression_once() {
    check(&[(
        "map([jsonpath(sprig.b64dec(jsonpath(workflow.parameters.weather, '$.weekWeather')), '$.temps')], {
            toJson({
                avg: sprig.add(#[0], #[1], #[2], #[3], #[4]) / 5,
                min: sprig.min(#[0], #[1], #[2], #[3], #[4]),
                max: sprig.max(#[0], #[1], #[2], #[3], #[4])
            })
        })[0]",
        r#"{"avg":35.8,"max":57,"min":15}"#,
    )]);
}

#[test]
fn a_program_tells_which_variables_it_reads() {
    let source = "map(inputs.parameters['a-b'], # + item.x) ?? steps.s.outputs.result[now().Day()]";
    let program = Program::parse(source, &Limits::at(NOW)).unwrap();
    let names: Vec<String> = program.variables().into_iter().collect();
    assert_eq!(
        names,
        ["inputs.parameters.a-b", "item.x", "steps.s.outputs.result"]
    );
}

#[test]
fn mistakes_are_found_with_their_place_and_a_way_out() {
    for (source, expected) in [
        ("1 +", "expr.syntax"),
        ("(1", "expr.syntax"),
        ("[1, 2", "expr.syntax"),
        ("{a 1}", "expr.syntax"),
        ("'open", "expr.syntax"),
        ("1 2", "expr.syntax"),
        ("a @ b", "expr.syntax"),
        ("len()", "expr.syntax"),
        ("len(1, 2)", "expr.syntax"),
        ("filter([1])", "expr.syntax"),
        ("", "expr.syntax"),
        ("99999999999999999999", "expr.syntax"),
        ("frobnicate(1)", "expr.unknown-function"),
        ("sprig.env('HOME')", "expr.function-refused"),
        ("sprig.uuidv4()", "expr.function-refused"),
        ("1 + 'a'", "expr.wrong-type"),
        ("'a' < 1", "expr.wrong-type"),
        ("not 1", "expr.wrong-type"),
        ("upper(1)", "expr.wrong-type"),
        ("'a' matches '('", "expr.malformed-value"),
        ("1 / 0", "expr.arithmetic"),
        ("1 % 0", "expr.arithmetic"),
        ("9223372036854775807 + 1", "expr.arithmetic"),
        ("-9223372036854775807 - 2", "expr.arithmetic"),
        ("abs(-9223372036854775807 - 1)", "expr.arithmetic"),
    ] {
        assert_eq!(code(source), expected, "{source}");
    }
    let error = run("1 + inputs.parameters.count").unwrap_err();
    assert!(error.to_string().contains("asInt"), "{error}");
    assert_eq!(run("(-9223372036854775807 - 1) % -1").as_deref(), Ok("0"));
}

#[test]
fn no_expression_takes_more_than_its_share() {
    for source in [
        "1..1000000000".to_owned(),
        "-9223372036854775807..9223372036854775807".to_owned(),
        "repeat('x', 1000000000)".to_owned(),
        "repeat('', 1000000000) + repeat('xy', 100000000)".to_owned(),
        "map(1..100000, map(1..100000, #))".to_owned(),
        "reduce(1..200000, [#acc])".to_owned(),
        "reduce(1..100, #acc + #acc, 'x')".to_owned(),
        "toJson(reduce(1..40, [#acc, #acc], 1))".to_owned(),
        "reduce(1..40, [#acc, #acc], 1) == reduce(1..40, [#acc, #acc], 1)".to_owned(),
        "map(1..100000, 'aaaaaaaa' matches ('(a{1,500})' + string(#)))".to_owned(),
        "replace(repeat('a', 100000), 'a', repeat('b', 100000))".to_owned(),
        "fromJSON('[' + repeat('1,', 4000000) + '1]')".to_owned(),
        "uniq(1..100000)".to_owned(),
        "let big = repeat('a', 4000000); count(1..100000, big contains 'b')".to_owned(),
        "let big = repeat('a', 4000000); count(1..100000, big == big)".to_owned(),
        "let big = repeat('a', 4000000); count(1..100000, big[-1] == 'b')".to_owned(),
        "let big = repeat('a', 4000000); sort(map(1..10000, big))".to_owned(),
        "repeat('a', 2000000) matches '(a?){400}b'".to_owned(),
        "sprig.regexReplaceAll('a+', repeat('a', 1000000), repeat('$0', 1000000))".to_owned(),
        "sprig.until(100000000)".to_owned(),
        format!("{}1{}", "(".repeat(50_000), ")".repeat(50_000)),
        format!("{}1{}", "[".repeat(30_000), "]".repeat(30_000)),
        "!".repeat(60_000),
        format!("{}1", "2 ** ".repeat(5_000)),
        format!("{}1", "true ? 1 : ".repeat(5_000)),
        format!("{}1", "let a = 1; ".repeat(5_000)),
        "a".repeat(70_000),
    ] {
        assert_eq!(code(&source), "expr.limit", "{source:.80}");
    }
}

#[test]
fn long_chains_are_no_deep_expressions() {
    let sum = format!("0{}", " + 1".repeat(10_000));
    assert_eq!(run(&sum).as_deref(), Ok("10000"));
    let alternatives = format!("false{}", " || 1 > 2".repeat(5_000));
    assert_eq!(run(&alternatives).as_deref(), Ok("false"));
    let members = format!("{{a: 1}}{}", "?.b".repeat(5_000));
    assert_eq!(run(&members).as_deref(), Ok("null"));
}

const WORDS: &[&str] = &[
    "1",
    "0",
    "-1",
    "9223372036854775807",
    "1.5",
    "1e308",
    "'a'",
    "\"b\"",
    "`c`",
    "nil",
    "true",
    "false",
    "[",
    "]",
    "(",
    ")",
    "{",
    "}",
    ",",
    ":",
    "?",
    "?.",
    "??",
    "?:",
    ".",
    "..",
    "|",
    "||",
    "&&",
    "!",
    "not",
    "in",
    "and",
    "or",
    "+",
    "-",
    "*",
    "/",
    "%",
    "**",
    "^",
    "==",
    "!=",
    "<",
    ">",
    "matches",
    "contains",
    "let",
    "x",
    "=",
    ";",
    "#",
    "#acc",
    "#index",
    "item",
    "inputs",
    "parameters",
    "msg",
    "map",
    "filter",
    "reduce",
    "sortBy",
    "len",
    "sum",
    "repeat",
    "split",
    "jsonpath",
    "toJson",
    "fromJSON",
    "now()",
    "date",
    "duration",
    "Format",
    "sprig",
    "add",
    "min",
    "substr",
    "trunc",
    "if",
    "else",
    "$env",
    "'$..*'",
    "'2006-01-02'",
];

proptest! {
    #[test]
    fn no_mixture_of_words_panics(words in prop::collection::vec(prop::sample::select(WORDS), 0..25)) {
        let _ = run(&words.join(" "));
        let _ = run(&words.concat());
    }

    #[test]
    fn no_text_panics(text in "\\PC{0,80}") {
        let _ = run(&text);
    }

    #[test]
    fn no_bytes_panic(bytes in prop::collection::vec(any::<u8>(), 0..80)) {
        let _ = run(&String::from_utf8_lossy(&bytes));
    }

    #[test]
    fn no_arithmetic_panics(a: i64, b: i64, sign in prop::sample::select(vec!["+", "-", "*", "/", "%", "**", "..", "<"])) {
        let mut scope = MapScope::new();
        scope.set("a", a).set("b", b);
        let _ = evaluate(&format!("a {sign} b"), &scope, &Limits::at(NOW));
    }

    #[test]
    fn no_json_path_panics(path in "[$@.a*?()\\[\\]:,0-9'\"<>=!&|~/ -]{0,40}") {
        let mut scope = MapScope::new();
        scope.set("path", path);
        let _ = evaluate("jsonpath('{\"a\":[1,{\"a\":2}]}', path)", &scope, &Limits::at(NOW));
    }

    #[test]
    fn no_time_layout_panics(layout in "\\PC{0,30}", text in "\\PC{0,30}", millis: u64) {
        let mut scope = MapScope::new();
        scope.set("layout", layout).set("text", text);
        let limits = Limits::at(Millis(millis));
        let _ = evaluate("now().Format(layout)", &scope, &limits);
        let _ = evaluate("date(text, layout)", &scope, &limits);
    }

    #[test]
    fn json_survives_a_round_trip(value in any_json()) {
        let limits = Limits::at(NOW);
        let read = Value::from_json(&value).unwrap();
        prop_assert_eq!(read.to_json(&limits).unwrap(), value);
    }
}

fn any_json() -> impl Strategy<Value = serde_json::Value> {
    let leaf = prop_oneof![
        Just(serde_json::Value::Null),
        any::<bool>().prop_map(Into::into),
        any::<i64>().prop_map(Into::into),
        "\\PC{0,12}".prop_map(Into::into),
    ];
    leaf.prop_recursive(4, 32, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Into::into),
            prop::collection::btree_map("[a-z]{0,3}", inner, 0..4)
                .prop_map(|map| serde_json::Value::Object(map.into_iter().collect())),
        ]
    })
}
