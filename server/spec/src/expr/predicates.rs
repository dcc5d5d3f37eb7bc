//! The functions whose second argument runs once for each item.

use super::ast::{Expr, Predicate, PredicateCall};
use super::error::ExprError;
use super::eval::{Evaluator, Frame, key_of, truth};
use super::functions::{self, Order};
use super::value::{Entries, Value};

impl Evaluator<'_> {
    /// Runs a predicate over its list.
    pub(crate) fn predicate(
        &mut self,
        predicate: Predicate,
        call: &PredicateCall,
    ) -> Result<Value, ExprError> {
        let list = match self.eval(&call.list)? {
            Value::List(list) => list,
            other => {
                return Err(ExprError::Type(format!(
                    "a predicate works on an array, not on {}",
                    other.type_name()
                )));
            }
        };
        let items = list.items();
        let body = call.body.as_ref();
        match predicate {
            Predicate::All => Ok((self.position(items, body, false)?.is_none()).into()),
            Predicate::Any => Ok((self.position(items, body, true)?.is_some()).into()),
            Predicate::None => Ok((self.position(items, body, true)?.is_none()).into()),
            Predicate::One => Ok((self.count(items, body)? == 1).into()),
            Predicate::Count => self.count(items, body).map(Value::Int),
            Predicate::Map => {
                let mapped = self.mapped(items, body)?;
                self.budget.list(mapped)
            }
            Predicate::Sum => {
                let mapped = self.mapped(items, body)?;
                functions::sum(self.budget, &mapped)
            }
            Predicate::Filter => self.filter(items, body),
            Predicate::Find => {
                let found = self.position(items, body, true)?;
                Ok(found
                    .and_then(|at| items.get(at).cloned())
                    .unwrap_or_default())
            }
            Predicate::FindIndex => Ok(index(self.position(items, body, true)?)),
            Predicate::FindLast => {
                let found = self.last_position(items, body)?;
                Ok(found
                    .and_then(|at| items.get(at).cloned())
                    .unwrap_or_default())
            }
            Predicate::FindLastIndex => Ok(index(self.last_position(items, body)?)),
            Predicate::GroupBy => self.group_by(items, body),
            Predicate::CountBy => self.count_by(items, body),
            Predicate::SortBy => self.sort_by(items, body, call.extra.as_ref()),
            Predicate::Reduce => self.reduce(items, body, call.extra.as_ref()),
        }
    }

    /// The predicate's value for one item; the item itself when there is no predicate.
    fn at(&mut self, index: usize, item: &Value, body: Option<&Expr>) -> Result<Value, ExprError> {
        let Some(body) = body else {
            return Ok(item.clone());
        };
        self.frames.push(Frame {
            item: item.clone(),
            index: i64::try_from(index).unwrap_or(i64::MAX),
            accumulator: Value::Nil,
        });
        let value = self.eval(body);
        self.frames.pop();
        value
    }

    fn holds(
        &mut self,
        index: usize,
        item: &Value,
        body: Option<&Expr>,
    ) -> Result<bool, ExprError> {
        truth(&self.at(index, item, body)?, "a predicate")
    }

    fn position(
        &mut self,
        items: &[Value],
        body: Option<&Expr>,
        wanted: bool,
    ) -> Result<Option<usize>, ExprError> {
        for (index, item) in items.iter().enumerate() {
            if self.holds(index, item, body)? == wanted {
                return Ok(Some(index));
            }
        }
        Ok(None)
    }

    fn last_position(
        &mut self,
        items: &[Value],
        body: Option<&Expr>,
    ) -> Result<Option<usize>, ExprError> {
        for (index, item) in items.iter().enumerate().rev() {
            if self.holds(index, item, body)? {
                return Ok(Some(index));
            }
        }
        Ok(None)
    }

    fn count(&mut self, items: &[Value], body: Option<&Expr>) -> Result<i64, ExprError> {
        let mut count = 0i64;
        for (index, item) in items.iter().enumerate() {
            if self.holds(index, item, body)? {
                count = count.saturating_add(1);
            }
        }
        Ok(count)
    }

    fn mapped(&mut self, items: &[Value], body: Option<&Expr>) -> Result<Vec<Value>, ExprError> {
        let indexed = items.iter().enumerate();
        indexed
            .map(|(index, item)| self.at(index, item, body))
            .collect()
    }

    fn filter(&mut self, items: &[Value], body: Option<&Expr>) -> Result<Value, ExprError> {
        let mut kept = Vec::new();
        for (index, item) in items.iter().enumerate() {
            if self.holds(index, item, body)? {
                kept.push(item.clone());
            }
        }
        self.budget.list(kept)
    }

    fn group_by(&mut self, items: &[Value], body: Option<&Expr>) -> Result<Value, ExprError> {
        let keys = self.mapped(items, body)?;
        let mut groups = std::collections::BTreeMap::<_, Vec<Value>>::new();
        for (key, item) in keys.iter().zip(items) {
            groups.entry(key_of(key)?).or_default().push(item.clone());
        }
        let mut entries = Entries::new();
        for (key, group) in groups {
            entries.insert(key, self.budget.list(group)?);
        }
        self.budget.map(entries)
    }

    fn count_by(&mut self, items: &[Value], body: Option<&Expr>) -> Result<Value, ExprError> {
        let mut counts = std::collections::BTreeMap::<_, i64>::new();
        for key in self.mapped(items, body)? {
            let count = counts.entry(key_of(&key)?).or_default();
            *count = count.saturating_add(1);
        }
        let entries = counts.into_iter();
        self.budget.map(
            entries
                .map(|(key, count)| (key, Value::Int(count)))
                .collect(),
        )
    }

    fn sort_by(
        &mut self,
        items: &[Value],
        body: Option<&Expr>,
        order: Option<&Expr>,
    ) -> Result<Value, ExprError> {
        let order = match order {
            None => Order::Ascending,
            Some(expr) => {
                let order = self.eval(expr)?;
                functions::order_from("sortBy", order.as_text().or(Some("")))?
            }
        };
        let keys = self.mapped(items, body)?;
        let mut keyed = Vec::with_capacity(keys.len());
        for (key, item) in keys.into_iter().zip(items) {
            // `sortBy(users, "age")`: a constant names the member.
            let key = match (&key, body, item) {
                (Value::Text(name), Some(Expr::Literal(_)), Value::Map(map)) => {
                    map.entries().get(name).cloned().unwrap_or_default()
                }
                _ => key,
            };
            keyed.push((key, item.clone()));
        }
        functions::sort(self.budget, keyed, order)
    }

    fn reduce(
        &mut self,
        items: &[Value],
        body: Option<&Expr>,
        first: Option<&Expr>,
    ) -> Result<Value, ExprError> {
        let first = first.map(|first| self.eval(first)).transpose()?;
        let skipped = usize::from(first.is_none());
        let mut accumulator = match first.or_else(|| items.first().cloned()) {
            Some(first) => first,
            None => return Err(ExprError::Member("reduce of an empty array".into())),
        };
        let Some(body) = body else {
            return Ok(accumulator);
        };
        for (index, item) in items.iter().enumerate().skip(skipped) {
            self.frames.push(Frame {
                item: item.clone(),
                index: i64::try_from(index).unwrap_or(i64::MAX),
                accumulator,
            });
            let value = self.eval(body);
            self.frames.pop();
            accumulator = value?;
        }
        Ok(accumulator)
    }
}

fn index(found: Option<usize>) -> Value {
    Value::Int(found.and_then(|at| i64::try_from(at).ok()).unwrap_or(-1))
}
