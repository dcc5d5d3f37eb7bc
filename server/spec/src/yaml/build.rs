//! Builds values from YAML events, on a stack of our own.

use std::collections::HashMap;

use saphyr_parser::{Event, Parser, ScalarStyle, ScanError, Span, Tag};
use serde_json::{Map, Value};

use super::repair::{is_repairable, repaired};
use super::scalar::{Kind, resolve};
use super::{Limits, duplicate_key, key_too_long, too_deep, too_many_nodes};
use crate::fault::{Code, Fault};

/// Reads every document that is not empty, with its position.
pub(super) fn documents(text: &str, limits: &Limits) -> Result<Vec<(usize, Value)>, Fault> {
    match read(text, limits) {
        Err(Problem::Scan(error)) if is_repairable(&error) => read(&repaired(text), limits),
        other => other,
    }
    .map_err(|problem| match problem {
        Problem::Scan(error) => scan_fault(&error, limits),
        Problem::Fault(fault) => fault,
    })
}

/// Why a text gives no values.
enum Problem {
    /// It is not YAML.
    Scan(ScanError),
    /// It is YAML beyond a bound, or not JSON's.
    Fault(Fault),
}

fn read(text: &str, limits: &Limits) -> Result<Vec<(usize, Value)>, Problem> {
    let mut documents = Vec::new();
    let mut started = 0usize;
    let mut builder = Builder::new(limits);
    let mut parser = Parser::new_from_str(text);
    while let Some(event) = parser.next_event() {
        let (event, span) = event.map_err(Problem::Scan)?;
        match event {
            Event::DocumentStart(_) => {
                started += 1;
                if started > limits.documents {
                    let message = format!("the text has more than {} documents", limits.documents);
                    let fault = Fault::new(Code::TooManyDocuments, "", message);
                    return Err(Problem::Fault(at(fault, span)));
                }
            }
            Event::DocumentEnd => {
                builder.anchors.clear();
                match builder.root.take() {
                    None | Some(Value::Null) => {}
                    Some(value) => documents.push((started - 1, value)),
                }
            }
            event => builder
                .event(event)
                .map_err(|fault| Problem::Fault(at(fault, span)))?,
        }
    }
    Ok(documents)
}

fn scan_fault(error: &ScanError, limits: &Limits) -> Fault {
    // The scanner has a bound of its own on brackets, which it reaches before we see the events.
    let fault = if error.info() == "recursion limit exceeded" {
        too_deep(limits)
    } else {
        Fault::new(Code::Syntax, "", format!("not YAML: {}", error.info()))
    };
    fault.at(error.marker().line(), error.marker().col() + 1)
}

fn at(fault: Fault, span: Span) -> Fault {
    fault.at(span.start.line(), span.start.col() + 1)
}

/// What a value costs when an alias repeats it.
#[derive(Clone, Copy, Default)]
struct Size {
    nodes: usize,
    bytes: usize,
    depth: usize,
}

/// A list or mapping that is not finished.
enum Frame {
    List {
        items: Vec<Value>,
        anchor: usize,
    },
    Map {
        entries: Map<String, Value>,
        key: Option<Key>,
        merges: Vec<Value>,
        anchor: usize,
    },
}

enum Key {
    Name(String),
    /// `<<`
    Merge,
}

struct Builder<'a> {
    limits: &'a Limits,
    stack: Vec<Frame>,
    root: Option<Value>,
    anchors: HashMap<usize, (Value, Size)>,
    nodes: usize,
    /// Bytes that aliases added.
    repeated: usize,
}

impl<'a> Builder<'a> {
    fn new(limits: &'a Limits) -> Self {
        Self {
            limits,
            stack: Vec::new(),
            root: None,
            anchors: HashMap::new(),
            nodes: 0,
            repeated: 0,
        }
    }

    fn event(&mut self, event: Event<'_>) -> Result<(), Fault> {
        match event {
            Event::Scalar(text, style, anchor, tag) => {
                self.scalar(&text, style, anchor, tag.as_deref())
            }
            Event::SequenceStart(anchor, _) => self.open(Frame::List {
                items: Vec::new(),
                anchor,
            }),
            Event::MappingStart(anchor, _) => self.open(Frame::Map {
                entries: Map::new(),
                key: None,
                merges: Vec::new(),
                anchor,
            }),
            Event::SequenceEnd | Event::MappingEnd => self.close(),
            Event::Alias(anchor) => self.alias(anchor),
            _ => Ok(()),
        }
    }

    fn scalar(
        &mut self,
        text: &str,
        style: ScalarStyle,
        anchor: usize,
        tag: Option<&Tag>,
    ) -> Result<(), Fault> {
        self.count(1)?;
        let kind = kind(style, tag);
        if kind == Kind::Plain && text == "<<" && self.expects_key() {
            return self.set_key(Key::Merge);
        }
        let value = resolve(text, kind).ok_or_else(|| {
            Fault::new(
                Code::NotRepresentable,
                "",
                format!("the number {text} can not be written as JSON"),
            )
        })?;
        self.finish(value, anchor)
    }

    fn open(&mut self, frame: Frame) -> Result<(), Fault> {
        self.count(1)?;
        if self.stack.len() >= self.limits.depth {
            return Err(too_deep(self.limits));
        }
        if self.expects_key() {
            return Err(Fault::new(
                Code::NotRepresentable,
                "",
                "a list or a mapping can not be a key",
            ));
        }
        self.stack.push(frame);
        Ok(())
    }

