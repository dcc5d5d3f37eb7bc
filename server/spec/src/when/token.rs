//! The words of a condition.

#[derive(Debug, Clone, PartialEq)]
pub(super) enum Token {
    Number(f64),
    Quoted(String),
    /// A word without quotes: a text, or a word of the language.
    Bare(String),
    Operator(&'static str),
    End,
}

impl Token {
    pub(super) fn shown(&self) -> String {
        match self {
            Self::Number(number) => format!("'{number}'"),
            Self::Quoted(text) | Self::Bare(text) => {
                let text: String = text.chars().take(60).collect();
                format!("'{text}'")
            }
            Self::Operator(operator) => format!("'{operator}'"),
            Self::End => "the end".into(),
        }
    }
}

/// Longer ones first.
const OPERATORS: &[&str] = &[
    "&&", "||", "==", "!=", "<=", ">=", "=~", "!~", "**", "<", ">", "!", "+", "-", "*", "/", "%",
    "?", ":", "(", ")", ",",
];

pub(super) fn tokens(text: &str) -> Result<Vec<Token>, String> {
    let mut out = Vec::new();
    let mut rest = text.trim_start();
    while let Some(first) = rest.chars().next() {
        let (token, after) = match first {
            '\'' | '"' => quoted(rest, first, "an unclosed string")?,
            '[' => {
                let (token, after) = quoted(rest, ']', "an unclosed bracket")?;
                match token {
                    Token::Quoted(name) => (Token::Bare(name), after),
                    other => (other, after),
                }
            }
            c if c.is_alphanumeric() || c == '_' || c == '.' => word(rest),
            _ => {
                let found = OPERATORS.iter().find(|sign| rest.starts_with(**sign));
                let Some(sign) = found else {
                    return Err(format!("Invalid token: '{first}'"));
                };
                let after = rest.get(sign.len()..).unwrap_or_default();
                (Token::Operator(sign), after)
            }
        };
        out.push(token);
        rest = after.trim_start();
    }
    Ok(out)
}

/// A text up to its closing sign. A backslash takes the next sign as it is.
fn quoted<'t>(text: &'t str, close: char, unclosed: &str) -> Result<(Token, &'t str), String> {
    let mut out = String::new();
    let mut chars = text.char_indices().skip(1);
    while let Some((at, c)) = chars.next() {
        match c {
            '\\' => out.extend(chars.next().map(|(_, escaped)| escaped)),
            c if c == close => {
                let after = at.saturating_add(c.len_utf8());
                return Ok((Token::Quoted(out), text.get(after..).unwrap_or_default()));
            }
            c => out.push(c),
        }
    }
    Err(unclosed.to_owned())
}

fn split_at_first(text: &str, unwanted: impl Fn(char) -> bool) -> (&str, &str) {
    let end = text.find(unwanted).unwrap_or(text.len());
    text.split_at_checked(end).unwrap_or((text, ""))
}

/// A number or a word.
fn word(text: &str) -> (Token, &str) {
    let is_letter = |c: char| c.is_alphanumeric() || c == '_' || c == '.';
    let (short, after) = split_at_first(text, |c| !is_letter(c));
    if let Some(number) = number(short) {
        return (Token::Number(number), after);
    }
    // Hyphens and slashes inside a word belong to it: as arithmetic on texts they would only fail.
    let mut end = short.len();
    let mut rest = after;
    while let Some(next) = rest.strip_prefix(['-', '/', '\\']) {
        let (more, behind) = split_at_first(next, |c| !is_letter(c));
        if more.is_empty() {
            break;
        }
        rest = behind;
        end = text.len().saturating_sub(rest.len());
    }
    let (word, after) = text.split_at_checked(end).unwrap_or((text, ""));
    (Token::Bare(word.replace('\\', "")), after)
}

fn number(word: &str) -> Option<f64> {
    if let Some(hex) = word.strip_prefix("0x").or_else(|| word.strip_prefix("0X")) {
        return u64::from_str_radix(hex, 16).ok().map(|whole| whole as f64);
    }
    let digits = word.bytes().all(|c| c.is_ascii_digit() || c == b'.');
    word.parse().ok().filter(|_| digits)
}
