//! Maps. Values never change: `set`, `unset` and `merge` give a new map and leave the old one as it is.

use super::super::budget::Budget;
use super::super::error::ExprError;
use super::super::functions::{Arguments, Function, MANY, function};
use super::super::value::{Entries, Value};
use super::loose;

pub(super) const TABLE: &[Function] = &[
    function("dict", 0, MANY, dict),
    function("get", 2, 2, |b, a| {
        let found = a.map(0)?.get(&*loose::key(a, 1)).cloned();
        found.map_or_else(|| b.text(""), Ok)
    }),
    function("set", 3, 3, |b, a| {
        let mut entries = a.map(0)?.clone();
        entries.insert(loose::key(a, 1), a.get(2).clone());
        b.map(entries)
    }),
    function("unset", 2, 2, |b, a| {
        let mut entries = a.map(0)?.clone();
        entries.remove(&*loose::key(a, 1));
        b.map(entries)
    }),
    function("hasKey", 2, 2, |_, a| {
        Ok(a.map(0)?.contains_key(&*loose::key(a, 1)).into())
    }),
    function("keys", 0, MANY, |b, a| {
        let mut out = Vec::new();
        for position in 0..a.len() {
            out.extend(a.map(position)?.keys().cloned().map(Value::Text));
        }
        b.list(out)
    }),
    function("values", 1, 1, |b, a| {
        b.list(a.map(0)?.values().cloned().collect())
    }),
    function("pick", 1, MANY, |b, a| select(b, a, true)),
    function("omit", 1, MANY, |b, a| select(b, a, false)),
    function("pluck", 1, MANY, |b, a| {
        let mut out = Vec::new();
        for position in 1..a.len() {
            out.extend(a.map(position)?.get(&*loose::key(a, 0)).cloned());
        }
        b.list(out)
    }),
    function("merge", 1, MANY, |b, a| merge_all(b, a, Winner::First)),
    function("mergeOverwrite", 1, MANY, |b, a| {
        merge_all(b, a, Winner::Last)
    }),
    function("dig", 2, MANY, dig),
    function("deepCopy", 1, 1, |_, a| Ok(a.get(0).clone())),
];

fn dict(budget: &mut Budget, args: &Arguments<'_>) -> Result<Value, ExprError> {
    let mut entries = Entries::new();
    for position in (0..args.len()).step_by(2) {
        let value = match args.values.get(position.saturating_add(1)) {
            Some(value) => value.clone(),
            None => budget.text("")?,
        };
        entries.insert(loose::key(args, position), value);
    }
    budget.map(entries)
}

fn select(budget: &mut Budget, args: &Arguments<'_>, named: bool) -> Result<Value, ExprError> {
    let keys: Vec<_> = (1..args.len())
        .map(|position| loose::key(args, position))
        .collect();
    budget.step(keys.len().saturating_mul(args.map(0)?.len()))?;
    let kept = args
        .map(0)?
        .iter()
        .filter(|(key, _)| keys.contains(key) == named);
    budget.map(
        kept.map(|(key, value)| (key.clone(), value.clone()))
            .collect(),
    )
}

/// Whose value stays when two maps have a key in common.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Winner {
    First,
    Last,
}

fn merge_all(
    budget: &mut Budget,
    args: &Arguments<'_>,
    winner: Winner,
) -> Result<Value, ExprError> {
    let mut merged = args.get(0).clone();
    args.map(0)?;
    for position in 1..args.len() {
        args.map(position)?;
        merged = merge(budget, &merged, args.get(position), winner)?;
    }
    Ok(merged)
}

/// Maps inside maps are merged as well; values know their depth, so this recursion is bounded.
fn merge(
    budget: &mut Budget,
    first: &Value,
    second: &Value,
    winner: Winner,
) -> Result<Value, ExprError> {
    let (Value::Map(a), Value::Map(b)) = (first, second) else {
        let first_stays = winner == Winner::First && !loose::is_empty(first);
        return Ok(if first_stays { first } else { second }.clone());
    };
    let mut entries = a.entries().clone();
    budget.items(entries.len())?;
    for (key, value) in b.entries() {
        let merged = match a.entries().get(key) {
            Some(old) => merge(budget, old, value, winner)?,
            None => value.clone(),
        };
        entries.insert(key.clone(), merged);
    }
    budget.map(entries)
}

/// `dig "a" "b" default map`
fn dig(budget: &mut Budget, args: &Arguments<'_>) -> Result<Value, ExprError> {
    let last = args.len().saturating_sub(1);
    let default = last.saturating_sub(1);
    args.map(last)?;
    let mut value = args.get(last).clone();
    for position in 0..default {
        budget.step(1)?;
        let found = match &value {
            Value::Map(map) => map.entries().get(&*loose::key(args, position)).cloned(),
            _ => None,
        };
        match found {
            Some(found) => value = found,
            None => return Ok(args.get(default).clone()),
        }
    }
    Ok(value)
}
