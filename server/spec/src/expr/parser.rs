//! Tokens to an expression. Functions are looked up here, so that an unknown one is found before
//! anything runs.

use std::sync::Arc;

use super::ast::{
    Access, AccessKind, Binary, Expr, NOT_PRECEDENCE, Pointer, Predicate, PredicateCall,
    SIGN_PRECEDENCE, Unary,
};
use super::error::ExprError;
use super::functions;
use super::token::{Placed, Token, tokens};
use super::value::Value;

/// Levels of expressions inside each other.
const DEPTH: usize = 60;

/// Parses a whole source.
pub(crate) fn parse(source: &str) -> Result<Expr, ExprError> {
    let mut parser = Parser {
        tokens: tokens(source)?,
        at: 0,
        depth: 0,
        locals: Vec::new(),
        predicates: 0,
    };
    let expr = parser.sequence()?;
    match parser.peek() {
        Token::End => Ok(expr),
        other => parser.wrong(format!("{} where the expression should end", shown(other))),
    }
}

struct Parser {
    tokens: Vec<Placed>,
    at: usize,
    depth: usize,
    /// Names of the `let`s around this place.
    locals: Vec<String>,
    /// Predicates around this place.
    predicates: usize,
}

fn shown(token: &Token) -> String {
    match token {
        Token::Int(i) => i.to_string(),
        Token::Float(f) => f.to_string(),
        Token::Text(_) => "a text".into(),
        Token::Name(name) => format!("'{name}'"),
        Token::Pointer(name) => format!("'#{name}'"),
        Token::Symbol(symbol) => format!("'{symbol}'"),
        Token::End => "the end".into(),
    }
}

impl Parser {
    fn peek(&self) -> &Token {
        self.peek_at(0)
    }

    fn peek_at(&self, ahead: usize) -> &Token {
        let found = self.tokens.get(self.at.saturating_add(ahead));
        found.map_or(&Token::End, |placed| &placed.token)
    }

    fn next(&mut self) -> Token {
        let token = self.peek().clone();
        self.at = self.at.saturating_add(1);
        token
    }

    fn is(&self, symbol: &str) -> bool {
        matches!(self.peek(), Token::Symbol(s) if *s == symbol)
    }

    fn is_word(&self, word: &str) -> bool {
        matches!(self.peek(), Token::Name(name) if name == word)
    }

    fn accept(&mut self, symbol: &str) -> bool {
        let found = self.is(symbol);
        if found {
            self.next();
        }
        found
    }

    fn expect(&mut self, symbol: &str) -> Result<(), ExprError> {
        if self.accept(symbol) {
            return Ok(());
        }
        self.wrong(format!(
            "{} where '{symbol}' is expected",
            shown(self.peek())
        ))
    }

    fn wrong<T>(&self, message: impl Into<String>) -> Result<T, ExprError> {
        let last = self.tokens.last().map_or(0, |placed| placed.at);
        let at = self.tokens.get(self.at).map_or(last, |placed| placed.at);
        Err(ExprError::Syntax {
            message: message.into(),
            at: at.saturating_add(1),
        })
    }

    /// Runs one level deeper, if that is still allowed.
    fn deeper<T>(
        &mut self,
        parse: impl FnOnce(&mut Self) -> Result<T, ExprError>,
    ) -> Result<T, ExprError> {
        if self.depth == DEPTH {
            return Err(ExprError::Limit {
                what: "levels of nested expressions",
                limit: DEPTH as u64,
            });
        }
        self.depth = self.depth.saturating_add(1);
        let parsed = parse(self);
        self.depth = self.depth.saturating_sub(1);
        parsed
    }

    /// `let x = 1; let y = 2; x + y`
    fn sequence(&mut self) -> Result<Expr, ExprError> {
        if !(self.is_word("let") && matches!(self.peek_at(1), Token::Name(_))) {
            return self.expression();
        }
        self.next();
        let Token::Name(name) = self.next() else {
            return self.wrong("a name is expected after 'let'");
        };
        self.expect("=")?;
        let value = self.expression()?;
        self.expect(";")?;
        self.locals.push(name);
        let body = self.deeper(Self::sequence);
        self.locals.pop();
        Ok(Expr::Let(Box::new([value, body?])))
    }

