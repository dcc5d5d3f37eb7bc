//! Regular expressions, paths and addresses.

use super::super::budget::Budget;
use super::super::error::ExprError;
use super::super::functions::{Arguments, Function, function};
use super::super::value::{Entries, Value};
use super::loose;

pub(super) const TABLE: &[Function] = &[
    function("regexMatch", 2, 2, |b, a| {
        let text = a.text(1)?;
        Ok(b.pattern(a.text(0)?, text.len())?.is_match(text).into())
    }),
    function("regexFind", 2, 2, |b, a| {
        let text = a.text(1)?;
        let pattern = b.pattern(a.text(0)?, text.len())?;
        b.text(pattern.find(text).map_or("", |found| found.as_str()))
    }),
    function("regexFindAll", 3, 3, |b, a| {
        let text = a.text(1)?;
        let pattern = b.pattern(a.text(0)?, text.len())?;
        let found = pattern.find_iter(text).map(|found| found.as_str());
        b.texts(found.take(limit(a.get(2))))
    }),
    function("regexReplaceAll", 3, 3, |b, a| replace(b, a, a.text(2)?)),
    function("regexReplaceAllLiteral", 3, 3, |b, a| {
        replace(b, a, &a.text(2)?.replace('$', "$$"))
    }),
    function("regexSplit", 3, 3, |b, a| {
        let text = a.text(1)?;
        let pattern = b.pattern(a.text(0)?, text.len())?;
        match limit(a.get(2)) {
            usize::MAX => b.texts(pattern.split(text)),
            most => b.texts(pattern.splitn(text, most)),
        }
    }),
    function("regexQuoteMeta", 1, 1, |b, a| {
        b.bytes(a.text(0)?.len())?;
        b.text(regex::escape(a.text(0)?))
    }),
    function("base", 1, 1, |b, a| b.text(base(a.text(0)?))),
    function("dir", 1, 1, |b, a| {
        let text = a.text(0)?;
        let directory = text
            .rfind('/')
            .map(|at| text.get(..=at).unwrap_or_default());
        b.text(clean(directory.unwrap_or_default()))
    }),
    function("clean", 1, 1, |b, a| b.text(clean(a.text(0)?))),
    function("ext", 1, 1, |b, a| {
        let name = a.text(0)?.rsplit('/').next().unwrap_or_default();
        b.text(
            name.rfind('.')
                .and_then(|at| name.get(at..))
                .unwrap_or_default(),
        )
    }),
    function("isAbs", 1, 1, |_, a| Ok(a.text(0)?.starts_with('/').into())),
    function("urlParse", 1, 1, url_parse),
    function("urlJoin", 1, 1, url_join),
];

/// How many matches: all for a negative number.
fn limit(value: &Value) -> usize {
    usize::try_from(loose::int(value)).unwrap_or(usize::MAX)
}

fn replace(budget: &mut Budget, args: &Arguments<'_>, template: &str) -> Result<Value, ExprError> {
    let text = args.text(1)?;
    let pattern = budget.pattern(args.text(0)?, text.len())?;
    let mut out = String::new();
    let mut rest_from = 0;
    for found in pattern.captures_iter(text) {
        let Some(whole) = found.get(0) else {
            continue;
        };
        // Each `$` may stand for all that was found.
        let worst = whole.len().saturating_mul(template.matches('$').count());
        budget.step(1)?;
        budget.bytes(worst.saturating_add(template.len()))?;
        out.push_str(text.get(rest_from..whole.start()).unwrap_or_default());
        found.expand(template, &mut out);
        rest_from = whole.end();
    }
    out.push_str(text.get(rest_from..).unwrap_or_default());
    budget.text(out)
}

fn base(path: &str) -> &str {
    match path.trim_end_matches('/') {
        "" if path.is_empty() => ".",
        "" => "/",
        trimmed => trimmed.rsplit('/').next().unwrap_or(trimmed),
    }
}

/// The shortest path of the same meaning, without looking at any file.
fn clean(path: &str) -> String {
    let absolute = path.starts_with('/');
    let mut kept: Vec<&str> = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." if kept.last().is_some_and(|last| *last != "..") => {
                kept.pop();
            }
            ".." if absolute => {}
            part => kept.push(part),
        }
    }
    match (absolute, kept.join("/")) {
        (true, joined) => format!("/{joined}"),
        (false, joined) if joined.is_empty() => ".".into(),
        (false, joined) => joined,
    }
}

/// The parts of an address, under the names that sprig gives them.
fn url_parse(budget: &mut Budget, args: &Arguments<'_>) -> Result<Value, ExprError> {
    let text = args.text(0)?;
    let (rest, fragment) = text.split_once('#').unwrap_or((text, ""));
    let (rest, query) = rest.split_once('?').unwrap_or((rest, ""));
    let (scheme, rest) = rest.split_once(':').unwrap_or(("", rest));
    let (authority, path) = match rest.strip_prefix("//") {
        Some(rest) => {
            let end = rest.find('/').unwrap_or(rest.len());
            rest.split_at_checked(end).unwrap_or((rest, ""))
        }
        None => ("", rest),
    };
    let (user, host) = authority.rsplit_once('@').unwrap_or(("", authority));
    let name = host.rsplit_once(':').map_or(host, |(name, _)| name);
    let opaque = if authority.is_empty() && !path.starts_with('/') && !scheme.is_empty() {
        path
    } else {
        ""
    };
    let mut entries = Entries::new();
    for (key, part) in [
        ("scheme", scheme),
        ("host", host),
        ("hostname", name),
        ("path", if opaque.is_empty() { path } else { "" }),
        ("query", query),
        ("opaque", opaque),
        ("fragment", fragment),
        ("userinfo", user),
    ] {
        entries.insert(key.into(), budget.text(part)?);
    }
    budget.map(entries)
}

fn url_join(budget: &mut Budget, args: &Arguments<'_>) -> Result<Value, ExprError> {
    let parts = args.map(0)?;
    let part = |key: &str| parts.get(key).and_then(Value::as_text).unwrap_or_default();
    let between = |before: &str, part: &str, after: &str| match part {
        "" => String::new(),
        part => format!("{before}{part}{after}"),
    };
    let host = format!("{}{}", between("", part("userinfo"), "@"), part("host"));
    let address = [
        between("", part("scheme"), ":"),
        part("opaque").to_owned(),
        between("//", &host, ""),
        part("path").to_owned(),
        between("?", part("query"), ""),
        between("#", part("fragment"), ""),
    ];
    budget.text(address.concat())
}
