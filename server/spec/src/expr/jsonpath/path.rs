//! A parsed path, and its walk over a document. Every step is paid for, because descents inside
//! filters can visit a document many times.

use std::sync::Arc;

use super::super::budget::Budget;
use super::super::error::ExprError;
use super::super::value::Value;

#[derive(Debug)]
pub(super) struct Path {
    pub(super) segments: Vec<Segment>,
}

#[derive(Debug)]
pub(super) struct Segment {
    /// `..`: at the value and everywhere below it.
    pub(super) descend: bool,
    pub(super) selectors: Vec<Selector>,
}

#[derive(Debug)]
pub(super) enum Selector {
    Name(Arc<str>),
    Wildcard,
    Index(i64),
    Slice(Option<i64>, Option<i64>, i64),
    Filter(Filter),
}

#[derive(Debug)]
pub(super) enum Filter {
    Or(Vec<Filter>),
    And(Vec<Filter>),
    Not(Box<Filter>),
    Exists(Operand),
    Compare(Operand, Comparison, Operand),
}

#[derive(Debug)]
pub(super) enum Operand {
    Literal(Value),
    /// A path from the item at hand (`@`).
    Here(Path),
    /// A path from the document (`$`).
    Root(Path),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Comparison {
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    Matches,
}

impl Path {
    /// Whether it can lead to at most one value.
    pub(super) fn is_definite(&self) -> bool {
        self.segments.iter().all(|segment| {
            !segment.descend
                && matches!(
                    segment.selectors.as_slice(),
                    [Selector::Name(_) | Selector::Index(_)]
                )
        })
    }

    /// All values that it leads to from a value.
    pub(super) fn select(
        &self,
        from: &Value,
        root: &Value,
        budget: &mut Budget,
    ) -> Result<Vec<Value>, ExprError> {
        let mut current = vec![from.clone()];
        for segment in &self.segments {
            let mut next = Vec::new();
            for value in &current {
                segment.select(value, root, budget, &mut next)?;
            }
            current = next;
        }
        Ok(current)
    }
}

impl Segment {
    fn select(
        &self,
        value: &Value,
        root: &Value,
        budget: &mut Budget,
        out: &mut Vec<Value>,
    ) -> Result<(), ExprError> {
        for selector in &self.selectors {
            let before = out.len();
            selector.select(value, root, budget, out)?;
            budget.items(out.len().saturating_sub(before).saturating_add(1))?;
        }
        if self.descend {
            // Values know their depth, so this recursion is bounded.
            for inner in children(value) {
                self.select(inner, root, budget, out)?;
            }
        }
        Ok(())
    }
}

/// The items of a list, the values of a map.
fn children(value: &Value) -> Box<dyn Iterator<Item = &Value> + '_> {
    match value {
        Value::List(list) => Box::new(list.items().iter()),
        Value::Map(map) => Box::new(map.entries().values()),
        _ => Box::new(std::iter::empty()),
    }
}

fn from_end(index: i64, length: i64) -> i64 {
    if index < 0 {
        index.saturating_add(length)
    } else {
        index
    }
}

impl Selector {
    fn select(
        &self,
        value: &Value,
        root: &Value,
        budget: &mut Budget,
        out: &mut Vec<Value>,
    ) -> Result<(), ExprError> {
        match (self, value) {
            (Self::Name(name), Value::Map(map)) => out.extend(map.entries().get(name).cloned()),
            (Self::Index(index), Value::List(list)) => {
                let items = list.items();
                let at = from_end(*index, i64::try_from(items.len()).unwrap_or(i64::MAX));
                let found = usize::try_from(at).ok().and_then(|at| items.get(at));
                out.extend(found.cloned());
            }
            (Self::Wildcard, value) => {
                for child in children(value) {
                    budget.step(1)?;
                    out.push(child.clone());
                }
            }
            (Self::Slice(from, to, step), Value::List(list)) => {
                slice(list.items(), *from, *to, *step, budget, out)?;
            }
            (Self::Filter(filter), value) => {
                for child in children(value) {
                    if filter.holds(child, root, budget)? {
                        out.push(child.clone());
                    }
                }
            }
            _ => {}
        }
        Ok(())
    }
}