    /// One expression with its choices and pipes.
    fn expression(&mut self) -> Result<Expr, ExprError> {
        self.deeper(|this| {
            if this.is_word("if") && !matches!(this.peek_at(1), Token::Symbol("." | "[" | "?.")) {
                return this.if_else();
            }
            let condition = this.piped()?;
            if this.accept("?:") {
                return Ok(Expr::OrElse(Box::new([condition, this.expression()?])));
            }
            if !this.accept("?") {
                return Ok(condition);
            }
            let yes = this.expression()?;
            this.expect(":")?;
            Ok(Expr::Choose(Box::new([condition, yes, this.expression()?])))
        })
    }

    /// `if a { b } else { c }`
    fn if_else(&mut self) -> Result<Expr, ExprError> {
        self.next();
        let condition = self.expression()?;
        self.expect("{")?;
        let yes = self.sequence()?;
        self.expect("}")?;
        if !self.is_word("else") {
            return self.wrong("'else' is expected");
        }
        self.next();
        if self.is_word("if") {
            return Ok(Expr::Choose(Box::new([condition, yes, self.expression()?])));
        }
        self.expect("{")?;
        let no = self.sequence()?;
        self.expect("}")?;
        Ok(Expr::Choose(Box::new([condition, yes, no])))
    }

    /// `value | function(more)` is `function(value, more)`.
    fn piped(&mut self) -> Result<Expr, ExprError> {
        let mut value = self.binary(0)?;
        while self.accept("|") {
            let Token::Name(name) = self.next() else {
                return self.wrong("a function is expected after '|'");
            };
            let name = self.function_name(name);
            let called = self.call(&name, Some(value))?;
            value = self.accesses(called)?;
        }
        Ok(value)
    }

    fn operator(&self) -> Option<(Binary, usize)> {
        match self.peek() {
            Token::Symbol(text) => Binary::from_text(text).map(|op| (op, 1)),
            Token::Name(word) if word == "not" => match self.peek_at(1) {
                Token::Name(word) => Some((Binary::from_text(word)?.negated()?, 2)),
                _ => None,
            },
            Token::Name(word) => Binary::from_text(word).map(|op| (op, 1)),
            _ => None,
        }
    }

    /// Operators at least as strong as `weakest`.
    fn binary(&mut self, weakest: u16) -> Result<Expr, ExprError> {
        let mut left = self.unary()?;
        let mut chain: Vec<(Binary, Expr)> = Vec::new();
        let mut level = None;
        while let Some((operator, length)) = self.operator() {
            let precedence = operator.precedence();
            if precedence < weakest {
                break;
            }
            self.at = self.at.saturating_add(length);
            // A weaker operator takes everything so far as its left side. As operands swallow all
            // stronger operators, this closes at most one chain a precedence.
            if level.is_some_and(|level| level != precedence) {
                left = Expr::Chain(Box::new(left), std::mem::take(&mut chain));
            }
            level = Some(precedence);
            let right = if operator == Binary::Power {
                self.deeper(|this| this.binary(precedence))?
            } else {
                self.binary_above(precedence)?
            };
            chain.push((operator, right));
        }
        if chain.is_empty() {
            return Ok(left);
        }
        Ok(Expr::Chain(Box::new(left), chain))
    }

    fn binary_above(&mut self, precedence: u16) -> Result<Expr, ExprError> {
        self.binary(precedence.saturating_add(1))
    }

    fn unary(&mut self) -> Result<Expr, ExprError> {
        let (operator, precedence) = match self.peek() {
            Token::Symbol("!") => (Unary::Not, NOT_PRECEDENCE),
            Token::Symbol("-") => (Unary::Negative, SIGN_PRECEDENCE),
            Token::Symbol("+") => (Unary::Positive, SIGN_PRECEDENCE),
            Token::Name(word) if word == "not" => (Unary::Not, NOT_PRECEDENCE),
            _ => {
                let value = self.primary()?;
                return self.accesses(value);
            }
        };
        self.next();
        let operand = self.deeper(|this| this.binary(precedence))?;
        Ok(Expr::Unary(operator, Box::new(operand)))
    }

