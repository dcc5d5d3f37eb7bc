//! What can go wrong in an expression, with stable codes.

use thiserror::Error;

/// Why an expression has no value.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ExprError {
    /// The text is not an expression.
    #[error("{message} at character {at} of the expression")]
    Syntax {
        /// What was found, and what was expected.
        message: String,
        /// Counted from 1.
        at: usize,
    },
    /// No variable begins with this name.
    #[error("unknown name {0}")]
    UnknownName(String),
    /// No function of this name exists.
    #[error("unknown function {0}")]
    UnknownFunction(String),
    /// The function exists elsewhere, but can not be offered here.
    #[error("the function {function} is not available: {reason}")]
    Refused {
        /// Its name.
        function: String,
        /// Why.
        reason: &'static str,
    },
    /// An operator or function met a value that it can not work on.
    #[error("{0}")]
    Type(String),
    /// A member of nothing, or an index outside the list.
    #[error("{0}")]
    Member(String),
    /// Division by zero, or a result outside the 64-bit integers.
    #[error("{0}")]
    Arithmetic(String),
    /// A text that should hold a number, a date, JSON, a pattern or a path does not.
    #[error("{0}")]
    Malformed(String),
    /// The expression asked for more than it may have.
    #[error("the expression exceeds its limit of {limit} {what}")]
    Limit {
        /// The unit.
        what: &'static str,
        /// How many of it are allowed.
        limit: u64,
    },
}

impl ExprError {
    /// The stable dotted code.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Syntax { .. } => "expr.syntax",
            Self::UnknownName(_) => "expr.unknown-name",
            Self::UnknownFunction(_) => "expr.unknown-function",
            Self::Refused { .. } => "expr.function-refused",
            Self::Type(_) => "expr.wrong-type",
            Self::Member(_) => "expr.no-member",
            Self::Arithmetic(_) => "expr.arithmetic",
            Self::Malformed(_) => "expr.malformed-value",
            Self::Limit { .. } => "expr.limit",
        }
    }

    /// What a person can do about it.
    pub fn fix(&self) -> Option<String> {
        match self {
            Self::UnknownName(name) => Some(format!(
                "quote {name} if it is meant as text; write names with a hyphen as steps['my-step'].outputs.result"
            )),
            Self::Member(_) => Some("use ?. and ?? where a value may be missing".into()),
            Self::Limit { .. } => Some("move the work into a script step".into()),
            Self::Refused { .. } => {
                Some("make the value in a step or pass it as a parameter".into())
            }
            _ => None,
        }
    }

    /// Whether the limits were the reason, so that no other scope would help.
    pub fn is_final(&self) -> bool {
        matches!(
            self,
            Self::Limit { .. }
                | Self::Syntax { .. }
                | Self::UnknownFunction(_)
                | Self::Refused { .. }
        )
    }
}
