//! Text to tokens. Also used to find where an expression inside `{{=…}}` ends.

use super::error::ExprError;

/// One word of the language.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Token {
    Int(i64),
    Float(f64),
    Text(String),
    /// A name or a word operator (`and`, `in`, `let` …): the parser knows which by its place.
    Name(String),
    /// `#`, `#acc`, `#index`: the part after the sign.
    Pointer(String),
    /// An operator or bracket.
    Symbol(&'static str),
    /// The end of the text.
    End,
}

/// A token and the character at which it begins, counted from 0.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Placed {
    pub(crate) token: Token,
    pub(crate) at: usize,
}

/// Longer ones first, so that `**` is not read as two `*`.
const SYMBOLS: &[&str] = &[
    "??", "?.", "?:", "**", "==", "!=", "<=", ">=", "&&", "||", "..", "+", "-", "*", "/", "%", "^",
    "<", ">", "=", "!", "?", ":", "|", ",", ".", ";", "(", ")", "[", "]", "{", "}",
];

/// Splits a source into tokens; the last one is [`Token::End`].
pub(crate) fn tokens(source: &str) -> Result<Vec<Placed>, ExprError> {
    let chars: Vec<char> = source.chars().collect();
    let mut lexer = Lexer {
        chars: &chars,
        at: 0,
    };
    let mut out = Vec::new();
    loop {
        lexer.skip_blank()?;
        let at = lexer.at;
        let token = lexer.token()?;
        let end = token == Token::End;
        out.push(Placed { token, at });
        if end {
            return Ok(out);
        }
    }
}

struct Lexer<'s> {
    chars: &'s [char],
    at: usize,
}

