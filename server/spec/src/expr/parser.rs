//! Tokens to an expression. Functions are looked up here, so that an unknown one is found before
//! anything runs.

mod calls;

use std::sync::Arc;

use super::ast::{Binary, Expr, NOT_PRECEDENCE, Pointer, SIGN_PRECEDENCE, Unary};
use super::error::ExprError;
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
}
