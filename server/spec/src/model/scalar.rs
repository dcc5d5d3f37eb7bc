//! Scalars that Argo accepts in more than one form.

use std::fmt;
use std::ops::Deref;

use serde::de::{self, Deserializer, Visitor};
use serde::{Deserialize, Serialize, Serializer};
use thiserror::Error;

/// Text that may be written as a string, a number or a boolean (`value: 5` is the text `5`).
#[derive(Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct AnyString(pub String);

impl Deref for AnyString {
    type Target = str;
    fn deref(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for AnyString {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.0)
    }
}

impl fmt::Display for AnyString {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl From<&str> for AnyString {
    fn from(text: &str) -> Self {
        Self(text.to_owned())
    }
}

impl<'de> Deserialize<'de> for AnyString {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(AnyStringVisitor).map(Self)
    }
}

struct AnyStringVisitor;

impl Visitor<'_> for AnyStringVisitor {
    type Value = String;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a string, a number or a boolean")
    }
    fn visit_str<E: de::Error>(self, v: &str) -> Result<String, E> {
        Ok(v.to_owned())
    }
    fn visit_string<E: de::Error>(self, v: String) -> Result<String, E> {
        Ok(v)
    }
    fn visit_bool<E: de::Error>(self, v: bool) -> Result<String, E> {
        Ok(v.to_string())
    }
    fn visit_i64<E: de::Error>(self, v: i64) -> Result<String, E> {
        Ok(v.to_string())
    }
    fn visit_u64<E: de::Error>(self, v: u64) -> Result<String, E> {
        Ok(v.to_string())
    }
    fn visit_f64<E: de::Error>(self, v: f64) -> Result<String, E> {
        Ok(v.to_string())
    }
}

/// A whole number, or text that becomes one when its tags are substituted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum IntOrString {
    /// Written as a number.
    Int(i64),
    /// Written as text.
    Text(String),
}

/// Why an [`IntOrString`] has no value.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("'{0}' is not a whole number")]
pub struct NotAnInteger(pub String);

impl IntOrString {
    /// The number.
    ///
    /// # Errors
    /// [`NotAnInteger`] while the text holds anything else, a tag for instance.
    pub fn value(&self) -> Result<i64, NotAnInteger> {
        match self {
            Self::Int(n) => Ok(*n),
            Self::Text(text) => {
                let wrong = |_| NotAnInteger(text.chars().take(80).collect());
                text.trim().parse().map_err(wrong)
            }
        }
    }

    /// True while the value still has to be substituted.
    pub fn is_templated(&self) -> bool {
        matches!(self, Self::Text(text) if text.contains("{{"))
    }
}

impl fmt::Display for IntOrString {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Int(n) => n.fmt(f),
            Self::Text(text) => f.write_str(text),
        }
    }
}

impl Serialize for IntOrString {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Int(n) => serializer.serialize_i64(*n),
            Self::Text(text) => serializer.serialize_str(text),
        }
    }
}

impl<'de> Deserialize<'de> for IntOrString {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(IntOrStringVisitor)
    }
}

struct IntOrStringVisitor;

impl Visitor<'_> for IntOrStringVisitor {
    type Value = IntOrString;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a whole number or a string")
    }
    fn visit_str<E: de::Error>(self, v: &str) -> Result<IntOrString, E> {
        Ok(IntOrString::Text(v.to_owned()))
    }
    fn visit_i64<E: de::Error>(self, v: i64) -> Result<IntOrString, E> {
        Ok(IntOrString::Int(v))
    }
    fn visit_u64<E: de::Error>(self, v: u64) -> Result<IntOrString, E> {
        i64::try_from(v)
            .map(IntOrString::Int)
            .map_err(|_| E::custom("the number is too large"))
    }
    fn visit_f64<E: de::Error>(self, v: f64) -> Result<IntOrString, E> {
        // YAML's `1e3` is a float that means a whole number.
        if v.fract() == 0.0 && v.abs() < 9e15 {
            Ok(IntOrString::Int(v as i64))
        } else {
            Err(E::custom("the number is not whole"))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{from_value, json};

    #[test]
    fn a_number_or_boolean_given_as_a_parameter_is_its_text() {
        for (given, text) in [
            (json!("a"), "a"),
            (json!(5), "5"),
            (json!(-5), "-5"),
            (json!(1.5), "1.5"),
            (json!(1000.0), "1000"),
            (json!(true), "true"),
        ] {
            assert_eq!(from_value::<AnyString>(given).unwrap().0, text);
        }
        assert!(from_value::<AnyString>(json!(["a"])).is_err());
    }

    #[test]
    fn a_limit_may_be_a_number_its_text_or_a_tag() {
        let read = |given| from_value::<IntOrString>(given).unwrap();
        assert_eq!(read(json!(10)).value(), Ok(10));
        assert_eq!(read(json!("10")).value(), Ok(10));
        assert!(read(json!("{{inputs.parameters.n}}")).is_templated());
        assert!(read(json!("ten")).value().is_err());
        assert!(from_value::<IntOrString>(json!(1.5)).is_err());
        assert!(from_value::<IntOrString>(json!(u64::MAX)).is_err());
    }
}