impl Lexer<'_> {
    fn peek(&self, ahead: usize) -> Option<char> {
        self.chars.get(self.at.saturating_add(ahead)).copied()
    }

    fn next(&mut self) -> Option<char> {
        let c = self.peek(0)?;
        self.at = self.at.saturating_add(1);
        Some(c)
    }

    fn wrong<T>(&self, message: impl Into<String>) -> Result<T, ExprError> {
        Err(ExprError::Syntax {
            message: message.into(),
            at: self.at.saturating_add(1),
        })
    }

    fn take_while(&mut self, wanted: impl Fn(char) -> bool) -> String {
        let mut out = String::new();
        while let Some(c) = self.peek(0).filter(|c| wanted(*c)) {
            out.push(c);
            self.next();
        }
        out
    }

    fn skip_blank(&mut self) -> Result<(), ExprError> {
        loop {
            match (self.peek(0), self.peek(1)) {
                (Some(c), _) if c.is_whitespace() => {
                    self.next();
                }
                (Some('/'), Some('/')) => {
                    self.take_while(|c| c != '\n');
                }
                (Some('/'), Some('*')) => {
                    self.at = self.at.saturating_add(2);
                    while (self.peek(0), self.peek(1)) != (Some('*'), Some('/')) {
                        if self.next().is_none() {
                            return self.wrong("a comment does not end");
                        }
                    }
                    self.at = self.at.saturating_add(2);
                }
                _ => return Ok(()),
            }
        }
    }

    fn token(&mut self) -> Result<Token, ExprError> {
        let Some(c) = self.peek(0) else {
            return Ok(Token::End);
        };
        if c.is_ascii_digit() || (c == '.' && self.peek(1).is_some_and(|d| d.is_ascii_digit())) {
            return self.number();
        }
        if is_name_start(c) {
            return Ok(Token::Name(self.take_while(is_name_part)));
        }
        match c {
            '#' => {
                self.next();
                Ok(Token::Pointer(self.take_while(is_name_part)))
            }
            '"' | '\'' => self.quoted(c),
            '`' => self.raw(),
            _ => self.symbol(c),
        }
    }

    fn symbol(&mut self, c: char) -> Result<Token, ExprError> {
        let matches = |symbol: &&&str| {
            let mut chars = symbol.chars().enumerate();
            chars.all(|(i, s)| self.peek(i) == Some(s))
        };
        let Some(symbol) = SYMBOLS.iter().find(matches) else {
            return self.wrong(format!("the character {c:?} has no meaning"));
        };
        // `a ?.5 : b` is a choice with a fraction, not a member.
        let symbol = match *symbol {
            "?." if self.peek(2).is_some_and(|d| d.is_ascii_digit()) => "?",
            other => other,
        };
        self.at = self.at.saturating_add(symbol.len());
        Ok(Token::Symbol(symbol))
    }

    fn number(&mut self) -> Result<Token, ExprError> {
        let radix = match (self.peek(0), self.peek(1)) {
            (Some('0'), Some('x' | 'X')) => 16,
            (Some('0'), Some('o' | 'O')) => 8,
            (Some('0'), Some('b' | 'B')) => 2,
            _ => 10,
        };
        if radix != 10 {
            self.at = self.at.saturating_add(2);
            let digits = self.take_while(|c| c.is_ascii_alphanumeric() || c == '_');
            return match i64::from_str_radix(&digits.replace('_', ""), radix) {
                Ok(number) => Ok(Token::Int(number)),
                Err(_) => self.wrong(format!("'{digits}' is not a number of base {radix}")),
            };
        }
        let digit = |c: char| c.is_ascii_digit() || c == '_';
        let mut text = self.take_while(digit);
        let mut whole = true;
        // `1..3` is a range, so a point belongs to the number only before a digit.
        if self.peek(0) == Some('.') && self.peek(1).is_some_and(|c| c.is_ascii_digit()) {
            whole = false;
            self.next();
            text.push('.');
            text.push_str(&self.take_while(digit));
        }
        let signed = matches!(self.peek(1), Some('+' | '-'));
        let exponent = self.peek(if signed { 2 } else { 1 });
        if matches!(self.peek(0), Some('e' | 'E')) && exponent.is_some_and(|c| c.is_ascii_digit()) {
            whole = false;
            text.extend(self.next());
            if signed {
                text.extend(self.next());
            }
            text.push_str(&self.take_while(digit));
        }
        let text = text.replace('_', "");
        let number = if whole {
            text.parse().map(Token::Int).ok()
        } else {
            text.parse().map(Token::Float).ok()
        };
        match number {
            Some(token) if !self.peek(0).is_some_and(is_name_start) => Ok(token),
            _ => self.wrong(format!("'{text}' does not end as a number does")),
        }
    }

    fn raw(&mut self) -> Result<Token, ExprError> {
        self.next();
        let text = self.take_while(|c| c != '`');
        match self.next() {
            Some(_) => Ok(Token::Text(text)),
            None => self.wrong("a text in backticks does not end"),
        }
    }

    fn quoted(&mut self, quote: char) -> Result<Token, ExprError> {
        self.next();
        let mut text = String::new();
        loop {
            match self.next() {
                None => return self.wrong("a text in quotes does not end"),
                Some(c) if c == quote => return Ok(Token::Text(text)),
                Some('\\') => text.push(self.escape()?),
                Some(c) => text.push(c),
            }
        }
    }

    fn escape(&mut self) -> Result<char, ExprError> {
        let c = self.next();
        Ok(match c {
            Some('n') => '\n',
            Some('t') => '\t',
            Some('r') => '\r',
            Some('a') => '\u{7}',
            Some('b') => '\u{8}',
            Some('f') => '\u{c}',
            Some('v') => '\u{b}',
            Some(c @ ('\\' | '"' | '\'' | '`' | '/')) => c,
            Some('x') => self.code_point(2, 16)?,
            Some('u') => self.code_point(4, 16)?,
            Some('U') => self.code_point(8, 16)?,
            Some('0'..='3') => {
                self.at = self.at.saturating_sub(1);
                self.code_point(3, 8)?
            }
            _ => return self.wrong("an unknown escape after '\\'"),
        })
    }

    fn code_point(&mut self, digits: usize, radix: u32) -> Result<char, ExprError> {
        let mut code = 0u32;
        for _ in 0..digits {
            let digit = self.next().and_then(|c| c.to_digit(radix));
            let grown = digit.and_then(|d| code.checked_mul(radix)?.checked_add(d));
            match grown {
                Some(grown) => code = grown,
                None => return self.wrong("an escape with too few digits"),
            }
        }
        match char::from_u32(code) {
            Some(c) => Ok(c),
            None => self.wrong("an escape that is no character"),
        }
    }
}

fn is_name_start(c: char) -> bool {
    c == '_' || c == '$' || c.is_alphabetic()
}

fn is_name_part(c: char) -> bool {
    is_name_start(c) || c.is_ascii_digit() || c.is_alphanumeric()
}

/// The byte at which the `}}` stands that closes a tag whose expression begins the text. Braces and
/// quotes inside the expression are respected; a text that is no expression ends at its first `}}`.
pub(crate) fn end_of_tag(text: &str) -> Option<usize> {
    balanced_end(text).or_else(|| text.find("}}"))
}

fn balanced_end(text: &str) -> Option<usize> {
    let mut open = 0u32;
    let mut chars = text.char_indices().peekable();
    while let Some((at, c)) = chars.next() {
        let follower = chars.peek().map(|(_, next)| *next);
        match c {
            '"' | '\'' | '`' => loop {
                match chars.next()?.1 {
                    '\\' if c != '`' => {
                        chars.next()?;
                    }
                    inner if inner == c => break,
                    _ => {}
                }
            },
            '/' if follower == Some('/') => {
                chars.by_ref().find(|(_, c)| *c == '\n')?;
            }
            '/' if follower == Some('*') => {
                chars.next()?;
                let mut before = ' ';
                loop {
                    match chars.next()?.1 {
                        '/' if before == '*' => break,
                        other => before = other,
                    }
                }
            }
            '{' => open = open.saturating_add(1),
            '}' if open > 0 => open = open.saturating_sub(1),
            '}' if follower == Some('}') => return Some(at),
            '}' => return None,
            _ => {}
        }
    }
    None
}