    fn primary(&mut self) -> Result<Expr, ExprError> {
        match self.next() {
            Token::Int(i) => Ok(Expr::Literal(Value::Int(i))),
            Token::Float(f) => Ok(Expr::Literal(Value::Float(f))),
            Token::Text(text) => Ok(Expr::Literal(Value::text(text))),
            Token::Name(name) => self.named(name),
            Token::Pointer(name) => self.pointer(&name),
            Token::Symbol("(") => {
                let inner = self.deeper(Self::sequence)?;
                self.expect(")")?;
                Ok(inner)
            }
            Token::Symbol("[") => Ok(Expr::List(self.items("]", Self::expression)?)),
            Token::Symbol("{") => Ok(Expr::Map(self.items("}", Self::entry)?)),
            // `.field` is `#.field`; the point is read again as an access.
            Token::Symbol(".") => {
                self.at = self.at.saturating_sub(1);
                self.pointer("")
            }
            other => {
                self.at = self.at.saturating_sub(1);
                self.wrong(format!("{} where a value is expected", shown(&other)))
            }
        }
    }

    fn pointer(&self, name: &str) -> Result<Expr, ExprError> {
        if self.predicates == 0 {
            return self
                .wrong("'#' has a meaning inside a predicate only, as in filter(list, # > 1)");
        }
        match name {
            "" => Ok(Expr::Element(Pointer::Item)),
            "acc" => Ok(Expr::Element(Pointer::Accumulator)),
            "index" => Ok(Expr::Element(Pointer::Index)),
            other => self.wrong(format!("'#{other}' is unknown: use #, #acc or #index")),
        }
    }

    /// Items up to a closing bracket; a comma may follow the last.
    fn items<T>(
        &mut self,
        close: &str,
        item: impl Fn(&mut Self) -> Result<T, ExprError>,
    ) -> Result<Vec<T>, ExprError> {
        let mut items = Vec::new();
        while !self.accept(close) {
            items.push(item(self)?);
            if !self.is(close) {
                self.expect(",")?;
            }
        }
        Ok(items)
    }

    fn entry(&mut self) -> Result<(Expr, Expr), ExprError> {
        let key = match self.next() {
            Token::Text(text) | Token::Name(text) => Expr::Literal(Value::text(text)),
            Token::Int(i) => Expr::Literal(Value::text(i.to_string())),
            Token::Symbol("(") => {
                let key = self.expression()?;
                self.expect(")")?;
                key
            }
            other => return self.wrong(format!("{} where a key is expected", shown(&other))),
        };
        self.expect(":")?;
        Ok((key, self.expression()?))
    }

    fn named(&mut self, name: String) -> Result<Expr, ExprError> {
        match name.as_str() {
            "true" => return Ok(Expr::Literal(Value::Bool(true))),
            "false" => return Ok(Expr::Literal(Value::Bool(false))),
            "nil" | "null" => return Ok(Expr::Literal(Value::Nil)),
            "$env" => return Ok(Expr::Environment),
            _ => {}
        }
        let full = self.function_name(name.clone());
        if self.is("(") {
            return self.call(&full, None);
        }
        if let Some(position) = self.locals.iter().rposition(|local| *local == name) {
            return Ok(Expr::Local(position));
        }
        let mut path = vec![Arc::from(name)];
        while let Some(member) = self.constant_member() {
            path.push(member);
        }
        Ok(Expr::Variable(path))
    }

    /// `sprig.trim(` is a function of that whole name.
    fn function_name(&mut self, name: String) -> String {
        if name == "sprig"
            && self.is(".")
            && let Token::Name(member) = self.peek_at(1).clone()
        {
            self.at = self.at.saturating_add(2);
            return format!("sprig.{member}");
        }
        name
    }

    /// A member of a variable that needs no evaluation: `.name` or `['name']`.
    fn constant_member(&mut self) -> Option<Arc<str>> {
        let (member, length) = match (self.peek(), self.peek_at(1), self.peek_at(2)) {
            (Token::Symbol("."), Token::Name(_), Token::Symbol("(")) => return None,
            (Token::Symbol("."), Token::Name(member), _) => (Arc::from(member.as_str()), 2),
            (Token::Symbol("["), Token::Text(member), Token::Symbol("]")) => {
                (Arc::from(member.as_str()), 3)
            }
            _ => return None,
        };
        self.at = self.at.saturating_add(length);
        Some(member)
    }

    fn call(&mut self, name: &str, first: Option<Expr>) -> Result<Expr, ExprError> {
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
    fn accesses(&mut self, base: Expr) -> Result<Expr, ExprError> {
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
