//! Texts.

use super::super::budget::Budget;
use super::super::error::ExprError;
use super::super::functions::{Arguments, Function, MANY, function, repeat, replace_in};
use super::super::value::Value;
use super::loose;

pub(super) const TABLE: &[Function] = &[
    function("trim", 1, 1, |b, a| on_text(b, a, |t| t.trim().into())),
    function("trimAll", 2, 2, |b, a| {
        on_last(b, a, |cut, t| t.trim_matches(|c| cut.contains(c)).into())
    }),
    function("trimall", 2, 2, |b, a| {
        on_last(b, a, |cut, t| t.trim_matches(|c| cut.contains(c)).into())
    }),
    function("trimPrefix", 2, 2, |b, a| {
        on_last(b, a, |cut, t| t.strip_prefix(cut).unwrap_or(t).into())
    }),
    function("trimSuffix", 2, 2, |b, a| {
        on_last(b, a, |cut, t| t.strip_suffix(cut).unwrap_or(t).into())
    }),
    function("upper", 1, 1, |b, a| on_text(b, a, str::to_uppercase)),
    function("lower", 1, 1, |b, a| on_text(b, a, str::to_lowercase)),
    function("title", 1, 1, |b, a| {
        on_text(b, a, |t| change_initials(t, char::to_uppercase))
    }),
    function("untitle", 1, 1, |b, a| {
        on_text(b, a, |t| change_initials(t, char::to_lowercase))
    }),
    function("swapcase", 1, 1, |b, a| on_text(b, a, swap_case)),
    function("nospace", 1, 1, |b, a| {
        on_text(b, a, |t| t.chars().filter(|c| !c.is_whitespace()).collect())
    }),
    function("initials", 1, 1, |b, a| {
        on_text(b, a, |t| {
            t.split_whitespace()
                .filter_map(|word| word.chars().next())
                .collect()
        })
    }),
    function("repeat", 2, 2, |b, a| {
        let text = loose::text(b, a.get(1))?;
        repeat(b, &text, loose::size(a.get(0)))
    }),
    function("substr", 3, 3, substr),
    function("trunc", 2, 2, trunc),
    function("abbrev", 2, 2, |b, a| {
        abbreviate(b, 0, loose::int(a.get(0)), a.text(1)?)
    }),
    function("abbrevboth", 3, 3, |b, a| {
        abbreviate(b, loose::int(a.get(0)), loose::int(a.get(1)), a.text(2)?)
    }),
    function("contains", 2, 2, |_, a| {
        Ok(a.text(1)?.contains(a.text(0)?).into())
    }),
    function("hasPrefix", 2, 2, |_, a| {
        Ok(a.text(1)?.starts_with(a.text(0)?).into())
    }),
    function("hasSuffix", 2, 2, |_, a| {
        Ok(a.text(1)?.ends_with(a.text(0)?).into())
    }),
    function("replace", 3, 3, |b, a| {
        replace_in(b, a.text(2)?, a.text(0)?, a.text(1)?, None)
    }),
    function("plural", 3, 3, |_, a| {
        let chosen = if loose::int(a.get(2)) == 1 { 0 } else { 1 };
        Ok(a.get(chosen).clone())
    }),
    function("quote", 0, MANY, |b, a| quoted(b, a, |t| format!("{t:?}"))),
    function("squote", 0, MANY, |b, a| quoted(b, a, |t| format!("'{t}'"))),
    function("cat", 0, MANY, |b, a| quoted(b, a, str::to_owned)),
    function("indent", 2, 2, |b, a| indent(b, a, "")),
    function("nindent", 2, 2, |b, a| indent(b, a, "\n")),
    function("snakecase", 1, 1, |b, a| {
        on_text(b, a, |t| words(t).join("_"))
    }),
    function("kebabcase", 1, 1, |b, a| {
        on_text(b, a, |t| words(t).join("-"))
    }),
    function("camelcase", 1, 1, |b, a| {
        on_text(b, a, |t| words(t).iter().map(|w| capital(w)).collect())
    }),
    function("wrap", 2, 2, |b, a| {
        wrap(b, loose::size(a.get(0)), "\n", a.text(1)?)
    }),
    function("wrapWith", 3, 3, |b, a| {
        wrap(b, loose::size(a.get(0)), a.text(1)?, a.text(2)?)
    }),
];

fn on_text(
    budget: &mut Budget,
    args: &Arguments<'_>,
    change: impl Fn(&str) -> String,
) -> Result<Value, ExprError> {
    let text = loose::text(budget, args.get(0))?;
    budget.bytes(text.len())?;
    budget.text(change(&text))
}

/// Sprig puts the text to work on last, so that it can be piped in.
fn on_last(
    budget: &mut Budget,
    args: &Arguments<'_>,
    change: impl Fn(&str, &str) -> String,
) -> Result<Value, ExprError> {
    let text = args.text(1)?;
    budget.bytes(text.len())?;
    budget.text(change(args.text(0)?, text))
}

