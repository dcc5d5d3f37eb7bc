//! Every field of the language and what this version makes of it. Nothing is listed by hand: a sample of each
//! field goes through the same check as every document, and what that says is the answer.

mod page;

use std::sync::Arc;

use serde_json::{Map, Value, json};

use crate::check::check;
use crate::fault::{Code, Fault};
use crate::model::WorkflowTemplate;
use crate::parse::{Kind, Mode, Object, from_json};
use crate::path::{ancestors, push_index, push_key};
use crate::resolve::{Library, Scope};
use crate::yaml::{Limits, documents};

/// A field of the language.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Field {
    /// The object that has it, by Argo's or Kubernetes' name.
    pub object: String,
    /// Where a document has it: `spec.templates[].timeout`.
    pub path: String,
    /// What becomes of it.
    pub standing: Standing,
}

impl Field {
    /// Its own name: the end of its path.
    pub fn name(&self) -> &str {
        self.path.rsplit('.').next().unwrap_or_default()
    }
}

/// What this version makes of a field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Standing {
    /// It does what it says.
    Supported,
    /// It is kept and changes nothing; the warning's sentence.
    NoEffect(String),
    /// A document that has it is refused; the fault's sentence.
    Refused(String),
    /// The sample is no document of the language: a mistake here.
    Broken(String),
}

pub use page::page;

const SAMPLES: &str = include_str!("inventory/samples.txt");

/// All fields, in the order of the samples.
pub fn fields() -> Vec<Field> {
    let mut fields = Vec::new();
    let mut section = None;
    for line in SAMPLES.lines().filter(|line| !line.starts_with('#')) {
        if let Some((object, place)) = line.strip_prefix('[').and_then(|l| l.split_once("] ")) {
            section = Some(Section::new(object, place));
            continue;
        }
        let (Some(section), Some((name, value))) = (&mut section, line.split_once(": ")) else {
            continue;
        };
        let value = yaml(value);
        if name == "with" {
            section.beside = value;
        } else {
            fields.push(section.field(name, value));
        }
    }
    fields
}

/// One object of the language.
struct Section<'s> {
    object: &'s str,
    /// The kind of template that it stands in; none: in the spec.
    template: Option<&'s str>,
    /// The way from there to the object.
    way: Vec<Step<'s>>,
    /// What stands beside the sample.
    beside: Value,
}

#[derive(Clone, Copy)]
enum Step<'s> {
    Key(&'s str),
    Index(usize),
}

impl<'s> Section<'s> {
    fn new(object: &'s str, place: &'s str) -> Self {
        let place = place.strip_prefix("spec").unwrap_or(place);
        let (template, rest) = match place.strip_prefix(".templates[") {
            Some(rest) => rest
                .split_once(']')
                .map_or((None, rest), |(kind, rest)| (Some(kind), rest)),
            None => (None, place),
        };
        let parts = rest.split(['.', '[']).filter(|part| !part.is_empty());
        let way = parts.map(|part| match part.strip_suffix(']') {
            Some(index) => Step::Index(index.parse().unwrap_or(0)),
            None => Step::Key(part),
        });
        Self {
            object,
            template,
            way: way.collect(),
            beside: json!({}),
        }
    }

    fn field(&self, name: &str, value: Value) -> Field {
        let found = judge(self.workflow(name, value));
        let here = self.path(name);
        let fresh = |code: Code| {
            let mut found = found.iter().filter(move |fault| fault.code == code);
            found.find(|fault| {
                ancestors(&fault.path).any(|path| path == here)
                    || ancestors(&here).any(|path| path == fault.path)
            })
        };
        let broken = [Code::UnknownField, Code::WrongType, Code::Kind, Code::Empty];
        let standing = if let Some(fault) = broken.into_iter().find_map(fresh) {
            Standing::Broken(fault.to_string())
        } else if let Some(fault) = fresh(Code::Unsupported) {
            Standing::Refused(fault.message.clone())
        } else if let Some(fault) = fresh(Code::NoEffect) {
            Standing::NoEffect(fault.message.clone())
        } else {
            Standing::Supported
        };
        Field {
            object: self.object.to_owned(),
            path: here.replace("[0]", "[]"),
            standing,
        }
    }

