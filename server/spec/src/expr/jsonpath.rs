//! `jsonpath(json, path)`: one value for a path without choices, a list of all matches otherwise.
//! Members, indexes, slices, unions, wildcards, descent and filters.

mod parse;
mod path;

use super::budget::Budget;
use super::error::ExprError;
use super::functions::{Arguments, Function, convert, function};
use super::value::Value;

pub(super) const TABLE: &[Function] = &[function("jsonpath", 2, 2, jsonpath)];

fn jsonpath(budget: &mut Budget, args: &Arguments<'_>) -> Result<Value, ExprError> {
    let root = match args.get(0) {
        Value::Text(text) => convert::from_json(budget, text, args)?,
        // Already a document: the result of another jsonpath.
        document @ (Value::List(_) | Value::Map(_)) => document.clone(),
        _ => return Err(args.wrong(0, "a JSON text")),
    };
    let source = args.text(1)?;
    budget.step(source.len())?;
    let path = parse::parse(source)?;
    let mut found = path.select(&root, &root, budget)?;
    if !path.is_definite() {
        return budget.list(found);
    }
    found.pop().ok_or_else(|| {
        args.malformed(format!(
            "{} leads to nothing in the document",
            convert::excerpt(source)
        ))
    })
}