    fn close(&mut self) -> Result<(), Fault> {
        match self.stack.pop() {
            Some(Frame::List { items, anchor }) => self.finish(Value::Array(items), anchor),
            Some(Frame::Map {
                mut entries,
                merges,
                anchor,
                ..
            }) => {
                for merge in merges {
                    merge_into(&mut entries, merge)?;
                }
                self.finish(Value::Object(entries), anchor)
            }
            None => Ok(()),
        }
    }

    fn alias(&mut self, anchor: usize) -> Result<(), Fault> {
        let Some((value, size)) = self.anchors.get(&anchor) else {
            return Err(Fault::new(
                Code::Syntax,
                "",
                "an alias can not stand inside the value that it names",
            ));
        };
        let (value, size) = (value.clone(), *size);
        if self.stack.len() + size.depth > self.limits.depth {
            return Err(too_deep(self.limits));
        }
        self.repeat(size)?;
        self.finish(value, 0)
    }

    /// Puts a finished value where it belongs, and keeps a copy for aliases.
    fn finish(&mut self, value: Value, anchor: usize) -> Result<(), Fault> {
        if anchor != 0 {
            let size = measure(&value);
            self.repeat(size)?;
            self.anchors.insert(anchor, (value.clone(), size));
        }
        if self.expects_key() {
            return self.set_key(Key::Name(key_text(value)?));
        }
        match self.stack.last_mut() {
            None => self.root = Some(value),
            Some(Frame::List { items, .. }) => items.push(value),
            Some(Frame::Map {
                entries,
                key,
                merges,
                ..
            }) => match key.take() {
                Some(Key::Name(name)) => {
                    entries.insert(name, value);
                }
                Some(Key::Merge) => merges.push(value),
                None => {}
            },
        }
        Ok(())
    }

    fn expects_key(&self) -> bool {
        matches!(self.stack.last(), Some(Frame::Map { key: None, .. }))
    }

    fn set_key(&mut self, given: Key) -> Result<(), Fault> {
        if let Some(Frame::Map { entries, key, .. }) = self.stack.last_mut() {
            if let Key::Name(name) = &given {
                if name.len() > self.limits.key {
                    return Err(key_too_long(self.limits));
                }
                if entries.contains_key(name) {
                    return Err(duplicate_key(name));
                }
            }
            *key = Some(given);
        }
        Ok(())
    }

    fn count(&mut self, nodes: usize) -> Result<(), Fault> {
        self.nodes = self.nodes.saturating_add(nodes);
        if self.nodes > self.limits.nodes {
            return Err(too_many_nodes(self.limits));
        }
        Ok(())
    }

    fn repeat(&mut self, size: Size) -> Result<(), Fault> {
        self.nodes = self.nodes.saturating_add(size.nodes);
        self.repeated = self.repeated.saturating_add(size.bytes);
        if self.nodes > self.limits.nodes || self.repeated > self.limits.bytes {
            return Err(Fault::new(
                Code::AliasBomb,
                "",
                format!(
                    "the document holds more than {} values or {} bytes once its aliases are written out",
                    self.limits.nodes, self.limits.bytes
                ),
            ));
        }
        Ok(())
    }
}

fn kind(style: ScalarStyle, tag: Option<&Tag>) -> Kind {
    let core = tag
        .filter(|tag| tag.is_yaml_core_schema())
        .map(|tag| tag.suffix.as_str());
    match (core, tag) {
        (Some("int" | "float" | "bool" | "null"), _) => Kind::Plain,
        (_, Some(_)) => Kind::Text,
        (_, None) if style == ScalarStyle::Plain => Kind::Plain,
        _ => Kind::Text,
    }
}

/// JSON's keys are text; Kubernetes' tools write other scalars as they would be printed.
fn key_text(value: Value) -> Result<String, Fault> {
    match value {
        Value::String(text) => Ok(text),
        Value::Bool(value) => Ok(value.to_string()),
        Value::Number(value) => Ok(value.to_string()),
        _ => Err(Fault::new(
            Code::NotRepresentable,
            "",
            "a key must be a text, a number or a boolean",
        )),
    }
}

/// Adds what a merge key brings, below what the mapping says itself.
fn merge_into(entries: &mut Map<String, Value>, merge: Value) -> Result<(), Fault> {
    match merge {
        Value::Object(map) => {
            for (key, value) in map {
                entries.entry(key).or_insert(value);
            }
            Ok(())
        }
        Value::Array(maps) if maps.iter().all(Value::is_object) => maps
            .into_iter()
            .try_for_each(|map| merge_into(entries, map)),
        _ => Err(Fault::new(
            Code::Syntax,
            "",
            "the merge key '<<' needs a mapping or a list of mappings",
        )),
    }
}

/// Recursion is as deep as the value, which is within the bound of depth.
fn measure(value: &Value) -> Size {
    let sum = |parts: &mut dyn Iterator<Item = Size>| {
        parts.fold(Size::default(), |sum, part| Size {
            nodes: sum.nodes + part.nodes,
            bytes: sum.bytes + part.bytes,
            depth: sum.depth.max(part.depth),
        })
    };
    let inner = match value {
        Value::Array(items) => sum(&mut items.iter().map(measure)),
        Value::Object(map) => sum(&mut map.iter().map(|(key, value)| {
            let size = measure(value);
            Size {
                bytes: size.bytes + key.len(),
                ..size
            }
        })),
        Value::String(text) => Size {
            bytes: text.len(),
            ..Size::default()
        },
        _ => Size::default(),
    };
    Size {
        nodes: inner.nodes + 1,
        bytes: inner.bytes,
        depth: inner.depth + usize::from(value.is_array() || value.is_object()),
    }
}
