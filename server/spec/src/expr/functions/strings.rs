//! Functions on texts.

use super::super::budget::Budget;
use super::super::error::ExprError;
use super::super::value::Value;
use super::{Arguments, Function, function};

pub(super) const TABLE: &[Function] = &[
    function("trim", 1, 2, trim),
    function("trimPrefix", 2, 2, trim_prefix),
    function("trimSuffix", 2, 2, trim_suffix),
    function("upper", 1, 1, |b, a| {
        b.bytes(a.text(0)?.len())?;
        b.text(a.text(0)?.to_uppercase())
    }),
    function("lower", 1, 1, |b, a| {
        b.bytes(a.text(0)?.len())?;
        b.text(a.text(0)?.to_lowercase())
    }),
    function("split", 2, 3, |b, a| split(b, a, Cut::Without)),
    function("splitAfter", 2, 3, |b, a| split(b, a, Cut::With)),
    function("replace", 3, 4, replace),
    function("repeat", 2, 2, |b, a| repeat(b, a.text(0)?, a.size(1)?)),
    function("indexOf", 2, 2, |b, a| {
        b.step(a.text(0)?.len() / 16)?;
        Ok(position(a.text(0)?.find(a.text(1)?)))
    }),
    function("lastIndexOf", 2, 2, |b, a| {
        b.step(a.text(0)?.len() / 16)?;
        Ok(position(a.text(0)?.rfind(a.text(1)?)))
    }),
    function("hasPrefix", 2, 2, |_, a| {
        Ok(a.text(0)?.starts_with(a.text(1)?).into())
    }),
    function("hasSuffix", 2, 2, |_, a| {
        Ok(a.text(0)?.ends_with(a.text(1)?).into())
    }),
];

fn trim(budget: &mut Budget, args: &Arguments<'_>) -> Result<Value, ExprError> {
    let text = args.text(0)?;
    budget.text(match args.optional_text(1)? {
        Some(unwanted) => text.trim_matches(|c| unwanted.contains(c)),
        None => text.trim(),
    })
}

fn trim_prefix(budget: &mut Budget, args: &Arguments<'_>) -> Result<Value, ExprError> {
    let text = args.text(0)?;
    budget.text(text.strip_prefix(args.text(1)?).unwrap_or(text))
}

fn trim_suffix(budget: &mut Budget, args: &Arguments<'_>) -> Result<Value, ExprError> {
    let text = args.text(0)?;
    budget.text(text.strip_suffix(args.text(1)?).unwrap_or(text))
}

/// Whether a part keeps the separator behind it.
enum Cut {
    With,
    Without,
}

fn split(budget: &mut Budget, args: &Arguments<'_>, cut: Cut) -> Result<Value, ExprError> {
    let (text, separator) = (args.text(0)?, args.text(1)?);
    let most = if args.len() > 2 { args.int(2)? } else { -1 };
    // As in Go: 0 asks for no part, a negative number for all.
    let most = match usize::try_from(most) {
        Ok(0) => return budget.list(Vec::new()),
        Ok(most) => most,
        Err(_) => usize::MAX,
    };
    if separator.is_empty() {
        let letters = text.char_indices();
        let letters = letters.map(|(at, c)| text.get(at..at.saturating_add(c.len_utf8())));
        return budget.texts(letters.flatten().take(most));
    }
    let parts = text.splitn(most, separator);
    match cut {
        Cut::Without => budget.texts(parts),
        Cut::With => {
            let mut rest = text;
            budget.texts(parts.map(move |part| {
                let end = part.len().saturating_add(separator.len()).min(rest.len());
                // A part that holds further separators is the last of a limited split.
                let (whole, after) = rest.split_at_checked(end).unwrap_or((rest, ""));
                rest = after;
                whole
            }))
        }
    }
}

fn replace(budget: &mut Budget, args: &Arguments<'_>) -> Result<Value, ExprError> {
    let (text, old, new) = (args.text(0)?, args.text(1)?, args.text(2)?);
    let most = if args.len() > 3 { args.int(3)? } else { -1 };
    replace_in(budget, text, old, new, usize::try_from(most).ok())
}

/// Replaces all, or the first `most`, occurrences.
pub(crate) fn replace_in(
    budget: &mut Budget,
    text: &str,
    old: &str,
    new: &str,
    most: Option<usize>,
) -> Result<Value, ExprError> {
    budget.step(text.len() / 16)?;
    let found = text.matches(old).take(most.unwrap_or(usize::MAX)).count();
    budget.bytes(found.saturating_mul(new.len()))?;
    budget.text(text.replacen(old, new, found))
}

/// The text many times over.
pub(crate) fn repeat(budget: &mut Budget, text: &str, times: usize) -> Result<Value, ExprError> {
    budget.bytes(text.len().saturating_mul(times))?;
    Ok(Value::text(text.repeat(if text.is_empty() {
        0
    } else {
        times
    })))
}

fn position(found: Option<usize>) -> Value {
    Value::Int(found.and_then(|at| i64::try_from(at).ok()).unwrap_or(-1))
}
