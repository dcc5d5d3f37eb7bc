//! The part of Go's `printf` that prints one whole number.

/// A format with one place for a number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Format {
    before: String,
    after: String,
    verb: Verb,
    width: usize,
    left: bool,
    zeros: bool,
    plus: bool,
    prefix: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Verb {
    Decimal,
    Hex,
    UpperHex,
    Octal,
    Binary,
    Character,
}

/// Letters that a number may be filled up to.
const WIDTH: usize = 64;
/// Bytes of a format.
const LENGTH: usize = 256;

impl Format {
    /// Nothing unless the text has exactly one place for a number.
    pub(super) fn parse(text: &str) -> Option<Self> {
        if text.len() > LENGTH {
            return None;
        }
        let (before, place) = literal(text)?;
        let mut format = Self {
            before,
            after: String::new(),
            verb: Verb::Decimal,
            width: 0,
            left: false,
            zeros: false,
            plus: false,
            prefix: false,
        };
        let mut rest = place?;
        while let Some(flag) = rest.chars().next().filter(|c| "-0+#".contains(*c)) {
            match flag {
                '-' => format.left = true,
                '0' => format.zeros = true,
                '+' => format.plus = true,
                _ => format.prefix = true,
            }
            rest = rest.get(1..)?;
        }
        let digits = rest.find(|c: char| !c.is_ascii_digit())?;
        let (width, rest) = rest.split_at_checked(digits)?;
        if !width.is_empty() {
            format.width = width.parse().ok().filter(|width| *width <= WIDTH)?;
        }
        let mut chars = rest.chars();
        format.verb = match chars.next()? {
            'd' | 'v' => Verb::Decimal,
            'x' => Verb::Hex,
            'X' => Verb::UpperHex,
            'o' => Verb::Octal,
            'b' => Verb::Binary,
            'c' => Verb::Character,
            _ => return None,
        };
        let (after, second) = literal(chars.as_str())?;
        format.after = after;
        second.is_none().then_some(format)
    }

    /// The text with the number in its place.
    pub(super) fn print(&self, number: i64) -> String {
        let size = number.unsigned_abs();
        let (prefix, digits) = match self.verb {
            Verb::Decimal => ("", size.to_string()),
            Verb::Hex => ("0x", format!("{size:x}")),
            Verb::UpperHex => ("0X", format!("{size:X}")),
            Verb::Octal => ("0", format!("{size:o}")),
            Verb::Binary => ("0b", format!("{size:b}")),
            Verb::Character => {
                let code = u32::try_from(number).ok().and_then(char::from_u32);
                let shown = code.unwrap_or(char::REPLACEMENT_CHARACTER);
                return format!("{}{shown}{}", self.before, self.after);
            }
        };
        let sign = match (number < 0, self.plus) {
            (true, _) => "-",
            (false, true) => "+",
            (false, false) => "",
        };
        let sign = format!("{sign}{}", if self.prefix { prefix } else { "" });
        let missing = self
            .width
            .saturating_sub(sign.len().saturating_add(digits.len()));
        let (before, after) = (&self.before, &self.after);
        match (self.left, self.zeros) {
            (true, _) => format!("{before}{sign}{digits}{}{after}", " ".repeat(missing)),
            (_, true) => format!("{before}{sign}{}{digits}{after}", "0".repeat(missing)),
            _ => format!("{before}{}{sign}{digits}{after}", " ".repeat(missing)),
        }
    }
}

/// The text up to the first place, and what follows its `%`. `%%` is a percent sign.
fn literal(text: &str) -> Option<(String, Option<&str>)> {
    let mut out = String::new();
    let mut rest = text;
    loop {
        let Some((before, after)) = rest.split_once('%') else {
            out.push_str(rest);
            return Some((out, None));
        };
        out.push_str(before);
        match after.strip_prefix('%') {
            Some(next) => {
                out.push('%');
                rest = next;
            }
            None => return Some((out, Some(after))),
        }
    }
}
