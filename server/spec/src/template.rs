//! Fills in `{{name}}` and `{{=expression}}`, in one pass: what a variable holds is never looked at
//! again, so a value can neither name other variables nor run as an expression.
//!
//! A document is split once ([`Compiled`]) and then filled in for each item of a loop; parts without
//! tags are copied as they are.

mod error;
mod text;

pub use error::TemplateError;

use serde_json::Value as Json;

use crate::expr::{Budget, Limits};
use crate::scope::Scope;
use text::Text;

/// What becomes of a tag whose variable is unknown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unresolved {
    /// It stays as written, for a later substitution.
    Keep,
    /// It is an error, if it has the form of a variable of ours. Tags of other languages in scripts,
    /// as `{{ .Values.x }}`, stay.
    Refuse,
}

/// A tag of a text.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Tag {
    /// `{{name}}`
    Simple(String),
    /// `{{a.{{b}}}}`, without the outer braces; the inner tags are listed before it.
    Nested(String),
    /// `{{=source}}`
    Expression(String),
}

/// First names of all variables that a template may use.
const ROOTS: &[&str] = &[
    "workflow",
    "inputs",
    "outputs",
    "steps",
    "tasks",
    "item",
    "node",
    "pod",
    "retries",
    "lastRetry",
    "cronworkflow",
];

/// Whether a name has the form of one of our variables, known or not.
pub fn is_ours(name: &str) -> bool {
    let root = name.split('.').next().unwrap_or_default();
    ROOTS.contains(&root) && !name.contains(char::is_whitespace)
}

/// The tags of a text.
///
/// # Errors
/// [`TemplateError`] when an expression in it can not be parsed.
pub fn tags(text: &str, limits: &Limits) -> Result<Vec<Tag>, TemplateError> {
    let mut out = Vec::new();
    if text.contains("{{") {
        Text::parse(text, limits)?.tags(&mut out);
    }
    Ok(out)
}

/// The tag of a text that consists of one tag: an argument of this form hands on the absence of its
/// value, so that the default of the input applies.
///
/// # Errors
/// [`TemplateError`] when it is an expression that can not be parsed.
pub fn sole_tag(text: &str, limits: &Limits) -> Result<Option<Tag>, TemplateError> {
    Ok(Text::parse(text, limits)?.sole_tag())
}

/// Fills in one string.
///
/// # Errors
/// [`TemplateError`] for unknown and absent variables, failing expressions, exceeded limits.
pub fn substitute_str(
    text: &str,
    scope: &dyn Scope,
    unresolved: Unresolved,
    limits: &Limits,
) -> Result<String, TemplateError> {
    if !text.contains("{{") {
        return Ok(text.to_owned());
    }
    let mut render = Render::new(scope, unresolved, limits);
    Text::parse(text, limits)?.render(&mut render)
}

/// Fills in every string of a document, the keys of objects included.
///
/// # Errors
/// As [`substitute_str`].
pub fn substitute(
    value: &Json,
    scope: &dyn Scope,
    unresolved: Unresolved,
    limits: &Limits,
) -> Result<Json, TemplateError> {
    Compiled::new(value, limits)?.render(scope, unresolved, limits)
}

/// A document whose strings are split already.
#[derive(Debug, Clone)]
pub struct Compiled {
    root: Node,
}

#[derive(Debug, Clone)]
enum Node {
    /// Nothing in it changes.
    Fixed(Json),
    Text(Text),
    List(Vec<Node>),
    Map(Vec<(Key, Node)>),
}

#[derive(Debug, Clone)]
enum Key {
    Fixed(String),
    Text(Text),
}

/// Levels of a document.
const DEPTH: usize = 128;

impl Compiled {
    /// Splits a document.
    ///
    /// # Errors
    /// [`TemplateError`] when an expression in it can not be parsed, or it is too deep.
    pub fn new(value: &Json, limits: &Limits) -> Result<Self, TemplateError> {
        let root = or_fixed((compile(value, limits, 0)?, value));
        Ok(Self { root })
    }

    /// Whether nothing would be filled in.
    pub fn is_fixed(&self) -> bool {
        matches!(self.root, Node::Fixed(_))
    }

    /// All tags of the document.
    pub fn tags(&self) -> Vec<Tag> {
        let mut out = Vec::new();
        self.root.tags(&mut out);
        out
    }

