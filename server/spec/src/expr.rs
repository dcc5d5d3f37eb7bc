//! The expression language of `{{=…}}`, `retryStrategy.expression` and their like: expr-lang's as far
//! as Argo's users need it, with Argo's own functions and `sprig.*`.
//!
//! An expression is hostile input. Its source, nesting, operations and memory are bounded by
//! [`Limits`]; it reads no clock, file, environment or random source; and it can not panic.

mod ast;
mod budget;
mod error;
mod eval;
mod functions;
mod go_duration;
mod go_time;
mod jsonpath;
mod operators;
mod parser;
mod predicates;
mod sprig;
mod token;
mod value;
mod write;

use std::collections::BTreeSet;
use std::sync::Arc;

pub use budget::Limits;
pub use error::ExprError;
pub use value::{Entries, List, Map, Value};

pub(crate) use budget::Budget;
pub(crate) use token::end_of_tag;

use crate::scope::Scope;

/// A parsed expression, to be evaluated many times.
#[derive(Debug, Clone)]
pub struct Program {
    source: Arc<str>,
    expr: ast::Expr,
}

/// The value of an expression, and why it may be nothing.
#[derive(Debug, Clone)]
pub struct Evaluation {
    /// The value.
    pub value: Value,
    /// A variable that was read, is known, and has no value: the output of a skipped step.
    pub absent: Option<String>,
}

impl Program {
    /// Parses a source.
    ///
    /// # Errors
    /// [`ExprError`] when it is too long or no expression, or calls an unknown function.
    pub fn parse(source: &str, limits: &Limits) -> Result<Self, ExprError> {
        if source.len() > limits.source {
            return Err(ExprError::Limit {
                what: "bytes of source",
                limit: limits.source as u64,
            });
        }
        Ok(Self {
            source: Arc::from(source),
            expr: parser::parse(source)?,
        })
    }

    /// The text that was parsed.
    pub fn source(&self) -> &str {
        &self.source
    }

    /// Evaluates it.
    ///
    /// # Errors
    /// [`ExprError`] for unknown names, wrong types, and exceeded limits.
    pub fn evaluate(&self, scope: &dyn Scope, limits: &Limits) -> Result<Evaluation, ExprError> {
        self.run(scope, &mut Budget::new(limits))
    }

    pub(crate) fn run(
        &self,
        scope: &dyn Scope,
        budget: &mut Budget,
    ) -> Result<Evaluation, ExprError> {
        let mut evaluator = eval::Evaluator::new(scope, budget);
        let value = evaluator.eval(&self.expr)?;
        let absent = evaluator.into_absent();
        Ok(Evaluation { value, absent })
    }

    /// Whether a text in it looks like a tag.
    pub(crate) fn contains_tag(&self) -> bool {
        let mut found = false;
        self.expr.visit(&mut |expr| {
            if let ast::Expr::Literal(Value::Text(text)) = expr {
                found |= text.contains("{{") && text.contains("}}");
            }
        });
        found
    }

    /// The variables that it reads, as dotted names as far as they are constant: for validation.
    pub fn variables(&self) -> BTreeSet<String> {
        let mut names = BTreeSet::new();
        self.expr.visit(&mut |expr| {
            if let ast::Expr::Variable(path) = expr {
                names.insert(path.join("."));
            }
        });
        names
    }
}

/// Parses and evaluates a source once.
///
/// # Errors
/// As [`Program::parse`] and [`Program::evaluate`].
pub fn evaluate(source: &str, scope: &dyn Scope, limits: &Limits) -> Result<Value, ExprError> {
    let evaluation = Program::parse(source, limits)?.evaluate(scope, limits)?;
    Ok(evaluation.value)
}

impl Value {
    /// The value as a tag prints it: texts as they are, all else as compact JSON.
    ///
    /// # Errors
    /// [`ExprError::Limit`] when the text would be too long.
    pub fn to_text(&self, limits: &Limits) -> Result<String, ExprError> {
        write::text(self, &mut Budget::new(limits))
    }

    /// The value as JSON.
    ///
    /// # Errors
    /// [`ExprError::Limit`] when it is too large, [`ExprError::Arithmetic`] for infinite numbers.
    pub fn to_json(&self, limits: &Limits) -> Result<serde_json::Value, ExprError> {
        let text = write::json(self, write::Layout::Compact, &mut Budget::new(limits))?;
        serde_json::from_str(&text).map_err(|error| ExprError::Malformed(error.to_string()))
    }

    pub(crate) fn write(&self, budget: &mut Budget) -> Result<String, ExprError> {
        write::text(self, budget)
    }
}

#[cfg(test)]
mod tests;
