//! Lists. The list to work on comes first in `append` and its like, last in `join`.

use super::super::budget::Budget;
use super::super::error::ExprError;
use super::super::functions::{Arguments, Function, MANY, function, unique};
use super::super::value::{Entries, Value};
use super::loose;

pub(super) const TABLE: &[Function] = &[
    function("list", 0, MANY, |b, a| b.list(a.values.to_vec())),
    function("tuple", 0, MANY, |b, a| b.list(a.values.to_vec())),
    function("first", 1, 1, |_, a| {
        Ok(a.list(0)?.first().cloned().unwrap_or_default())
    }),
    function("last", 1, 1, |_, a| {
        Ok(a.list(0)?.last().cloned().unwrap_or_default())
    }),
    function("rest", 1, 1, |b, a| {
        b.list(a.list(0)?.iter().skip(1).cloned().collect())
    }),
    function("initial", 1, 1, |b, a| {
        let items = a.list(0)?;
        let kept = items.len().saturating_sub(1);
        b.list(items.iter().take(kept).cloned().collect())
    }),
    function("append", 2, 2, |b, a| {
        let items = a.list(0)?.iter().chain([a.get(1)]);
        b.list(items.cloned().collect())
    }),
    function("push", 2, 2, |b, a| {
        let items = a.list(0)?.iter().chain([a.get(1)]);
        b.list(items.cloned().collect())
    }),
    function("prepend", 2, 2, |b, a| {
        let items = [a.get(1)].into_iter().chain(a.list(0)?);
        b.list(items.cloned().collect())
    }),
    function("concat", 0, MANY, concat),
    function("reverse", 1, 1, |b, a| {
        b.list(a.list(0)?.iter().rev().cloned().collect())
    }),
    function("uniq", 1, 1, |b, a| unique(b, a.list(0)?)),
    function("compact", 1, 1, |b, a| {
        let kept = a.list(0)?.iter().filter(|item| !loose::is_empty(item));
        b.list(kept.cloned().collect())
    }),
    function("without", 1, MANY, without),
    function("has", 2, 2, has),
    function("slice", 1, 3, slice),
    function("chunk", 2, 2, chunk),
    function("sortAlpha", 1, 1, |b, a| {
        let mut texts = loose::texts(b, a.get(0))?;
        b.step(texts.len().saturating_mul(16))?;
        texts.sort();
        b.texts(texts.iter().map(String::as_str))
    }),
    function("join", 2, 2, join),
    function("splitList", 2, 2, |b, a| {
        b.texts(a.text(1)?.split(a.text(0)?))
    }),
    function("split", 2, 2, |b, a| {
        numbered(b, a.text(1)?.split(a.text(0)?))
    }),
    function("splitn", 3, 3, |b, a| {
        numbered(b, a.text(2)?.splitn(a.size(1)?, a.text(0)?))
    }),
];

fn concat(budget: &mut Budget, args: &Arguments<'_>) -> Result<Value, ExprError> {
    let mut out = Vec::new();
    for position in 0..args.len() {
        let items = args.list(position)?;
        budget.items(items.len())?;
        out.extend_from_slice(items);
    }
    budget.list(out)
}

fn contains(budget: &mut Budget, items: &[Value], wanted: &Value) -> Result<bool, ExprError> {
    for item in items {
        if item.equals(wanted, budget)? {
            return Ok(true);
        }
    }
    Ok(false)
}

fn without(budget: &mut Budget, args: &Arguments<'_>) -> Result<Value, ExprError> {
    let unwanted: Vec<Value> = args.values.iter().skip(1).cloned().collect();
    let mut kept = Vec::new();
    for item in args.list(0)? {
        if !contains(budget, &unwanted, item)? {
            kept.push(item.clone());
        }
    }
    budget.list(kept)
}

fn has(budget: &mut Budget, args: &Arguments<'_>) -> Result<Value, ExprError> {
    if args.get(1).is_nil() {
        return Ok(false.into());
    }
    contains(budget, args.list(1)?, args.get(0)).map(Value::Bool)
}

/// `slice list from to`; without an end to the end of the list.
fn slice(budget: &mut Budget, args: &Arguments<'_>) -> Result<Value, ExprError> {
    let items = args.list(0)?;
    let from = loose::size(args.get(1));
    let to = match args.get(2) {
        Value::Nil => items.len(),
        end => loose::size(end),
    };
    let part = items.get(from..to);
    let part = part.ok_or_else(|| args.malformed(format!("{from} to {to} is outside the list")))?;
    budget.list(part.to_vec())
}

fn chunk(budget: &mut Budget, args: &Arguments<'_>) -> Result<Value, ExprError> {
    let size = loose::size(args.get(0)).max(1);
    let chunks = args.list(1)?.chunks(size);
    let chunks: Vec<Value> = chunks
        .map(|chunk| budget.list(chunk.to_vec()))
        .collect::<Result<_, _>>()?;
    budget.list(chunks)
}

fn join(budget: &mut Budget, args: &Arguments<'_>) -> Result<Value, ExprError> {
    let separator = args.text(0)?;
    let texts = loose::texts(budget, args.get(1))?;
    budget.bytes(separator.len().saturating_mul(texts.len()))?;
    budget.text(texts.join(separator))
}

/// Sprig's `split` gives a map: `_0`, `_1` …
fn numbered<'t>(
    budget: &mut Budget,
    parts: impl Iterator<Item = &'t str>,
) -> Result<Value, ExprError> {
    let mut entries = Entries::new();
    for (index, part) in parts.enumerate() {
        budget.step(1)?;
        entries.insert(format!("_{index}").into(), budget.text(part)?);
    }
    budget.map(entries)
}
