//! The text of a path.

use std::sync::Arc;

use super::super::error::ExprError;
use super::super::value::Value;
use super::path::{Comparison, Filter, Operand, Path, Segment, Selector};

/// Bytes of a path.
const LENGTH: usize = 4096;
/// Filters and brackets inside each other.
const DEPTH: usize = 16;

/// Parses `$.a[0]..b[?(@.c > 1)]`. A path without `$` begins at the document, too.
pub(super) fn parse(source: &str) -> Result<Path, ExprError> {
    if source.len() > LENGTH {
        return Err(ExprError::Limit {
            what: "bytes of a JSON path",
            limit: LENGTH as u64,
        });
    }
    let mut parser = Parser {
        rest: source.trim(),
        depth: 0,
    };
    let rooted = parser.accept("$");
    let mut path = Path {
        segments: Vec::new(),
    };
    if !rooted && !parser.rest.starts_with(['.', '[']) {
        let name = parser.name()?;
        path.segments.push(child(Selector::Name(name)));
    }
    path.segments.extend(parser.segments()?);
    if parser.rest.is_empty() {
        Ok(path)
    } else {
        parser.wrong()
    }
}

fn child(selector: Selector) -> Segment {
    Segment {
        descend: false,
        selectors: vec![selector],
    }
}

struct Parser<'s> {
    rest: &'s str,
    depth: usize,
}

impl<'s> Parser<'s> {
    fn wrong<T>(&self) -> Result<T, ExprError> {
        let shown: String = self.rest.chars().take(20).collect();
        let place = if shown.is_empty() {
            "its end".into()
        } else {
            format!("{shown:?}")
        };
        Err(ExprError::Malformed(format!(
            "the JSON path is wrong at {place}"
        )))
    }

    fn accept(&mut self, sign: &str) -> bool {
        match self.rest.strip_prefix(sign) {
            Some(rest) => {
                self.rest = rest;
                true
            }
            None => false,
        }
    }

    fn expect(&mut self, sign: &str) -> Result<(), ExprError> {
        if self.accept(sign) {
            return Ok(());
        }
        self.wrong()
    }

    fn blank(&mut self) {
        self.rest = self.rest.trim_start();
    }

