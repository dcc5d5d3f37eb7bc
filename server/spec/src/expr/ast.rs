//! The parsed expression. Chains of operators and of members are flat, so that depth grows with
//! nesting only, which the parser bounds.

use std::sync::Arc;

use super::functions::Function;
use super::value::Value;

#[derive(Debug, Clone)]
pub(crate) enum Expr {
    Literal(Value),
    List(Vec<Expr>),
    Map(Vec<(Expr, Expr)>),
    /// A variable of the scope with the members that are known already: `steps['a-b'].status`.
    Variable(Vec<Arc<str>>),
    /// `$env`: all variables.
    Environment,
    /// A `let` of the expression, by its position from the outside.
    Local(usize),
    /// `#`, `#acc`, `#index` of the innermost predicate.
    Element(Pointer),
    Access(Box<Expr>, Vec<Access>),
    Unary(Unary, Box<Expr>),
    /// Operators of one precedence, from left to right.
    Chain(Box<Expr>, Vec<(Binary, Expr)>),
    Choose(Box<[Expr; 3]>),
    /// `a ?: b`
    OrElse(Box<[Expr; 2]>),
    Let(Box<[Expr; 2]>),
    Call(&'static Function, Vec<Expr>),
    Predicate(Predicate, Box<PredicateCall>),
}

#[derive(Debug, Clone)]
pub(crate) struct PredicateCall {
    pub(crate) list: Expr,
    pub(crate) body: Option<Expr>,
    /// The order of `sortBy`, the first accumulator of `reduce`.
    pub(crate) extra: Option<Expr>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Pointer {
    Item,
    Accumulator,
    Index,
}

#[derive(Debug, Clone)]
pub(crate) struct Access {
    /// `?.`: nothing of nothing is nothing, for the rest of the chain.
    pub(crate) optional: bool,
    pub(crate) kind: AccessKind,
}

#[derive(Debug, Clone)]
pub(crate) enum AccessKind {
    Member(Arc<str>),
    Index(Expr),
    Slice(Option<Expr>, Option<Expr>),
    /// A method of a time or a span.
    Method(Arc<str>, Vec<Expr>),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unary {
    Not,
    Negative,
    Positive,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Binary {
    Or,
    And,
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    In,
    NotIn,
    Matches,
    NotMatches,
    Contains,
    NotContains,
    StartsWith,
    NotStartsWith,
    EndsWith,
    NotEndsWith,
    Range,
    Add,
    Subtract,
    Multiply,
    Divide,
    Remainder,
    Power,
    Coalesce,
}

impl Binary {
    /// Strength: a stronger operator binds first.
    pub(crate) fn precedence(self) -> u16 {
        match self {
            Self::Or => 10,
            Self::And => 15,
            Self::Range => 25,
            Self::Add | Self::Subtract => 30,
            Self::Multiply | Self::Divide | Self::Remainder => 60,
            Self::Power => 100,
            Self::Coalesce => 500,
            _ => 20,
        }
    }

    /// The operator that is written with this sign or word.
    pub(crate) fn from_text(text: &str) -> Option<Self> {
        Some(match text {
            "||" | "or" => Self::Or,
            "&&" | "and" => Self::And,
            "==" => Self::Equal,
            "!=" => Self::NotEqual,
            "<" => Self::Less,
            "<=" => Self::LessOrEqual,
            ">" => Self::Greater,
            ">=" => Self::GreaterOrEqual,
            "in" => Self::In,
            "matches" => Self::Matches,
            "contains" => Self::Contains,
            "startsWith" => Self::StartsWith,
            "endsWith" => Self::EndsWith,
            ".." => Self::Range,
            "+" => Self::Add,
            "-" => Self::Subtract,
            "*" => Self::Multiply,
            "/" => Self::Divide,
            "%" => Self::Remainder,
            "**" | "^" => Self::Power,
            "??" => Self::Coalesce,
            _ => return None,
        })
    }

    /// The form after `not`, as in `x not in y`.
    pub(crate) fn negated(self) -> Option<Self> {
        Some(match self {
            Self::In => Self::NotIn,
            Self::Matches => Self::NotMatches,
            Self::Contains => Self::NotContains,
            Self::StartsWith => Self::NotStartsWith,
            Self::EndsWith => Self::NotEndsWith,
            _ => return None,
        })
    }
}

/// The strength of a sign before a value.
pub(crate) const NOT_PRECEDENCE: u16 = 50;
pub(crate) const SIGN_PRECEDENCE: u16 = 90;

/// Functions whose second argument is evaluated for each item.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Predicate {
    All,
    Any,
    One,
    None,
    Map,
    Filter,
    Find,
    FindIndex,
    FindLast,
    FindLastIndex,
    Count,
    Sum,
    GroupBy,
    CountBy,
    SortBy,
    Reduce,
}

impl Predicate {
    pub(crate) fn from_name(name: &str) -> Option<Self> {
        Some(match name {
            "all" => Self::All,
            "any" => Self::Any,
            "one" => Self::One,
            "none" => Self::None,
            "map" => Self::Map,
            "filter" => Self::Filter,
            "find" => Self::Find,
            "findIndex" => Self::FindIndex,
            "findLast" => Self::FindLast,
            "findLastIndex" => Self::FindLastIndex,
            "count" => Self::Count,
            "sum" => Self::Sum,
            "groupBy" => Self::GroupBy,
            "countBy" => Self::CountBy,
            "sortBy" => Self::SortBy,
            "reduce" => Self::Reduce,
            _ => return None,
        })
    }

    /// `count(list)` and `sum(list)` need no predicate.
    pub(crate) fn body_may_be_absent(self) -> bool {
        matches!(self, Self::Count | Self::Sum)
    }

    /// `sortBy(list, key, "desc")`, `reduce(list, #acc + #, 0)`.
    pub(crate) fn takes_extra(self) -> bool {
        matches!(self, Self::SortBy | Self::Reduce)
    }
}

impl Expr {
    /// Shows this expression and all inside it, each once.
    pub(crate) fn visit(&self, see: &mut impl FnMut(&Expr)) {
        see(self);
        for inner in self.children() {
            inner.visit(see);
        }
    }

    fn children(&self) -> Vec<&Expr> {
        match self {
            Self::Literal(_)
            | Self::Variable(_)
            | Self::Environment
            | Self::Local(_)
            | Self::Element(_) => Vec::new(),
            Self::List(items) | Self::Call(_, items) => items.iter().collect(),
            Self::Map(entries) => entries.iter().flat_map(|(k, v)| [k, v]).collect(),
            Self::Access(base, chain) => {
                let inner = chain.iter().flat_map(|access| access.kind.children());
                std::iter::once(&**base).chain(inner).collect()
            }
            Self::Unary(_, operand) => vec![operand],
            Self::Chain(first, rest) => {
                let rest = rest.iter().map(|(_, right)| right);
                std::iter::once(&**first).chain(rest).collect()
            }
            Self::Choose(parts) => parts.iter().collect(),
            Self::OrElse(parts) | Self::Let(parts) => parts.iter().collect(),
            Self::Predicate(_, call) => {
                let more = [call.body.as_ref(), call.extra.as_ref()];
                std::iter::once(&call.list)
                    .chain(more.into_iter().flatten())
                    .collect()
            }
        }
    }
}

impl AccessKind {
    fn children(&self) -> Vec<&Expr> {
        match self {
            Self::Member(_) => Vec::new(),
            Self::Index(index) => vec![index],
            Self::Slice(from, to) => [from, to].into_iter().flatten().collect(),
            Self::Method(_, arguments) => arguments.iter().collect(),
        }
    }
}
