//! The condition of a step: `{{steps.flip.outputs.result}} == heads`, after substitution.
//!
//! This is not the expression language: a word without quotes is a text, numbers are fractions, and
//! values of different types are never equal. It follows govaluate as Argo uses it; where that would
//! only fail on a word such as `my-value` or `docker.io/library`, the word is a text here.

mod token;

use std::cmp::Ordering;

use steading_types::Millis;
use thiserror::Error;

use crate::expr::{Budget, Limits};
use token::{Token, tokens};

/// Why a condition is neither true nor false.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum WhenError {
    /// It can not be read or computed.
    #[error(
        "Invalid 'when' expression '{when}': {reason} (hint: try wrapping the affected expression in quotes (\"))"
    )]
    Invalid {
        /// Its beginning.
        when: String,
        /// Why.
        reason: String,
    },
    /// Its value is a text or a number.
    #[error("Expected boolean evaluation for '{when}'. Got {got}")]
    NotBoolean {
        /// Its beginning.
        when: String,
        /// Its value.
        got: String,
    },
}

impl WhenError {
    /// The stable dotted code.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Invalid { .. } => "when.invalid",
            Self::NotBoolean { .. } => "when.not-boolean",
        }
    }

    /// What a person can do about it.
    pub fn fix(&self) -> Option<String> {
        Some(match self {
            Self::Invalid { .. } => "put substituted values into quotes: \"{{x}}\" == 'y'".into(),
            Self::NotBoolean { .. } => "compare the value, as in {{x}} == true".into(),
        })
    }
}

/// Bytes of a condition. Results of 256 KiB may stand in it.
const LENGTH: usize = 1 << 20;
/// Parentheses and signs inside each other.
const DEPTH: usize = 50;

/// Decides a condition.
///
/// # Errors
/// [`WhenError`] when it is malformed or is not true or false.
pub fn when(text: &str) -> Result<bool, WhenError> {
    let shown = || text.chars().take(500).collect::<String>();
    let invalid = |reason| WhenError::Invalid {
        when: shown(),
        reason,
    };
    if text.len() > LENGTH {
        return Err(invalid(format!("it is longer than {LENGTH} bytes")));
    }
    let mut parser = Parser {
        tokens: tokens(text).map_err(invalid)?,
        at: 0,
        depth: 0,
        budget: Budget::new(&Limits::at(Millis(0))),
    };
    let outcome = parser.choice().and_then(|outcome| match parser.peek() {
        Token::End => Ok(outcome),
        other => Err(format!("unexpected {}", other.shown())),
    });
    match outcome.map_err(invalid)?.map_err(invalid)? {
        Operand::Bool(truth) => Ok(truth),
        other => Err(WhenError::NotBoolean {
            when: shown(),
            got: other.shown(),
        }),
    }
}

#[derive(Debug, Clone, PartialEq)]
enum Operand {
    Bool(bool),
    Number(f64),
    Text(String),
}

/// A value, or why it can not be computed. That matters only if the value is needed: the right side of
/// `false && …` is not.
type Outcome = Result<Operand, String>;

impl Operand {
    fn shown(&self) -> String {
        match self {
            Self::Bool(truth) => truth.to_string(),
            Self::Number(number) => number.to_string(),
            Self::Text(text) => text.chars().take(100).collect(),
        }
    }
}

/// Computes while it reads, so that long chains need no tree.
struct Parser {
    tokens: Vec<Token>,
    at: usize,
    depth: usize,
    /// Bounds the work of regular expressions.
    budget: Budget,
}

const COMPARISONS: &[&str] = &["==", "!=", "<=", ">=", "<", ">", "=~", "!~"];

impl Parser {
    fn peek(&self) -> &Token {
        self.tokens.get(self.at).unwrap_or(&Token::End)
    }

    fn next(&mut self) -> Token {
        let token = self.peek().clone();
        self.at = self.at.saturating_add(1);
        token
    }