fn change_initials<I: Iterator<Item = char>>(text: &str, change: impl Fn(char) -> I) -> String {
    let mut out = String::with_capacity(text.len());
    let mut inside = false;
    for c in text.chars() {
        if inside {
            out.push(c);
        } else {
            out.extend(change(c));
        }
        inside = c.is_alphanumeric() || c == '_' || c == '\'';
    }
    out
}

fn swap_case(text: &str) -> String {
    let swap = |c: char| -> String {
        if c.is_uppercase() {
            c.to_lowercase().collect()
        } else {
            c.to_uppercase().collect()
        }
    };
    text.chars().map(swap).collect()
}

/// Letters from a position to before another; a negative end means the text's own.
fn substr(budget: &mut Budget, args: &Arguments<'_>) -> Result<Value, ExprError> {
    let (from, to) = (loose::int(args.get(0)), loose::int(args.get(1)));
    let text = args.text(2)?;
    budget.bytes(text.len())?;
    let from = usize::try_from(from).unwrap_or(0);
    let length = match usize::try_from(to) {
        Ok(to) => to.saturating_sub(from),
        Err(_) => usize::MAX,
    };
    budget.text(text.chars().skip(from).take(length).collect::<String>())
}

/// The first letters, or with a negative number the last ones.
fn trunc(budget: &mut Budget, args: &Arguments<'_>) -> Result<Value, ExprError> {
    let length = loose::int(args.get(0));
    let text = args.text(1)?;
    budget.bytes(text.len())?;
    let kept = usize::try_from(length.unsigned_abs()).unwrap_or(usize::MAX);
    let skipped = if length < 0 {
        text.chars().count().saturating_sub(kept)
    } else {
        0
    };
    let part: String = text.chars().skip(skipped).take(kept).collect();
    budget.text(part)
}

fn abbreviate(budget: &mut Budget, left: i64, width: i64, text: &str) -> Result<Value, ExprError> {
    budget.bytes(text.len())?;
    let (left, width) = (
        usize::try_from(left).unwrap_or(0),
        usize::try_from(width).unwrap_or(0),
    );
    let length = text.chars().count();
    let too_narrow = width < 4 || (left > 0 && width < 7);
    if too_narrow || length <= width {
        return budget.text(text);
    }
    let head = if left > 4 { "..." } else { "" };
    let skipped = if head.is_empty() { 0 } else { left };
    let room = width.saturating_sub(head.len());
    let rest: String = text.chars().skip(skipped).collect();
    if rest.chars().count() <= room {
        return budget.text(format!("{head}{rest}"));
    }
    let shown: String = rest.chars().take(room.saturating_sub(3)).collect();
    budget.text(format!("{head}{shown}..."))
}

/// All arguments that are not nil, each dressed, with blanks between them.
fn quoted(
    budget: &mut Budget,
    args: &Arguments<'_>,
    dress: impl Fn(&str) -> String,
) -> Result<Value, ExprError> {
    let mut out = Vec::new();
    for value in args.values.iter().filter(|value| !value.is_nil()) {
        let text = loose::text(budget, value)?;
        budget.bytes(text.len().saturating_mul(2))?;
        out.push(dress(&text));
    }
    budget.text(out.join(" "))
}

fn indent(budget: &mut Budget, args: &Arguments<'_>, before: &str) -> Result<Value, ExprError> {
    let blanks = loose::size(args.get(0));
    let text = args.text(1)?;
    let lines = text.matches('\n').count().saturating_add(1);
    budget.bytes(blanks.saturating_mul(lines).saturating_add(text.len()))?;
    let pad = " ".repeat(blanks);
    let indented = text.replace('\n', &format!("\n{pad}"));
    Ok(format!("{before}{pad}{indented}").into())
}

/// The words of a text in lower case: parted by signs, blanks and changes to upper case.
fn words(text: &str) -> Vec<String> {
    let mut out = vec![String::new()];
    let mut before_lower = false;
    for c in text.chars() {
        let parts = !c.is_alphanumeric();
        if (parts || (c.is_uppercase() && before_lower))
            && out.last().is_some_and(|w| !w.is_empty())
        {
            out.push(String::new());
        }
        if !parts && let Some(word) = out.last_mut() {
            word.extend(c.to_lowercase());
        }
        before_lower = c.is_lowercase() || c.is_ascii_digit();
    }
    out.retain(|word| !word.is_empty());
    out
}

fn capital(word: &str) -> String {
    change_initials(word, char::to_uppercase)
}

fn wrap(budget: &mut Budget, width: usize, line: &str, text: &str) -> Result<Value, ExprError> {
    budget.bytes(text.len().saturating_mul(line.len().saturating_add(1)))?;
    let mut out = String::new();
    let mut column = 0usize;
    for word in text.split(' ') {
        let length = word.chars().count();
        let needed = column.saturating_add(length).saturating_add(1);
        if column > 0 && needed > width.max(1) {
            out.push_str(line);
            column = 0;
        } else if !out.is_empty() {
            out.push(' ');
            column = column.saturating_add(1);
        }
        out.push_str(word);
        column = column.saturating_add(length);
    }
    budget.text(out)
}
