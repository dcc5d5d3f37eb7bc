//! `withSequence`: the numbers of a loop, as texts. A sequence knows its length and makes its items one
//! at a time, so that a large loop can be expanded in chunks.

mod printf;

use thiserror::Error;

use printf::Format;

/// Why a sequence can not be made.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum SequenceError {
    /// Both or none of `count` and `end`.
    #[error("withSequence needs exactly one of count and end")]
    CountOrEnd,
    /// A bound that is no whole number.
    #[error("withSequence.{field} must be a whole number, not '{text}'")]
    NotANumber {
        /// `count`, `start` or `end`.
        field: &'static str,
        /// What was given.
        text: String,
    },
    /// A count below zero.
    #[error("withSequence.count must not be negative, but is {0}")]
    NegativeCount(i64),
    /// More items than allowed.
    #[error("withSequence would make {length} items, more than the limit of {limit}")]
    TooLong {
        /// Items asked for.
        length: u128,
        /// Items allowed.
        limit: usize,
    },
    /// A format that does not print one whole number.
    #[error(
        "withSequence.format '{0}' must hold one of %d, %x, %X, %o, %b, %c with an optional width"
    )]
    Format(String),
}

impl SequenceError {
    /// The stable dotted code.
    pub fn code(&self) -> &'static str {
        match self {
            Self::CountOrEnd => "sequence.count-or-end",
            Self::NotANumber { .. } => "sequence.not-a-number",
            Self::NegativeCount(_) => "sequence.negative-count",
            Self::TooLong { .. } => "sequence.too-long",
            Self::Format(_) => "sequence.format",
        }
    }

    /// What a person can do about it.
    pub fn fix(&self) -> Option<String> {
        match self {
            Self::TooLong { .. } => Some("let each item do a range of the work".into()),
            Self::Format(_) => Some("write it as %d or %04d".into()),
            _ => None,
        }
    }
}

/// What a template says, after substitution.
#[derive(Debug, Clone, Copy, Default)]
pub struct SequenceSpec<'s> {
    /// How many numbers.
    pub count: Option<&'s str>,
    /// The first number; 0 when absent.
    pub start: Option<&'s str>,
    /// The last number.
    pub end: Option<&'s str>,
    /// How a number is printed; `%d` when absent.
    pub format: Option<&'s str>,
}

/// The numbers from a first to a last one, up or down.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sequence {
    start: i64,
    descending: bool,
    length: usize,
    format: Format,
}

impl Sequence {
    /// Makes a sequence of at most `limit` items.
    ///
    /// # Errors
    /// [`SequenceError`] for wrong bounds, a wrong format, or too many items.
    pub fn new(spec: SequenceSpec<'_>, limit: usize) -> Result<Self, SequenceError> {
        let start = number("start", spec.start)?.unwrap_or(0);
        let (descending, length) = match (number("count", spec.count)?, number("end", spec.end)?) {
            (Some(count), None) => {
                let length =
                    u64::try_from(count).map_err(|_| SequenceError::NegativeCount(count))?;
                (false, u128::from(length))
            }
            (None, Some(end)) => (
                end < start,
                u128::from(start.abs_diff(end)).saturating_add(1),
            ),
            _ => return Err(SequenceError::CountOrEnd),
        };
        let allowed = usize::try_from(length)
            .ok()
            .filter(|length| *length <= limit);
        let Some(length) = allowed else {
            return Err(SequenceError::TooLong { length, limit });
        };
        let text = spec
            .format
            .filter(|format| !format.is_empty())
            .unwrap_or("%d");
        let format = Format::parse(text)
            .ok_or_else(|| SequenceError::Format(text.chars().take(60).collect()))?;
        Ok(Self {
            start,
            descending,
            length,
            format,
        })
    }

    /// How many items.
    pub fn len(&self) -> usize {
        self.length
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.length == 0
    }

    /// The item at a position.
    pub fn get(&self, index: usize) -> Option<String> {
        let offset = i64::try_from(index).ok().filter(|_| index < self.length)?;
        let number = if self.descending {
            self.start.checked_sub(offset)
        } else {
            self.start.checked_add(offset)
        };
        Some(self.format.print(number?))
    }

