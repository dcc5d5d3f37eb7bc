//! What can go wrong in a substitution, with stable codes.

use thiserror::Error;

use crate::expr::ExprError;

/// Why a template can not be filled in.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum TemplateError {
    /// A tag names a variable that does not exist here.
    #[error("failed to resolve {{{{{0}}}}}")]
    Unresolved(String),
    /// The variable exists, but its producer was skipped or omitted, and has no default.
    #[error("{{{{{0}}}}} is an absent optional value: the node that produces it did not run")]
    Absent(String),
    /// An expression gave nothing.
    #[error("the expression {{{{={0}}}}} has no value")]
    Nil(String),
    /// An expression failed.
    #[error("failed to evaluate expression {{{{={source_text}}}}}: {error}")]
    Expression {
        /// Its beginning.
        source_text: String,
        /// Why.
        error: ExprError,
    },
    /// An expression holds a tag: a value would become part of the program.
    #[error("the expression {{{{={0}}}}} contains another tag")]
    NestedTag(String),
    /// The result would be too large.
    #[error("the substituted document is too large: {0}")]
    TooLarge(ExprError),
    /// The document's objects and lists are nested too deeply.
    #[error("the document is nested more than {0} levels deep")]
    TooDeep(usize),
}

impl TemplateError {
    /// The stable dotted code.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Unresolved(_) => "template.unresolved",
            Self::Absent(_) => "template.absent",
            Self::Nil(_) => "template.nil",
            Self::Expression { error, .. } => error.code(),
            Self::NestedTag(_) => "template.nested-tag",
            Self::TooLarge(_) => "template.too-large",
            Self::TooDeep(_) => "template.too-deep",
        }
    }

    /// What a person can do about it.
    pub fn fix(&self) -> Option<String> {
        match self {
            Self::Unresolved(name) => Some(format!(
                "check the spelling of {name}, and that it is declared where it is used"
            )),
            Self::Absent(_) => Some(
                "give the output valueFrom.default, give the input a default, or write {{= … ?? 'other'}}"
                    .into(),
            ),
            Self::Nil(_) => Some("add ?? 'other' to the expression".into()),
            Self::Expression { error, .. } => error.fix(),
            Self::NestedTag(_) => {
                Some("write the variable's name without braces in the expression".into())
            }
            Self::TooLarge(_) => Some("pass large data as an artifact".into()),
            Self::TooDeep(_) => None,
        }
    }

    pub(super) fn expression(source: &str, error: ExprError) -> Self {
        Self::Expression {
            source_text: excerpt(source),
            error,
        }
    }
}

/// The beginning of a source, for a message.
pub(super) fn excerpt(source: &str) -> String {
    const SHOWN: usize = 200;
    if source.chars().count() <= SHOWN {
        return source.to_owned();
    }
    source.chars().take(SHOWN).chain("…".chars()).collect()
}
