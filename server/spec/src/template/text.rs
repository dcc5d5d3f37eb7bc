//! One string, split once into its texts and tags.

use std::collections::VecDeque;
use std::sync::Arc;

use super::error::{TemplateError, excerpt};
use super::{Render, Tag, Unresolved};
use crate::expr::{ExprError, Limits, Program, end_of_tag};
use crate::scope;

/// Tags inside each other.
const DEPTH: usize = 10;

/// A string with tags, ready to be filled in many times.
#[derive(Debug, Clone)]
pub(super) struct Text {
    parts: Vec<Part>,
}

#[derive(Debug, Clone)]
enum Part {
    Literal(Arc<str>),
    /// `{{name}}`: the name as written, blanks included.
    Simple(Arc<str>),
    /// `{{a.{{b}}}}`: the inner tags give the name.
    Nested(Vec<Part>),
    /// `{{=source}}`
    Expression(Expression),
}

#[derive(Debug, Clone)]
struct Expression {
    program: Program,
    /// What it reads of the variables that are bound later than others.
    late: Vec<String>,
}

impl Text {
    /// Splits a string. A `{{` that never ends is text.
    pub(super) fn parse(source: &str, limits: &Limits) -> Result<Self, TemplateError> {
        let splitter = Splitter {
            text: Vec::new(),
            open: VecDeque::new(),
            literal: source,
            rest: source,
        };
        let parts = splitter.run(limits)?;
        Ok(Self { parts })
    }

    /// Whether there is nothing to fill in.
    pub(super) fn is_literal(&self) -> bool {
        self.parts
            .iter()
            .all(|part| matches!(part, Part::Literal(_)))
    }

    /// The one tag that the string consists of.
    pub(super) fn sole_tag(&self) -> Option<Tag> {
        match self.parts.as_slice() {
            [Part::Simple(name)] => Some(Tag::Simple(name.trim().to_owned())),
            [Part::Expression(expression)] => Some(Tag::Expression(expression.source().to_owned())),
            _ => None,
        }
    }

    /// All tags, inner ones before the ones around them.
    pub(super) fn tags(&self, out: &mut Vec<Tag>) {
        collect(&self.parts, out);
    }

    pub(super) fn render(&self, render: &mut Render<'_>) -> Result<String, TemplateError> {
        let mut out = String::new();
        for part in &self.parts {
            part.render(render, &mut out)?;
        }
        Ok(out)
    }
}

struct Splitter<'t> {
    /// The finished parts.
    text: Vec<Part>,
    /// The parts of each tag that has begun, from the outside.
    open: VecDeque<Vec<Part>>,
    /// What follows the last part or bracket.
    literal: &'t str,
    /// What is not read yet: the end of `literal`.
    rest: &'t str,
}

impl<'t> Splitter<'t> {
    fn run(mut self, limits: &Limits) -> Result<Vec<Part>, TemplateError> {
        while let Some(here) = next_bracket(self.rest) {
            let inside = here.get(2..).unwrap_or_default();
            if let Some(expression) = here.strip_prefix("{{=") {
                let Some(end) = end_of_tag(expression) else {
                    break;
                };
                let (source, close) = expression.split_at_checked(end).unwrap_or_default();
                let part = Part::Expression(Expression::parse(source, limits)?);
                self.take_literal(here, close.get(2..).unwrap_or_default());
                self.parts().push(part);
            } else if here.starts_with("{{") {
                self.take_literal(here, inside);
                self.begin();
            } else if self.open.is_empty() {
                // A closing bracket without an opening one is text.
                self.rest = inside;
            } else {
                self.take_literal(here, inside);
                let tag = self.open.pop_back().unwrap_or_default();
                self.parts().push(closed(tag));
            }
        }
        self.take_literal("", "");
        while self.give_up_outermost() {}
        Ok(self.text)
    }

    /// The parts of the innermost tag, or of the text.
    fn parts(&mut self) -> &mut Vec<Part> {
        self.open.back_mut().unwrap_or(&mut self.text)
    }

    /// Makes a part of the text before `here`, and goes on at `next`.
    fn take_literal(&mut self, here: &str, next: &'t str) {
        let length = self.literal.len().saturating_sub(here.len());
        let literal = self.literal.get(..length).unwrap_or_default();
        if !literal.is_empty() {
            self.parts().push(Part::Literal(Arc::from(literal)));
        }
        self.literal = next;
        self.rest = next;
    }

    /// Begins a tag. With too many open ones, the outermost is no tag.
    fn begin(&mut self) {
        if self.open.len() == DEPTH {
            self.give_up_outermost();
        }
        self.open.push_back(Vec::new());
    }

    /// A tag that never ends is text, but the tags inside it are tags.
    fn give_up_outermost(&mut self) -> bool {
        let Some(parts) = self.open.pop_front() else {
            return false;
        };
        self.text.push(Part::Literal(Arc::from("{{")));
        self.text.extend(parts);
        true
    }
}