    fn take_while(&mut self, wanted: impl Fn(char) -> bool) -> &'s str {
        let end = self.rest.find(|c| !wanted(c)).unwrap_or(self.rest.len());
        let (taken, rest) = self.rest.split_at_checked(end).unwrap_or((self.rest, ""));
        self.rest = rest;
        taken
    }

    fn deeper<T>(
        &mut self,
        parse: impl FnOnce(&mut Self) -> Result<T, ExprError>,
    ) -> Result<T, ExprError> {
        if self.depth == DEPTH {
            return Err(ExprError::Limit {
                what: "levels of a JSON path",
                limit: DEPTH as u64,
            });
        }
        self.depth = self.depth.saturating_add(1);
        let parsed = parse(self);
        self.depth = self.depth.saturating_sub(1);
        parsed
    }

    fn segments(&mut self) -> Result<Vec<Segment>, ExprError> {
        let mut segments = Vec::new();
        loop {
            let descend = self.accept("..");
            let selectors = if self.accept("[") {
                self.deeper(Self::bracket)?
            } else if descend || self.accept(".") {
                if self.accept("*") {
                    vec![Selector::Wildcard]
                } else {
                    vec![Selector::Name(self.name()?)]
                }
            } else {
                return Ok(segments);
            };
            segments.push(Segment { descend, selectors });
        }
    }

    /// A member without quotes; more signs than the standard allows, because users write hyphens.
    fn name(&mut self) -> Result<Arc<str>, ExprError> {
        let name = self.take_while(|c| c.is_alphanumeric() || matches!(c, '_' | '-' | '$' | '/'));
        if name.is_empty() {
            return self.wrong();
        }
        Ok(Arc::from(name))
    }

    fn bracket(&mut self) -> Result<Vec<Selector>, ExprError> {
        let mut selectors = Vec::new();
        loop {
            self.blank();
            selectors.push(self.selector()?);
            self.blank();
            if self.accept("]") {
                return Ok(selectors);
            }
            self.expect(",")?;
        }
    }

    fn selector(&mut self) -> Result<Selector, ExprError> {
        if self.accept("*") {
            return Ok(Selector::Wildcard);
        }
        if self.accept("?") {
            return Ok(Selector::Filter(self.any()?));
        }
        if self.rest.starts_with(['\'', '"']) {
            return Ok(Selector::Name(Arc::from(self.quoted()?)));
        }
        let from = self.integer()?;
        self.blank();
        if !self.accept(":") {
            return match from {
                Some(index) => Ok(Selector::Index(index)),
                None => self.wrong(),
            };
        }
        self.blank();
        let to = self.integer()?;
        self.blank();
        let step = if self.accept(":") {
            self.blank();
            self.integer()?
        } else {
            None
        };
        Ok(Selector::Slice(from, to, step.unwrap_or(1)))
    }

    fn integer(&mut self) -> Result<Option<i64>, ExprError> {
        if !self
            .rest
            .starts_with(|c: char| c == '-' || c.is_ascii_digit())
        {
            return Ok(None);
        }
        let text = self.take_while(|c| c == '-' || c.is_ascii_digit());
        match text.parse() {
            Ok(number) => Ok(Some(number)),
            Err(_) => self.wrong(),
        }
    }

    fn quoted(&mut self) -> Result<String, ExprError> {
        let Some(quote) = self.rest.chars().next() else {
            return self.wrong();
        };
        let mut out = String::new();
        let mut chars = self.rest.char_indices().skip(1);
        while let Some((at, c)) = chars.next() {
            match c {
                '\\' => match chars.next() {
                    Some((_, 'n')) => out.push('\n'),
                    Some((_, 't')) => out.push('\t'),
                    Some((_, escaped)) => out.push(escaped),
                    None => return self.wrong(),
                },
                c if c == quote => {
                    let end = at.saturating_add(c.len_utf8());
                    self.rest = self.rest.get(end..).unwrap_or_default();
                    return Ok(out);
                }
                c => out.push(c),
            }
        }
        self.wrong()
    }

    fn any(&mut self) -> Result<Filter, ExprError> {
        let mut parts = vec![self.all()?];
        while self.accept("||") {
            parts.push(self.all()?);
        }
        Ok(Filter::Or(parts))
    }

    fn all(&mut self) -> Result<Filter, ExprError> {
        let mut parts = vec![self.condition()?];
        while self.accept("&&") {
            parts.push(self.condition()?);
        }
        Ok(Filter::And(parts))
    }

    /// One condition and the blanks around it.
    fn condition(&mut self) -> Result<Filter, ExprError> {
        self.deeper(|this| {
            this.blank();
            let condition = if this.accept("(") {
                let inner = this.any()?;
                this.expect(")")?;
                inner
            } else if this.accept("!") {
                Filter::Not(Box::new(this.condition()?))
            } else {
                this.comparison()?
            };
            this.blank();
            Ok(condition)
        })
    }

    fn comparison(&mut self) -> Result<Filter, ExprError> {
        let left = self.operand()?;
        self.blank();
        let signs = [
            ("==", Comparison::Equal),
            ("!=", Comparison::NotEqual),
            ("<=", Comparison::LessOrEqual),
            (">=", Comparison::GreaterOrEqual),
            ("=~", Comparison::Matches),
            ("<", Comparison::Less),
            (">", Comparison::Greater),
        ];
        let found = signs.iter().find(|(sign, _)| self.rest.starts_with(*sign));
        let Some((sign, comparison)) = found else {
            return Ok(Filter::Exists(left));
        };
        self.accept(sign);
        self.blank();
        Ok(Filter::Compare(left, *comparison, self.operand()?))
    }

    fn operand(&mut self) -> Result<Operand, ExprError> {
        if self.accept("@") {
            let segments = self.segments()?;
            return Ok(Operand::Here(Path { segments }));
        }
        if self.accept("$") {
            let segments = self.segments()?;
            return Ok(Operand::Root(Path { segments }));
        }
        if self.accept("/") {
            let pattern = self.take_while(|c| c != '/');
            self.expect("/")?;
            return Ok(Operand::Literal(pattern.into()));
        }
        if self.rest.starts_with(['\'', '"']) {
            return Ok(Operand::Literal(self.quoted()?.into()));
        }
        let word = self.take_while(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '+'));
        Ok(Operand::Literal(match word {
            "true" => Value::Bool(true),
            "false" => Value::Bool(false),
            "null" | "nil" => Value::Nil,
            number => match (number.parse(), number.parse()) {
                (Ok(whole), _) => Value::Int(whole),
                (_, Ok(float)) => Value::Float(float),
                _ => return self.wrong(),
            },
        }))
    }
}
