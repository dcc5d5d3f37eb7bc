//! The list of fields as a page of the documentation.

use std::fmt::Write;

use super::{Standing, fields};

const INTRODUCTION: &str = "# Fields of a workflow

What this version makes of each field of the language. Nothing is ignored in silence: a field does what it says, or a
document that has it is refused (`spec.unsupported`), or it is kept without effect and said to be so (`spec.no-effect`).
`steading lint --refused` prints this page; it is made by checking a sample of every field.
";

/// The page, in Markdown.
pub fn page() -> String {
    let (mut refused, mut without_effect, mut supported) =
        (String::new(), String::new(), String::new());
    let mut object = String::new();
    for field in fields() {
        // Writing to a String can not fail.
        let _ = match &field.standing {
            Standing::Refused(why) | Standing::Broken(why) => {
                let why = why.replace('|', "\\|");
                writeln!(refused, "| {} | `{}` | {why} |", field.object, field.path)
            }
            Standing::NoEffect(_) => {
                writeln!(without_effect, "| {} | `{}` |", field.object, field.path)
            }
            Standing::Supported if object == field.object => {
                write!(supported, ", `{}`", field.name())
            }
            Standing::Supported => {
                object.clone_from(&field.object);
                write!(supported, "\n- {object}: `{}`", field.name())
            }
        };
    }
    format!(
        "{INTRODUCTION}
## Refused

| object | field | why |
|---|---|---|
{refused}
## Without effect

| object | field |
|---|---|
{without_effect}
## Supported
{supported}
"
    )
}
