//! Walks a parsed expression to its value.

use std::sync::Arc;

use super::ast::{Access, AccessKind, Binary, Expr, Pointer, Unary};
use super::budget::Budget;
use super::error::ExprError;
use super::functions::{Arguments, Function, times};
use super::operators;
use super::value::{Entries, Value};
use super::write;
use crate::scope::{self, Scope};

/// Levels of evaluation inside each other: more than a parsed expression can need.
const DEPTH: usize = 250;

/// The state of one evaluation.
pub(crate) struct Evaluator<'e> {
    scope: &'e dyn Scope,
    pub(crate) budget: &'e mut Budget,
    locals: Vec<Value>,
    pub(crate) frames: Vec<Frame>,
    depth: usize,
    absent: Option<String>,
}

/// What `#`, `#index` and `#acc` mean in the innermost predicate.
#[derive(Default)]
pub(crate) struct Frame {
    pub(crate) item: Value,
    pub(crate) index: i64,
    pub(crate) accumulator: Value,
}

impl<'e> Evaluator<'e> {
    pub(crate) fn new(scope: &'e dyn Scope, budget: &'e mut Budget) -> Self {
        Self {
            scope,
            budget,
            locals: Vec::new(),
            frames: Vec::new(),
            depth: 0,
            absent: None,
        }
    }

    /// The last variable that was read and is known, but has no value.
    pub(crate) fn into_absent(self) -> Option<String> {
        self.absent
    }

    /// The value of an expression.
    pub(crate) fn eval(&mut self, expr: &Expr) -> Result<Value, ExprError> {
        self.budget.step(1)?;
        if self.depth == DEPTH {
            return Err(ExprError::Limit {
                what: "levels of evaluation",
                limit: DEPTH as u64,
            });
        }
        self.depth = self.depth.saturating_add(1);
        let value = self.eval_here(expr);
        self.depth = self.depth.saturating_sub(1);
        value
    }

    fn eval_here(&mut self, expr: &Expr) -> Result<Value, ExprError> {
        match expr {
            Expr::Literal(value) => Ok(value.clone()),
            Expr::List(items) => {
                let items = self.all(items)?;
                self.budget.list(items)
            }
            Expr::Map(entries) => self.map(entries),
            Expr::Variable(path) => self.variable(path),
            Expr::Environment => scope::tree(self.scope, "", self.budget),
            Expr::Local(position) => Ok(self.locals.get(*position).cloned().unwrap_or_default()),
            Expr::Element(pointer) => Ok(self.element(*pointer)),
            Expr::Access(base, chain) => self.access(base, chain),
            Expr::Unary(operator, operand) => self.unary(*operator, operand),
            Expr::Chain(first, rest) => self.chain(first, rest),
            Expr::Choose(parts) => {
                let [condition, yes, no] = &**parts;
                let condition = self.eval(condition)?;
                let chosen = truth(&condition, "a condition")?;
                self.eval(if chosen { yes } else { no })
            }
            Expr::OrElse(parts) => {
                let [value, otherwise] = &**parts;
                match self.eval(value)? {
                    Value::Nil | Value::Bool(false) => self.eval(otherwise),
                    value => Ok(value),
                }
            }
            Expr::Let(parts) => {
                let [value, body] = &**parts;
                let value = self.eval(value)?;
                self.locals.push(value);
                let result = self.eval(body);
                self.locals.pop();
                result
            }
            Expr::Call(function, arguments) => self.call(function, arguments),
            Expr::Predicate(predicate, call) => self.predicate(*predicate, call),
        }
    }

    fn all(&mut self, exprs: &[Expr]) -> Result<Vec<Value>, ExprError> {
        exprs.iter().map(|expr| self.eval(expr)).collect()
    }

    fn map(&mut self, entries: &[(Expr, Expr)]) -> Result<Value, ExprError> {
        let mut out = Entries::new();
        for (key, value) in entries {
            let key = key_of(&self.eval(key)?)?;
            out.insert(key, self.eval(value)?);
        }
        self.budget.map(out)
    }

