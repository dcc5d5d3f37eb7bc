//! Indentation inside brackets and quotes. YAML's grammar wants it, libyaml and Go's port of it never
//! checked it, and people's files rely on that. It has no meaning there, so what is missing is put in.

use std::borrow::Cow;

use saphyr_parser::{Marker, Parser, ScanError};

/// The scanner's complaints that are about such indentation: the place is that of the quoted text, or of
/// the thing that stands too far left.
const IN_QUOTES: &str = "invalid indentation in quoted scalar";
const IN_BRACKETS: [&str; 2] = [
    "invalid indentation in flow construct",
    "invalid indentation",
];

/// Blanks to add; deeper nesting takes several turns.
const BLANKS: usize = 64;
/// Bytes to read again in all turns together.
const MAX_WORK: usize = 64 * 1024 * 1024;

/// Whether a text with this error may be read after a repair.
pub(super) fn is_repairable(error: &ScanError) -> bool {
    error.info() == IN_QUOTES || IN_BRACKETS.contains(&error.info())
}

/// The text with the indentation that it lacks. Lines keep their numbers.
pub(super) fn repaired(text: &str) -> Cow<'_, str> {
    let mut text = Cow::Borrowed(text);
    let mut work = 0usize;
    while let Some(error) = Parser::new_from_str(&text).find_map(Result::err) {
        work = work.saturating_add(text.len());
        if !is_repairable(&error) || work > MAX_WORK {
            break;
        }
        let Some((before, after)) = split_at(&text, error.marker()) else {
            break;
        };
        let after = if error.info() == IN_QUOTES {
            indent_quoted(after)
        } else {
            " ".repeat(BLANKS) + after
        };
        text = Cow::Owned(before.to_owned() + &after);
    }
    text
}

/// Splits at a mark, which counts characters.
fn split_at<'t>(text: &'t str, mark: &Marker) -> Option<(&'t str, &'t str)> {
    let (at, _) = text.char_indices().nth(mark.index())?;
    text.split_at_checked(at)
}

/// Indents the further lines of the quoted text that begins here.
fn indent_quoted(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + BLANKS);
    let mut chars = text.chars().peekable();
    let quote = chars.next();
    out.extend(quote);
    while let Some(c) = chars.next() {
        out.push(c);
        if c == '\n' {
            out.extend(std::iter::repeat_n(' ', BLANKS));
        } else if c == '\\' && quote == Some('"') {
            // The escaped character may be a quote; an escaped line break needs no blanks.
            out.extend(chars.next());
        } else if Some(c) == quote {
            // Two single quotes mean one.
            match chars.next_if(|next| c == '\'' && *next == c) {
                Some(second) => out.push(second),
                None => break,
            }
        }
    }
    out.extend(chars);
    out
}