fn slice(
    items: &[Value],
    from: Option<i64>,
    to: Option<i64>,
    step: i64,
    budget: &mut Budget,
    out: &mut Vec<Value>,
) -> Result<(), ExprError> {
    let length = i64::try_from(items.len()).unwrap_or(i64::MAX);
    let last = length.saturating_sub(1);
    let (first, end) = match step {
        0 => return Ok(()),
        1.. => (from.unwrap_or(0), to.unwrap_or(length)),
        _ => (
            from.unwrap_or(last),
            to.unwrap_or(length.saturating_neg().saturating_sub(1)),
        ),
    };
    let (first, end) = (from_end(first, length), from_end(end, length));
    let mut at = if step > 0 {
        first.max(0)
    } else {
        first.min(last)
    };
    while (step > 0 && at < end.min(length)) || (step < 0 && at > end.max(-1)) {
        budget.step(1)?;
        out.extend(
            usize::try_from(at)
                .ok()
                .and_then(|at| items.get(at))
                .cloned(),
        );
        at = at.saturating_add(step);
    }
    Ok(())
}

impl Filter {
    fn holds(&self, here: &Value, root: &Value, budget: &mut Budget) -> Result<bool, ExprError> {
        budget.step(1)?;
        match self {
            Self::Or(parts) => {
                for part in parts {
                    if part.holds(here, root, budget)? {
                        return Ok(true);
                    }
                }
                Ok(false)
            }
            Self::And(parts) => {
                for part in parts {
                    if !part.holds(here, root, budget)? {
                        return Ok(false);
                    }
                }
                Ok(true)
            }
            Self::Not(inner) => inner.holds(here, root, budget).map(|holds| !holds),
            Self::Exists(operand) => Ok(operand.value(here, root, budget)?.is_some()),
            Self::Compare(left, comparison, right) => {
                let left = left.value(here, root, budget)?;
                let right = right.value(here, root, budget)?;
                comparison.holds(left.as_ref(), right.as_ref(), budget)
            }
        }
    }
}

impl Operand {
    fn value(
        &self,
        here: &Value,
        root: &Value,
        budget: &mut Budget,
    ) -> Result<Option<Value>, ExprError> {
        match self {
            Self::Literal(value) => Ok(Some(value.clone())),
            Self::Here(path) => Ok(path.select(here, root, budget)?.into_iter().next()),
            Self::Root(path) => Ok(path.select(root, root, budget)?.into_iter().next()),
        }
    }
}

impl Comparison {
    /// What is missing equals only what is missing, and has no order.
    fn holds(
        self,
        left: Option<&Value>,
        right: Option<&Value>,
        budget: &mut Budget,
    ) -> Result<bool, ExprError> {
        let same = |budget: &mut Budget| match (left, right) {
            (Some(left), Some(right)) => left.equals(right, budget),
            (left, right) => Ok(left.is_none() && right.is_none()),
        };
        let both = left.into_iter().chain(right);
        both.into_iter().try_for_each(|value| budget.read(value))?;
        let order = || left?.order(right?);
        Ok(match self {
            Self::Equal => same(budget)?,
            Self::NotEqual => !same(budget)?,
            Self::Less => order().is_some_and(|order| order.is_lt()),
            Self::LessOrEqual => order().is_some_and(|order| order.is_le()),
            Self::Greater => order().is_some_and(|order| order.is_gt()),
            Self::GreaterOrEqual => order().is_some_and(|order| order.is_ge()),
            Self::Matches => match (left, right) {
                (Some(Value::Text(text)), Some(Value::Text(pattern))) => {
                    budget.pattern(pattern, text.len())?.is_match(text)
                }
                _ => false,
            },
        })
    }
}
