use steading_types::Millis;

use crate::expr::{ExprError, Limits, evaluate};
use crate::scope::MapScope;

/// 2026-03-04T05:06:07Z
const NOW: Millis = Millis(1_772_600_767_000);

fn run(source: &str) -> Result<String, ExprError> {
    let limits = Limits::at(NOW);
    evaluate(source, &MapScope::new(), &limits)?.to_text(&limits)
}

#[track_caller]
fn check(table: &[(&str, &str)]) {
    for (source, expected) in table {
        assert_eq!(run(source).as_deref(), Ok(*expected), "{source}");
    }
}

#[test]
fn texts() {
    check(&[
        (
            "sprig.trim(' a ') + sprig.trimAll('$', '$5$') + sprig.trimSuffix('-', 'x-')",
            "a5x",
        ),
        (
            "sprig.upper('a') + sprig.title('hello world') + sprig.untitle('Ab')",
            "AHello Worldab",
        ),
        (
            "sprig.trunc(5, 'hello world') + sprig.trunc(-5, 'hello world')",
            "helloworld",
        ),
        (
            "sprig.substr(0, 5, 'hello world') + sprig.substr(6, -1, 'hello world')",
            "helloworld",
        ),
        (
            "sprig.abbrev(5, 'hello world') + sprig.abbrevboth(5, 10, '1234 5678 9123')",
            "he......5678...",
        ),
        ("sprig.contains('cat', 'catch')", "true"),
        ("sprig.replace(' ', '-', 'I Am')", "I-Am"),
        ("sprig.plural('one', 'many', 2)", "many"),
        ("sprig.quote('a', 1) + sprig.squote('b')", r#""a" "1"'b'"#),
        ("sprig.cat('a', 1, nil)", "a 1"),
        ("sprig.nindent(2, 'a\nb')", "\n  a\n  b"),
        (
            "sprig.snakecase('FirstName') + sprig.kebabcase('FirstName') + sprig.camelcase('http_server')",
            "first_namefirst-nameHttpServer",
        ),
        (
            "sprig.initials('First Try') + sprig.nospace('a b') + sprig.swapcase('aB')",
            "FTabAb",
        ),
        ("sprig.wrap(5, 'hello big world')", "hello\nbig\nworld"),
        ("sprig.repeat(3, 'ab')", "ababab"),
    ]);
}

#[test]
fn numbers_forgive_what_is_no_number() {
    check(&[
        (
            "sprig.add(1, '2', 3) + sprig.sub(5, 2) + sprig.mul(2, 3)",
            "15",
        ),
        ("sprig.div(7, 2) + sprig.mod(7, 4) + sprig.add1(1)", "8"),
        ("sprig.max(1, 5, 3) + sprig.min(4, 2)", "7"),
        ("sprig.addf(0.1, 0.2)", "0.3"),
        ("sprig.divf(10, 4) + sprig.subf(7.5, 2, 3)", "5"),
        ("sprig.round(123.555555, 3)", "123.556"),
        ("sprig.ceil(1.1) + sprig.floor('1.9')", "3"),
        (
            "sprig.int('42') + sprig.int('x') + sprig.int64(1.9) + sprig.atoi('3')",
            "46",
        ),
        ("sprig.float64('1.5')", "1.5"),
        ("sprig.toDecimal('0777')", "511"),
        ("sprig.until(3)", "[0,1,2]"),
        ("sprig.untilStep(3, 9, 3)", "[3,6]"),
        (
            "sprig.seq(2, 4) + '/' + sprig.seq(0, -5, -10)",
            "2 3 4/0 -5 -10",
        ),
    ]);
    assert_eq!(
        run("sprig.div(1, 0)").unwrap_err().code(),
        "expr.arithmetic"
    );
    assert_eq!(
        run("sprig.mul(9223372036854775807, 2)").unwrap_err().code(),
        "expr.arithmetic"
    );
}

#[test]
fn choices_and_types() {
    check(&[
        (
            "sprig.default('d', '') + sprig.default('d', 'x') + sprig.default('d', nil)",
            "dxd",
        ),
        ("sprig.coalesce(0, '', 'x')", "x"),
        ("sprig.ternary('a', 'b', 1 == 1)", "a"),
        (
            "sprig.empty([]) and sprig.any(0, 1) and not sprig.all(0, 1)",
            "true",
        ),
        (
            "sprig.kindOf([1]) + sprig.typeOf(1.5) + sprig.toString(true)",
            "slicefloat64true",
        ),
        ("sprig.deepEqual([1, {a: 2}], [1, {a: 2}])", "true"),
    ]);
    assert_eq!(
        run("sprig.fail('no luck')").unwrap_err().to_string(),
        "no luck"
    );
}

#[test]
fn lists_and_maps() {
    check(&[
        ("sprig.list(1, 2)", "[1,2]"),
        ("sprig.first([1, 2]) + sprig.last([1, 2])", "3"),
        (
            "sprig.rest([1, 2, 3]) == [2, 3] and sprig.initial([1, 2]) == [1]",
            "true",
        ),
        ("sprig.append([1], 2) == sprig.prepend([2], 1)", "true"),
        ("sprig.without([1, 2, 3], 2)", "[1,3]"),
        ("sprig.has(2, [1, 2])", "true"),
        ("sprig.compact([0, 1, ''])", "[1]"),
        ("sprig.slice([1, 2, 3], 1, 2)", "[2]"),
        ("sprig.chunk(2, [1, 2, 3])", "[[1,2],[3]]"),
        ("sprig.sortAlpha(['b', 'a'])", r#"["a","b"]"#),
        ("sprig.join('-', [1, 'a', nil])", "1-a"),
        ("sprig.splitList(',', 'a,b')", r#"["a","b"]"#),
        ("sprig.split(',', 'a,b')._1", "b"),
        ("sprig.splitn(',', 2, 'a,b,c')._1", "b,c"),
        ("sprig.dict('a', 1, 'b')", r#"{"a":1,"b":""}"#),
        ("sprig.set({a: 1}, 'b', 2)", r#"{"a":1,"b":2}"#),
        ("sprig.unset({a: 1, b: 2}, 'a')", r#"{"b":2}"#),
        ("sprig.hasKey({a: 1}, 'a')", "true"),
        (
            "sprig.pick({a: 1, b: 2}, 'a') == sprig.omit({a: 1, b: 2}, 'b')",
            "true",
        ),
        ("sprig.pluck('a', {a: 1}, {b: 2}, {a: 3})", "[1,3]"),
        (
            "sprig.merge({a: 1, c: {x: 1}}, {a: 2, b: 3, c: {y: 2}})",
            r#"{"a":1,"b":3,"c":{"x":1,"y":2}}"#,
        ),
        ("sprig.mergeOverwrite({a: 1}, {a: 2})", r#"{"a":2}"#),
        ("sprig.dig('a', 'b', 'none', {a: {b: 'found'}})", "found"),
        ("sprig.dig('a', 'c', 'none', {a: {b: 'found'}})", "none"),
    ]);
    assert_eq!(
        run("sprig.slice([1], 0, 5)").unwrap_err().code(),
        "expr.malformed-value"
    );
}

#[test]
fn dates() {
    check(&[
        ("sprig.date('2006-01-02', now())", "2026-03-04"),
        ("sprig.dateInZone('15:04', now(), 'Asia/Tokyo')", "14:06"),
        ("sprig.htmlDate(0)", "1970-01-01"),
        ("sprig.dateModify('-24h', now()).Day()", "3"),
        (
            "sprig.toDate('2006-01-02', '2026-01-31').Unix()",
            "1769817600",
        ),
        ("sprig.unixEpoch(now())", "1772600767"),
        ("sprig.ago(sprig.dateModify('-90m', now()))", "1h30m0s"),
        (
            "sprig.duration('95') + sprig.durationRound('2h10m5s')",
            "1m35s2h",
        ),
    ]);
}

#[test]
fn encodings_patterns_and_paths() {
    check(&[
        ("sprig.b64enc('hi') + sprig.b64dec('aGk=')", "aGk=hi"),
        (
            "sprig.b32enc('foobar') + sprig.b32dec('MZXW6YTBOI======')",
            "MZXW6YTBOI======foobar",
        ),
        (
            "sprig.toJson({a: 1}) + sprig.mustToJson([1])",
            r#"{"a":1}[1]"#,
        ),
        ("sprig.fromJson('[1]')[0]", "1"),
        (
            "sprig.sha256sum('a')",
            "ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb",
        ),
        ("sprig.adler32sum('Wikipedia')", "300286872"),
        ("sprig.regexMatch('^a+$', 'aaa')", "true"),
        ("sprig.regexFind('[a-z][1-9]', 'ab1c2')", "b1"),
        (
            "sprig.regexFindAll('[2,4]', '2342', -1)",
            r#"["2","4","2"]"#,
        ),
        (
            "sprig.regexReplaceAll('a(x*)b', '-ab-axxb-', '${1}W')",
            "-W-xxW-",
        ),
        (
            "sprig.regexReplaceAllLiteral('a(x*)b', '-ab-', '${1}')",
            "-${1}-",
        ),
        ("sprig.regexSplit('z+', 'pizza', -1)", r#"["pi","a"]"#),
        ("sprig.regexQuoteMeta('1.2')", r"1\.2"),
        (
            "sprig.base('/a/b.txt') + sprig.dir('/a/b.txt') + sprig.ext('b.tar.gz')",
            "b.txt/a.gz",
        ),
        (
            "sprig.clean('a/../b//c/.') + sprig.base('') + sprig.dir('x')",
            "b/c..",
        ),
        ("sprig.urlParse('http://u:p@h:80/p?q=1#f').host", "h:80"),
        (
            "sprig.urlJoin(sprig.urlParse('http://u@h:80/p?q=1#f'))",
            "http://u@h:80/p?q=1#f",
        ),
    ]);
}

#[test]
fn functions_that_need_the_host_or_chance_are_refused_with_the_reason() {
    for name in [
        "env",
        "expandenv",
        "getHostByName",
        "randAlpha",
        "uuidv4",
        "genPrivateKey",
    ] {
        let error = run(&format!("sprig.{name}('x')")).unwrap_err();
        assert_eq!(error.code(), "expr.function-refused", "{name}");
        assert!(error.to_string().contains(name));
    }
    assert_eq!(
        run("sprig.nothing()").unwrap_err().code(),
        "expr.unknown-function"
    );
}
