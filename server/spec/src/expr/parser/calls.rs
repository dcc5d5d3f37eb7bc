//! What follows a name or a value: arguments, predicates, members, indexes, slices, methods.

use std::sync::Arc;

use super::super::ast::{Access, AccessKind, Expr, Predicate, PredicateCall};
use super::super::error::ExprError;
use super::super::functions;
use super::super::token::Token;
use super::{Parser, shown};

impl Parser {
    pub(super) fn call(&mut self, name: &str, first: Option<Expr>) -> Result<Expr, ExprError> {
        if let Some(predicate) = Predicate::from_name(name) {
            return self.predicate(predicate, name, first);
        }
        let at = self.at;
        self.expect("(")?;
        let mut arguments: Vec<Expr> = first.into_iter().collect();
        arguments.extend(self.items(")", Self::expression)?);
        let function = functions::find(name)?;
        if let Err(message) = function.check_count(arguments.len()) {
            self.at = at;
            return self.wrong(message);
        }
        Ok(Expr::Call(function, arguments))
    }

    fn predicate(
        &mut self,
        predicate: Predicate,
        name: &str,
        first: Option<Expr>,
    ) -> Result<Expr, ExprError> {
        self.expect("(")?;
        let (list, mut more) = match first {
            Some(list) => (list, !self.is(")")),
            None => {
                let list = self.expression()?;
                (list, self.accept(","))
            }
        };
        let mut body = None;
        let mut extra = None;
        if more && !self.is(")") {
            body = Some(self.body()?);
            more = self.accept(",");
            if more && predicate.takes_extra() && !self.is(")") {
                extra = Some(self.expression()?);
                self.accept(",");
            }
        }
        self.expect(")")?;
        if body.is_none() && !predicate.body_may_be_absent() {
            return self.wrong(format!("{name} needs a predicate, as in {name}(list, #)"));
        }
        let call = PredicateCall { list, body, extra };
        Ok(Expr::Predicate(predicate, Box::new(call)))
    }

    /// The predicate itself; a brace around it is optional.
    fn body(&mut self) -> Result<Expr, ExprError> {
        self.predicates = self.predicates.saturating_add(1);
        let braced = self.accept("{");
        let body = self.sequence();
        self.predicates = self.predicates.saturating_sub(1);
        if braced {
            self.expect("}")?;
        }
        body
    }

    /// Members, indexes, slices and methods after a value.
    pub(super) fn accesses(&mut self, base: Expr) -> Result<Expr, ExprError> {
        let mut chain = Vec::new();
        loop {
            let optional = self.is("?.");
            if self.accept("?.") && self.is("[") || self.is("[") {
                self.next();
                let kind = self.index()?;
                chain.push(Access { optional, kind });
            } else if optional || self.accept(".") {
                let kind = self.member()?;
                chain.push(Access { optional, kind });
            } else {
                break;
            }
        }
        if chain.is_empty() {
            return Ok(base);
        }
        Ok(Expr::Access(Box::new(base), chain))
    }

    fn member(&mut self) -> Result<AccessKind, ExprError> {
        // `#.0` and `.field` both name a member.
        let name: Arc<str> = match self.next() {
            Token::Name(name) => Arc::from(name),
            other => return self.wrong(format!("{} where a member is expected", shown(&other))),
        };
        if self.accept("(") {
            let arguments = self.items(")", Self::expression)?;
            return Ok(AccessKind::Method(name, arguments));
        }
        Ok(AccessKind::Member(name))
    }

    fn index(&mut self) -> Result<AccessKind, ExprError> {
        let from = if self.is(":") {
            None
        } else {
            Some(self.expression()?)
        };
        if !self.accept(":") {
            self.expect("]")?;
            return match from {
                Some(index) => Ok(AccessKind::Index(index)),
                None => self.wrong("an index is expected"),
            };
        }
        let to = if self.is("]") {
            None
        } else {
            Some(self.expression()?)
        };
        self.expect("]")?;
        Ok(AccessKind::Slice(from, to))
    }
}
