//! JSON documents, within the same bounds and with the same refusal of duplicate keys as YAML.

use std::cell::RefCell;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};

use super::{Limits, duplicate_key, key_too_long, too_deep, too_many_nodes};
use crate::fault::Fault;

/// Why a text gives no JSON value.
pub(super) enum Problem {
    /// It is not JSON; it may be YAML.
    NotJson,
    /// It is JSON beyond a bound.
    Fault(Fault),
}

/// Reads a text that is one JSON value.
pub(super) fn document(text: &str, limits: &Limits) -> Result<Value, Problem> {
    let reading = Reading {
        limits,
        nodes: RefCell::new(0),
        fault: RefCell::new(None),
    };
    let mut json = serde_json::Deserializer::from_str(text);
    let read = Seed {
        reading: &reading,
        depth: 0,
    }
    .deserialize(&mut json)
    .and_then(|value| json.end().map(|()| value));
    read.map_err(|error| match reading.fault.take() {
        Some(fault) => Problem::Fault(fault.at(error.line(), error.column())),
        // serde_json's own bound, for the case that ours is larger.
        None if error.to_string().starts_with("recursion limit") => {
            Problem::Fault(too_deep(limits).at(error.line(), error.column()))
        }
        None => Problem::NotJson,
    })
}

/// The state of one reading. Serde's errors carry only text, so a fault is put beside them.
struct Reading<'a> {
    limits: &'a Limits,
    nodes: RefCell<usize>,
    fault: RefCell<Option<Fault>>,
}

impl Reading<'_> {
    fn refuse<E: Error>(&self, fault: Fault) -> E {
        *self.fault.borrow_mut() = Some(fault);
        E::custom("refused")
    }

    fn count<E: Error>(&self) -> Result<(), E> {
        let mut nodes = self.nodes.borrow_mut();
        *nodes += 1;
        if *nodes > self.limits.nodes {
            return Err(self.refuse(too_many_nodes(self.limits)));
        }
        Ok(())
    }
}

/// Reads one value.
#[derive(Clone, Copy)]
struct Seed<'a> {
    reading: &'a Reading<'a>,
    depth: usize,
}

impl Seed<'_> {
    fn deeper<E: Error>(self) -> Result<Self, E> {
        if self.depth >= self.reading.limits.depth {
            return Err(self.reading.refuse(too_deep(self.reading.limits)));
        }
        Ok(Self {
            depth: self.depth + 1,
            ..self
        })
    }
}

impl<'de> DeserializeSeed<'de> for Seed<'_> {
    type Value = Value;
    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        self.reading.count()?;
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Seed<'_> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }
    fn visit_unit<E: Error>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }
    fn visit_bool<E: Error>(self, v: bool) -> Result<Value, E> {
        Ok(Value::Bool(v))
    }
    fn visit_i64<E: Error>(self, v: i64) -> Result<Value, E> {
        Ok(Value::from(v))
    }
    fn visit_u64<E: Error>(self, v: u64) -> Result<Value, E> {
        Ok(Value::from(v))
    }
    fn visit_f64<E: Error>(self, v: f64) -> Result<Value, E> {
        Ok(Number::from_f64(v).map_or(Value::Null, Value::Number))
    }
    fn visit_str<E: Error>(self, v: &str) -> Result<Value, E> {
        Ok(Value::from(v))
    }
    fn visit_string<E: Error>(self, v: String) -> Result<Value, E> {
        Ok(Value::String(v))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Value, A::Error> {
        let inner = self.deeper()?;
        let mut items = Vec::new();
        while let Some(item) = seq.next_element_seed(inner)? {
            items.push(item);
        }
        Ok(Value::Array(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Value, A::Error> {
        let inner = self.deeper()?;
        let mut entries = Map::new();
        while let Some(key) = map.next_key::<String>()? {
            if key.len() > self.reading.limits.key {
                return Err(self.reading.refuse(key_too_long(self.reading.limits)));
            }
            if entries.contains_key(&key) {
                return Err(self.reading.refuse(duplicate_key(&key)));
            }
            let value = map.next_value_seed(inner)?;
            entries.insert(key, value);
        }
        Ok(Value::Object(entries))
    }
}
