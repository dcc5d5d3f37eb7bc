//! Functions on lists and maps.

use std::cmp::Ordering;

use super::super::budget::Budget;
use super::super::error::ExprError;
use super::super::eval;
use super::super::value::Value;
use super::{Arguments, Function, MANY, function};

pub(super) const TABLE: &[Function] = &[
    function("len", 1, 1, |_, a| length(a)),
    function("first", 1, 1, |_, a| {
        Ok(a.list(0)?.first().cloned().unwrap_or_default())
    }),
    function("last", 1, 1, |_, a| {
        Ok(a.list(0)?.last().cloned().unwrap_or_default())
    }),
    function("get", 2, 2, |_, a| {
        Ok(eval::member_of(a.get(0), a.get(1)).unwrap_or_default())
    }),
    function("take", 2, 2, |b, a| {
        let taken = a.list(0)?.iter().take(a.size(1)?);
        b.list(taken.cloned().collect())
    }),
    function("reverse", 1, 1, |b, a| {
        b.list(a.list(0)?.iter().rev().cloned().collect())
    }),
    function("sort", 1, 2, |b, a| {
        let order = order_from(a.name, a.optional_text(1)?)?;
        let keyed = a.list(0)?.iter().map(|v| (v.clone(), v.clone()));
        sort(b, keyed.collect(), order)
    }),
    function("uniq", 1, 1, |b, a| unique(b, a.list(0)?)),
    function("flatten", 1, 1, flatten),
    function("concat", 1, MANY, concat),
    function("join", 1, 2, |b, a| {
        join(b, a.list(0)?, a.optional_text(1)?.unwrap_or_default(), a)
    }),
    function("keys", 1, 1, |b, a| {
        let keys = a.map(0)?.keys();
        b.list(keys.map(|key| Value::Text(key.clone())).collect())
    }),
    function("values", 1, 1, |b, a| {
        b.list(a.map(0)?.values().cloned().collect())
    }),
    function("toPairs", 1, 1, to_pairs),
    function("fromPairs", 1, 1, from_pairs),
];

fn length(args: &Arguments<'_>) -> Result<Value, ExprError> {
    let length = match args.get(0) {
        Value::Text(text) => text.chars().count(),
        Value::List(list) => list.items().len(),
        Value::Map(map) => map.entries().len(),
        _ => return Err(args.wrong(0, "a string, an array or a map")),
    };
    Ok(Value::Int(i64::try_from(length).unwrap_or(i64::MAX)))
}

/// A direction of sorting.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Order {
    Ascending,
    Descending,
}

/// Reads `asc` or `desc`; ascending when nothing is said.
pub(crate) fn order_from(function: &str, text: Option<&str>) -> Result<Order, ExprError> {
    match text {
        None | Some("asc") => Ok(Order::Ascending),
        Some("desc") => Ok(Order::Descending),
        Some(other) => Err(ExprError::Type(format!(
            "{function}: the order must be asc or desc, not {other:?}"
        ))),
    }
}

/// Sorts values by their keys; refuses keys that have no order between them.
pub(crate) fn sort(
    budget: &mut Budget,
    mut keyed: Vec<(Value, Value)>,
    order: Order,
) -> Result<Value, ExprError> {
    let rounds = (usize::BITS - keyed.len().leading_zeros()) as usize;
    for _ in 0..rounds {
        budget.step(keyed.len())?;
        keyed.iter().try_for_each(|(key, _)| budget.read(key))?;
    }
    // One look before sorting: an order that fails half way would not be an order.
    for pair in keyed.windows(2) {
        if let [(a, _), (b, _)] = pair
            && a.order(b).is_none()
        {
            return Err(ExprError::Type(format!(
                "sort: {} and {} have no order",
                a.type_name(),
                b.type_name()
            )));
        }
    }
    let compare = |a: &Value, b: &Value| a.order(b).unwrap_or(Ordering::Equal);
    match order {
        Order::Ascending => keyed.sort_by(|(a, _), (b, _)| compare(a, b)),
        Order::Descending => keyed.sort_by(|(a, _), (b, _)| compare(b, a)),
    }
    budget.list(keyed.into_iter().map(|(_, value)| value).collect())
}

/// The items without repetitions, in the order of their first appearance.
pub(crate) fn unique(budget: &mut Budget, items: &[Value]) -> Result<Value, ExprError> {
    let mut kept: Vec<Value> = Vec::new();
    for item in items {
        let mut known = false;
        for other in &kept {
            if item.equals(other, budget)? {
                known = true;
                break;
            }
        }
        if !known {
            kept.push(item.clone());
        }
    }
    budget.list(kept)
}

fn flatten(budget: &mut Budget, args: &Arguments<'_>) -> Result<Value, ExprError> {
    fn open(budget: &mut Budget, items: &[Value], out: &mut Vec<Value>) -> Result<(), ExprError> {
        budget.items(items.len())?;
        for item in items {
            match item {
                Value::List(inner) => open(budget, inner.items(), out)?,
                other => out.push(other.clone()),
            }
        }
        Ok(())
    }
    let mut out = Vec::new();
    open(budget, args.list(0)?, &mut out)?;
    budget.list(out)
}

fn concat(budget: &mut Budget, args: &Arguments<'_>) -> Result<Value, ExprError> {
    let mut out = Vec::new();
    for position in 0..args.len() {
        let items = args.list(position)?;
        budget.items(items.len())?;
        out.extend_from_slice(items);
    }
    budget.list(out)
}

/// The texts of a list with a separator between them.
pub(crate) fn join(
    budget: &mut Budget,
    items: &[Value],
    separator: &str,
    args: &Arguments<'_>,
) -> Result<Value, ExprError> {
    let mut out = String::new();
    for (index, item) in items.iter().enumerate() {
        let Some(text) = item.as_text() else {
            return Err(args.wrong(0, "an array of strings"));
        };
        if index > 0 {
            budget.bytes(separator.len())?;
            out.push_str(separator);
        }
        budget.step(1)?;
        budget.bytes(text.len())?;
        out.push_str(text);
    }
    Ok(out.into())
}

fn to_pairs(budget: &mut Budget, args: &Arguments<'_>) -> Result<Value, ExprError> {
    let mut pairs = Vec::new();
    for (key, value) in args.map(0)? {
        pairs.push(budget.list(vec![Value::Text(key.clone()), value.clone()])?);
    }
    budget.list(pairs)
}

fn from_pairs(budget: &mut Budget, args: &Arguments<'_>) -> Result<Value, ExprError> {
    let mut entries = super::super::value::Entries::new();
    for pair in args.list(0)? {
        let Value::List(pair) = pair else {
            return Err(args.wrong(0, "an array of pairs"));
        };
        let [key, value] = pair.items() else {
            return Err(args.wrong(0, "an array of pairs"));
        };
        entries.insert(eval::key_of(key)?, value.clone());
    }
    budget.map(entries)
}