    /// The document, filled in.
    ///
    /// # Errors
    /// As [`substitute_str`].
    pub fn render(
        &self,
        scope: &dyn Scope,
        unresolved: Unresolved,
        limits: &Limits,
    ) -> Result<Json, TemplateError> {
        self.root
            .render(&mut Render::new(scope, unresolved, limits))
    }
}

/// Nothing when the text holds no tag.
fn text(source: &str, limits: &Limits) -> Result<Option<Text>, TemplateError> {
    if !source.contains("{{") {
        return Ok(None);
    }
    let text = Text::parse(source, limits)?;
    Ok(Some(text).filter(|text| !text.is_literal()))
}

/// Nothing when the value holds no tag: it is then copied once, as part of the largest such value.
fn compile(value: &Json, limits: &Limits, level: usize) -> Result<Option<Node>, TemplateError> {
    if level == DEPTH {
        return Err(TemplateError::TooDeep(DEPTH));
    }
    let level = level.saturating_add(1);
    match value {
        Json::String(source) => Ok(text(source, limits)?.map(Node::Text)),
        Json::Array(items) => {
            let nodes = items.iter().map(|item| compile(item, limits, level));
            let nodes: Vec<Option<Node>> = nodes.collect::<Result<_, _>>()?;
            if nodes.iter().all(Option::is_none) {
                return Ok(None);
            }
            let nodes = nodes.into_iter().zip(items);
            Ok(Some(Node::List(nodes.map(or_fixed).collect())))
        }
        Json::Object(entries) => {
            let nodes = entries
                .iter()
                .map(|(key, value)| Ok((text(key, limits)?, compile(value, limits, level)?)));
            let nodes: Vec<_> = nodes.collect::<Result<_, TemplateError>>()?;
            if nodes
                .iter()
                .all(|(key, node)| key.is_none() && node.is_none())
            {
                return Ok(None);
            }
            let nodes = nodes.into_iter().zip(entries);
            let nodes = nodes.map(|((key_text, node), (key, value))| {
                let key = key_text.map_or_else(|| Key::Fixed(key.clone()), Key::Text);
                (key, or_fixed((node, value)))
            });
            Ok(Some(Node::Map(nodes.collect())))
        }
        _ => Ok(None),
    }
}

fn or_fixed((node, value): (Option<Node>, &Json)) -> Node {
    node.unwrap_or_else(|| Node::Fixed(value.clone()))
}

impl Node {
    fn tags(&self, out: &mut Vec<Tag>) {
        match self {
            Self::Fixed(_) => {}
            Self::Text(text) => text.tags(out),
            Self::List(nodes) => nodes.iter().for_each(|node| node.tags(out)),
            Self::Map(nodes) => {
                for (key, node) in nodes {
                    if let Key::Text(text) = key {
                        text.tags(out);
                    }
                    node.tags(out);
                }
            }
        }
    }

    fn render(&self, render: &mut Render<'_>) -> Result<Json, TemplateError> {
        Ok(match self {
            Self::Fixed(value) => value.clone(),
            Self::Text(text) => Json::String(text.render(render)?),
            Self::List(nodes) => {
                let items = nodes.iter().map(|node| node.render(render));
                Json::Array(items.collect::<Result<_, _>>()?)
            }
            Self::Map(nodes) => {
                let entries = nodes.iter().map(|(key, node)| {
                    let key = match key {
                        Key::Fixed(key) => key.clone(),
                        Key::Text(text) => text.render(render)?,
                    };
                    Ok((key, node.render(render)?))
                });
                Json::Object(entries.collect::<Result<_, TemplateError>>()?)
            }
        })
    }
}

/// One filling-in: its scope and what it may still use. All tags of a document share one budget.
struct Render<'r> {
    scope: &'r dyn Scope,
    unresolved: Unresolved,
    budget: Budget,
}

impl<'r> Render<'r> {
    fn new(scope: &'r dyn Scope, unresolved: Unresolved, limits: &Limits) -> Self {
        Self {
            scope,
            unresolved,
            budget: Budget::new(limits),
        }
    }

    fn push(&mut self, out: &mut String, text: &str) -> Result<(), TemplateError> {
        self.budget
            .bytes(text.len())
            .map_err(TemplateError::TooLarge)?;
        out.push_str(text);
        Ok(())
    }
}

#[cfg(test)]
mod tests;