    fn call(&mut self, function: &Function, arguments: &[Expr]) -> Result<Value, ExprError> {
        let values = self.all(arguments)?;
        for value in &values {
            self.budget.read(value)?;
        }
        let arguments = Arguments {
            name: function.name,
            values: &values,
        };
        (function.call)(self.budget, &arguments)
    }

    fn element(&self, pointer: Pointer) -> Value {
        match self.frames.last() {
            None => Value::Nil,
            Some(frame) => match pointer {
                Pointer::Item => frame.item.clone(),
                Pointer::Accumulator => frame.accumulator.clone(),
                Pointer::Index => Value::Int(frame.index),
            },
        }
    }

    fn variable(&mut self, path: &[Arc<str>]) -> Result<Value, ExprError> {
        let Some((mut value, used)) = scope::resolve(self.scope, path, self.budget)? else {
            let root = path.first().map(ToString::to_string);
            return Err(ExprError::UnknownName(root.unwrap_or_default()));
        };
        if value.is_nil() && used == path.len() {
            self.absent = Some(path.join("."));
        }
        for name in path.iter().skip(used) {
            value = member(&value, name)?;
        }
        Ok(value)
    }

    fn access(&mut self, base: &Expr, chain: &[Access]) -> Result<Value, ExprError> {
        let mut value = self.eval(base)?;
        for access in chain {
            if access.optional && value.is_nil() {
                return Ok(Value::Nil);
            }
            self.budget.step(1)?;
            value = match &access.kind {
                AccessKind::Member(name) => member(&value, name)?,
                AccessKind::Index(index) => {
                    let index = self.eval(index)?;
                    self.budget.read(&value)?;
                    item(&value, &index)?
                }
                AccessKind::Slice(from, to) => self.slice(&value, from.as_ref(), to.as_ref())?,
                AccessKind::Method(name, arguments) => {
                    let mut values = vec![value];
                    values.extend(self.all(arguments)?);
                    times::method(self.budget, name, &values)?
                }
            };
        }
        Ok(value)
    }

    fn slice(
        &mut self,
        value: &Value,
        from: Option<&Expr>,
        to: Option<&Expr>,
    ) -> Result<Value, ExprError> {
        let letters: Vec<char>;
        let length = match value {
            Value::List(list) => list.items().len(),
            Value::Text(text) => {
                self.budget.bytes(text.len().saturating_mul(4))?;
                letters = text.chars().collect();
                letters.len()
            }
            other => {
                return Err(ExprError::Type(format!(
                    "{} can not be sliced",
                    other.type_name()
                )));
            }
        };
        let from = self.bound(from, 0, length)?;
        let to = self.bound(to, length, length)?.max(from);
        let taken = to.saturating_sub(from);
        match value {
            Value::List(list) => {
                let items = list.items().iter().skip(from).take(taken);
                self.budget.list(items.cloned().collect())
            }
            Value::Text(text) => {
                let part: String = text.chars().skip(from).take(taken).collect();
                self.budget.text(part)
            }
            _ => Ok(Value::Nil),
        }
    }

    /// A bound of a slice: negative ones count from the end, all are kept inside.
    fn bound(
        &mut self,
        expr: Option<&Expr>,
        absent: usize,
        length: usize,
    ) -> Result<usize, ExprError> {
        let Some(expr) = expr else {
            return Ok(absent);
        };
        match self.eval(expr)? {
            Value::Int(bound) => Ok(position(bound, length).unwrap_or(0).min(length)),
            other => Err(ExprError::Type(format!(
                "a slice needs whole numbers, not {}",
                other.type_name()
            ))),
        }
    }