    fn path(&self, name: &str) -> String {
        let mut path = "spec".to_owned();
        if self.template.is_some() {
            path.push_str(".templates[0]");
        }
        for step in &self.way {
            match step {
                Step::Key(key) => push_key(&mut path, key),
                Step::Index(index) => push_index(&mut path, *index),
            }
        }
        push_key(&mut path, name);
        path
    }

    /// A workflow with the field.
    fn workflow(&self, name: &str, value: Value) -> Value {
        let kind = self.template.unwrap_or("container");
        let mut template = template(kind);
        let mut spec = Map::new();
        let root = match self.template {
            Some(_) => &mut template,
            None => &mut spec,
        };
        root.extend(self.beside.as_object().cloned().unwrap_or_default());
        let mut root_value = Value::Object(std::mem::take(root));
        put(&mut root_value, &self.way, name, value);
        *root = match root_value {
            Value::Object(fields) => fields,
            _ => Map::new(),
        };
        spec.entry("entrypoint").or_insert_with(|| json!(kind));
        let leaf = json!({
            "name": "leaf", "suspend": {},
            "inputs": {"parameters": [{"name": "p", "default": "d"}]},
        });
        spec.entry("templates")
            .or_insert_with(|| json!([template, leaf]));
        json!({
            "apiVersion": "argoproj.io/v1alpha1", "kind": "Workflow",
            "metadata": {"name": "sample"}, "spec": spec,
        })
    }
}

/// The least template of a kind.
fn template(kind: &str) -> Map<String, Value> {
    let body = match kind {
        "container" => json!({"image": "x", "command": ["a"]}),
        "script" => json!({"image": "x", "source": "a"}),
        "containerSet" => json!({"containers": [{"name": "main", "image": "x"}]}),
        "steps" => json!([[{"name": "a", "template": "leaf"}]]),
        "dag" => json!({"tasks": [{"name": "a", "template": "leaf"}]}),
        "resource" => json!({
            "action": "get",
            "manifest": r#"{"kind": "Workflow", "metadata": {"name": "a"}}"#,
        }),
        "http" => json!({"url": "http://a.example"}),
        _ => json!({}),
    };
    let mut template = Map::new();
    template.insert("name".to_owned(), json!(kind));
    template.insert(kind.to_owned(), body);
    template
}

/// Puts a field into the object at the end of a way, which is made where it is missing.
fn put(root: &mut Value, way: &[Step<'_>], name: &str, value: Value) {
    let mut at = root;
    for step in way {
        at = match step {
            Step::Key(key) => object(at).entry(*key).or_insert(Value::Null),
            Step::Index(index) => {
                if !at.is_array() {
                    *at = json!([]);
                }
                let Value::Array(items) = at else { return };
                if items.len() <= *index {
                    items.resize(index.saturating_add(1), Value::Null);
                }
                let Some(item) = items.get_mut(*index) else {
                    return;
                };
                item
            }
        };
    }
    object(at).insert(name.to_owned(), value);
}

fn object(value: &mut Value) -> &mut Map<String, Value> {
    if !value.is_object() {
        *value = json!({});
    }
    match value {
        Value::Object(fields) => fields,
        other => object(other),
    }
}

fn yaml(text: &str) -> Value {
    let values = documents(text.as_bytes(), &Limits::default());
    let value = values.ok().and_then(|values| values.into_iter().next());
    value.map_or(Value::Null, |(_, value)| value)
}

/// Everything that the check says of a workflow.
fn judge(workflow: Value) -> Vec<Fault> {
    let document = from_json(
        workflow,
        Some(Kind::Workflow),
        Mode::Strict,
        &Limits::default(),
    );
    match document {
        Err(faults) => faults,
        Ok(document) => match &document.object {
            Object::Workflow(workflow) => match check(workflow, &Saved) {
                Ok(checked) => checked.warnings,
                Err(faults) => faults,
            },
            _ => Vec::new(),
        },
    }
}

/// A library with one template, under every name.
struct Saved;

impl Library for Saved {
    fn template(&self, name: &str, _: Scope) -> Option<Arc<WorkflowTemplate>> {
        let object = json!({
            "metadata": {"name": name},
            "spec": {"entrypoint": "leaf", "templates": [{"name": "leaf", "suspend": {}}]},
        });
        let limits = Limits::default();
        let document = from_json(object, Some(Kind::WorkflowTemplate), Mode::Lenient, &limits);
        match document.ok()?.object {
            Object::WorkflowTemplate(template) => Some(Arc::from(template)),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests;