    /// The operator at hand, if it is one of these.
    fn operator(&mut self, wanted: &[&'static str]) -> Option<&'static str> {
        let Token::Operator(found) = self.peek() else {
            return None;
        };
        let found = *found;
        if !wanted.contains(&found) {
            return None;
        }
        self.at = self.at.saturating_add(1);
        Some(found)
    }

    fn deeper<T>(
        &mut self,
        parse: impl FnOnce(&mut Self) -> Result<T, String>,
    ) -> Result<T, String> {
        if self.depth == DEPTH {
            return Err(format!("more than {DEPTH} levels of parentheses"));
        }
        self.depth = self.depth.saturating_add(1);
        let parsed = parse(self);
        self.depth = self.depth.saturating_sub(1);
        parsed
    }

    /// `a ? b : c`
    fn choice(&mut self) -> Result<Outcome, String> {
        let condition = self.or()?;
        if self.operator(&["?"]).is_none() {
            return Ok(condition);
        }
        let yes = self.deeper(Self::choice)?;
        if self.operator(&[":"]).is_none() {
            return Err("':' is missing after '?'".into());
        }
        let no = self.deeper(Self::choice)?;
        Ok(condition
            .and_then(truth)
            .and_then(|chosen| if chosen { yes } else { no }))
    }

    fn or(&mut self) -> Result<Outcome, String> {
        let mut left = self.and()?;
        while self.operator(&["||"]).is_some() {
            let right = self.and()?;
            left = lazily(left, right, true);
        }
        Ok(left)
    }

    fn and(&mut self) -> Result<Outcome, String> {
        let mut left = self.comparison()?;
        while self.operator(&["&&"]).is_some() {
            let right = self.comparison()?;
            left = lazily(left, right, false);
        }
        Ok(left)
    }

    fn comparison(&mut self) -> Result<Outcome, String> {
        let mut left = self.sum()?;
        loop {
            if matches!(self.peek(), Token::Bare(word) if word == "in" || word == "IN") {
                self.next();
                let list = self.list()?;
                left = left.and_then(|left| Ok(Operand::Bool(list?.contains(&left))));
            } else if let Some(operator) = self.operator(COMPARISONS) {
                let right = self.sum()?;
                left = left.and_then(|left| compare(operator, &left, &right?, &mut self.budget));
            } else {
                return Ok(left);
            }
        }
    }

    /// `(a, b)` after `in`.
    fn list(&mut self) -> Result<Result<Vec<Operand>, String>, String> {
        if self.operator(&["("]).is_none() {
            return Err("'(' is missing after 'in'".into());
        }
        let mut items = Vec::new();
        while self.operator(&[")"]).is_none() {
            items.push(self.deeper(Self::choice)?);
            if self.operator(&[","]).is_none() && !matches!(self.peek(), Token::Operator(")")) {
                return Err("',' or ')' is missing in a list".into());
            }
        }
        Ok(items.into_iter().collect())
    }

    fn sum(&mut self) -> Result<Outcome, String> {
        let mut left = self.product()?;
        while let Some(operator) = self.operator(&["+", "-"]) {
            let right = self.product()?;
            left = left.and_then(|left| arithmetic(operator, left, right?));
        }
        Ok(left)
    }

    fn product(&mut self) -> Result<Outcome, String> {
        let mut left = self.power()?;
        while let Some(operator) = self.operator(&["*", "/", "%"]) {
            let right = self.power()?;
            left = left.and_then(|left| arithmetic(operator, left, right?));
        }
        Ok(left)
    }

    fn power(&mut self) -> Result<Outcome, String> {
        let mut left = self.value()?;
        while self.operator(&["**"]).is_some() {
            let right = self.value()?;
            left = left.and_then(|left| arithmetic("**", left, right?));
        }
        Ok(left)
    }

    fn value(&mut self) -> Result<Outcome, String> {
        let value = match self.next() {
            Token::Number(number) => Operand::Number(number),
            Token::Quoted(text) => Operand::Text(text),
            Token::Bare(word) => match word.as_str() {
                "true" => Operand::Bool(true),
                "false" => Operand::Bool(false),
                _ => Operand::Text(word),
            },
            Token::Operator("(") => {
                let inner = self.deeper(Self::choice)?;
                if self.operator(&[")"]).is_none() {
                    return Err("unbalanced parenthesis".into());
                }
                return Ok(inner);
            }
            Token::Operator("!") => {
                let inner = self.deeper(Self::value)?;
                return Ok(inner.and_then(truth).map(|truth| Operand::Bool(!truth)));
            }
            Token::Operator("-") => {
                let inner = self.deeper(Self::value)?;
                return Ok(inner.and_then(|value| match value {
                    Operand::Number(number) => Ok(Operand::Number(-number)),
                    other => Err(format!("'-' before '{}' has no meaning", other.shown())),
                }));
            }
            Token::End => return Err("unexpected end of expression".into()),
            other => return Err(format!("unexpected {}", other.shown())),
        };
        Ok(Ok(value))
    }
}

fn truth(value: Operand) -> Result<bool, String> {
    match value {
        Operand::Bool(truth) => Ok(truth),
        other => Err(format!("'{}' is neither true nor false", other.shown())),
    }
}

/// `and` and `or`: the left side decides alone when it has the deciding truth.
fn lazily(left: Outcome, right: Outcome, deciding: bool) -> Outcome {
    let left = left.and_then(truth)?;
    if left == deciding {
        return Ok(Operand::Bool(deciding));
    }
    right.and_then(truth).map(Operand::Bool)
}

fn compare(operator: &str, left: &Operand, right: &Operand, budget: &mut Budget) -> Outcome {
    let truth = match operator {
        "==" => left == right,
        "!=" => left != right,
        "=~" => matches(left, right, budget)?,
        "!~" => !matches(left, right, budget)?,
        _ => {
            let order = match (left, right) {
                (Operand::Number(a), Operand::Number(b)) => a.partial_cmp(b),
                (Operand::Text(a), Operand::Text(b)) => Some(a.cmp(b)),
                _ => {
                    return Err(format!(
                        "'{}' {operator} '{}' compares different types",
                        left.shown(),
                        right.shown()
                    ));
                }
            };
            match operator {
                "<" => order == Some(Ordering::Less),
                ">" => order == Some(Ordering::Greater),
                "<=" => order.is_some_and(Ordering::is_le),
                _ => order.is_some_and(Ordering::is_ge),
            }
        }
    };
    Ok(Operand::Bool(truth))
}

fn matches(left: &Operand, right: &Operand, budget: &mut Budget) -> Result<bool, String> {
    let (Operand::Text(text), Operand::Text(pattern)) = (left, right) else {
        return Err(format!(
            "'{}' =~ '{}' needs two texts",
            left.shown(),
            right.shown()
        ));
    };
    match budget.pattern(pattern, text.len()) {
        Ok(regex) => Ok(regex.is_match(text)),
        Err(error) => Err(error.to_string()),
    }
}

fn arithmetic(operator: &str, left: Operand, right: Operand) -> Outcome {
    let (a, b) = match (left, right) {
        (Operand::Number(a), Operand::Number(b)) => (a, b),
        (Operand::Text(a), Operand::Text(b)) if operator == "+" => {
            return Ok(Operand::Text(a + &b));
        }
        (left, right) => {
            return Err(format!(
                "'{}' {operator} '{}' needs two numbers",
                left.shown(),
                right.shown()
            ));
        }
    };
    Ok(Operand::Number(match operator {
        "+" => a + b,
        "-" => a - b,
        "*" => a * b,
        "/" => a / b,
        "%" => a % b,
        _ => a.powf(b),
    }))
}

#[cfg(test)]
mod tests;