    /// All items in order.
    pub fn iter(&self) -> impl Iterator<Item = String> + '_ {
        (0..self.length).filter_map(|index| self.get(index))
    }
}

fn number(field: &'static str, text: Option<&str>) -> Result<Option<i64>, SequenceError> {
    let Some(text) = text else {
        return Ok(None);
    };
    match text.trim().parse() {
        Ok(number) => Ok(Some(number)),
        Err(_) => Err(SequenceError::NotANumber {
            field,
            text: text.chars().take(40).collect(),
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn items(
        count: Option<&str>,
        start: Option<&str>,
        end: Option<&str>,
        format: Option<&str>,
    ) -> Result<Vec<String>, SequenceError> {
        let spec = SequenceSpec {
            count,
            start,
            end,
            format,
        };
        Sequence::new(spec, 1_000).map(|sequence| sequence.iter().collect())
    }

    #[test]
    fn a_sequence_counts_up_and_down_with_both_ends() {
        assert_eq!(items(Some("3"), None, None, None).unwrap(), ["0", "1", "2"]);
        assert_eq!(items(Some("2"), Some("5"), None, None).unwrap(), ["5", "6"]);
        assert_eq!(
            items(None, Some("1"), Some("3"), None).unwrap(),
            ["1", "2", "3"]
        );
        assert_eq!(
            items(None, Some("1"), Some("-1"), None).unwrap(),
            ["1", "0", "-1"]
        );
        assert_eq!(items(None, None, Some("0"), None).unwrap(), ["0"]);
        assert!(items(Some("0"), None, None, None).unwrap().is_empty());
    }

    #[test]
    fn items_are_printed_as_the_format_says() {
        let one = |format| items(Some("1"), Some("10"), None, Some(format)).map(|i| i.concat());
        for (format, printed) in [
            ("testuser%02X", "testuser0A"),
            ("%d%%", "10%"),
            ("%05d", "00010"),
            ("%5d|", "   10|"),
            ("%-5d|", "10   |"),
            ("%+d", "+10"),
            ("%#x", "0xa"),
            ("%o-%%", "12-%"),
            ("%b", "1010"),
            ("", "10"),
        ] {
            assert_eq!(one(format).as_deref(), Ok(printed), "{format}");
        }
        for format in ["%s", "%", "%d %d", "none", "%999999999d", "%.3d"] {
            assert_eq!(
                one(format).unwrap_err().code(),
                "sequence.format",
                "{format}"
            );
        }
    }

    #[test]
    fn wrong_and_endless_sequences_are_refused() {
        let code = |c, s, e| items(c, s, e, None).unwrap_err().code();
        assert_eq!(code(None, None, None), "sequence.count-or-end");
        assert_eq!(code(Some("1"), None, Some("1")), "sequence.count-or-end");
        assert_eq!(code(Some("many"), None, None), "sequence.not-a-number");
        assert_eq!(code(Some("-1"), None, None), "sequence.negative-count");
        assert_eq!(code(Some("1001"), None, None), "sequence.too-long");
        let (least, most) = (i64::MIN.to_string(), i64::MAX.to_string());
        assert_eq!(code(None, Some(&least), Some(&most)), "sequence.too-long");
    }

    proptest! {
        #[test]
        fn length_and_items_agree(start: i64, distance in -50i64..50) {
            let end = start.saturating_add(distance);
            let (first, last) = (start.to_string(), end.to_string());
            let all = items(None, Some(&first), Some(&last), None).unwrap();
            prop_assert_eq!(all.len() as u64, start.abs_diff(end) + 1);
            prop_assert_eq!(all.first(), Some(&first));
            prop_assert_eq!(all.last(), Some(&last));
        }

        #[test]
        fn no_format_panics(format in ".{0,20}", number: i64) {
            let number = number.to_string();
            let _ = items(Some("1"), Some(&number), None, Some(&format));
        }
    }
}
