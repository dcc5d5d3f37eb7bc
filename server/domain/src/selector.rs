//! Kubernetes label selectors: `a`, `!a`, `a=b`, `a==b`, `a!=b`, `a in (b,c)`, `a notin (b,c)`, `a>1`, `a<2`.
//!
//! Source of the grammar: Kubernetes' labels concept; `!=` and `notin` also match objects without the key.

use std::collections::BTreeMap;

use thiserror::Error;

/// Longest selector that is read, in bytes.
const LIMIT: usize = 8 * 1024;

/// Why a text is no selector.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("'{text}' is not a label selector: {reason}")]
pub struct SelectorError {
    text: String,
    reason: &'static str,
}

/// A label selector: every term must hold.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LabelSelector(Vec<Term>);

/// One term.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Term {
    /// `key`
    Exists(String),
    /// `!key`
    Missing(String),
    /// `key=value`, `key in (…)`
    In(String, Vec<String>),
    /// `key!=value`, `key notin (…)`; also true without the key
    NotIn(String, Vec<String>),
    /// `key>n`
    Above(String, i64),
    /// `key<n`
    Below(String, i64),
}

impl LabelSelector {
    /// Reads a selector; the empty text selects everything.
    ///
    /// # Errors
    /// [`SelectorError`] with the reason.
    pub fn parse(text: &str) -> Result<Self, SelectorError> {
        let wrong = |reason| SelectorError {
            text: text.chars().take(100).collect(),
            reason,
        };
        if text.len() > LIMIT {
            return Err(wrong("it is longer than 8 KiB"));
        }
        let mut terms = Vec::new();
        for part in split_terms(text).ok_or_else(|| wrong("its parentheses do not match"))? {
            if !part.trim().is_empty() {
                terms.push(parse_term(part.trim()).ok_or_else(|| wrong("a term is malformed"))?);
            }
        }
        Ok(Self(terms))
    }

    /// Whether an object with these labels is meant.
    pub fn matches(&self, labels: &BTreeMap<String, String>) -> bool {
        self.0.iter().all(|term| term.matches(labels))
    }

    /// The terms, for an index that answers some of them faster.
    pub fn terms(&self) -> &[Term] {
        &self.0
    }
}

impl Term {
    /// Whether the term holds for these labels.
    pub fn matches(&self, labels: &BTreeMap<String, String>) -> bool {
        let number = |key: &String| labels.get(key).and_then(|v| v.parse::<i64>().ok());
        match self {
            Self::Exists(key) => labels.contains_key(key),
            Self::Missing(key) => !labels.contains_key(key),
            Self::In(key, values) => labels.get(key).is_some_and(|v| values.contains(v)),
            Self::NotIn(key, values) => labels.get(key).is_none_or(|v| !values.contains(v)),
            Self::Above(key, bound) => number(key).is_some_and(|n| n > *bound),
            Self::Below(key, bound) => number(key).is_some_and(|n| n < *bound),
        }
    }
}

/// Splits at commas outside parentheses.
fn split_terms(text: &str) -> Option<Vec<&str>> {
    let (mut parts, mut depth, mut start) = (Vec::new(), 0u32, 0);
    for (at, c) in text.char_indices() {
        match c {
            '(' => depth = depth.saturating_add(1),
            ')' => depth = depth.checked_sub(1)?,
            ',' if depth == 0 => {
                parts.push(text.get(start..at)?);
                start = at.saturating_add(1);
            }
            _ => {}
        }
    }
    parts.push(text.get(start..)?);
    (depth == 0).then_some(parts)
}

fn parse_term(term: &str) -> Option<Term> {
    if let Some(key) = term.strip_prefix('!') {
        return key_of(key).map(Term::Missing);
    }
    if let Some((key, value)) = term.split_once("!=") {
        return Some(Term::NotIn(key_of(key)?, vec![value_of(value)?]));
    }
    if let Some((key, value)) = term.split_once("==").or_else(|| term.split_once('=')) {
        return Some(Term::In(key_of(key)?, vec![value_of(value)?]));
    }
    if let Some((key, value)) = term.split_once('>') {
        return Some(Term::Above(key_of(key)?, value.trim().parse().ok()?));
    }
    if let Some((key, value)) = term.split_once('<') {
        return Some(Term::Below(key_of(key)?, value.trim().parse().ok()?));
    }
    let Some((head, values)) = term.split_once('(') else {
        return key_of(term).map(Term::Exists);
    };
    let values = values
        .strip_suffix(')')?
        .split(',')
        .map(value_of)
        .collect::<Option<Vec<_>>>()?;
    let mut words = head.split_whitespace();
    match (words.next(), words.next(), words.next()) {
        (Some(key), Some("in"), None) => Some(Term::In(key_of(key)?, values)),
        (Some(key), Some("notin"), None) => Some(Term::NotIn(key_of(key)?, values)),
        _ => None,
    }
}

fn key_of(text: &str) -> Option<String> {
    let text = text.trim();
    let good = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | '/');
    (!text.is_empty() && text.len() <= 317 && text.chars().all(good)).then(|| text.to_owned())
}

fn value_of(text: &str) -> Option<String> {
    let text = text.trim();
    let good = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    text.chars().all(good).then(|| text.to_owned())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn holds(selector: &str, labels: &[(&str, &str)]) -> bool {
        let labels = labels
            .iter()
            .map(|(k, v)| ((*k).to_owned(), (*v).to_owned()))
            .collect();
        LabelSelector::parse(selector).unwrap().matches(&labels)
    }

    #[test]
    fn every_form_of_the_grammar_selects_what_kubernetes_selects() {
        let one = [("foo", "1")];
        for selector in [
            "",
            "foo",
            "foo=1",
            "foo==1",
            "foo in (1)",
            "foo in (0, 1)",
            "foo>0",
            "foo<2",
            "!bar",
            "bar!=1",
            "bar notin (1)",
            "foo,foo=1",
        ] {
            assert!(holds(selector, &one), "{selector}");
        }
        for selector in [
            "!foo",
            "foo=2",
            "foo!=1",
            "foo notin (1)",
            "foo>1",
            "foo<1",
            "bar",
            "foo,bar",
        ] {
            assert!(!holds(selector, &one), "{selector}");
        }
    }

    #[test]
    fn malformed_selectors_are_refused() {
        for bad in [
            "a in (b",
            "a)b",
            "a in b",
            "a between (1)",
            "a>x",
            "=",
            "a=b=c;",
            "a b",
            &"a,".repeat(5000),
        ] {
            assert!(LabelSelector::parse(bad).is_err(), "{bad}");
        }
    }

    proptest! {
        #[test]
        fn no_text_breaks_the_parser(text in "\\PC{0,60}") {
            let _ = LabelSelector::parse(&text);
        }
    }
}