fn next_bracket(text: &str) -> Option<&str> {
    let at = text
        .bytes()
        .zip(text.bytes().skip(1))
        .position(|pair| pair == (b'{', b'{') || pair == (b'}', b'}'))?;
    text.get(at..)
}

fn collect(parts: &[Part], out: &mut Vec<Tag>) {
    for part in parts {
        match part {
            Part::Literal(_) => {}
            Part::Simple(name) => out.push(Tag::Simple(name.trim().to_owned())),
            Part::Nested(inner) => {
                collect(inner, out);
                out.push(Tag::Nested(source_of(inner)));
            }
            Part::Expression(expression) => {
                out.push(Tag::Expression(expression.source().to_owned()));
            }
        }
    }
}

/// The tag that its parts make.
fn closed(mut parts: Vec<Part>) -> Part {
    match (parts.pop(), parts.is_empty()) {
        (None, _) => Part::Simple(Arc::from("")),
        (Some(Part::Literal(name)), true) => Part::Simple(name),
        (Some(last), _) => {
            parts.push(last);
            Part::Nested(parts)
        }
    }
}

fn source_of(parts: &[Part]) -> String {
    let piece = |part: &Part| match part {
        Part::Literal(text) => text.to_string(),
        Part::Simple(name) => format!("{{{{{name}}}}}"),
        Part::Nested(inner) => format!("{{{{{}}}}}", source_of(inner)),
        Part::Expression(expression) => format!("{{{{={}}}}}", expression.source()),
    };
    parts.iter().map(piece).collect()
}

impl Part {
    fn render(&self, render: &mut Render<'_>, out: &mut String) -> Result<(), TemplateError> {
        match self {
            Self::Literal(text) => render.push(out, text),
            Self::Simple(name) => simple(name, render, out),
            Self::Nested(parts) => {
                let mut name = String::new();
                for part in parts {
                    part.render(render, &mut name)?;
                }
                simple(&name, render, out)
            }
            Self::Expression(expression) => expression.render(render, out),
        }
    }
}

fn simple(written: &str, render: &mut Render<'_>, out: &mut String) -> Result<(), TemplateError> {
    let name = written.trim();
    match render.scope.get(name) {
        Some(value) if value.is_nil() => Err(TemplateError::Absent(name.to_owned())),
        Some(value) => match value.as_text() {
            Some(text) => render.push(out, text),
            None => {
                let text = value.write(&mut render.budget);
                let text = text.map_err(|error| TemplateError::expression(name, error))?;
                render.push(out, &text)
            }
        },
        None if render.unresolved == Unresolved::Refuse && super::is_ours(name) => {
            Err(TemplateError::Unresolved(excerpt(name)))
        }
        // Text of another language: a Go or Jinja template in a script.
        None => render.push(out, &format!("{{{{{written}}}}}")),
    }
}

/// Variables that are bound later than others: an expression over them must not see them as nothing.
const LATE: &[&str] = &[
    "item",
    "retries",
    "lastRetry",
    "workflow.status",
    "workflow.failures",
];

fn is_late(name: &str) -> bool {
    LATE.iter().any(|late| {
        let below = name.strip_prefix(late);
        below.is_some_and(|below| below.is_empty() || below.starts_with('.'))
    })
}

impl Expression {
    fn parse(source: &str, limits: &Limits) -> Result<Self, TemplateError> {
        let program = Program::parse(source, limits)
            .map_err(|error| TemplateError::expression(source, error))?;
        if program.contains_tag() {
            return Err(TemplateError::NestedTag(excerpt(source)));
        }
        let mut late: Vec<String> = program.variables().into_iter().collect();
        late.retain(|name| is_late(name));
        Ok(Self { program, late })
    }

    fn source(&self) -> &str {
        self.program.source()
    }

    fn render(&self, render: &mut Render<'_>, out: &mut String) -> Result<(), TemplateError> {
        let source = self.source();
        let keep = render.unresolved == Unresolved::Keep;
        let as_written = || format!("{{{{={source}}}}}");
        let is_known = |name: &String| scope::is_known(render.scope, name);
        if keep && !self.late.iter().all(is_known) {
            return render.push(out, &as_written());
        }
        match self.printed(render) {
            Ok((Some(text), _)) => {
                out.push_str(&text);
                Ok(())
            }
            Ok((None, Some(absent))) => Err(TemplateError::Absent(absent)),
            Err(error) if error.is_final() => Err(TemplateError::expression(source, error)),
            // A later substitution knows more names.
            Ok(_) | Err(_) if keep => render.push(out, &as_written()),
            Ok(_) => Err(TemplateError::Nil(excerpt(source))),
            Err(error) => Err(TemplateError::expression(source, error)),
        }
    }

    /// The text of its value, paid for; and the variable through which it may be nothing.
    fn printed(
        &self,
        render: &mut Render<'_>,
    ) -> Result<(Option<String>, Option<String>), ExprError> {
        let evaluation = self.program.run(render.scope, &mut render.budget)?;
        let text = match evaluation.value.is_nil() {
            true => None,
            false => Some(evaluation.value.write(&mut render.budget)?),
        };
        Ok((text, evaluation.absent))
    }
}