    fn unary(&mut self, operator: Unary, operand: &Expr) -> Result<Value, ExprError> {
        let value = self.eval(operand)?;
        match (operator, &value) {
            (Unary::Not, value) => Ok(Value::Bool(!truth(value, "not")?)),
            (Unary::Positive, Value::Int(_) | Value::Float(_)) => Ok(value),
            (Unary::Negative, Value::Float(f)) => Ok(Value::Float(-f)),
            (Unary::Negative, Value::Int(_)) => {
                operators::binary(Binary::Subtract, &Value::Int(0), &value, self.budget)
            }
            (_, other) => Err(ExprError::Type(format!(
                "a sign before {} has no meaning",
                other.type_name()
            ))),
        }
    }

    /// Operators from left to right; the right side only where it decides.
    fn chain(&mut self, first: &Expr, rest: &[(Binary, Expr)]) -> Result<Value, ExprError> {
        let mut left = self.eval(first)?;
        for (operator, right) in rest {
            left = match operator {
                Binary::And if !truth(&left, "and")? => Value::Bool(false),
                Binary::Or if truth(&left, "or")? => Value::Bool(true),
                Binary::And | Binary::Or => {
                    let right = self.eval(right)?;
                    Value::Bool(truth(&right, "and, or")?)
                }
                Binary::Coalesce if !left.is_nil() => left,
                Binary::Coalesce => self.eval(right)?,
                operator => {
                    let right = self.eval(right)?;
                    operators::binary(*operator, &left, &right, self.budget)?
                }
            };
        }
        Ok(left)
    }
}

/// The truth of a value; only `true` and `false` have one.
pub(crate) fn truth(value: &Value, place: &str) -> Result<bool, ExprError> {
    match value {
        Value::Bool(truth) => Ok(*truth),
        other => Err(ExprError::Type(format!(
            "{place} needs true or false, not {}",
            other.type_name()
        ))),
    }
}

/// The text by which a value is a key of a map.
pub(crate) fn key_of(value: &Value) -> Result<Arc<str>, ExprError> {
    match value {
        Value::Text(text) => Ok(text.clone()),
        Value::List(_) | Value::Map(_) => Err(ExprError::Type(format!(
            "{} can not be a key",
            value.type_name()
        ))),
        scalar => Ok(Arc::from(write::scalar(scalar))),
    }
}

/// A position in a list, from the end when it is negative.
fn position(index: i64, length: usize) -> Option<usize> {
    match usize::try_from(index) {
        Ok(index) => Some(index),
        Err(_) => {
            let back = usize::try_from(index.unsigned_abs()).ok()?;
            length.checked_sub(back)
        }
    }
}

/// The member of a map, the item of a list, or nothing.
pub(crate) fn member_of(value: &Value, key: &Value) -> Option<Value> {
    match (value, key) {
        (Value::Map(map), key) => map.entries().get(&*key_of(key).ok()?).cloned(),
        (Value::List(list), Value::Int(index)) => {
            let at = position(*index, list.items().len())?;
            list.items().get(at).cloned()
        }
        (Value::Text(text), Value::Int(index)) => {
            let at = position(*index, text.chars().count())?;
            let letter = text.chars().nth(at)?;
            Some(letter.to_string().into())
        }
        _ => None,
    }
}

/// A member by its name. A map without it gives nothing, as a task may not have ended yet.
fn member(value: &Value, name: &str) -> Result<Value, ExprError> {
    match value {
        Value::Map(map) => Ok(map.entries().get(name).cloned().unwrap_or_default()),
        other => Err(ExprError::Member(format!(
            "cannot fetch {name} from {}",
            other.type_name()
        ))),
    }
}

fn item(value: &Value, index: &Value) -> Result<Value, ExprError> {
    match (member_of(value, index), value) {
        (Some(found), _) => Ok(found),
        (None, Value::Map(_)) => key_of(index).map(|_| Value::Nil),
        (None, Value::List(list)) => Err(ExprError::Member(format!(
            "index {} is outside an array of {}",
            write::scalar(index),
            list.items().len()
        ))),
        (None, other) => Err(ExprError::Member(format!(
            "cannot fetch {} from {}",
            write::scalar(index),
            other.type_name()
        ))),
    }
}
